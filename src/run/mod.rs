//! The porcelain: `otto run` chains the stages as processes, shows what happens, and resumes.

mod chain;
pub mod demo;
mod finish;
pub mod next;
mod progress;
mod reopen;
mod resume;
pub mod setup;
mod step;
pub mod summary;
mod wait;
mod wake;

pub use chain::{Goal, go, hold};
pub use finish::finish;
pub use progress::Progress;
pub use reopen::reopen;
pub use resume::{Resume, resumable};
pub use wake::{cancel, wake};
