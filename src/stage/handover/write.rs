//! Makes the packet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{JOURNAL, Key, MANIFEST, README, RECORDS, SIGNATURE, STATEMENT, sign, statement};
use crate::base::{Error, Result, Sha256};
use crate::check::record::EvidenceRecord;
use crate::disk;
use crate::session::journal::Record;
use crate::session::{Session, Workspace};
use crate::stage::verify::{self, cited};
use crate::stage::{git_notes, render};

/// What was made.
#[derive(Debug)]
pub struct Exported {
    pub path: PathBuf,
    pub members: usize,
    pub bytes: u64,
    pub signed: bool,
}

/// Writes the packet of a session to `out`; signed with a key where one is given. Fails (1) where
/// nothing landed, and with 65 where the session does not hold together: what is broken is not
/// handed over as a proof.
pub fn export(
    ws: &Workspace,
    session: &Session,
    out: &Path,
    key: Option<&Key>,
) -> Result<Exported> {
    let broken = verify::verify(ws, session)?.problems;
    if let Some(first) = broken.first() {
        return Err(Error::input(format!("the session does not hold together: {first}"))
            .hint("otto verify names all that is wrong"));
    }
    let Some(tip) = session.with_state(|s| s.landings.last().map(|l| (l.new, l.tree)))? else {
        return Err(Error::no(
            "nothing has landed in this session, so there is no product to hand over",
        ));
    };
    let rendered = render::render(ws, session)?;
    let records = git_notes::records(session)?;
    let layout = &session.layout;
    let mut members: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut add = |name: String, path: &Path| -> Result<()> {
        members.insert(name, disk::read(path)?);
        Ok(())
    };
    add(JOURNAL.into(), &layout.journal())?;
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
    if session.record.given_sha256.is_some() {
        add("spec/given.json".into(), &layout.spec_given())?;
    }
    members.insert(RECORDS.into(), records_of(&records).into_bytes());
    let manifest = manifest(&members);
    let told = statement::of(session, &records, tip, &Sha256::of(manifest.as_bytes()))?;
    members.insert(MANIFEST.into(), manifest.into_bytes());
    members.insert(README.into(), statement::readme(&session.record, tip.0).into_bytes());
    if let Some(key) = key {
        members.insert(SIGNATURE.into(), sign::sign(key, told.as_bytes())?);
    }
    members.insert(STATEMENT.into(), told.into_bytes());
    let bytes = tar(&members)?;
    disk::hand_out(out, &bytes)?;
    Ok(Exported {
        path: out.to_owned(),
        members: members.len(),
        bytes: bytes.len() as u64,
        signed: key.is_some(),
    })
}

/// The record of each run, a line each; what was taken from an earlier run is that run's.
pub(super) fn records_of(records: &[Record]) -> String {
    let own = records.iter().filter_map(EvidenceRecord::of);
    own.map(|record| record.line() + "\n").collect()
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
