//! What lies in a worktree: every file with what lstat(2) says of it, compared with an index.
//!
//! A file counts as unchanged when its index entry has the same times, inode, size, owner and mode,
//! and is older than the index. A program can set a file's mtime and not its ctime, so an edit that
//! restores the mtime is seen; a change in the moment in which the index was written is not told
//! apart from none, and counts as a change. What is in a folder is read from the folder, unless it
//! is vouched for in the same way (see [`super::folders`]).

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::{Flags, Mode, Stat, stat::Time};
use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, SFlag, fstat, fstatat};

use super::folders::{Folders, Seen, names_in};

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
    /// Folders that were gone into, parents first, the worktree itself (empty path) foremost; as
    /// they were before what is in them was looked at.
    pub dirs: Vec<(BString, Seen)>,
    /// Folders that were not.
    pub skipped: Vec<BString>,
}

impl Listing {
    /// Goes into the folders that `enter` wants. A folder that is still as `folders` has it holds
    /// what the index says.
    pub fn of(
        root: &Path,
        index: &State,
        folders: &Folders,
        enter: &mut dyn FnMut(&BStr) -> bool,
    ) -> std::io::Result<Self> {
        let at = open(root, folder_flags(), nix::sys::stat::Mode::empty())?;
        let top = Seen::of(&fstat(&at)?);
        let mut walk = Walk { at, index, folders, enter, listing: Self::default() };
        // Not by recursion: how deep folders are is up to whoever made them.
        let mut open = vec![(BString::default(), top)];
        while let Some((dir, seen)) = open.pop() {
            let below = walk.folder(dir, seen)?;
            open.extend(below.into_iter().rev());
        }
        let mut listing = walk.listing;
        // Byte order, which is the index's.
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }
}

struct Walk<'a> {
    at: OwnedFd,
    index: &'a State,
    folders: &'a Folders,
    enter: &'a mut dyn FnMut(&BStr) -> bool,
    listing: Listing,
}

impl Walk<'_> {
    /// Returns the folders to go into.
    fn folder(&mut self, dir: BString, seen: Seen) -> std::io::Result<Vec<(BString, Seen)>> {
        let names = match self.folders.vouches_for(dir.as_bstr(), &seen) {
            true => names_in(self.index, dir.as_bstr()),
            false => self.read(dir.as_bstr())?,
        };
        let mut below = Vec::new();
        for name in names {
            let path = join(dir.as_bstr(), name.as_bstr());
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
            let stat = fstatat(&self.at, OsStr::from_bytes(&path), flags)?;
            if kind(&stat) != SFlag::S_IFDIR {
                let (mode, size) = (mode_of(&stat), stat.st_size as u64);
                self.listing.files.push(Found { path, mode, stat: stat_of(&stat), size });
            } else if (self.enter)(path.as_bstr()) {
                below.push((path, Seen::of(&stat)));
            } else {
                self.listing.skipped.push(path);
            }
        }
        self.listing.dirs.push((dir, seen));
        Ok(below)
    }

    fn read(&self, dir: &BStr) -> std::io::Result<Vec<BString>> {
        let path = if dir.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(dir) };
        let fd = openat(&self.at, path, folder_flags(), nix::sys::stat::Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::from_fd(fd)?.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let is_own = name == b"." || name == b".." || (dir.is_empty() && name == b".git");
            if !is_own {
                names.push(BString::from(name));
            }
        }
        Ok(names)
    }
}

fn folder_flags() -> OFlag {
    OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn join(dir: &BStr, name: &BStr) -> BString {
    let mut path = BString::from(dir);
    if !dir.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

fn mode_of(stat: &FileStat) -> Option<Mode> {
    match kind(stat) {
        SFlag::S_IFLNK => Some(Mode::SYMLINK),
        SFlag::S_IFREG if stat.st_mode & 0o100 != 0 => Some(Mode::FILE_EXECUTABLE),
        SFlag::S_IFREG => Some(Mode::FILE),
        _ => None,
    }
}

/// What lstat(2) says of a file that was just written, as an index has it.
pub(super) fn stat_at(path: &Path) -> std::io::Result<Stat> {
    Ok(stat_of(&nix::sys::stat::lstat(path)?))
}

/// As git writes it into an index: the low bits.
fn stat_of(stat: &FileStat) -> Stat {
    Stat {
        mtime: Time { secs: stat.st_mtime as u32, nsecs: stat.st_mtime_nsec as u32 },
        ctime: Time { secs: stat.st_ctime as u32, nsecs: stat.st_ctime_nsec as u32 },
        dev: stat.st_dev as u32,
        ino: stat.st_ino as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u32,
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
