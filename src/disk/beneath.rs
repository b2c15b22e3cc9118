//! Files below a folder that somebody else controls, for whoever asks for them by path. The kernel
//! resolves the path (openat2(2)): no link, `..` or swap in between leads out of the folder.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::base::fault::{self, Effect};

/// Why a file was not given or taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Missing,
    /// The path, or a link on it, leads out of the folder.
    Outside,
    /// For people.
    Other(String),
}

impl From<Errno> for Refused {
    fn from(e: Errno) -> Self {
        match e {
            Errno::ENOENT | Errno::ENOTDIR => Refused::Missing,
            Errno::EXDEV | Errno::ELOOP => Refused::Outside,
            e => Refused::Other(e.desc().to_owned()),
        }
    }
}

impl From<std::io::Error> for Refused {
    fn from(e: std::io::Error) -> Self {
        Refused::Other(e.to_string())
    }
}

fn open_below(root: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Refused> {
    // A pipe must not make us wait; one that is only a place on the way cannot.
    let wait = if flags.contains(OFlag::O_PATH) { OFlag::empty() } else { OFlag::O_NONBLOCK };
    let how = OpenHow::new()
        .flags(flags | wait | OFlag::O_CLOEXEC)
        .mode(if flags.contains(OFlag::O_CREAT) {
            Mode::from_bits_truncate(0o666)
        } else {
            Mode::empty()
        })
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    Ok(openat2(root, path, how)?)
}

fn root(dir: &Path) -> Result<OwnedFd, Refused> {
    Ok(File::open(dir)?.into())
}

/// A regular file that is at one place only.
fn regular(file: &File) -> Result<(), Refused> {
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(Refused::Other("it is no regular file".into()));
    }
    if meta.nlink() > 1 {
        return Err(Refused::Other("it has another name, which may be outside".into()));
    }
    Ok(())
}

fn open_file(dir: &Path, path: &Path) -> Result<File, Refused> {
    let file = File::from(open_below(&root(dir)?, path, OFlag::O_RDONLY)?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(Refused::Other("it is no regular file".into())),
    }
}

/// The size of `path` below `dir`, and the last bytes of it, at most `max`.
pub fn tail_beneath(dir: &Path, path: &Path, max: u64) -> Result<(u64, Vec<u8>), Refused> {
    let mut file = open_file(dir, path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(max)))?;
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok((size, bytes))
}

/// The bytes of `path` below `dir`, at most `max` of them.
pub fn read_beneath(dir: &Path, path: &Path, max: u64) -> Result<Vec<u8>, Refused> {
    let file = open_file(dir, path)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(Refused::Other(format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// A file that can only be what was put at `path` itself: through no link on the way, regular, and
/// with no other name; at most `max` bytes of it.
pub fn read_only_name_beneath(dir: &Path, path: &Path, max: u64) -> Result<Vec<u8>, Refused> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let file = File::from(openat2(root(dir)?, path, how)?);
    regular(&file)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(Refused::Other(format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// Removes what is at `path` below `dir`, which is no folder; a link is removed and not what it
/// leads to. Nothing there is nothing to do.
pub fn remove_beneath(dir: &Path, path: &Path) -> Result<(), Refused> {
    let root = root(dir)?;
    let parent = match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        None => root,
        Some(parent) => match open_below(&root, parent, OFlag::O_PATH | OFlag::O_DIRECTORY) {
            Ok(parent) => parent,
            Err(Refused::Missing) => return Ok(()),
            Err(e) => return Err(e),
        },
    };
    let name = path.file_name().ok_or(Refused::Outside)?;
    fault::before(Effect::Remove, dir.join(path))?;
    match unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Writes `path` below `dir`, with the folders above it; whether it is new. Not synced: a worktree
/// is committed, and until then it is as fleeting as what the agent writes itself.
pub fn write_beneath(dir: &Path, path: &Path, bytes: &[u8]) -> Result<bool, Refused> {
    let root = root(dir)?;
    let mut at = root.try_clone()?;
    let parent = path.parent().unwrap_or(Path::new(""));
    let mut so_far = std::path::PathBuf::new();
    for part in parent.components() {
        let Component::Normal(name) = part else { return Err(Refused::Outside) };
        so_far.push(name);
        at = match open_below(&root, &so_far, OFlag::O_PATH | OFlag::O_DIRECTORY) {
            Ok(found) => found,
            Err(Refused::Missing) => {
                match mkdirat(&at, name, Mode::from_bits_truncate(0o777)) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(e) => return Err(e.into()),
                }
                open_below(&root, &so_far, OFlag::O_PATH | OFlag::O_DIRECTORY)?
            }
            Err(e) => return Err(e),
        };
    }
    fault::before(Effect::Write, dir.join(path))?;
    let (file, is_new) = match open_below(&root, path, OFlag::O_WRONLY) {
        Ok(file) => (File::from(file), false),
        Err(Refused::Missing) => {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT;
            (File::from(open_below(&root, path, flags)?), true)
        }
        Err(e) => return Err(e),
    };
    regular(&file)?;
    file.set_len(0)?;
    (&file).write_all(bytes)?;
    Ok(is_new)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
        std::fs::create_dir_all(inside.join("sub")).expect("made");
        std::fs::create_dir(&outside).expect("made");
        std::fs::write(outside.join("secret"), "s").expect("written");
        std::fs::write(inside.join("sub/plain"), "p").expect("written");
        symlink(outside.join("secret"), inside.join("link")).expect("linked");
        symlink("../out", inside.join("up")).expect("linked");
        symlink("sub/plain", inside.join("near")).expect("linked");
        symlink(outside.join("new"), inside.join("dangling")).expect("linked");
        std::fs::hard_link(outside.join("secret"), inside.join("hard")).expect("linked");
        let read = |p: &str| read_beneath(&inside, Path::new(p), 100);
        let write = |p: &str| write_beneath(&inside, Path::new(p), b"x");
        for path in ["link", "up/secret", "../out/secret", "sub/../../out/secret"] {
            assert_eq!(read(path), Err(Refused::Outside), "{path}");
            assert_eq!(write(path), Err(Refused::Outside), "{path}");
        }
        assert_eq!(write("dangling"), Err(Refused::Outside));
        assert_eq!(write("up/new/file"), Err(Refused::Outside));
        assert!(matches!(write("hard"), Err(Refused::Other(_))));
        assert!(matches!(write("sub"), Err(Refused::Other(_))));
        assert_eq!(std::fs::read_to_string(outside.join("secret")).expect("read"), "s");
        assert_eq!(std::fs::read_dir(&outside).expect("list").count(), 1);

        assert_eq!(read("near"), Ok(b"p".to_vec()));
        assert_eq!(read("no/such"), Err(Refused::Missing));
        assert_eq!(write("near"), Ok(false));
        assert_eq!(write("a/b/c"), Ok(true));
        assert_eq!(read("a/b/c"), Ok(b"x".to_vec()));
        assert!(matches!(read_beneath(&inside, Path::new("a/b/c"), 0), Err(Refused::Other(_))));

        let only = |p: &str| read_only_name_beneath(&inside, Path::new(p), 10);
        assert_eq!(only("a/b/c"), Ok(b"x".to_vec()));
        for path in ["link", "near", "up/secret"] {
            assert_eq!(only(path), Err(Refused::Outside), "{path}");
        }
        assert!(matches!(only("hard"), Err(Refused::Other(_))));
        let remove = |p: &str| remove_beneath(&inside, Path::new(p));
        assert_eq!(remove("up/secret"), Err(Refused::Outside));
        assert_eq!((remove("link"), remove("no/such"), remove("a/b/c")), (Ok(()), Ok(()), Ok(())));
        assert!(matches!(remove("sub"), Err(Refused::Other(_))));
        assert_eq!(std::fs::read_to_string(outside.join("secret")).expect("read"), "s");
        assert_eq!(only("a/b/c"), Err(Refused::Missing));
    }
}
