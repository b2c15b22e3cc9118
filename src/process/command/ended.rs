//! How a child ended, from what the system says.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::{Ended, Finished};
use crate::base::{Error, Result};

pub(super) fn of_status(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, Some(signal)) => Ended::Signaled(signal),
        (None, None) => Ended::Signaled(0),
    }
}

pub(super) fn not_started(program: &OsString, e: std::io::Error) -> Result<Finished> {
    let ended = match e.kind() {
        std::io::ErrorKind::NotFound => Ended::NotFound,
        std::io::ErrorKind::PermissionDenied => Ended::NotExecutable,
        // ENOEXEC: a file that is neither a binary nor starts with #!
        _ if e.raw_os_error() == Some(libc::ENOEXEC) => Ended::NotExecutable,
        _ => {
            return Err(
                Error::machine(format!("cannot start '{}'", program.to_string_lossy())).because(e)
            );
        }
    };
    Ok(Finished { ended, duration: Duration::ZERO, left_behind: 0 })
}
