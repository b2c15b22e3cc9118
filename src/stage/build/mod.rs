//! Build: groups → passing branches.
//!
//! `schedule` decides (pure), `group` runs one group to its end, `attempt` is one agent turn with
//! everything around it, `judge` says what a tree is worth, `all` keeps several groups going.

mod all;
mod attempt;
mod base;
mod brief;
mod group;
mod judge;
mod manual;
pub mod schedule;

pub use all::build_all;
pub use group::{Again, GroupEnd, build_group};
pub use manual::take_in_manual_work;
