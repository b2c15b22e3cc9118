//! Audit: the integrated product, judged by nobody who built it.
//!
//! From a clean worktree at the integration commit: every check again (never from the cache),
//! checks across groups, held-out scenarios, then the certifier where one is configured.
//! `verdict` is the pure function that says what it all amounts to.

mod certifier;
mod findings;
mod observe;
mod scenarios;
pub mod verdict;

pub use observe::{Scope, audit};
pub use scenarios::{Scenario, load_scenarios};
pub use verdict::{ChainState, ProductVerdict, Word, verdict};
