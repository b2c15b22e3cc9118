//! Crash points: the moments just before an effect on the machine, numbered in the order in which
//! a program comes to them.
//!
//! Nobody listens in a released program, and a point costs one load. A development build lets
//! `crate::disk::fault` listen, which kills the program, makes the effect fail, or forgets what was
//! never synced, at the point that a test chose.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

/// What is about to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A file or folder comes into being, or an empty file is opened to be written.
    Create,
    /// Bytes go into a file that nobody looks at yet, or into one that only locks.
    Write,
    /// Lines go to the end of a log.
    Append,
    /// A file's content is made durable.
    Sync,
    /// A name is given to what was written.
    Rename,
    Remove,
    /// The names in a folder are made durable.
    SyncFolder,
    /// Everything on the file system is made durable.
    SyncAll,
    /// A commit, tree or blob goes into the object database.
    Object,
    /// A ref moves.
    Ref,
    /// `git` is called: a worktree changes, or an index.
    Git,
    /// A program is started.
    Start,
}

impl Effect {
    pub fn word(self) -> &'static str {
        match self {
            Effect::Create => "create",
            Effect::Write => "write",
            Effect::Append => "append",
            Effect::Sync => "sync",
            Effect::Rename => "rename",
            Effect::Remove => "remove",
            Effect::SyncFolder => "sync folder",
            Effect::SyncAll => "sync all",
            Effect::Object => "object",
            Effect::Ref => "ref",
            Effect::Git => "git",
            Effect::Start => "start",
        }
    }
}

/// Who listens.
pub trait Listener: Send + Sync + std::fmt::Debug {
    /// May not return, or make the effect fail. `bytes` are those of an append.
    fn before(&self, effect: Effect, subject: &Path, bytes: &[u8]) -> io::Result<()>;
    /// What was made durable.
    fn durable(&self, effect: Effect, subject: &Path);
}

static LISTENER: OnceLock<Box<dyn Listener>> = OnceLock::new();

/// At most once in a process, at its start.
pub fn listen(listener: Box<dyn Listener>) {
    // A second listener would be a second start of the same program.
    drop(LISTENER.set(listener));
}

/// A crash point. `subject` is a path, a ref name, or what git is called with.
#[inline]
pub fn before(effect: Effect, subject: impl AsRef<Path>) -> io::Result<()> {
    match LISTENER.get() {
        None => Ok(()),
        Some(listener) => listener.before(effect, subject.as_ref(), &[]),
    }
}

/// The crash point of an append, which may leave a part of `bytes` behind.
#[inline]
pub fn before_append(log: &Path, bytes: &[u8]) -> io::Result<()> {
    match LISTENER.get() {
        None => Ok(()),
        Some(listener) => listener.before(Effect::Append, log, bytes),
    }
}

/// After a sync: from here on a power cut cannot take it away.
#[inline]
pub fn durable(effect: Effect, subject: &Path) {
    if let Some(listener) = LISTENER.get() {
        listener.durable(effect, subject);
    }
}
