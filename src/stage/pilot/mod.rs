//! The gate pilot: where something failed and something can still be tried, one call to a model
//! that reads what is on disk and says how to go on. What it says is advice in a schema: it may
//! have failed groups tried again, in another way or not at all, and tell builders something. It
//! approves nothing, lands nothing, and reaches nothing that passes. Without an answer everything
//! goes on as if there were no pilot.

mod answer;
pub mod boundary;
mod digest;
mod notes;
mod run;

pub use answer::{schema, validate};
pub use boundary::{Boundary, due};
pub use run::{Piloted, is_on, pilot};
