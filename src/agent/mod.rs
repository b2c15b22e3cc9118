//! Agents: one protocol to every provider, one driver for every turn. The core knows no vendor,
//! and believes nothing that an agent says: its words are stored as text (I7).

pub mod budget;
mod contain;
pub mod describe;
mod driver;
mod env;
pub mod installed;
mod ledger;
mod login;
pub mod narrative;
pub mod prompts;
pub mod protocol;
mod transcript;
mod veil;

pub use contain::Inside;
pub use driver::{Ending, Talk, Turn, TurnResult, require_provider, run_turn};
pub use env::{of_agent, of_provider};
pub use ledger::{Ledger, Part};
pub use narrative::narrate;
pub use prompts::Prompts;
pub use protocol::{ErrorClass, Event, Request};
