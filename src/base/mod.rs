//! What every module needs and nothing that does I/O beyond reading the clock.

pub mod clock;
pub mod error;
pub mod exit;
pub mod fault;
pub mod hash;
pub mod ids;
pub mod json;
pub mod redact;
pub mod terminal;
pub mod text;

pub use error::{Error, Remedy, Result};
pub use exit::Exit;
pub use hash::Sha256;
pub use ids::{GroupId, SessionId};
pub use json::Json;
pub use redact::Secrets;
