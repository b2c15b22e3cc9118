//! What a person does with proofs: lists them, looks at one, compares two, and clears up what can
//! be made again. Nothing in here decides what is true; that is [`render`](crate::stage::render).

mod cleanup;
mod diff;
mod list;

pub use cleanup::{Depth, Part, Plan, Rule, Spared, older_than, plan, remove};
pub use diff::{diff, earlier, told};
pub use list::{Row, State, list};
