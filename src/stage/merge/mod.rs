//! Merge: passing groups → the integration branch.
//!
//! `queue` decides the order (pure), `reconcile` makes refs and journal agree after a kill,
//! `candidate` builds and tests a merge off-tree, `landing` is the only thing that moves the
//! integration ref, `adopt` and `sync` are for what people and the target branch did.

mod adopt;
mod candidate;
mod landing;
mod process;
pub mod queue;
mod reconcile;
mod send_back;
mod sync;

pub use adopt::adopt;
pub use landing::{Landing, Tested, anchor};
pub use process::{Merged, Queue, Repair};
pub use reconcile::{reconcile, settled_tip};
pub use sync::sync;
