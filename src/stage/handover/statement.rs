//! The attestation: an in-toto statement (v1) with SLSA provenance (v1) as its predicate. A pure
//! function of the journal and the session, so that whoever has these can make it again.

use serde_json::{Value, json};

use crate::base::{Error, Result, Sha256};
use crate::git::Oid;
use crate::session::Session;
use crate::session::event::Event;
use crate::session::journal::Record;
use crate::session::record::SessionRecord;

/// What a statement is made from.
pub(super) struct Made<'a> {
    pub record: &'a SessionRecord,
    pub records: &'a [Record],
    /// The product's commit and tree.
    pub tip: (Oid, Oid),
    pub manifest: Sha256,
}

pub(super) fn of(
    session: &Session,
    records: &[Record],
    tip: (Oid, Oid),
    manifest: &Sha256,
) -> Result<String> {
    text(&Made { record: &session.record, records, tip, manifest: *manifest })
}

/// The product that a statement names; nothing is believed of it yet.
pub(super) fn product(statement: &[u8]) -> Option<Oid> {
    let said: Value = serde_json::from_slice(statement).ok()?;
    said["subject"][0]["digest"]["gitCommit"].as_str()?.parse().ok()
}

pub(super) fn text(made: &Made<'_>) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&value(made))
        .map_err(|e| Error::bug("a statement is plain data").because(e))?;
    text.push('\n');
    Ok(text)
}

fn value(made: &Made<'_>) -> Value {
    let Made { record, records, tip: (commit, tree), manifest } = made;
    let spec = records.iter().rev().find_map(|r| match &r.event {
        Event::SpecApproved(e) => Some(e.sha256),
        Event::SpecAmended(e) => Some(e.after),
        _ => None,
    });
    let mut agents: Vec<Value> = Vec::new();
    for record in records.iter() {
        if let Event::AttemptStarted(e) = &record.event {
            let agent = json!({"name": format!("agent:{}", e.provider), "annotations":
                {"role": e.role, "model": e.model, "trusted": false}});
            if !agents.contains(&agent) {
                agents.push(agent);
            }
        }
    }
    let times = |r: Option<&Record>| r.map(|r| r.at.to_string());
    let head = records.last();
    let mut byproducts = vec![
        json!({"name": super::MANIFEST, "digest": {"sha256": manifest}}),
        json!({"name": "journal.jsonl", "annotations":
            {"events": head.map(|r| r.seq), "head": head.map(|r| format!("sha256:{}", r.hash))}}),
    ];
    byproducts.extend(agents);
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "product", "digest": {"gitCommit": commit, "gitTree": tree}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:otto:run:v1",
                "externalParameters": {
                    "intent": {"sha256": record.intent_sha256},
                    "spec": spec.map(|s| json!({"sha256": s})),
                },
                "internalParameters": {"session": record.id, "sandbox": record.tier.word()},
                "resolvedDependencies": [{"name": "base", "digest": {"gitCommit": record.base}}],
            },
            "runDetails": {
                "builder": {"id": "urn:otto", "version": {"otto": record.versions.otto,
                    "git": record.versions.git}},
                "metadata": {"invocationId": record.id, "startedOn": times(records.first()),
                    "finishedOn": times(head)},
                "byproducts": byproducts,
            },
        },
    })
}

/// For a person without Otto.
pub(super) fn readme(record: &SessionRecord, commit: Oid) -> String {
    format!(
        "The proof of session {sid}: what was agreed, what happened, and what the checks saw.\n\
         Product: commit {commit}\n\n\
         With Otto, in a clone that has the commit:\n\n    otto verify {commit} --packet THIS-FILE\n\n\
         Without it, in the folder that this was unpacked to:\n\n    \
         sha256sum -c MANIFEST.sha256          every member is as it was\n    \
         sha256sum MANIFEST.sha256             is named in attestation.json\n    \
         ssh-keygen -Y check-novalidate -n otto-proof -s attestation.json.sig <attestation.json\n    \
         (where there is a signature; with an allowed-signers file: ssh-keygen -Y verify)\n\n\
         Each line of journal.jsonl ends with its `hash`: the SHA-256 of the line without\n\
         `,\"hash\":\"...\"`. Its `prev` is the hash of the line before. In the clone,\n\
         git log -1 --format=%B {commit}\n\
         shows Otto-Evidence, which is the `hash` of a line before the landing was announced, and\n\
         git log -1 --format=%T {commit}\n\
         the tree, which is that of its merge.landed. Evidence lies under the SHA-256 of its bytes;\n\
         records.jsonl says of each run what was claimed, what ran and what came of it, and the\n\
         SHA-256 of such a line is what `git notes --ref otto show` names where there are notes.\n\n\
         What a chain without a signature cannot show: that its end, after the last landing, was not\n\
         rewritten as a whole together with this file.\n",
        sid = record.id
    )
}
