//! One run of one intent: where its files are, what happened, and what follows from it.
//!
//! The journal is the only truth about what happened; state is `fold(events)` and nothing else
//! (I1). Everything that can be derived is derived again after it was deleted.

mod approved;
pub mod config;
pub mod event;
mod find;
mod fold;
pub mod journal;
pub mod layout;
pub mod packages;
pub mod record;
mod red;
// A file is named after what it holds.
#[allow(clippy::module_inception)]
mod session;
pub mod state;
mod tell;
pub mod versions;

pub use config::Config;
pub use event::Event;
pub use find::{all, latest, resolve};
pub use fold::SYNC;
pub use journal::Record;
pub use layout::Layout;
pub use record::SessionRecord;
pub use red::Red;
pub use session::{Session, Workspace, cache_dir, own_cache};
pub use state::{GroupState, Phase, State};
pub use tell::{Weight, tell, usage_text};
