//! A slot after the machine was started again: nothing in it was synced.

use super::{Change, Oid, Worktree};
use crate::base::Result;
use crate::disk;

impl Worktree {
    /// Nothing in a slot is synced, so after a power cut a file may be there with its size and times
    /// and without its content, and an index that vouches for it may be too: it counts for one boot.
    pub(super) fn distrust_after_a_boot(&self) -> Result<()> {
        if !self.is_of_another_boot()? {
            return Ok(());
        }
        disk::remove_file(&self.index)?;
        let now = crate::process::boot_id().unwrap_or_default();
        disk::replace_derived(&self.home.join("boot"), now.as_bytes())
    }

    /// Also where nobody can say.
    pub(super) fn is_of_another_boot(&self) -> Result<bool> {
        let now = crate::process::boot_id().unwrap_or_default();
        let known = disk::read_if_there(&self.home.join("boot"))?;
        Ok(now.is_empty() || known.as_deref() != Some(now.as_bytes()))
    }

    /// Takes changes back: each path becomes what it was in the commit.
    pub fn restore(&self, changes: &[&Change], commit: Oid) -> Result<()> {
        for change in changes {
            disk::remove_any(&self.path.join(&change.path))?;
        }
        let were_there = changes.iter().filter(|c| c.old.is_some());
        let paths: Vec<String> = were_there.map(|c| format!(":(top,literal){}", c.path)).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let source = format!("--source={commit}");
        let args = ["restore", "--worktree", &source, "--"].into_iter();
        self.git().run(&args.chain(paths.iter().map(String::as_str)).collect::<Vec<_>>()).map(drop)
    }
}
