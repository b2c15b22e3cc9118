//! Checks: what a run of a project's own tests, a probe or an invariant proved.
//!
//! The invariant of this module is "not run is never a pass": an [`Outcome`] that passed can be
//! made by the [`gate`] alone, from what was observed. Everything in [`outcome`], [`counts`],
//! [`gate`] and [`fingerprint`] is pure: values in, values out, no process, no clock, no file.

pub mod api;
pub mod batch;
pub mod before;
mod browser;
pub mod cache;
pub mod counts;
#[cfg(test)]
mod documented;
pub mod driver;
pub mod evidence;
pub mod fingerprint;
pub mod gate;
pub mod http;
mod journey;
mod kinds;
pub mod outcome;
mod outputs;
pub mod prepare;
pub mod reason;
pub mod service;
pub mod typed;

pub use fingerprint::fingerprint;
pub use outcome::{EvidenceRef, Outcome, Provenance, Reason, Status, TestCounts};
