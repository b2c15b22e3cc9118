//! Evidence made readable: requests and replies, a journey's steps, samples, a terminal, pictures.
//!
//! What is shown as more than a file was written by Otto's own check of that kind and names that
//! check; a file that a check was asked to keep was written by the product and stays a file,
//! whatever it says it is. Unknown evidence, and what is too large for a page, is named by its hash
//! and size. [`read`] looks at files; everything else is pure.

mod image;
mod journey;
mod metric;
mod probe;
#[cfg(test)]
pub(super) mod tests;
mod text;
mod transcript;

use std::collections::BTreeMap;

use serde::Serialize;

use super::packet::{CheckOutcome, CheckRun, Evidence, ProofPacket};
use super::view::shown_runs;
use crate::base::{Result, Sha256};
use crate::check::EvidenceRef;
use crate::check::evidence::EvidenceStore;
pub use image::{Picture, is_one as is_picture};
use journey::Journey;
use metric::Metric;
use probe::Probe;
pub use text::Folded;
use transcript::Transcript;

/// A larger file is not read to be shown.
const LARGEST: u64 = 4 << 20;
/// All pictures of a page together.
pub const ALL_PICTURES: u64 = 8 << 20;

/// Evidence by its hash, read once.
#[derive(Debug, Default)]
pub struct Exhibits {
    /// By (number of the run, hash): what a file is depends on who kept it.
    shown: BTreeMap<(usize, Sha256), Exhibit>,
    /// Pictures that the page had no room for.
    pub left_out: usize,
}

/// A piece of evidence as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "shown_as", rename_all = "snake_case")]
pub enum Exhibit {
    Terminal(Transcript),
    Probe(Probe),
    Journey(Journey),
    Invariant {
        expr: String,
        values: Folded,
    },
    Metric(Metric),
    Picture(Picture),
    /// A picture that a step of a journey shows.
    Placed,
    /// Named by its hash; the excerpt is in the packet.
    File,
}

impl Exhibits {
    pub fn of(&self, run: usize, sha256: &Sha256) -> Option<&Exhibit> {
        self.shown.get(&(run, *sha256))
    }
}

/// Reads what the page shows: of each check, the evidence of the run that counts, and of the last
/// that failed. What cannot be read was said by the packet already.
pub fn read(store: &EvidenceStore, packet: &ProofPacket) -> Result<Exhibits> {
    let mut out = Exhibits::default();
    let mut room = Room { left: ALL_PICTURES, left_out: 0 };
    for at in shown_runs(packet) {
        let run = &packet.checks[at];
        for (sha256, exhibit) in of_run(run, &mut |e| whole(store, e), &mut room) {
            out.shown.insert((at, sha256), exhibit);
        }
    }
    out.left_out = room.left_out;
    Ok(out)
}

/// The bytes of a piece that is small enough and is what its name says.
fn whole(store: &EvidenceStore, piece: &Evidence) -> Option<Vec<u8>> {
    (piece.bytes > 0 && piece.bytes <= LARGEST)
        .then(|| store.read(&EvidenceRef(piece.sha256)).ok())
        .flatten()
}

/// What is left for pictures.
pub(super) struct Room {
    pub left: u64,
    pub left_out: usize,
}

/// The pieces of one run. `bytes` gives what a piece holds.
pub(super) fn of_run(
    run: &CheckRun,
    bytes: &mut dyn FnMut(&Evidence) -> Option<Vec<u8>>,
    room: &mut Room,
) -> Vec<(Sha256, Exhibit)> {
    let held: Vec<(&Evidence, Option<Vec<u8>>)> =
        run.evidence.iter().map(|e| (e, bytes(e))).collect();
    let mut out: Vec<(Sha256, Exhibit)> = Vec::new();
    // Otto keeps its own record before the files that a check names: at most a transcript and
    // pictures of its own stand before it.
    let mut before = Before::Nothing;
    for (n, (piece, bytes)) in held.iter().enumerate() {
        let Some(bytes) = bytes else {
            before = Before::Other;
            continue;
        };
        let terminal = (n == 0).then(|| transcript::read(bytes)).flatten();
        let exhibit = match terminal {
            Some(terminal) => {
                before = Before::Terminal;
                Exhibit::Terminal(terminal)
            }
            None if image::is_one(bytes) => Exhibit::File,
            None => {
                let own = recorded(run, bytes, before);
                before = Before::Other;
                own.unwrap_or(Exhibit::File)
            }
        };
        out.push((piece.sha256, exhibit));
    }
    place_pictures(&held, &mut out, room);
    out
}

/// What was kept before a piece, pictures aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Terminal,
    Other,
}

/// What Otto's own check of this kind wrote down, if these bytes are that.
fn recorded(run: &CheckRun, bytes: &[u8], before: Before) -> Option<Exhibit> {
    let probe = || probe::read(&run.id, bytes).map(Exhibit::Probe);
    let passed = run.outcome == CheckOutcome::Passed;
    let journey = || journey::read(&run.id, passed, bytes).map(Exhibit::Journey);
    let metric = || metric::read(&run.id, bytes).map(Exhibit::Metric);
    match (before, run.kind.as_str()) {
        (Before::Nothing, "api_probe") => probe(),
        (Before::Nothing, "browser_journey") => journey(),
        (Before::Terminal, "metric") => metric(),
        (Before::Nothing, "state_invariant") => invariant(bytes),
        // Its kind is not told. What stands first is Otto's, whatever the kind.
        (Before::Nothing, "scenario") => probe().or_else(journey).or_else(|| invariant(bytes)),
        _ => None,
    }
}

fn invariant(bytes: &[u8]) -> Option<Exhibit> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kept {
        expr: String,
        values: serde_json::Value,
    }
    let Kept { expr, values } = serde_json::from_slice(bytes).ok()?;
    Some(Exhibit::Invariant { expr, values: Folded::of(&format!("{values:#}")) })
}

/// Gives each picture its place: the step of the journey that took it, else one of its own.
fn place_pictures(
    held: &[(&Evidence, Option<Vec<u8>>)],
    out: &mut Vec<(Sha256, Exhibit)>,
    room: &mut Room,
) {
    let mut pictures: BTreeMap<Sha256, Picture> = BTreeMap::new();
    for (piece, bytes) in held {
        if let Some(bytes) = bytes.as_deref().filter(|b| image::is_one(b)) {
            let picture = image::read(bytes, &mut room.left);
            room.left_out += usize::from(picture.src.is_none());
            pictures.insert(piece.sha256, picture);
        }
    }
    let mut in_steps = Vec::new();
    for (_, exhibit) in out.iter_mut() {
        if let Exhibit::Journey(journey) = exhibit {
            in_steps.extend(journey.place(&pictures));
        }
    }
    // A picture that a step shows is not shown twice.
    out.retain(|(sha256, _)| !in_steps.contains(sha256));
    for (sha256, exhibit) in out.iter_mut() {
        if let (Exhibit::File, Some(picture)) = (&*exhibit, pictures.get(sha256)) {
            *exhibit = Exhibit::Picture(picture.clone());
        }
    }
    out.extend(in_steps.iter().map(|sha256| (*sha256, Exhibit::Placed)));
}
