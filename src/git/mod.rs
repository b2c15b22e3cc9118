//! Git: what Otto needs of it, and the only place that knows gix or calls `git`.
//!
//! gix does refs, objects, merges and diffs in-process; the `git` program does what gix cannot:
//! switching an existing worktree in place, staging it with conversions, printing a patch.
//! Commits are made by this process, with hooks, fsmonitor and filter drivers off and `GIT_*`
//! scrubbed. Nothing here touches the user's checkout, except [`checkout`] for `otto land`.

mod cli;
pub mod commit;
pub mod diff;
pub mod merge;
pub mod pool;
pub mod refs;
mod repo;
pub mod snapshot;

pub use cli::{Git, version};
pub use commit::{CommitInfo, NewCommit};
pub use diff::{Change, ChangeKind};
pub use merge::{Conflict, Merge};
pub use pool::{Pool, Worktree};
pub use refs::{Expect, RefUpdate};
pub use repo::{Oid, Project, Repo};
