//! Audit: the integrated product → a verdict.

pub mod verdict;

pub use verdict::{ChainState, ProductVerdict, verdict};
