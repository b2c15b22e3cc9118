//! Removing a tree that somebody else made, however deep it is.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// How a folder is named while it waits for its end in the folder at the top.
const MOVED: &str = ".otto-removed-";

const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Removes everything in the folder, and the folder. Folders further down are moved up first: so no
/// path is long, no stack is deep, and two descriptors are enough. Folders that may not be written
/// (Go's module cache has them) are made writable; no link is followed.
pub(super) fn remove_tree(dir: &Path) -> std::io::Result<()> {
    writable(nix::fcntl::AT_FDCWD, dir)?;
    let top = open(dir, FOLDER, Mode::empty())?;
    let device = fstat(&top)?.st_dev;
    let mut moved = 0_u64;
    // Each pass is one level of depth; somebody who still works there is not waited for for ever.
    for _ in 0..1 << 20 {
        let names = names(&top)?;
        if names.is_empty() {
            break;
        }
        for name in names {
            remove_one(&top, &name, device, &mut moved)?;
        }
    }
    drop(top);
    std::fs::remove_dir(dir)
}

/// One name in the folder at the top; its folders come to the top themselves.
fn remove_one(top: &OwnedFd, name: &CStr, device: u64, moved: &mut u64) -> std::io::Result<()> {
    let stat = match fstatat(top, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(()),
        found => found?,
    };
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
        return Ok(unlinkat(top, name, UnlinkatFlags::NoRemoveDir)?);
    }
    if stat.st_dev != device {
        return Err(Errno::EBUSY.into());
    }
    writable(top, name)?;
    let folder = openat(top, name, FOLDER, Mode::empty())?;
    for inner in names(&folder)? {
        match unlinkat(&folder, inner.as_c_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => continue,
            // What Linux and POSIX say of a folder.
            Err(Errno::EISDIR | Errno::EPERM) => {}
            Err(e) => return Err(e.into()),
        }
        writable(&folder, inner.as_c_str())?;
        loop {
            *moved += 1;
            let target = CString::new(format!("{MOVED}{moved}")).unwrap_or_default();
            if fstatat(top, target.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW).is_err() {
                renameat(&folder, inner.as_c_str(), top, target.as_c_str())?;
                break;
            }
        }
    }
    Ok(unlinkat(top, name, UnlinkatFlags::RemoveDir)?)
}

/// Gives its owner every right to a folder.
fn writable<P: ?Sized + nix::NixPath>(at: impl AsFd, name: &P) -> nix::Result<()> {
    let stat = fstatat(&at, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let is_folder = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
    if is_folder && stat.st_mode & 0o700 != 0o700 {
        // It is a folder, and nobody else works here any more; there is no chmod that follows none.
        fchmodat(&at, name, Mode::S_IRWXU, FchmodatFlags::FollowSymlink)?;
    }
    Ok(())
}

fn names(folder: &OwnedFd) -> std::io::Result<Vec<CString>> {
    let again = openat(folder, c".", FOLDER, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::from_fd(again)?.iter() {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn whatever_is_in_it_goes_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a/b/.otto-removed-1/c")).expect("made");
        std::fs::create_dir_all(root.join(".otto-removed-2")).expect("made");
        std::fs::write(root.join("a/b/file"), "x").expect("written");
        std::fs::write(dir.path().join("kept"), "x").expect("written");
        symlink(dir.path(), root.join("a/up")).expect("a link");
        symlink(dir.path().join("kept"), root.join("a/b/kept")).expect("a link");
        let sealed = root.join("a/b");
        std::fs::set_permissions(sealed, std::fs::Permissions::from_mode(0o500)).expect("mode");
        remove_tree(&root).expect("removed");
        let left: Vec<_> = std::fs::read_dir(dir.path()).expect("listed").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(std::fs::read_to_string(dir.path().join("kept")).expect("kept"), "x");
    }

    #[test]
    fn no_folder_is_too_deep() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("root");
        std::fs::create_dir(&root).expect("made");
        let mut at = open(&root, FOLDER, Mode::empty()).expect("open");
        for _ in 0..20_000 {
            nix::sys::stat::mkdirat(&at, c"d", Mode::S_IRWXU).expect("made");
            at = openat(&at, c"d", FOLDER, Mode::empty()).expect("open");
        }
        remove_tree(&root).expect("removed");
        assert!(!root.exists());
    }
}
