//! What a worktree holds, as a tree: staged by us, with line-end conversions by the base's
//! attributes, and without running anybody's filter program.

use super::{Change, Git, Oid, Repo, Worktree};
use crate::base::{Error, Result};
use crate::disk;

/// The tree of a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub tree: Oid,
    /// Ignored files and folders that are there and not in the tree, and the `.git` of repositories
    /// that were made inside, which is removed.
    pub left_out: Vec<String>,
}

impl Worktree {
    /// Stages everything that is not ignored and writes the tree; what is in a repository inside are
    /// files like any other. `base` is the commit whose
    /// attributes count; what was `prepared` (paths) is not the agent's work and is left out.
    pub fn snapshot(&self, base: Oid, prepared: &[String]) -> Result<Snapshot> {
        let lines: String =
            prepared.iter().map(|path| format!("/{}\n", path.trim_matches('/'))).collect();
        if let Some(snapshot) = self.snapshot_plainly(base, &lines)? {
            return Ok(snapshot);
        }
        let inner = self.remove_repositories()?;
        disk::replace_derived(&self.excludes, lines.as_bytes())?;
        let git = self
            .git()
            .attributes_from(&base.to_string())
            .config(format!("core.excludesFile={}", self.excludes.display()));
        git.run(&["add", "--all", "--", "."])?;
        let written = git.answer(&["write-tree"])?;
        let written = match written.code {
            0 => String::from_utf8_lossy(&written.stdout).into_owned(),
            // The index may name objects that a `git gc --prune=now` took: they are made again.
            _ => {
                disk::remove_file(&self.index)?;
                git.run(&["read-tree", &base.to_string()])?;
                git.run(&["add", "--all", "--", "."])?;
                git.read(&["write-tree"])?
            }
        };
        let tree: Oid = written.trim().parse()?;
        let ignored = git.ignored()?;
        let ignored = ignored.iter().map(|p| p.to_string_lossy().into_owned());
        let mut left_out: Vec<String> = ignored.collect();
        let is_told = |p: &String| left_out.iter().any(|dir| p.starts_with(dir));
        let inner: Vec<String> = inner.into_iter().filter(|p| !is_told(p)).collect();
        left_out.extend(inner);
        Ok(Snapshot { tree, left_out })
    }

    /// Refuses (78) changed paths whose attributes name a filter driver that the user did not
    /// list: committing them raw would be wrong, and running the filter is the user's decision.
    pub fn refuse_filtered(&self, base: Oid, changes: &[Change]) -> Result<()> {
        let attributes = self.repo.file_at(base, ".gitattributes")?.unwrap_or_default();
        let mentioned = String::from_utf8_lossy(&attributes).contains("filter=");
        if changes.is_empty() || (!mentioned && drivers(&self.repo).is_empty()) {
            return Ok(());
        }
        let git = self.git().attributes_from(&base.to_string());
        let mut args = vec!["check-attr", "-z", "filter", "--"];
        args.extend(changes.iter().filter(|c| c.new.is_some()).map(|c| c.path.as_str()));
        let text = git.read(&args)?;
        let fields: Vec<&str> = text.split('\0').collect();
        for row in fields.chunks_exact(3) {
            let (path, driver) = (row[0], row[2]);
            let plain = ["unspecified", "unset", "set"].contains(&driver);
            if !plain && !self.filters.iter().any(|f| f == driver) {
                return Err(Error::machine(format!(
                    "'{path}' goes through the filter '{driver}', which Otto may not run"
                ))
                .hint(format!("allow it in otto.yaml: git: {{filters: [{driver}]}}")));
            }
        }
        Ok(())
    }
}

/// Filter drivers that the configuration defines.
fn drivers(repo: &Repo) -> Vec<String> {
    let local = repo.local();
    let config = local.config_snapshot();
    let mut names: Vec<String> = config
        .plumbing()
        .sections_by_name("filter")
        .into_iter()
        .flatten()
        .filter_map(|s| s.header().subsection_name().map(ToString::to_string))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Runs no filter driver but those that are allowed.
pub(super) fn without_filters(mut git: Git, repo: &Repo, allowed: &[String]) -> Git {
    for driver in drivers(repo).into_iter().filter(|d| !allowed.contains(d)) {
        for part in ["clean", "smudge", "process"] {
            git = git.config(format!("filter.{driver}.{part}="));
        }
        git = git.config(format!("filter.{driver}.required=false"));
    }
    git
}
