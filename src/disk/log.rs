//! Append-only logs of JSON lines. One append is one `write` under flock; a torn last line (a crash
//! or a full disk in the middle of a write) is cut back before the next append, and a reader
//! ignores it. Torn is what a write that did not come to its end leaves: the beginning of a line,
//! or zeros where its blocks were not written. Nothing else is ever repaired here: any other end
//! is damage, and is left as it was found (65).

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::atomic::parent;
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// An open log, for appending.
#[derive(Debug)]
pub struct AppendLog {
    path: PathBuf,
    file: File,
}

/// The log while its lock is held: the only thing that can append.
#[derive(Debug)]
pub struct Appender<'a> {
    log: &'a AppendLog,
    len: u64,
}

impl AppendLog {
    pub fn open(path: &Path) -> Result<Self> {
        super::create_dir_all(parent(path))?;
        let there = path.exists();
        fault::before(Effect::Create, path).map_err(|e| Error::file("open", path, e))?;
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(|e| Error::file("open", path, e))?;
        if !there {
            super::atomic::sync_dir(parent(path))?;
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Makes everything that is in it durable, whoever wrote it.
    pub fn sync(&self) -> Result<()> {
        let path = &self.path;
        fault::before(Effect::Sync, path)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| Error::file("sync", path, e))?;
        fault::durable(Effect::Sync, path);
        Ok(())
    }

    /// Takes the lock and cuts back a torn last line.
    pub fn lock(&self) -> Result<Appender<'_>> {
        let fail = |e| Error::file("lock", &self.path, e);
        loop {
            match fs4::FileExt::lock(&self.file) {
                Ok(()) => break,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(fail(e)),
            }
        }
        let mut appender = Appender { log: self, len: 0 };
        appender.len = self.file.metadata().map_err(fail)?.len();
        let whole = self.end_of_last_line(appender.len)?;
        if whole != appender.len {
            let mut tail = vec![0; (appender.len - whole) as usize];
            self.file.read_exact_at(&mut tail, whole).map_err(fail)?;
            refuse_damage(&tail, &self.path)?;
            fault::before(Effect::Write, &self.path)
                .and_then(|()| self.file.set_len(whole))
                .map_err(|e| Error::file("repair", &self.path, e))?;
            appender.len = whole;
        }
        Ok(appender)
    }

    /// Offset just after the last line end in the first `len` bytes.
    fn end_of_last_line(&self, len: u64) -> Result<u64> {
        let mut end = len;
        let mut buf = vec![0; 64 * 1024];
        while end > 0 {
            let n = (end as usize).min(buf.len());
            self.file
                .read_exact_at(&mut buf[..n], end - n as u64)
                .map_err(|e| Error::file("read", &self.path, e))?;
            if let Some(at) = buf[..n].iter().rposition(|b| *b == b'\n') {
                return Ok(end - n as u64 + at as u64 + 1);
            }
            end -= n as u64;
        }
        Ok(0)
    }
}

impl Appender<'_> {
    /// Length of the log in bytes; changes only when somebody appends.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last line, without its end.
    pub fn last_line(&self) -> Result<Option<Vec<u8>>> {
        if self.len == 0 {
            return Ok(None);
        }
        let start = self.log.end_of_last_line(self.len - 1)?;
        let mut line = vec![0; (self.len - 1 - start) as usize];
        self.log
            .file
            .read_exact_at(&mut line, start)
            .map_err(|e| Error::file("read", &self.log.path, e))?;
        Ok(Some(line))
    }

    /// The bytes from `from` to the end.
    pub fn since(&self, from: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.len.saturating_sub(from) as usize];
        self.log
            .file
            .read_exact_at(&mut bytes, from)
            .map_err(|e| Error::file("read", &self.log.path, e))?;
        Ok(bytes)
    }

    /// Appends whole lines (each ending in `\n`). On failure the log is as it was.
    pub fn append(&mut self, lines: &[u8]) -> Result<()> {
        debug_assert!(lines.ends_with(b"\n"), "a log holds whole lines");
        let written = fault::before_append(&self.log.path, lines)
            .and_then(|()| (&self.log.file).write_all(lines));
        if let Err(e) = written {
            // A full disk leaves a part of the line; take it back so that the log stays whole.
            drop(self.log.file.set_len(self.len));
            return Err(Error::file("append to", &self.log.path, e));
        }
        self.len += lines.len() as u64;
        Ok(())
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> Result<()> {
        self.log.sync()
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        drop(fs4::FileExt::unlock(&self.log.file));
    }
}

/// A terminated line with its number, counted from 1.
#[derive(Debug)]
pub struct Line {
    pub number: u64,
    pub bytes: Vec<u8>,
}

/// Streams the terminated lines of a log.
#[derive(Debug)]
pub struct Lines {
    reader: Option<BufReader<File>>,
    path: PathBuf,
    number: u64,
    offset: u64,
}

impl Lines {
    /// From byte `offset`, which must be the start of a line. An absent file has no lines.
    pub fn open_at(path: &Path, offset: u64) -> Result<Self> {
        let reader = match File::open(path) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(offset)).map_err(|e| Error::file("read", path, e))?;
                Some(BufReader::with_capacity(256 * 1024, file))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::file("read", path, e)),
        };
        Ok(Self { reader, path: path.to_owned(), number: 0, offset })
    }

    pub fn open(path: &Path) -> Result<Self> {
        Self::open_at(path, 0)
    }

    /// Offset after the last line that was returned.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next line into `buf` (cleared first), without its end; false at the end.
    pub fn read_into(&mut self, buf: &mut Vec<u8>) -> Result<bool> {
        buf.clear();
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let n = reader.read_until(b'\n', buf).map_err(|e| Error::file("read", &self.path, e))?;
        if buf.last() != Some(&b'\n') {
            // Unterminated: a writer is in the middle of it, or died there.
            refuse_damage(buf, &self.path)?;
            return Ok(false);
        }
        buf.pop();
        self.offset += n as u64;
        self.number += 1;
        Ok(true)
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;
    fn next(&mut self) -> Option<Result<Line>> {
        let mut bytes = Vec::new();
        match self.read_into(&mut bytes) {
            Ok(true) => Some(Ok(Line { number: self.number, bytes })),
            Ok(false) => None,
            Err(e) => Some(Err(e)),
        }
    }
}

/// Fails with 65 when an unterminated last line is not what a torn write leaves.
fn refuse_damage(tail: &[u8], path: &Path) -> Result<()> {
    if is_torn(tail) {
        return Ok(());
    }
    Err(Error::input(format!("the last line of '{}' is damaged", path.display())).hint(
        "a write that was cut off leaves the beginning of a line, and this is none: nothing was \
         changed; compare it with a backup",
    ))
}

/// The beginning of a JSON object, perhaps all of it, and zeros behind it, perhaps nothing else.
fn is_torn(tail: &[u8]) -> bool {
    let end = tail.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let told = &tail[..end];
    let Some(first) = told.first() else { return true };
    // A parser that runs out of bytes has met nothing that is wrong. Of a number that is cut at its
    // sign, point or exponent it says something else.
    *first == b'{' && (is_beginning(told) || is_beginning(&[told, b"0"].concat()))
}

fn is_beginning(json: &[u8]) -> bool {
    match serde_json::from_slice::<serde::de::IgnoredAny>(json) {
        Ok(_) => true,
        Err(e) => e.is_eof(),
    }
}

/// The last `max` bytes of a file that may be large; for excerpts.
pub fn tail_bytes(path: &Path, max: u64) -> Result<Vec<u8>> {
    let fail = |e| Error::file("read", path, e);
    let mut file = File::open(path).map_err(fail)?;
    let len = file.metadata().map_err(fail)?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(max))).map_err(fail)?;
    let mut out = Vec::new();
    file.take(max).read_to_end(&mut out).map_err(fail)?;
    Ok(out)
}

/// The first `max` bytes of a file.
pub fn read_start(path: &Path, max: u64) -> Result<Vec<u8>> {
    let fail = |e| Error::file("read", path, e);
    let mut out = Vec::new();
    File::open(path).map_err(fail)?.take(max).read_to_end(&mut out).map_err(fail)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tail_is_cut_and_ignored() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\n{\"v\":1,\"a").expect("write");
        let read: Vec<_> =
            Lines::open(&path).expect("open").map(|l| l.expect("line").bytes).collect();
        assert_eq!(read, [b"one".to_vec(), b"two".to_vec()]);

        let log = AppendLog::open(&path).expect("open");
        let mut appender = log.lock().expect("lock");
        assert_eq!(appender.last_line().expect("read"), Some(b"two".to_vec()));
        appender.append(b"three\n").expect("append");
        appender.sync().expect("sync");
        assert_eq!(std::fs::read(&path).expect("read"), b"one\ntwo\nthree\n");
    }

    #[test]
    fn a_log_of_one_torn_line_is_empty() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, format!("{{\"a\":\"{}", "x".repeat(200_000))).expect("write");
        let log = AppendLog::open(&path).expect("open");
        assert!(log.lock().expect("lock").is_empty());
    }

    #[test]
    fn only_what_a_torn_write_leaves_is_torn() {
        let line = r#"{"v":1,"who":"René","list":[1,-2.5e3,true,null],"hash":"ab"}"#.as_bytes();
        for end in 0..=line.len() {
            assert!(is_torn(&line[..end]), "{end} bytes");
            let zeros = [&line[..end], &[0; 9]].concat();
            assert!(is_torn(&zeros), "{end} bytes and zeros");
        }
        for damage in ["x", "}", "{\"a\":1}x", "{\"a\":1}{", "{\"a\" 1", "\0{", "{\"a\0\0b"] {
            assert!(!is_torn(damage.as_bytes()), "{damage}");
        }
    }

    #[test]
    fn a_damaged_end_is_left_as_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        // The last line end is another byte.
        std::fs::write(&path, "{\"a\":1}\n{\"a\":2}z").expect("write");
        let found = AppendLog::open(&path).expect("open").lock().map(drop).expect_err("damage");
        assert_eq!(found.exit(), crate::base::Exit::INPUT);
        assert!(Lines::open(&path).expect("open").any(|line| line.is_err()));
        assert_eq!(std::fs::read(&path).expect("read"), b"{\"a\":1}\n{\"a\":2}z");
    }
}
