//! The folders of a pooled worktree whose names need not be read again.
//!
//! A folder's ctime changes whenever a name in it is made, removed or renamed, and no program can
//! set it. So one that has the inode and the ctime that it had when its names were those of the
//! slot's index has them still. As with files, one that is not older than the index is not told
//! apart from one that was changed after it was looked at, and is not recorded.
//!
//! The record is derived and not synced: `<slot>/folders` belongs to the index whose checksum it
//! begins with, which counts for one boot; without it, or damaged, every folder is read.
//!
//! ```text
//! <checksum of the index> NUL
//! <inode> <ctime s> <ns> <path> NUL      for each folder; the top has an empty path
//! ```

use std::collections::{HashMap, HashSet};
use std::path::Path;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::{File, State};
use nix::sys::stat::FileStat;

use super::listing::Listing;
use crate::base::Result;
use crate::disk;

/// What a folder looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    ino: u64,
    /// Seconds and nanoseconds.
    ctime: (i64, i64),
}

impl Seen {
    pub fn of(stat: &FileStat) -> Self {
        Self { ino: stat.st_ino, ctime: (stat.st_ctime, stat.st_ctime_nsec) }
    }

    /// It was as it is before the index was written.
    fn is_older_than(&self, index: &File) -> bool {
        let written = index.timestamp();
        self.ctime < (written.unix_seconds(), i64::from(written.nanoseconds()))
    }
}

/// Folders that held exactly what the index says.
#[derive(Debug, Default)]
pub(super) struct Folders(HashMap<BString, Seen>);

impl Folders {
    /// Nothing is known where there is no record of this very index.
    pub fn read(path: &Path, index: &File) -> Self {
        let bytes = disk::read_if_there(path).ok().flatten().unwrap_or_default();
        let mut records = bytes.split(|b| *b == 0);
        let own = index.checksum().map(|id| id.to_string());
        if own.is_none() || records.next() != own.as_ref().map(String::as_bytes) {
            return Self::default();
        }
        Self(records.filter_map(parse).collect())
    }

    pub fn vouches_for(&self, dir: &BStr, now: &Seen) -> bool {
        self.0.get(dir) == Some(now)
    }

    /// Records the folders of a listing that are older than the index `before` it and were not
    /// `touched` since. The worktree holds exactly what the index with this checksum says, now.
    pub fn write(
        path: &Path,
        checksum: gix::ObjectId,
        before: &File,
        listing: &Listing,
        touched: &HashSet<BString>,
    ) -> Result<()> {
        let mut out = format!("{checksum}\0").into_bytes();
        for (dir, seen) in &listing.dirs {
            if seen.is_older_than(before) && !touched.contains(dir) {
                let Seen { ino, ctime } = seen;
                out.extend(format!("{ino} {} {} ", ctime.0, ctime.1).as_bytes());
                out.extend_from_slice(dir);
                out.push(0);
            }
        }
        disk::replace_derived(path, &out)
    }
}

fn parse(record: &[u8]) -> Option<(BString, Seen)> {
    let mut fields = record.splitn(4, |b| *b == b' ');
    let mut number = || fields.next()?.to_str().ok()?.parse::<i64>().ok();
    let ino = u64::try_from(number()?).ok()?;
    let ctime = (number()?, number()?);
    Some((fields.next()?.into(), Seen { ino, ctime }))
}

/// The names of files and folders that the index has directly in `dir`.
pub(super) fn names_in(index: &State, dir: &BStr) -> Vec<BString> {
    let mut prefix = BString::from(dir);
    if !dir.is_empty() {
        prefix.push(b'/');
    }
    let entries = match dir.is_empty() {
        true => Some(index.entries()),
        false => index.prefixed_entries(prefix.as_bstr()),
    };
    let mut names: Vec<BString> = Vec::new();
    for entry in entries.unwrap_or_default() {
        let rest = &entry.path(index)[prefix.len()..];
        let name = rest.split(|b| *b == b'/').next().unwrap_or_default();
        if names.last().is_none_or(|last| last != name) {
            names.push(name.into());
        }
    }
    names
}
