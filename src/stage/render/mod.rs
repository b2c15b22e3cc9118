//! Render: the proof of a session, as data and as one page.
//!
//! [`ProofPacket`] is what `proof-packet.json` holds. [`collect`] fills it from a session's journal
//! and evidence; [`html`] turns it into one self-contained page that loads nothing and runs nothing
//! and is pure; [`render`] writes both, with the summary, the manifest and the history.

mod change;
mod collect;
mod dag_layout;
mod earlier;
mod escape;
mod exhibit;
mod html;
pub mod packet;
mod svg_dag;
mod svg_text;
mod svg_timeline;
mod values;
mod view;
mod words;
mod write;

pub use change::{Change, Moved};
pub use collect::{chain, collect, judge};
pub use earlier::earlier_of;
pub use exhibit::{Exhibit, Exhibits, read as exhibits};
pub use html::html;
pub use packet::ProofPacket;
pub use values::bytes as size;
pub use write::{
    Rendered, Summary, current, packet_of, rebuild_history, render, rendered_events, summary_of,
};
