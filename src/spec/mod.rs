//! The spec: the contract of one run. Features are what is judged, groups are what is built,
//! checks are what proves it.
//!
//! Strict by design: an unknown key, kind or reference is an error that names its JSON path and
//! the nearest valid value, and all problems are reported at once. Nothing is dropped or coerced.

pub mod amend;
pub mod beside;
pub mod gates;
pub mod glob;
pub mod import_check;
pub mod markdown;
pub mod metric;
pub mod model;
pub mod order;
pub mod ownership;
pub mod parse;
pub mod paths;
pub mod problem;
pub mod schema;
pub mod type_check;
pub mod validate;

mod doubt;
pub(crate) mod json;
mod older;
mod shape;

#[cfg(test)]
pub(crate) mod sample;

pub use amend::{Actor, Change, Refusal, append, check_change, verify_chain};
pub use beside::{PROBE_KINDS, checks_beside};
pub use gates::{BaseTree, GateInputs};
pub use glob::may_overlap;
pub use markdown::{from_markdown, to_markdown};
pub use model::{
    Amendment, ApiExpectation, ApiProbe, ApiRequest, BUILT_IN_KINDS, BrowserJourney, Check,
    CheckBody, CliProbe, Contract, ContractRule, Counts, Feature, Fixture, Group, JsonExpectation,
    Locator, PageExpectation, Prepare, Press, ProjectKind, Purpose, Pytest, RepoTest, Service,
    Spec, StateInvariant, Step, Structure, TextExpectation, VERSION, Viewport,
};
pub use order::{dependents, spec_order, topological};
pub use ownership::{Ownership, Verdict};
pub use parse::{Parsed, parse, parse_value};
pub use paths::Paths;
pub use problem::Problem;
pub use schema::json_schema;
pub use validate::problems;
