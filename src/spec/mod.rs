//! The spec: the contract of one run. Features are what is judged, groups are what is built,
//! checks are what proves it.
//!
//! Strict by design: an unknown key, kind or reference is an error that names its JSON path and
//! the nearest valid value, and all problems are reported at once. Nothing is dropped or coerced.

pub mod model;

pub use model::{
    Amendment, Check, CheckBody, CliProbe, Contract, Counts, Feature, Group, Prepare, ProjectKind,
    Purpose, Pytest, RepoTest, Spec, StateInvariant,
};
