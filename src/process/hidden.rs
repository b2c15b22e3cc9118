//! A child's words on their way into a file, without secrets.

use std::fs::File;
use std::io::{PipeWriter, Read, Write};
use std::thread::JoinHandle;

use crate::base::{Error, Result, Secrets};

/// A pipe whose other end is written to `file`. The thread ends when every writer has.
pub(super) fn log(mut file: File, secrets: &Secrets) -> Result<(PipeWriter, JoinHandle<()>)> {
    let (mut reader, writer) =
        std::io::pipe().map_err(|e| Error::machine("cannot make a pipe").because(e))?;
    let mut redactor = secrets.stream();
    let pump = std::thread::spawn(move || {
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
    Ok((writer, pump))
}
