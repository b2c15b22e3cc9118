//! A program of the person's, in their terminal and with their environment.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stop;
use crate::base::{Error, Result};

const TICK: Duration = Duration::from_millis(50);
/// How long it may take to leave once we are asked to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Runs it in `dir` until it ends, and returns its exit code, or 128 and the signal. Ctrl-C is its
/// business meanwhile. When we are asked to stop, it is hung up on, as by a terminal that is closed.
pub fn in_terminal(argv: &[OsString], dir: &Path) -> Result<i32> {
    let Some((program, args)) = argv.split_first() else {
        return Err(Error::usage("there is no program to run"));
    };
    let lent = stop::lend_terminal();
    let expr = duct::cmd(program, args).dir(dir).unchecked().before_spawn(|command| {
        // SAFETY: prctl is async-signal-safe; the program goes with us, also when we are killed.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGHUP);
                Ok(())
            });
        }
        Ok(())
    });
    let handle = expr.start().map_err(|e| {
        let what = format!("cannot start '{}'", program.to_string_lossy());
        match e.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                Error::missing(what).because(e)
            }
            _ => Error::machine(what).because(e),
        }
    })?;
    let failed = |e| Error::machine("cannot wait for the program").because(e);
    loop {
        if let Some(output) = handle.wait_timeout(TICK).map_err(failed)? {
            drop(lent);
            let status = output.status;
            return Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
        }
        if let Err(stopped) = stop::check() {
            for signal in [Signal::SIGHUP, Signal::SIGKILL] {
                for pid in handle.pids() {
                    let _gone_already = kill(Pid::from_raw(pid as i32), signal);
                }
                if handle.wait_timeout(GRACE).map_err(failed)?.is_some() {
                    break;
                }
            }
            return Err(stopped);
        }
    }
}
