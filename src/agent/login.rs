//! A person's log-in file in an agent's folder. Never a copy: a credential that is renewed in a copy
//! would log the person out.

use std::path::{Component, Path, PathBuf};

use super::describe::LoginFile;
use crate::base::{Error, Result};
use crate::disk;
use crate::process::Tier;

/// A larger one is none.
const LARGEST: u64 = 1 << 20;

/// Puts the file where the agent looks for it: as a link, or, where the tier has mounts of its own,
/// by one (the pair that is returned). `None` without such a file.
pub(super) fn place(
    login: &LoginFile,
    dir: &Path,
    tier: Tier,
) -> Result<Option<(PathBuf, PathBuf)>> {
    if !login.to.components().all(|c| matches!(c, Component::Normal(_))) {
        return Err(Error::input(format!(
            "the provider wants a log-in file at '{}', outside of its folder",
            login.to.display()
        )));
    }
    if !login.file.is_file() {
        return Ok(None);
    }
    // Otto may have died before it gave back what the turn before this one left.
    give_back(login, dir)?;
    // An agent that was here before may have left links on the way.
    disk::place_real_dir(dir, login.to.parent().unwrap_or(Path::new("")))?;
    let to = dir.join(&login.to);
    let is_right = std::fs::read_link(&to).is_ok_and(|target| target == login.file);
    match tier {
        Tier::Bwrap => disk::remove_any(&to)?,
        Tier::Worktree | Tier::Landlock if is_right => {}
        Tier::Worktree | Tier::Landlock => {
            disk::remove_any(&to)?;
            disk::place_symlink(&to, &login.file)?;
        }
    }
    Ok(Some((login.file.clone(), to)))
}

/// A program that renews its log-in by a new file of that name has put it in the place of the link:
/// it is the person's, and goes where theirs is. An older one, or what a mount left, is nothing.
pub(super) fn give_back(login: &LoginFile, dir: &Path) -> Result<()> {
    let left = disk::read_beneath(dir, &login.to, LARGEST).unwrap_or_default();
    let written = |path: &Path| path.symlink_metadata().and_then(|m| m.modified()).ok();
    let Ok(theirs) = login.file.canonicalize() else { return Ok(()) };
    let own = dir.join(&login.to);
    if left.is_empty() || written(&own) <= written(&theirs) {
        return Ok(());
    }
    disk::replace_in_its_mode(&theirs, &left)?;
    disk::remove_any(&own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Bench {
        _dir: tempfile::TempDir,
        login: LoginFile,
        state: PathBuf,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let file = dir.path().join("auth.json");
            std::fs::write(&file, "old").expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("mode");
            let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            let opened = std::fs::File::options().append(true).open(&file).expect("open");
            opened.set_modified(past).expect("a time");
            let state = dir.path().join("state");
            std::fs::create_dir(&state).expect("a folder");
            let login = LoginFile { file, to: "deep/auth.json".into() };
            Self { _dir: dir, login, state }
        }

        fn theirs(&self) -> String {
            std::fs::read_to_string(&self.login.file).expect("it is there")
        }

        fn own(&self) -> PathBuf {
            self.state.join(&self.login.to)
        }
    }

    #[test]
    fn what_is_written_through_the_link_is_the_persons() {
        let bench = Bench::new();
        place(&bench.login, &bench.state, Tier::Landlock).expect("placed");
        std::fs::write(bench.own(), "new").expect("written");
        assert_eq!(bench.theirs(), "new");
        give_back(&bench.login, &bench.state).expect("nothing to do");
        assert!(bench.own().is_symlink(), "the link stays for the next turn");
    }

    #[test]
    fn a_new_file_in_the_place_of_the_link_goes_back() {
        let bench = Bench::new();
        place(&bench.login, &bench.state, Tier::Landlock).expect("placed");
        disk::remove_any(&bench.own()).expect("removed");
        std::fs::write(bench.own(), "renewed").expect("written");
        // Otto died here; the next turn begins.
        place(&bench.login, &bench.state, Tier::Landlock).expect("placed");
        assert_eq!(bench.theirs(), "renewed");
        let mode = bench.login.file.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_link(bench.own()).expect("a link"), bench.login.file);
    }

    #[test]
    fn what_is_older_empty_or_led_elsewhere_changes_nothing() {
        let bench = Bench::new();
        place(&bench.login, &bench.state, Tier::Bwrap).expect("placed");
        std::fs::write(bench.own(), "").expect("what a mount leaves");
        give_back(&bench.login, &bench.state).expect("nothing to do");
        assert_eq!(bench.theirs(), "old");
        std::fs::write(bench.own(), "older").expect("written");
        let file = std::fs::File::options().append(true).open(bench.own()).expect("open");
        file.set_modified(std::time::UNIX_EPOCH).expect("a time");
        give_back(&bench.login, &bench.state).expect("nothing to do");
        assert_eq!(bench.theirs(), "old");
        let elsewhere = bench.state.join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("a folder");
        std::fs::write(elsewhere.join("auth.json"), "not mine").expect("written");
        disk::remove_any(&bench.state.join("deep")).expect("removed");
        disk::place_symlink(&bench.state.join("deep"), &elsewhere).expect("a link");
        give_back(&bench.login, &bench.state).expect("nothing to do");
        assert_eq!(bench.theirs(), "old");
    }
}
