//! A program that is still running.

use std::process::{Child, ExitStatus};

/// Killed, at the latest, when the test ends.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn new(child: Child) -> Self {
        Self { child }
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Sends the signal to this one process.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the child was not waited for, so the number still names it.
        let sent = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(sent, 0, "signal {signal}");
    }

    /// Sends it and waits until it was taken: two of a kind that wait are one.
    pub fn signal_taken(&self, signal: i32) {
        self.signal(signal);
        let path = format!("/proc/{}/status", self.child.id());
        super::until("the signal is taken", || {
            let status = std::fs::read_to_string(&path).unwrap_or_default();
            let waiting = status.lines().find_map(|l| l.strip_prefix("ShdPnd:"));
            let waiting = u64::from_str_radix(waiting.unwrap_or("0").trim(), 16).unwrap_or(0);
            (waiting & (1 << (signal - 1)) == 0).then_some(())
        });
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }

    /// The exit code, or 128 and the signal.
    pub fn end(mut self) -> i32 {
        code(self.child.wait().expect("it ends"))
    }
}

pub fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().expect("no code means a signal"))
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
