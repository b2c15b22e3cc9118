//! A child's words on their way into a file, without secrets.

use std::fs::File;
use std::io::{PipeWriter, Read, Write};
use std::thread::JoinHandle;

use super::ending::{self, Going};
use crate::base::{Result, Secrets};

/// What takes from the pipe. Dropped it writes what is there, and ends.
#[derive(Debug)]
pub(super) struct Pump {
    going: Option<Going>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Pump {
    fn drop(&mut self) {
        drop(self.going.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A pipe whose other end is written to `file`.
pub(super) fn log(mut file: File, secrets: &Secrets) -> Result<(PipeWriter, Pump)> {
    let (mut reader, writer, going) = ending::pipe()?;
    let mut redactor = secrets.stream();
    let thread = std::thread::spawn(move || {
        let (mut piece, mut out) = (vec![0; 64 << 10], Vec::new());
        // After a write that failed (a full disk) the rest is still taken, so that nobody waits.
        let mut whole = true;
        loop {
            let n = match reader.read(&mut piece) {
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if n > 0 {
                redactor.take(&piece[..n], &mut out);
            } else {
                redactor.flush(&mut out);
            }
            whole = whole && file.write_all(&out).is_ok();
            out.clear();
            if n == 0 {
                return;
            }
        }
    });
    Ok((writer, Pump { going: Some(going), thread: Some(thread) }))
}
