//! A copy of a folder to look at, while others may be at work in it.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::place::{place_dir, place_symlink};
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Copies what is below `from` to `to`, which must exist: folders, files with their executable
/// bits, symlinks as such. `skip` gets paths relative to `from`. What is neither, what cannot
/// be read, and what goes away while it is looked at is left out; nothing outside is read through a link. Returns the number of
/// files.
pub fn copy_below(from: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<usize> {
    let relative = |path: &Path| path.strip_prefix(from).unwrap_or(path).to_owned();
    let walk = walkdir::WalkDir::new(from).min_depth(1).into_iter();
    let mut files = 0;
    for entry in walk.filter_entry(|e| !skip(&relative(e.path()))) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.depth() > 0 && e.io_error().is_some_and(is_gone) => continue,
            Err(e) => {
                return Err(Error::machine(format!("cannot list '{}'", from.display())).because(e));
            }
        };
        let target = to.join(relative(entry.path()));
        let kind = entry.file_type();
        if kind.is_dir() {
            place_dir(&target)?;
        } else if kind.is_symlink() {
            if let Ok(points_to) = std::fs::read_link(entry.path()) {
                place_symlink(&target, &points_to)?;
            }
        } else if kind.is_file() && copy_file(entry.path(), &target)? {
            files += 1;
        }
    }
    Ok(files)
}

/// False where there is no such file any more.
fn copy_file(from: &Path, to: &Path) -> Result<bool> {
    let fail = |e| Error::file("copy", from, e);
    // Somebody may put a link or a pipe in its place at this very moment.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut source = match OpenOptions::new().read(true).custom_flags(flags).open(from) {
        Ok(source) => source,
        Err(e) if is_gone(&e) || e.raw_os_error() == Some(libc::ELOOP) => return Ok(false),
        Err(e) => return Err(fail(e)),
    };
    let meta = source.metadata().map_err(fail)?;
    if !meta.is_file() {
        return Ok(false);
    }
    let mode = if meta.permissions().mode() & 0o100 != 0 { 0o700 } else { 0o600 };
    fault::before(Effect::Create, to).map_err(fail)?;
    let mut copy: File =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(to).map_err(fail)?;
    // On Linux the file system shares the blocks where it can.
    std::io::copy(&mut source, &mut copy).map_err(fail)?;
    Ok(true)
}

/// It went away, or its owner keeps it to themselves.
fn is_gone(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(e.kind(), NotFound | NotADirectory | PermissionDenied)
}

/// Takes the right to write from everything below `dir`, and from it.
pub fn make_read_only(dir: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(dir).contents_first(true) {
        let entry = entry
            .map_err(|e| Error::machine(format!("cannot list '{}'", dir.display())).because(e))?;
        if entry.file_type().is_symlink() {
            continue;
        }
        let fail = |e| Error::file("make read-only", entry.path(), e);
        let mode = entry.path().symlink_metadata().map_err(fail)?.permissions().mode();
        let mode = Permissions::from_mode(mode & 0o7555);
        std::fs::set_permissions(entry.path(), mode).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_copied_and_cannot_be_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for sub in ["from/a/b", "from/.git", "from/target/x", "to"] {
            std::fs::create_dir_all(dir.path().join(sub)).expect("a folder");
        }
        let outside = dir.path().join("outside");
        for file in ["from/a/b/file", "from/.git/HEAD", "from/target/x/y", "from/run.sh", "outside"]
        {
            std::fs::write(dir.path().join(file), file).expect("written");
        }
        let run =
            |mode| std::fs::set_permissions(from.join("run.sh"), Permissions::from_mode(mode));
        run(0o755).expect("executable");
        std::os::unix::fs::symlink(&outside, from.join("link")).expect("a link");
        nix::unistd::mkfifo(&from.join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");

        let skip = |path: &Path| path == Path::new(".git") || path == Path::new("target");
        assert_eq!(copy_below(&from, &to, &skip).expect("copied"), 2);
        make_read_only(&to).expect("made so");
        let mode =
            |name: &str| to.join(name).metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("run.sh"), mode("a/b/file"), mode("a")), (0o500, 0o400, 0o555));
        assert!(to.join("link").is_symlink() && !to.join("pipe").exists());
        assert!(!to.join(".git").exists() && !to.join("target").exists());
        // What a link points to is not touched.
        assert_ne!(outside.metadata().expect("there").permissions().mode() & 0o200, 0);
        crate::disk::remove_dir_all(&to).expect("it can still be removed");
    }
}
