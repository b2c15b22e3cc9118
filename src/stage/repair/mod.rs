//! Repair: product failures only, to the owner of the failing path, one dispatch a group, nothing
//! tried twice the same way. What was repaired lands through the queue and is audited again.
//! Circles, and repairs that change nothing, end it.

mod failure;
pub mod ledger;
mod paths;
mod route;
mod run;

pub use failure::failure_of;
pub use ledger::{Next, Stop, Told, failing, next, open};
pub use run::{Repaired, brief_of, is_on, repair, reproductions};
