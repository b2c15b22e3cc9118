//! Audit: the integrated product, judged by nobody who built it.
//!
//! From a clean worktree at the integration commit, and in this order: every check again (never from
//! the cache) and the checks across groups, held-out scenarios, what is beyond the spec, then those
//! who judge, as deep as the mode says. `verdict` is the pure function that says what it all amounts
//! to.

mod certifier;
mod findings;
mod observe;
mod plan;
mod scenarios;
mod scope;
pub mod verdict;

pub use certifier::turn_dirs;
pub use observe::{Scope, audit};
pub use plan::again;
pub use scenarios::{Scenario, load_scenarios};
pub use verdict::{ChainState, ProductVerdict, Word, verdict};
