//! The steps of the story, one folder each, in order: compile, build, merge, audit, repair, render.
//!
//! Every stage is inputs on disk → outcome on disk: a pure core that decides (values in, values
//! out, time included) and a thin edge that does what was decided.

pub mod abort;
mod attic;
pub mod audit;
pub mod build;
pub mod by_hand;
pub mod census;
pub mod compile;
mod context;
pub mod handover;
pub mod land;
pub mod memory;
pub mod merge;
pub mod notes;
pub mod patience;
pub mod pilot;
pub mod proof;
pub mod record;
pub mod render;
pub mod repair;
mod report;
pub mod rerun;
pub mod spending;
mod step;
pub mod verify;
pub mod waiting;

pub use context::{Context, group_of};
pub use report::{Item, Report, Silent};
pub use step::{exit_of, step_command};
