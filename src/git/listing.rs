//! What lies in a worktree: every file with what lstat(2) says of it, compared with an index.
//!
//! A file counts as unchanged when its index entry has the same times, inode, size, owner and mode,
//! and is older than the index. A program can set a file's mtime and not its ctime, so an edit that
//! restores the mtime is seen; a change in the moment in which the index was written is not told
//! apart from none, and counts as a change.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::{Flags, Mode, Stat, stat::Time};

/// One name in a worktree.
#[derive(Debug)]
pub(super) struct Found {
    pub path: BString,
    /// `None`: neither a file nor a symlink.
    pub mode: Option<Mode>,
    pub stat: Stat,
    pub size: u64,
}

/// A worktree, by path; `.git` at its top is left out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub files: Vec<Found>,
    /// Folders that were gone into, parents first.
    pub dirs: Vec<BString>,
    /// Folders that were not.
    pub skipped: Vec<BString>,
}

impl Listing {
    /// Goes into the folders that `enter` wants.
    pub fn of(root: &Path, enter: &mut dyn FnMut(&BStr) -> bool) -> std::io::Result<Self> {
        let mut listing = Self::default();
        listing.walk(root, &BString::default(), enter)?;
        // Byte order, which is the index's.
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    fn walk(
        &mut self,
        dir: &Path,
        prefix: &BString,
        enter: &mut dyn FnMut(&BStr) -> bool,
    ) -> std::io::Result<()> {
        let mut below = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if prefix.is_empty() && name == ".git" {
                continue;
            }
            let mut path = prefix.clone();
            path.extend_from_slice(name.as_bytes());
            let meta = entry.metadata()?;
            if !meta.is_dir() {
                self.files.push(Found {
                    path,
                    mode: mode_of(&meta),
                    stat: stat_of(&meta),
                    size: meta.len(),
                });
            } else if enter(path.as_bstr()) {
                below.push((entry.path(), path));
            } else {
                self.skipped.push(path);
            }
        }
        for (dir, mut path) in below {
            self.dirs.push(path.clone());
            path.push(b'/');
            self.walk(&dir, &path, enter)?;
        }
        Ok(())
    }
}

fn mode_of(meta: &std::fs::Metadata) -> Option<Mode> {
    let kind = meta.file_type();
    match (kind.is_symlink(), kind.is_file()) {
        (true, _) => Some(Mode::SYMLINK),
        (_, true) if meta.mode() & 0o100 != 0 => Some(Mode::FILE_EXECUTABLE),
        (_, true) => Some(Mode::FILE),
        (_, _) => None,
    }
}

/// As git writes it into an index: the low bits.
pub(super) fn stat_of(meta: &std::fs::Metadata) -> Stat {
    Stat {
        mtime: Time { secs: meta.mtime() as u32, nsecs: meta.mtime_nsec() as u32 },
        ctime: Time { secs: meta.ctime() as u32, nsecs: meta.ctime_nsec() as u32 },
        dev: meta.dev() as u32,
        ino: meta.ino() as u32,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.len() as u32,
    }
}

/// The object that this file certainly holds, by the index.
pub(super) fn known(index: &State, found: &Found) -> Option<gix::ObjectId> {
    let entry = index.entry_by_path(found.path.as_bstr())?;
    let (a, b) = (&entry.stat, &found.stat);
    let same = a.mtime == b.mtime
        && a.ctime == b.ctime
        && (a.ino, a.size, a.uid, a.gid) == (b.ino, b.size, b.uid, b.gid);
    let written = index.timestamp();
    let written = (written.unix_seconds() as u32, written.nanoseconds());
    let before = |t: &Time| (t.secs, t.nsecs) < written;
    let whole = !entry.flags.intersects(Flags::INTENT_TO_ADD | Flags::REMOVE);
    let sure = Some(entry.mode) == found.mode && same && before(&a.mtime) && before(&a.ctime);
    (whole && sure).then_some(entry.id)
}

pub(super) fn full(root: &Path, path: &BStr) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}
