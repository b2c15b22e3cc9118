//! flock on files that are never deleted. The kernel releases it when the holder dies, so no lock
//! is ever stale. A readable record beside it says who holds it, for people.
//!
//! A function that needs a lock takes `&Held<Name>`: the proof that it is held.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::marker::PhantomData;
use std::os::unix::fs::{FileExt as _, MetadataExt};
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Names what a lock protects; one zero-sized type per lock.
pub trait Name {
    /// For messages: "the integration queue".
    const WHAT: &'static str;
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl Name for $name {
            const WHAT: &'static str = $what;
        }
    )*};
}

names! {
    /// Every write of a ref of ours in one repository.
    Refs = "the refs";
    /// Candidates and landings of one session.
    Integ = "the integration queue";
    /// One group's builds in one session.
    Group = "the group";
    /// Creation and removal of linked worktrees in one repository.
    Worktrees = "the worktree list";
    /// One worktree.
    Lease = "the worktree";
    /// The target branch and its checkout, while a product is landed there.
    Target = "the landing in the target branch";
    /// `otto run` of one session.
    Run = "the run";
    /// A check that is running and whose result others wait for.
    Running = "the check";
    /// Appends to one journal.
    Journal = "the journal";
    /// What earlier runs found.
    Memory = "the memory";
}

/// Who holds a lock, as written beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub program: String,
    pub since: String,
}

/// The lock is held by somebody else.
#[derive(Debug, Clone)]
pub struct Busy {
    pub what: &'static str,
    pub path: PathBuf,
    pub holder: Option<Holder>,
}

/// Proof that a lock is held; dropping it releases the lock.
#[derive(Debug)]
pub struct Held<N> {
    file: File,
    name: PhantomData<N>,
}

/// Takes the lock at `path` (`….lock`) at once, or says who has it.
pub fn try_hold<N: Name>(path: &Path) -> Result<std::result::Result<Held<N>, Busy>> {
    let file = open(path)?;
    match FileExt::try_lock(&file) {
        // Somebody removed the file in between: what is held is not what others will look at.
        Ok(()) if !is_at(&file, path) => try_hold(path),
        Ok(()) => {
            note_holder(path, &file);
            Ok(Ok(Held { file, name: PhantomData }))
        }
        Err(TryLockError::WouldBlock) => {
            let meta = file.metadata().map_err(|e| Error::file("lock", path, e))?;
            let holder = holder_now(path, (meta.dev(), meta.ino()));
            Ok(Err(Busy { what: N::WHAT, path: path.to_owned(), holder }))
        }
        Err(TryLockError::Error(e)) => Err(Error::file("lock", path, e)),
    }
}

/// Waits for the lock. Only for critical sections that are short by design.
pub fn hold<N: Name>(path: &Path) -> Result<Held<N>> {
    let file = open(path)?;
    loop {
        match FileExt::lock(&file) {
            Ok(()) => break,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::file("lock", path, e)),
        }
    }
    Ok(Held { file, name: PhantomData })
}

/// Whether somebody holds the lock right now, and who. Looks only: taking it for a moment would
/// turn away somebody who comes for it in that moment. One who takes it after a dead holder and has
/// not noted so yet comes after the look.
pub fn holder<N: Name>(path: &Path) -> Result<Option<Busy>> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(None) };
    let noted = read_holder(path).map(|h| h.pid);
    // Reading the kernel's table stops every lock of the machine for a moment: 10 ms and more.
    if noted.is_some_and(is_gone) {
        return Ok(None);
    }
    let held = match std::fs::read_to_string("/proc/locks") {
        Ok(table) => listed(&table, (meta.dev(), meta.ino()), noted).is_some(),
        Err(_) => try_hold::<N>(path)?.is_err(),
    };
    let holder = || holder_now(path, (meta.dev(), meta.ino()));
    Ok(held.then(|| Busy { what: N::WHAT, path: path.to_owned(), holder: holder() }))
}

/// Who holds the file (device, inode). The record beside it may be a moment late: the kernel's word
/// comes first.
fn holder_now(path: &Path, file: (u64, u64)) -> Option<Holder> {
    let noted = read_holder(path);
    let table = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let Some(pid) = listed(&table, file, noted.as_ref().map(|h| h.pid)) else { return noted };
    noted.filter(|h| h.pid == pid).or_else(|| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let program = String::from_utf8_lossy(line.split(|b| *b == 0).next()?).into_owned();
        Some(Holder { pid, program, since: "a moment ago".into() })
    })
}

/// The process that has a flock of this file (device, inode) in proc_locks(5), or, where a file
/// system shows another device there than to stat(2), of this inode if it is the one that is
/// `noted` as its holder.
fn listed(table: &str, (device, inode): (u64, u64), noted: Option<u32>) -> Option<u32> {
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["FLOCK", _, _, pid, file, ..] = words.get(1..).unwrap_or_default() else {
            return None;
        };
        let parts: Vec<&str> = file.split(':').collect();
        let [major, minor, number] = parts.as_slice() else { return None };
        let hex = |text: &str| u32::from_str_radix(text, 16).unwrap_or(u32::MAX);
        let pid = pid.parse().ok()?;
        let same = libc::makedev(hex(major), hex(minor)) == device || noted == Some(pid);
        (same && *number == inode.to_string()).then_some(pid)
    })
}

/// No process has this number, so what it held is free.
fn is_gone(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0).map(nix::unistd::Pid::from_raw);
    pid.is_none_or(|pid| nix::sys::signal::kill(pid, None) == Err(nix::errno::Errno::ESRCH))
}

/// Whether `path` still leads to the open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        (_, _) => false,
    }
}

fn open(path: &Path) -> Result<File> {
    super::create_dir_all(super::atomic::parent(path))?;
    fault::before(Effect::Create, path).map_err(|e| Error::file("open", path, e))?;
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(|e| Error::file("open", path, e))
}

fn holder_path(path: &Path) -> PathBuf {
    path.with_extension("holder")
}

/// The record is a courtesy to people: a failure to write it fails nothing.
fn note_holder(path: &Path, _held: &File) {
    let holder = Holder {
        pid: std::process::id(),
        program: std::env::args().next().unwrap_or_default(),
        since: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let written = File::create(holder_path(path)).and_then(|mut f| {
        f.rewind()?;
        f.write_all(&serde_json::to_vec(&holder).unwrap_or_default())
    });
    if let Err(e) = written {
        tracing::debug!("no holder record beside {}: {e}", path.display());
    }
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(holder_path(path)).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

impl<N> Held<N> {
    /// Whether the lock's file is still at `path`. Where somebody removed it, others see no lock.
    pub fn is_still_at(&self, path: &Path) -> bool {
        is_at(&self.file, path)
    }

    /// Says what is about to be done, in the lock file itself: whoever holds the lock next reads it
    /// if this process dies before [`Held::end`].
    pub fn begin(&self, what: &[&str]) -> Result<()> {
        let text: String = what.iter().map(|w| format!("{w}\n")).collect();
        let fail = |e| Error::machine("cannot write into a lock file").because(e);
        fault::before(Effect::Write, "lock file").map_err(fail)?;
        self.file.write_all_at(text.as_bytes(), 0).map_err(fail)?;
        self.file.set_len(text.len() as u64).map_err(fail)
    }

    pub fn end(&self) -> Result<()> {
        self.begin(&[])
    }

    /// What the last holder had begun and not ended: it died in the middle.
    pub fn unfinished(&self) -> Result<Vec<String>> {
        let fail = |e| Error::machine("cannot read a lock file").because(e);
        let mut bytes = vec![0; self.file.metadata().map_err(fail)?.len() as usize];
        self.file.read_exact_at(&mut bytes, 0).map_err(fail)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().map(str::to_owned).collect())
    }
}

impl<N> Drop for Held<N> {
    fn drop(&mut self) {
        // Closing releases it as well; a child that inherited the descriptor would keep it.
        drop(FileExt::unlock(&self.file));
    }
}

impl Busy {
    /// 75, naming the holder.
    pub fn into_error(self) -> Error {
        let by = match &self.holder {
            Some(h) => format!("{} (pid {}) since {}", h.program, h.pid, h.since),
            None => "another process".to_owned(),
        };
        Error::later(format!("{} is held by {by}", self.what), None).hint(format!(
            "it is released when that process ends; lock file: {}",
            self.path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_has_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("integ.lock");
        let held = try_hold::<Integ>(&path).expect("io").expect("free");
        let busy = try_hold::<Integ>(&path).expect("io").expect_err("taken");
        assert_eq!(busy.holder.as_ref().map(|h| h.pid), Some(std::process::id()));
        assert_eq!(busy.into_error().exit().0, 75);
        assert_eq!(held.unfinished().expect("read"), [""; 0]);
        held.begin(&["a/ref", "b"]).expect("written");
        drop(held);
        let held = try_hold::<Integ>(&path).expect("io").expect("free");
        assert_eq!(held.unfinished().expect("read"), ["a/ref", "b"]);
        held.end().expect("written");
        assert_eq!(held.unfinished().expect("read"), [""; 0]);
        drop(held);
        assert!(try_hold::<Integ>(&path).expect("io").is_ok());
    }

    #[test]
    fn who_holds_a_lock_is_seen_without_taking_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("run.lock");
        assert!(holder::<Integ>(&path).expect("io").is_none());
        let held = try_hold::<Integ>(&path).expect("io").expect("free");
        assert!(holder::<Integ>(&path).expect("io").is_some());
        assert!(held.is_still_at(&path));
        drop(held);
        assert!(holder::<Integ>(&path).expect("io").is_none());
        let held = try_hold::<Integ>(&path).expect("io").expect("free");
        std::fs::remove_file(&path).expect("removed");
        assert!(!held.is_still_at(&path));
    }

    #[test]
    fn the_table_of_locks_is_read() {
        let table = "1: POSIX  ADVISORY  WRITE 7 08:01:99 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 00:2f:1234 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 00:2f:1234 0 EOF\n";
        let device = libc::makedev(0, 0x2f);
        assert_eq!(listed(table, (device, 1234), None), Some(12));
        assert_eq!(listed(table, (1, 1234), Some(12)), Some(12));
        assert_eq!(listed(table, (1, 1234), Some(13)), None, "13 only waits");
        assert_eq!(listed(table, (device, 99), Some(7)), None);
    }
}
