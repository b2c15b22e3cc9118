//! What of a folder would be there after a power cut: only what was synced.
//!
//! A copy of the folder is kept beside it. A folder that is renamed keeps what is known of it. A
//! synced file's content is kept under its inode; a synced folder's names become hard links to those
//! contents, and a name whose content was never synced gets an empty one. `syncfs` keeps everything. So a file that was written, renamed and not
//! synced is absent, one whose folder was synced and whose content was not is empty, and an
//! unsynced append is gone.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use crate::base::fault::Effect;

#[derive(Debug)]
pub struct Platter {
    root: PathBuf,
    copy: PathBuf,
    inodes: PathBuf,
}

impl Platter {
    /// `root` is what is watched; below `dir` are the copy (`tree/`) and the contents (`inodes/`).
    pub fn new(root: PathBuf, dir: PathBuf) -> Self {
        Self { root, copy: dir.join("tree"), inodes: dir.join("inodes") }
    }

    /// A sync came back.
    pub fn keep(&self, effect: Effect, subject: &Path) -> io::Result<()> {
        match effect {
            Effect::SyncAll => {
                fs::create_dir_all(&self.inodes)?;
                self.keep_below(&self.root, &self.copy)
            }
            Effect::Sync => {
                fs::create_dir_all(&self.inodes)?;
                self.keep_content(subject).map(drop)
            }
            Effect::SyncFolder => {
                fs::create_dir_all(&self.inodes)?;
                self.keep_names(subject)
            }
            Effect::Create
            | Effect::Write
            | Effect::Append
            | Effect::Rename
            | Effect::Remove
            | Effect::Object
            | Effect::Ref
            | Effect::Git
            | Effect::Start => Ok(()),
        }
    }

    /// An inode number is used again after a removal; its time of birth is not.
    fn content_of(&self, file: &Path) -> io::Result<PathBuf> {
        let meta = fs::symlink_metadata(file)?;
        let born = meta.created()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(self.inodes.join(format!("{}-{}", meta.ino(), born.as_nanos())))
    }

    /// Written in place, so that every name of it follows.
    fn keep_content(&self, file: &Path) -> io::Result<PathBuf> {
        let kept = self.content_of(file)?;
        let (now, then) = (fs::metadata(file)?, fs::metadata(&kept).ok());
        let same = then.is_some_and(|then| {
            then.len() == now.len() && then.modified().ok() == now.modified().ok()
        });
        if !same {
            let bytes = fs::read(file)?;
            fs::write(&kept, bytes)?;
            fs::OpenOptions::new().write(true).open(&kept)?.set_modified(now.modified()?)?;
        }
        Ok(kept)
    }

    /// The names in a folder, which may have no durable name itself.
    fn keep_names(&self, dir: &Path) -> io::Result<()> {
        if !dir.starts_with(&self.root) {
            return Ok(());
        }
        let key = self.content_of(dir)?;
        let copy = match self.place_of(&key) {
            Some(copy) => copy,
            None => {
                let nameless = key.with_extension("nameless");
                fs::create_dir_all(&nameless)?;
                self.set_place(&key, &nameless)?;
                nameless
            }
        };
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (from, to) = (entry.path(), copy.join(entry.file_name()));
            names.insert(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.keep_folder(&from, &to)?;
            } else if kind.is_symlink() {
                link_like(&from, &to)?;
            } else {
                let kept = self.content_of(&from)?;
                if !kept.exists() {
                    fs::write(&kept, "")?;
                }
                give_name(&kept, &to)?;
            }
        }
        remove_others(&copy, &names)
    }

    /// Where a folder of that inode is kept.
    fn place_of(&self, key: &Path) -> Option<PathBuf> {
        let place = fs::read_to_string(key.with_extension("folder")).ok().map(PathBuf::from);
        place.filter(|place| place.is_dir())
    }

    fn set_place(&self, key: &Path, place: &Path) -> io::Result<()> {
        fs::write(key.with_extension("folder"), place.as_os_str().as_encoded_bytes())
    }

    /// A new folder is empty; one that had another name, or none, has what it had.
    fn keep_folder(&self, dir: &Path, copy: &Path) -> io::Result<()> {
        let key = self.content_of(dir)?;
        match self.place_of(&key) {
            Some(place) if place == copy => return Ok(()),
            Some(place) if !copy.exists() => {
                fs::rename(&place, copy)?;
                self.move_places(&place, copy)?;
            }
            Some(_) | None if copy.is_dir() => {}
            Some(_) | None => fs::create_dir_all(copy)?,
        }
        self.set_place(&key, copy)
    }

    /// What was kept below one folder is now below another.
    fn move_places(&self, from: &Path, to: &Path) -> io::Result<()> {
        for entry in fs::read_dir(&self.inodes)? {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "folder") {
                continue;
            }
            let place = PathBuf::from(fs::read_to_string(&path)?);
            if let Ok(below) = place.strip_prefix(from) {
                fs::write(&path, to.join(below).as_os_str().as_encoded_bytes())?;
            }
        }
        Ok(())
    }

    fn keep_below(&self, dir: &Path, copy: &Path) -> io::Result<()> {
        self.keep_folder(dir, copy)?;
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (from, to) = (entry.path(), copy.join(entry.file_name()));
            let kept = match entry.file_type()? {
                kind if kind.is_dir() => self.keep_below(&from, &to),
                kind if kind.is_symlink() => link_like(&from, &to),
                kind if kind.is_file() => {
                    self.keep_content(&from).and_then(|kept| give_name(&kept, &to))
                }
                _fifo_or_socket => continue,
            };
            match kept {
                Ok(()) => drop(names.insert(entry.file_name())),
                // Another program removed it just now.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        remove_others(copy, &names)
    }
}

fn give_name(kept: &Path, name: &Path) -> io::Result<()> {
    let same = |a: &fs::Metadata, b: &fs::Metadata| a.ino() == b.ino();
    if let Ok(there) = fs::symlink_metadata(name) {
        if same(&there, &fs::metadata(kept)?) {
            return Ok(());
        }
        remove(name)?;
    }
    fs::hard_link(kept, name)
}

fn link_like(from: &Path, to: &Path) -> io::Result<()> {
    let target = fs::read_link(from)?;
    if fs::read_link(to).is_ok_and(|there| there == target) {
        return Ok(());
    }
    if fs::symlink_metadata(to).is_ok() {
        remove(to)?;
    }
    symlink(target, to)
}

fn remove_others(dir: &Path, names: &BTreeSet<OsString>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !names.contains(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> (tempfile::TempDir, PathBuf, Platter) {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("root");
        fs::create_dir(&root).expect("made");
        let platter = Platter::new(root.clone(), dir.path().join("platter"));
        platter.keep(Effect::SyncAll, &root).expect("kept");
        (dir, root, platter)
    }

    #[test]
    fn only_what_was_synced_is_kept() {
        let (_dir, root, platter) = bench();
        let kept = |name: &str| fs::read_to_string(platter.copy.join(name)).ok();

        fs::write(root.join("a"), "one").expect("written");
        assert_eq!(kept("a"), None, "no sync at all");
        platter.keep(Effect::SyncFolder, &root).expect("kept");
        assert_eq!(kept("a").as_deref(), Some(""), "the name and not the content");
        platter.keep(Effect::Sync, &root.join("a")).expect("kept");
        assert_eq!(kept("a").as_deref(), Some("one"));

        fs::write(root.join("a"), "one two").expect("written");
        assert_eq!(kept("a").as_deref(), Some("one"), "an append without a sync");

        fs::write(root.join("b.tmp"), "new").expect("written");
        platter.keep(Effect::Sync, &root.join("b.tmp")).expect("kept");
        fs::rename(root.join("b.tmp"), root.join("a")).expect("renamed");
        assert_eq!(kept("a").as_deref(), Some("one"), "a rename without a sync of the folder");
        platter.keep(Effect::SyncFolder, &root).expect("kept");
        assert_eq!(kept("a").as_deref(), Some("new"));
        assert_eq!(kept("b.tmp"), None);
    }

    #[test]
    fn syncfs_keeps_everything_and_removals_are_kept_with_the_folder() {
        let (_dir, root, platter) = bench();
        fs::create_dir_all(root.join("d/e")).expect("made");
        fs::write(root.join("d/e/f"), "deep").expect("written");
        platter.keep(Effect::SyncAll, &root).expect("kept");
        let kept = platter.copy.join("d/e/f");
        assert_eq!(fs::read_to_string(&kept).expect("kept"), "deep");
        fs::remove_file(root.join("d/e/f")).expect("removed");
        assert!(kept.exists());
        platter.keep(Effect::SyncFolder, &root.join("d/e")).expect("kept");
        assert!(!kept.exists());

        // A folder that is filled before it has a durable name, in a folder that has none either.
        fs::create_dir_all(root.join("new.tmp/sub")).expect("made");
        let f = root.join("new.tmp/sub/f");
        fs::write(&f, "in it").expect("written");
        platter.keep(Effect::Sync, &f).expect("kept");
        platter.keep(Effect::SyncFolder, &root.join("new.tmp/sub")).expect("kept");
        platter.keep(Effect::SyncFolder, &root.join("new.tmp")).expect("kept");
        fs::rename(root.join("new.tmp"), root.join("named")).expect("renamed");
        platter.keep(Effect::SyncFolder, &root).expect("kept");
        fs::write(root.join("named/sub/g"), "later").expect("written");
        platter.keep(Effect::SyncFolder, &root.join("named/sub")).expect("kept");
        let kept = |name: &str| fs::read_to_string(platter.copy.join("named/sub").join(name));
        assert_eq!(kept("f").expect("kept"), "in it");
        assert_eq!(kept("g").expect("kept"), "", "its name and not its content");
        assert!(!platter.copy.join("new.tmp").exists());
    }
}
