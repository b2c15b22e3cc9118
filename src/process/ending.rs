//! A pipe whose reading ends when we say so, whoever still holds its other end. A child that has
//! ended can have handed the end on to somebody who will not let go of it.

use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::base::{Error, Result};

/// While it lives, the reader waits for more. After that it takes what was written until then, and
/// is at its end.
#[derive(Debug)]
pub(super) struct Going(#[expect(dead_code, reason = "closing it is what tells")] PipeWriter);

/// The reading end.
#[derive(Debug)]
pub(super) struct Reader {
    pipe: PipeReader,
    told: PipeReader,
    /// Bytes that are still taken, once it was told.
    left: Option<usize>,
}

/// A pipe for a child's output.
pub(super) fn pipe() -> Result<(Reader, PipeWriter, Going)> {
    let fail = |e| Error::machine("cannot make a pipe").because(e);
    let (pipe, writer) = std::io::pipe().map_err(fail)?;
    let (told, going) = std::io::pipe().map_err(fail)?;
    Ok((Reader { pipe, told, left: None }, writer, Going(going)))
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left.is_none() {
            let wanted = PollFlags::POLLIN;
            let mut ends = [self.pipe.as_fd(), self.told.as_fd()].map(|fd| PollFd::new(fd, wanted));
            poll(&mut ends, PollTimeout::NONE)?;
            if ends[1].any().unwrap_or(true) {
                self.left = Some(waiting(&self.pipe)?);
            }
        }
        let most = self.left.unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.pipe.read(&mut into[..most])?;
        self.left = self.left.map(|left| left - n);
        Ok(n)
    }
}

/// Bytes that can be read at once (FIONREAD of ioctl(2)).
fn waiting(pipe: &PipeReader) -> std::io::Result<usize> {
    let mut n: libc::c_int = 0;
    // SAFETY: the call writes one integer of this frame.
    if unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut n) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(usize::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_then_it_is_over_although_somebody_could_write() {
        let (mut reader, mut writer, going) = pipe().expect("a pipe");
        let holder = writer.try_clone().expect("a second end");
        let reading = std::thread::spawn(move || {
            let mut all = String::new();
            reader.read_to_string(&mut all).map(|_| all)
        });
        writer.write_all(b"last words").expect("written");
        drop(going);
        let said = reading.join().expect("it ended").expect("read");
        assert_eq!(said, "last words");
        drop(holder);
    }

    #[test]
    fn it_is_over_when_nobody_can_write_any_more() {
        let (mut reader, writer, _going) = pipe().expect("a pipe");
        drop(writer);
        assert_eq!(reader.read(&mut [0; 8]).expect("the end"), 0);
    }
}
