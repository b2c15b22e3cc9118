//! Makes the packet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{MANIFEST, README, SIGNATURE, STATEMENT, sign, statement};
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::event::Event;
use crate::session::journal::Record;
use crate::session::{Session, Workspace};
use crate::stage::{render, verify};

/// What was made.
#[derive(Debug)]
pub struct Exported {
    pub path: PathBuf,
    pub members: usize,
    pub bytes: u64,
    /// The key that signed it.
    pub signed: Option<PathBuf>,
}

/// Writes the packet of a session to `out`; signed with a key where one is given. Fails (1) where
/// nothing landed, and with 65 where the session does not hold together: what is broken is not
/// handed over as a proof.
pub fn export(
    ws: &Workspace,
    session: &Session,
    out: &Path,
    key: Option<&Path>,
) -> Result<Exported> {
    let (records, damage) = verify::read(session)?;
    if let Some(damage) = damage {
        return Err(Error::input(damage).hint("otto verify names what is wrong"));
    }
    let Some(tip) = session.with_state(|s| s.landings.last().map(|l| (l.new, l.tree)))? else {
        return Err(Error::no(
            "nothing has landed in this session, so there is no product to hand over",
        ));
    };
    let rendered = render::render(ws, session)?;
    let layout = &session.layout;
    let mut members: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut add = |name: String, path: &Path| -> Result<()> {
        members.insert(name, disk::read(path)?);
        Ok(())
    };
    add("journal.jsonl".into(), &layout.journal())?;
    add("session.json".into(), &layout.record())?;
    add("intent.txt".into(), &layout.intent())?;
    add("spec/spec.json".into(), &layout.spec_json())?;
    add("proof-packet.json".into(), &rendered.json)?;
    add("proof-packet.html".into(), &rendered.html)?;
    for file in disk::files_below(&layout.spec_versions())? {
        add(format!("spec/versions/{}", file.display()), &layout.spec_versions().join(&file))?;
    }
    for hash in cited(&records) {
        add(format!("evidence/{hash}"), &layout.evidence().join(hash.to_string()))?;
    }
    let manifest = manifest(&members);
    let told = statement::of(session, &records, tip, &Sha256::of(manifest.as_bytes()))?;
    members.insert(MANIFEST.into(), manifest.into_bytes());
    members.insert(README.into(), statement::readme(&session.record, tip.0).into_bytes());
    if let Some(key) = key {
        members.insert(SIGNATURE.into(), sign::sign(key, told.as_bytes())?);
    }
    members.insert(STATEMENT.into(), told.into_bytes());
    let bytes = tar(&members)?;
    disk::replace(out, &bytes)?;
    Ok(Exported {
        path: out.to_owned(),
        members: members.len(),
        bytes: bytes.len() as u64,
        signed: key.map(Path::to_owned),
    })
}

/// Every piece of evidence that a journal cites.
pub(super) fn cited(records: &[Record]) -> BTreeSet<Sha256> {
    let mut all = BTreeSet::new();
    for record in records {
        let outcome = match &record.event {
            Event::GroupChecked(e) => e.outcome.value(),
            Event::AuditChecked(e) => e.outcome.value(),
            _ => continue,
        };
        let list = outcome["evidence"].as_array().into_iter().flatten();
        let hashes =
            list.filter_map(|e| e.as_str()?.strip_prefix("sha256:")?.parse::<Sha256>().ok());
        all.extend(hashes);
    }
    all
}

/// As `sha256sum` writes it.
pub(super) fn manifest(members: &BTreeMap<String, Vec<u8>>) -> String {
    members.iter().map(|(name, bytes)| format!("{}  {name}\n", Sha256::of(bytes))).collect()
}

/// The same bytes for the same members: no times, no owners, sorted.
fn tar(members: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let fail = |e| Error::bug("a tar cannot be made").because(e);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, name, bytes.as_slice()).map_err(fail)?;
    }
    builder.into_inner().map_err(fail)
}
