//! Build: groups → passing branches.
//!
//! `schedule` decides (pure), `group` runs one group to its end, `attempt` is one agent turn with
//! everything around it, `judge` says what a tree is worth, `all` keeps several groups going.

mod all;
mod attempt;
pub mod base;
mod brief;
mod commit;
pub mod course;
mod gated;
mod group;
pub mod heads;
mod judge;
mod ladder;
mod manual;
mod packet;
pub mod schedule;
mod turn;

pub use all::{build_all, report_end};
pub use brief::quoted;
pub use gated::{Commit, beside_base, is_test, on_session_base, run_checks};
pub use group::{Again, GroupEnd, build_group, hold_group, missing_dependencies};
pub use judge::{Judgement, judge, note_check, output_of, printed, violations};
pub use manual::{late_work, take_in_manual_work};
pub use packet::describe_check;
