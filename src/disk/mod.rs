//! The only code that creates, renames or appends to files.
//!
//! Three shapes of file exist: one that is replaced whole ([`replace`]), one that only grows
//! ([`AppendLog`]), one that is only locked ([`lock`]). Deliberately absent: databases, lock files
//! made with O_EXCL (stale after a kill), a rename without a sync.

mod atomic;
mod beneath;
mod copy;
mod dirs;
pub mod fault;
mod fence;
pub mod lock;
mod log;
mod place;
mod remove;
mod sealed;

pub use atomic::{
    NewFolder, create_new, is_temporary, replace, replace_in_its_mode, replace_json, store_by_hash,
    sweep, sweep_below,
};
pub use beneath::{
    Refused, read_beneath, read_only_name_beneath, remove_beneath, tail_beneath, write_beneath,
};
pub use copy::{copy_below, make_read_only};
pub use dirs::{
    create_dir_all, create_log, empty_files, files_below, make_executable, new_temp_dir,
    remove_dir_all, remove_file, remove_whole, rename, size_of, subdirs,
};
pub use fence::{refuse_remote, syncfs};
pub use lock::{Busy, Held};
pub use log::{AppendLog, Appender, Line, Lines, read_start, tail_bytes};
pub use place::{
    hand_out, place_dir, place_file, place_real_dir, place_symlink, read_plain, remove_any,
    replace_derived,
};
pub use sealed::{read_sealed, replace_sealed, sealed};

use std::path::Path;

use crate::base::{Error, Result};

/// Reads a whole file as text; the error names the path.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes)
        .map_err(|_| Error::input(format!("'{}' is not UTF-8 text", path.display())))
}

/// Reads a whole file; a missing one is bad input, and the error names the path.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory => {
            Error::input(format!("cannot read '{}'", path.display())).because(e)
        }
        _ => Error::file("read", path, e),
    })
}

/// Reads a file that may be absent.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::file("read", path, e)),
    }
}
