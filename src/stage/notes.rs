//! What builders are told besides their brief: learnings, for everybody, and the context that was
//! routed to one group. Both are plain files of the session that a person may read, change and
//! delete: the next attempt is told what is there then, as it is.

use std::path::PathBuf;

use serde::Serialize;

use crate::base::{Result, Sha256};
use crate::disk;
use crate::session::Session;
use crate::spec::Spec;
use crate::stage::repair::Told;

/// What one group is told; nothing where there is no file, or an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    pub learnings: Option<String>,
    pub context: Option<String>,
}

/// The hashes of the files, for the attempt's packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Hashed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnings: Option<Sha256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Sha256>,
}

impl Notes {
    /// What is there for the group now.
    pub fn read(session: &Session, gid: &str) -> Result<Self> {
        let layout = &session.layout;
        let learnings = text(layout.learnings())?;
        Ok(Self { learnings, context: text(layout.context(gid))? })
    }

    pub fn hashed(&self) -> Hashed {
        let of = |text: &Option<String>| text.as_ref().map(|t| Sha256::of(t.as_bytes()));
        Hashed { learnings: of(&self.learnings), context: of(&self.context) }
    }

    /// One hash of both; `None` when nothing is told.
    pub fn hash(&self) -> Option<Sha256> {
        let parts = [&self.learnings, &self.context].map(|t| t.as_deref().unwrap_or_default());
        parts.iter().any(|p| !p.is_empty()).then(|| Sha256::of_parts(&parts.map(str::as_bytes)))
    }
}

/// For every group, where something is told.
pub fn hashes(session: &Session, spec: &Spec) -> Result<Told> {
    let mut all = Told::new();
    for group in &spec.groups {
        if let Some(hash) = Notes::read(session, &group.id)?.hash() {
            all.insert(group.id.clone(), hash);
        }
    }
    Ok(all)
}

fn text(path: PathBuf) -> Result<Option<String>> {
    let bytes = disk::read_if_there(&path)?.unwrap_or_default();
    // Whatever a person left there is no reason to stop.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some(text).filter(|t| !t.trim().is_empty()))
}
