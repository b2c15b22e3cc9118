//! Render: the proof of a session, as data and as one page.
//!
//! This half is pure. [`ProofPacket`] is what `proof-packet.json` holds; [`html`] turns it into one
//! self-contained page that loads nothing and runs nothing. Filling the packet from a session's
//! journal is deliberately absent here.

mod dag_layout;
mod escape;
mod html;
pub mod packet;
mod svg_dag;
mod svg_timeline;
mod values;
mod view;
mod words;

pub use html::html;
pub use packet::ProofPacket;
