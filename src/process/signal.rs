//! Signals to a child. A wrapper stands between us and a program in namespaces: a signal to the
//! wrapper would end everything at once, so it goes to what the wrapper started.

use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::command::pid_of;
use super::reap;

/// How long a child may take to leave after SIGTERM.
pub(super) const GRACE: Duration = Duration::from_millis(2000);
/// The same for one that was asked by SIGINT before.
pub(super) const SECOND_GRACE: Duration = Duration::from_millis(300);

/// Whether the child is the program, or a bwrap with a process of its own between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapped {
    Not,
    ByBwrap,
}

/// To the program alone.
pub(super) fn pass_on(handle: &duct::Handle, wrapped: Wrapped, signal: i32) {
    let (Some(pid), Ok(signal)) = (pid_of(handle), Signal::try_from(signal)) else { return };
    let programs = match wrapped {
        Wrapped::Not => vec![pid],
        Wrapped::ByBwrap => reap::grandchildren_of(pid),
    };
    for pid in programs {
        let _gone_already = kill(Pid::from_raw(pid), signal);
    }
}

/// SIGTERM to everything, then a grace, then the caller kills what is left.
pub(super) fn stop_group(handle: &duct::Handle, wrapped: Wrapped, grace: Duration) {
    let Some(pid) = pid_of(handle) else { return };
    match wrapped {
        Wrapped::Not => {
            let _gone_already = killpg(Pid::from_raw(pid), Signal::SIGTERM);
        }
        Wrapped::ByBwrap => {
            for inside in reap::family_of(pid).into_iter().filter(|p| *p != pid) {
                let _gone_already = kill(Pid::from_raw(inside), Signal::SIGTERM);
            }
        }
    }
    if !matches!(handle.wait_timeout(grace), Ok(Some(_))) {
        let _gone_already = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
