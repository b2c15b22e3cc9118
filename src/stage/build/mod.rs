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

pub use all::{build_all, report_end};
pub use attempt::describe_check;
pub use brief::quoted;
pub use group::{Again, GroupEnd, build_group, hold_group, missing_dependencies};
pub use judge::{Judgement, judge, note_check, output_of, violations};
pub use manual::take_in_manual_work;
