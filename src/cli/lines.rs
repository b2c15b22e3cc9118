//! Lines of standard input, waited for with an eye on the stop flag.
//!
//! A plain read is restarted after a signal (signal(7)), so that a stage which waits for its
//! upstream would not hear SIGTERM before the next line.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::base::{Error, Result};
use crate::process::stop;

/// How often the stop flag is looked at.
const TICK_MS: u8 = 100;

#[derive(Debug)]
pub struct StdinLines {
    input: File,
    /// What was read and not handed out.
    rest: Vec<u8>,
    ended: bool,
}

impl StdinLines {
    pub fn open() -> Result<Self> {
        let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(broken)?;
        Ok(Self::of(File::from(input)))
    }

    fn of(input: File) -> Self {
        Self { input, rest: Vec::new(), ended: false }
    }

    /// The next line with its line end; the last one may have none. `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<String>> {
        let mut seen = 0;
        loop {
            let end = self.rest[seen..].iter().position(|b| *b == b'\n').map(|at| seen + at + 1);
            if let Some(end) = end.or_else(|| self.ended.then_some(self.rest.len())) {
                let rest = self.rest.split_off(end);
                let line = std::mem::replace(&mut self.rest, rest);
                let line = String::from_utf8(line)
                    .map_err(|_| Error::input("standard input is not UTF-8 text"))?;
                return Ok(Some(line).filter(|line| !line.is_empty()));
            }
            seen = self.rest.len();
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<()> {
        loop {
            stop::check()?;
            let mut ready = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::from(TICK_MS)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(broken(e.into())),
            }
            let mut chunk = [0; 1 << 16];
            match self.input.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(n) => self.rest.extend_from_slice(&chunk[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
                    continue;
                }
                Err(e) => return Err(broken(e)),
            }
            return Ok(());
        }
    }
}

fn broken(e: std::io::Error) -> Error {
    Error::input("cannot read standard input").because(e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_whole_however_they_are_written() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let mut lines = StdinLines::of(File::from(std::os::fd::OwnedFd::from(reader)));
        writer.write_all(b"one\ntw").expect("written");
        assert_eq!(lines.next_line().expect("read").as_deref(), Some("one\n"));
        writer.write_all(b"o\n\nlast").expect("written");
        assert_eq!(lines.next_line().expect("read").as_deref(), Some("two\n"));
        assert_eq!(lines.next_line().expect("read").as_deref(), Some("\n"));
        drop(writer);
        assert_eq!(lines.next_line().expect("read").as_deref(), Some("last"));
        assert_eq!(lines.next_line().expect("read"), None);
    }
}
