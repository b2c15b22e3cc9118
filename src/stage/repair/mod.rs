//! Repair: product failures only, to the owner of what fails, one dispatch a group, nothing tried
//! twice the same way. What was repaired lands through the queue and is audited again.

pub mod ledger;
mod run;

pub use ledger::{Todo, plan};
pub use run::{Repaired, brief_of, repair, reproductions};
