//! The page of a packet, made again from what it was made from.

use super::Packet;
use crate::base::{Error, Result};
use crate::check::evidence::EvidenceStore;
use crate::disk;
use crate::stage::render::{ProofPacket, exhibits, html};

/// What making it again came to.
pub(super) enum Page {
    Same,
    Differs,
    /// Another version of Otto made it: its pages look otherwise.
    OfAnother(String),
}

pub(super) fn made_again(packet: &Packet, shown: &ProofPacket) -> Result<Page> {
    let by = shown.versions.get("otto").map(String::as_str).unwrap_or("?");
    if by != env!("CARGO_PKG_VERSION") {
        return Ok(Page::OfAnother(by.to_owned()));
    }
    let dir = tempfile::tempdir().map_err(|e| Error::machine("cannot make a folder").because(e))?;
    for (name, bytes) in &packet.members {
        if let Some(hash) = name.strip_prefix("evidence/").filter(|h| !h.contains('/')) {
            disk::place_file(&dir.path().join(hash), bytes, false)?;
        }
    }
    let exhibits = exhibits(&EvidenceStore::new(dir.path().to_owned()), shown)?;
    let page = html(shown, &exhibits)?;
    Ok(match packet.get("proof-packet.html") == Some(page.as_bytes()) {
        true => Page::Same,
        false => Page::Differs,
    })
}
