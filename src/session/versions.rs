//! The files of the spec: `versions/NNN.json` is written before its event, `spec.json` and
//! `spec.md` after it. So a kill leaves either a version that nothing refers to, or a `spec.json`
//! that is one version behind, and that is brought up to date by whoever reads it next.

use super::layout::SessionLayout;
use super::state::{SpecState, State};
use crate::base::{Result, Sha256};
use crate::disk;
use crate::spec::{Spec, parse, to_markdown};

/// What [`write_version`] writes, hashed: it goes into the version's event.
pub fn file_hash(spec: &Spec) -> Sha256 {
    Sha256::of(spec.to_json().as_bytes())
}

/// Keeps a version; called under the journal's lock, just before its event.
pub fn write_version(layout: &SessionLayout, spec: &Spec, version: u32) -> Result<()> {
    disk::replace(&layout.spec_version(version), spec.to_json().as_bytes())
}

/// The two files that are read; `spec.json` last, because it is the one that counts.
pub fn write_current(layout: &SessionLayout, spec: &Spec) -> Result<()> {
    disk::replace(&layout.spec_md(), to_markdown(spec).as_bytes())?;
    disk::replace(&layout.spec_json(), spec.to_json().as_bytes())
}

/// The hash that `spec.json` must have, where the journal knows it.
pub fn current_hash(state: &SpecState) -> Option<Sha256> {
    match state {
        SpecState::Compiled { sha256 } | SpecState::Approved { sha256, .. } => Some(*sha256),
        SpecState::None | SpecState::Rejected { .. } => None,
    }
}

/// Brings `spec.json` up to date where a kill left it absent or at an earlier version. A file that a
/// person changed is neither, and is left for the caller to refuse.
pub fn heal(layout: &SessionLayout, state: &State) -> Result<()> {
    let Some(wanted) = current_hash(&state.spec) else { return Ok(()) };
    let found = disk::read_if_there(&layout.spec_json())?;
    let found_hash = found.as_deref().and_then(hash_of);
    if found_hash == Some(wanted) {
        return Ok(());
    }
    let earlier = || state.spec_versions.range(..state.spec_version);
    let is_behind = found.is_none() || found_hash.is_some_and(|f| earlier().any(|(_, h)| *h == f));
    if !is_behind {
        return Ok(());
    }
    let kept = disk::read_if_there(&layout.spec_version(state.spec_version))?;
    match kept.as_deref().and_then(spec_of).filter(|spec| spec.content_hash() == wanted) {
        Some(spec) => write_current(layout, &spec),
        None => Ok(()),
    }
}

fn spec_of(bytes: &[u8]) -> Option<Spec> {
    parse(std::str::from_utf8(bytes).ok()?).ok().map(|parsed| parsed.spec)
}

fn hash_of(bytes: &[u8]) -> Option<Sha256> {
    spec_of(bytes).map(|spec| spec.content_hash())
}
