//! A file that grows, read in whole lines: from its end, and then on as it grows. What is read is
//! bounded by what is shown, however large the file is.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

const BLOCK: usize = 64 << 10;

/// A file, its length, and when it was written to.
type Look = (u64, u64, u64, i64, i64);

/// Where a reader of one file is.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    /// A longer line is handed on cut.
    longest: usize,
    /// Just after the last whole line that was read.
    offset: u64,
    /// Which file that was.
    file: Option<(u64, u64)>,
    /// How it was when all of it had been read.
    done: Option<Look>,
    /// Bytes read from the disk so far.
    pub read: u64,
}

impl Tail {
    pub fn new(path: &Path, longest: usize) -> Self {
        Self { path: path.to_owned(), longest, offset: 0, file: None, done: None, read: 0 }
    }

    /// Whether there may be something to read.
    pub fn has_changed(&self) -> bool {
        self.done.is_none() || self.done != std::fs::metadata(&self.path).ok().as_ref().map(look)
    }

    /// Goes to where the last `lines` whole lines begin, or `most` bytes before the end where that
    /// is later. An absent file begins at its beginning.
    pub fn seek_from_end(&mut self, lines: usize, most: u64) -> std::io::Result<()> {
        let Some((file, len)) = self.open()? else { return Ok(()) };
        let floor = len.saturating_sub(most);
        let mut buf = vec![0; BLOCK];
        // An end without a line end is a line that is still being written.
        let (mut at, mut seen, mut start) = (len, 0, floor);
        'blocks: while at > floor {
            let n = (at - floor).min(BLOCK as u64) as usize;
            let from = at - n as u64;
            read_at(&file, &mut buf[..n], from)?;
            self.read += n as u64;
            for (i, byte) in buf[..n].iter().enumerate().rev() {
                if *byte == b'\n' {
                    seen += 1;
                    if seen > lines {
                        start = from + i as u64 + 1;
                        break 'blocks;
                    }
                }
            }
            at = from;
        }
        self.offset = start;
        // In the middle of a line that is too long to look for its beginning: after it.
        if start == floor && floor > 0 {
            self.skip_line(&file, len)?;
        }
        Ok(())
    }

    fn skip_line(&mut self, file: &File, len: u64) -> std::io::Result<()> {
        let mut buf = vec![0; BLOCK];
        while self.offset < len {
            let n = ((len - self.offset) as usize).min(BLOCK);
            read_at(file, &mut buf[..n], self.offset)?;
            self.read += n as u64;
            match buf[..n].iter().position(|b| *b == b'\n') {
                Some(i) => {
                    self.offset += i as u64 + 1;
                    return Ok(());
                }
                None => self.offset += n as u64,
            }
        }
        Ok(())
    }

    /// Hands on every whole line that was added since, without its end. A file that is absent has
    /// none; one that became shorter, or is another one now, is read from its beginning. Stops when
    /// `sink` says so, and goes on there the next time.
    pub fn lines(&mut self, sink: &mut dyn FnMut(&[u8]) -> bool) -> std::io::Result<()> {
        self.done = None;
        let Some((file, len)) = self.open()? else { return Ok(()) };
        let before = file.metadata()?;
        let mut at = self.offset;
        let mut buf = vec![0; BLOCK];
        let mut line = Vec::new();
        while at < len {
            let n = ((len - at) as usize).min(BLOCK);
            read_at(&file, &mut buf[..n], at)?;
            self.read += n as u64;
            at += n as u64;
            let mut rest = &buf[..n];
            while let Some(end) = rest.iter().position(|b| *b == b'\n') {
                let room = self.longest.saturating_sub(line.len());
                line.extend_from_slice(&rest[..end.min(room)]);
                rest = &rest[end + 1..];
                self.offset = at - rest.len() as u64;
                let go_on = sink(&line);
                line.clear();
                if !go_on {
                    return Ok(());
                }
            }
            let room = self.longest.saturating_sub(line.len());
            line.extend_from_slice(&rest[..rest.len().min(room)]);
        }
        self.done = Some(look(&before)).filter(|_| before.len() == len);
        Ok(())
    }

    /// The file and its length; forgets the place in one that is not the same any more.
    fn open(&mut self) -> std::io::Result<Option<(File, u64)>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.restart();
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let meta = file.metadata()?;
        let id = (meta.dev(), meta.ino());
        if self.file != Some(id) || meta.len() < self.offset {
            self.restart();
        }
        self.file = Some(id);
        Ok(Some((file, meta.len())))
    }

    pub fn restart(&mut self) {
        self.offset = 0;
        self.file = None;
        self.done = None;
    }
}

fn look(meta: &std::fs::Metadata) -> Look {
    (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}

/// Fills the buffer; what a writer cut away in the meantime is zeros, which are no line.
fn read_at(file: &File, buf: &mut [u8], at: u64) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < buf.len() {
        match file.read_at(&mut buf[filled..], at + filled as u64) {
            Ok(0) => {
                buf[filled..].fill(0);
                return Ok(());
            }
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The first `max` bytes; none of a file that cannot be read.
pub(super) fn start_of(path: &Path, max: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if let Ok(file) = File::open(path)
        && file.take(max).read_to_end(&mut out).is_err()
    {
        out.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn all(tail: &mut Tail) -> Vec<String> {
        let mut out = Vec::new();
        tail.lines(&mut |line| {
            out.push(String::from_utf8_lossy(line).into_owned());
            true
        })
        .expect("readable");
        out
    }

    fn last(path: &Path, n: usize) -> Vec<String> {
        let mut tail = Tail::new(path, 100);
        tail.seek_from_end(n, 1 << 20).expect("readable");
        all(&mut tail)
    }

    #[test]
    fn it_begins_near_the_end_and_goes_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        assert_eq!(last(&path, 3), [""; 0]);
        std::fs::write(&path, "1\n2\n3\nhal").expect("written");
        assert_eq!(last(&path, 2), ["2", "3"]);
        assert_eq!(last(&path, 0), [""; 0]);
        assert_eq!(last(&path, 9), ["1", "2", "3"]);

        let mut tail = Tail::new(&path, 100);
        tail.seek_from_end(1, 1 << 20).expect("readable");
        assert_eq!(all(&mut tail), ["3"]);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(b"f\n5\n").expect("written");
        assert_eq!(all(&mut tail), ["half", "5"]);
        assert_eq!(all(&mut tail), [""; 0]);
        // Cut: from the beginning.
        std::fs::write(&path, "new\n").expect("written");
        assert_eq!(all(&mut tail), ["new"]);
        // Another file of that name.
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(all(&mut tail), [""; 0]);
        std::fs::write(&path, "another one\n").expect("written");
        assert_eq!(all(&mut tail), ["another one"]);
    }

    #[test]
    fn a_sink_that_has_enough_is_given_the_rest_later() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, "1\n2\n3\n").expect("written");
        let mut tail = Tail::new(&path, 100);
        let mut first = Vec::new();
        tail.lines(&mut |line| {
            first.push(line.to_vec());
            false
        })
        .expect("readable");
        assert_eq!(first, [b"1"]);
        assert_eq!(all(&mut tail), ["2", "3"]);
    }

    #[test]
    fn of_a_gigabyte_the_end_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let mut file = std::fs::File::create(&path).expect("made");
        // One line of a gigabyte of nothing, which no disk has to hold.
        file.set_len(1 << 30).expect("sparse");
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).expect("the end");
        let lines: String = (0..1000).map(|n| format!("\nline {n}")).collect();
        file.write_all(lines.as_bytes()).expect("written");
        file.write_all(b"\n").expect("written");

        let mut tail = Tail::new(&path, 100);
        tail.seek_from_end(3, 1 << 20).expect("readable");
        assert_eq!(all(&mut tail), ["line 997", "line 998", "line 999"]);
        assert!(tail.read <= 4 * BLOCK as u64, "{} bytes", tail.read);
        // More lines than there are: no further back than was asked for.
        let mut tail = Tail::new(&path, 100);
        tail.seek_from_end(5000, 1 << 20).expect("readable");
        let shown = all(&mut tail);
        assert_eq!((shown.len(), shown[0].as_str()), (1000, "line 0"));
        assert!(tail.read <= 3 << 20, "{} bytes", tail.read);
    }
}
