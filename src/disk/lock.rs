//! flock on files that are never deleted. The kernel releases it when the holder dies, so no lock
//! is ever stale. A readable record beside it says who holds it, for people.
//!
//! A function that needs a lock takes `&Held<Name>`: the proof that it is held.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::marker::PhantomData;
use std::os::unix::fs::FileExt as _;
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
    /// `otto run` of one session.
    Run = "the run";
    /// Appends to one journal.
    Journal = "the journal";
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
        Ok(()) => {
            note_holder(path, &file);
            Ok(Ok(Held { file, name: PhantomData }))
        }
        Err(TryLockError::WouldBlock) => {
            Ok(Err(Busy { what: N::WHAT, path: path.to_owned(), holder: read_holder(path) }))
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

/// Whether somebody holds the lock right now, and who.
pub fn holder<N: Name>(path: &Path) -> Result<Option<Busy>> {
    if !path.exists() {
        return Ok(None);
    }
    Ok(try_hold::<N>(path)?.err())
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
}
