//! Merge: passing groups → the integration branch.
//!
//! `queue` decides the order, `may_land` what may be announced, `settle` what refs and journal
//! amount to (all pure); `reconcile` makes these agree after a kill,
//! `candidate` builds and tests a merge off-tree, `landing` is the only thing that moves the
//! integration ref, `adopt` and `sync` are for what people and the target branch did.

mod adopt;
mod candidate;
mod landing;
pub mod may_land;
mod process;
pub mod queue;
mod reconcile;
mod send_back;
pub mod settle;
mod sync;

pub use adopt::adopt;
pub use landing::{Landing, Tested, anchor};
pub use process::{Merged, Queue, Repair};
pub use reconcile::{reconcile, settled_tip};
pub use sync::sync;
