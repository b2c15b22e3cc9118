//! Watching: what happens in a session and what its agents do, laid beside each other by time; a
//! narrative made again; a copy of a group's worktree to look around in.
//!
//! Looking changes nothing: no lock is taken, no file of a session is written (but for a narrative
//! that is made again), and no file that is absent, cut or half written stops a watcher. What is
//! looked at is what is shown: of a long file only its end is read.

pub mod attach;
mod events;
mod follow;
mod line;
mod merge;
pub mod narrative;
mod tail;
mod told;
mod turns;

pub use follow::{Form, Readers, Wanted, require_groups, show};
pub use turns::{Turn, turns};
