//! Git: what Otto needs of it, and the only place that knows gix or calls `git`.
//!
//! gix does refs, objects, merges and diffs in-process; a pooled worktree is reset and staged here
//! too where its files are the bytes of their blobs ([`plain`]). The `git` program does the rest:
//! worktrees with conversions, filters or submodules, and printing a patch.
//! Commits are made by this process, with hooks, fsmonitor and filter drivers off and `GIT_*`
//! scrubbed. Nothing here touches the user's checkout, except [`checkout`] for `otto land`.

mod borrowed;
mod cli;
pub mod commit;
pub mod diff;
mod folders;
mod inside;
mod links;
mod listing;
mod look;
pub mod merge;
mod notes;
mod plain;
pub mod pool;
mod reboot;
mod recover;
pub mod refs;
mod repo;
mod reset;
pub mod snapshot;
mod stage;
mod tracked;

pub use cli::{Git, require_git, version};
pub use commit::{CommitInfo, NewCommit};
pub use diff::{Change, ChangeKind};
pub use links::Links;
pub use look::Place;
pub use merge::{Conflict, Merge};
pub use pool::{Pool, Worktree};
pub use refs::{Expect, RefUpdate};
pub use repo::{Oid, Project, Repo};
pub use tracked::Tracked;

/// 75: a git lock file is in the way, whose owner we are not. Never removed by us: a git that works
/// looks the same as one that was killed.
pub fn locked(what: &str, lock: &std::path::Path) -> crate::base::Error {
    let place = lock.display().to_string();
    crate::base::Error::later(
        format!("{what} is locked: '{place}' is there; a git is at work, or was killed over it"),
        None,
    )
    .hint(format!(
        "try again; if no git runs in this repository any more: rm {}",
        crate::base::text::shell_quote(&place)
    ))
}
