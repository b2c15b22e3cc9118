//! What every program shares: start-up, arguments, the session handle on standard input, output as
//! JSON lines or text, and how an error is printed, once.

mod args;
mod handle;
mod items;
mod lines;
mod pilot;
pub mod proof;
pub mod sandbox;
mod stage;
mod start;
mod stream;
pub mod verify;

pub use args::{ConfigArgs, IntentArgs, ProviderArgs, SessionArgs, StageArgs, Wanted};
pub use handle::{Handle, Taken, Upstream};
pub use stage::{Stage, UpstreamRule, Wake, run_stage};
pub use start::{Out, Ui, person, program, report_error, write_out};
pub use stream::Stream;
