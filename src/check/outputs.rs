//! Copies of what preparation made, from a worktree and into one. What lies there was made by
//! somebody who is not trusted, and these copies are made with our own rights: no link on the way to
//! an output is followed, and what is in the place of one is removed before it is written.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::base::{Error, Result};
use crate::disk;
use crate::process::{Capture, Command, base_env};
use crate::spec::Paths;

/// Copies what is at the outputs (paths or globs), sharing blocks where the file system can.
/// `Ok(Err(why))` where an output leads elsewhere.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    outputs: &[String],
) -> Result<std::result::Result<(), String>> {
    for output in outputs {
        for path in found(from, output)? {
            if let Some(why) = refused(from, to, &path) {
                return Ok(Err(why));
            }
            copy_one(&from.join(&path), &to.join(&path))?;
        }
    }
    Ok(Ok(()))
}

/// What an output names in a folder: itself, or what its glob matches, a folder as a whole.
fn found(root: &Path, output: &str) -> Result<Vec<PathBuf>> {
    let plain = PathBuf::from(output.trim_end_matches('/'));
    if root.join(&plain).symlink_metadata().is_ok() {
        return Ok(vec![plain]);
    }
    if !output.contains(['*', '?', '[', '{']) {
        return Ok(Vec::new());
    }
    let wanted = Paths::new(&[output.trim_end_matches('/')])?;
    let mut found = Vec::new();
    let mut walk = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let Ok(entry) = entry else { continue };
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if path == Path::new(".git") {
            continue;
        }
        if wanted.has(path) {
            found.push(path.to_owned());
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
        }
    }
    Ok(found)
}

/// Why an output may not be copied.
fn refused(from: &Path, to: &Path, path: &Path) -> Option<String> {
    let plain = path.components().all(|c| matches!(c, Component::Normal(name) if name != ".git"));
    if !plain || path.as_os_str().is_empty() {
        return Some(format!("the output '{}' is no path in the worktree", path.display()));
    }
    let above = path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty());
    let is_link = |p: &&Path| {
        let other = |root: &Path| root.join(p).symlink_metadata().is_ok_and(|m| !m.is_dir());
        other(from) || other(to)
    };
    let link = above.into_iter().find(is_link)?;
    Some(format!(
        "the output '{}' lies behind '{}', which is no folder; preparation is not copied through links",
        path.display(),
        link.display()
    ))
}

fn copy_one(source: &Path, target: &Path) -> Result<()> {
    if let Some(parent) = target.parent() {
        disk::place_dir(parent)?;
    }
    // `cp` would write through a link that is in its place.
    disk::remove_any(target)?;
    let log = tempfile::NamedTempFile::new()
        .map_err(|e| Error::machine("cannot make a temporary file").because(e))?;
    let argv: [OsString; 6] = [
        "cp".into(),
        "-a".into(),
        "--reflink=auto".into(),
        "-T".into(),
        source.into(),
        target.into(),
    ];
    let done =
        Command::new(argv, Path::new("/"), base_env()).run(Capture::Merged(log.path().into()))?;
    if done.success() {
        return Ok(());
    }
    Err(Error::machine(format!("cannot copy '{}'", source.display()))
        .because(disk::read_text(log.path()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            for name in ["from", "to", "victim"] {
                std::fs::create_dir(dir.path().join(name)).expect("made");
            }
            Self { dir }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn write(&self, name: &str) {
            std::fs::create_dir_all(self.at(name).parent().expect("a folder")).expect("made");
            std::fs::write(self.at(name), name).expect("written");
        }

        fn copy(&self, outputs: &[&str]) -> std::result::Result<(), String> {
            let outputs: Vec<String> = outputs.iter().map(ToString::to_string).collect();
            copy(&self.at("from"), &self.at("to"), &outputs).expect("possible")
        }

        fn files_of(&self, name: &str) -> Vec<String> {
            let files = disk::files_below(&self.at(name)).expect("listed");
            files.iter().map(|p| p.display().to_string()).collect()
        }
    }

    #[test]
    fn paths_and_globs_are_copied_as_they_are() {
        let b = Bench::new();
        for file in
            ["from/a/node_modules/x", "from/b/c/node_modules/y", "from/vendor/z", "from/src"]
        {
            b.write(file);
        }
        symlink("x", b.at("from/a/node_modules/link")).expect("a link");
        b.write("to/vendor/old");
        b.copy(&["**/node_modules", "vendor/", "not-there"]).expect("copied");
        assert_eq!(b.files_of("to"), ["a/node_modules/x", "b/c/node_modules/y", "vendor/z"]);
        assert_eq!(
            std::fs::read_link(b.at("to/a/node_modules/link")).expect("a link"),
            Path::new("x")
        );
    }

    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        let b = Bench::new();
        b.write("from/app/out/payload");
        symlink(b.at("victim"), b.at("to/app")).expect("a link");
        let why = b.copy(&["app/out"]).expect_err("a link on the way");
        assert!(why.contains("'app'"), "{why}");
        // Nor one that an output before it brought.
        let b = Bench::new();
        symlink(b.at("victim"), b.at("from/app")).expect("a link");
        b.write("victim/out/secret");
        b.copy(&["app", "app/out"]).expect_err("a link on the way");
        assert!(b.files_of("to").is_empty());
        // A link in the place of an output goes, and what it led to stays.
        let b = Bench::new();
        b.write("from/out");
        b.write("victim/file");
        symlink(b.at("victim/file"), b.at("to/out")).expect("a link");
        b.copy(&["out"]).expect("copied");
        assert_eq!(std::fs::read_to_string(b.at("victim/file")).expect("kept"), "victim/file");
        assert!(!b.at("to/out").is_symlink());
        for wrong in ["../victim", "/etc", "", "a/../../victim", ".git", "x/.git/hooks"] {
            let b = Bench::new();
            b.write("victim/file");
            b.write("from/x/.git/hooks");
            b.write("from/.git");
            if b.copy(&[wrong]).is_ok() {
                assert!(b.files_of("to").is_empty(), "{wrong}");
            }
        }
    }
}
