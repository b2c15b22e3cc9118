//! Checks a packet against a commit of a plain clone: no notes, refs or state of ours are needed, and
//! nothing is written.

use std::collections::BTreeMap;
use std::path::Path;

use super::statement::{self, Made};
use super::write::{cited, manifest};
use super::{MANIFEST, Packet, README, SIGNATURE, STATEMENT, Signed, sign};
use crate::base::text::count;
use crate::base::{Error, Result, Sha256};
use crate::git::{CommitInfo, Oid, Repo};
use crate::session::State;
use crate::session::event::Event;
use crate::session::journal::{Position, Record, parse_line};
use crate::session::record::SessionRecord;
use crate::session::state::SpecState;
use crate::spec::{Spec, verify_chain};
use crate::stage::audit::{ChainState, verdict};

/// What was looked at, and everything that is wrong.
#[derive(Debug)]
pub struct Looked {
    pub session: String,
    pub holds: Vec<String>,
    pub problems: Vec<String>,
    /// What this way of looking cannot show.
    pub limits: Vec<String>,
    /// The product's word, computed from the packet.
    pub verdict: String,
    pub signed: Signed,
}

impl Looked {
    fn judge(&mut self, what: impl Into<String>, problems: Vec<String>) {
        if problems.is_empty() {
            self.holds.push(what.into());
        }
        self.problems.extend(problems);
    }
}

/// Checks it all. 65 where the packet cannot even be read.
pub fn check(repo: &Repo, commit: Oid, packet: &Packet, allowed: Option<&Path>) -> Result<Looked> {
    let member = |name: &str| {
        packet.get(name).ok_or_else(|| Error::input(format!("the packet lacks '{name}'")))
    };
    let mut looked = Looked {
        session: String::new(),
        holds: Vec::new(),
        problems: Vec::new(),
        limits: Vec::new(),
        verdict: String::new(),
        signed: Signed::Not,
    };
    looked.judge(
        format!("{} as the manifest says", count(packet.members.len(), "member")),
        listed(packet),
    );
    let record = SessionRecord::read(member("session.json")?, Path::new("session.json"))?;
    looked.session = record.id.to_string();
    let (records, damage) = journal(member("journal.jsonl")?);
    looked.judge(format!("chain of {} events", records.len()), damage.into_iter().collect());
    let mut state = State::default();
    for record in &records {
        state.apply(record);
    }
    looked.judge("session record and intent", session(packet, &record, &records));
    let spec: Option<Spec> = serde_json::from_slice(member("spec/spec.json")?).ok();
    looked.judge("spec is the approved one", agreed(spec.as_ref(), &state));
    looked.judge(
        format!("evidence: {}", count(cited(&records).len(), "piece")),
        evidence(packet, &records),
    );
    let info = repo.commit(commit)?;
    looked.judge(
        format!("commit {} is a landing of it", commit.short()),
        binds(&info, &record, &records),
    );
    let (there, wrong) = landings(repo, &records);
    looked.judge(format!("{there} landed trees are the tested ones"), wrong);
    let told = member(STATEMENT)?;
    looked.judge(
        "attestation follows from the journal",
        attested(packet, &record, &records, &state)?,
    );
    looked.signed = sign::check(told, packet.get(SIGNATURE), allowed)?;
    match &looked.signed {
        Signed::Bad(why) => looked.problems.push(format!("{SIGNATURE}: {why}")),
        Signed::By(who) => looked.holds.push(format!("signed by {who}")),
        Signed::ByUnknown(how) => {
            looked.limits.push(format!("The signature fits, and whose key it is was not checked: {how}"));
        }
        Signed::Not => looked.limits.push(
            "Without a signature, what happened after the last landing could be rewritten as a whole."
                .to_owned(),
        ),
    }
    if let Some(spec) = &spec {
        looked.verdict = word(packet, spec, &state, &mut looked.problems);
    }
    looked.limits.push("The checks were not run again here.".to_owned());
    Ok(looked)
}

/// Members against the manifest.
fn listed(packet: &Packet) -> Vec<String> {
    let apart = [MANIFEST, STATEMENT, SIGNATURE, README];
    let Some(said) = packet.get(MANIFEST) else {
        return vec![format!("the packet lacks '{MANIFEST}'")];
    };
    let ours: BTreeMap<String, Vec<u8>> = packet
        .members
        .iter()
        .filter(|(name, _)| !apart.contains(&name.as_str()))
        .map(|(name, bytes)| (name.clone(), bytes.clone()))
        .collect();
    let wanted = manifest(&ours);
    if wanted.as_bytes() == said {
        return Vec::new();
    }
    let said = String::from_utf8_lossy(said).into_owned();
    let mut problems = Vec::new();
    for line in wanted.lines() {
        if !said.lines().any(|s| s == line) {
            let name = line.split("  ").nth(1).unwrap_or(line);
            problems.push(format!("'{name}' is not what {MANIFEST} says"));
        }
    }
    for line in said.lines() {
        let name = line.split("  ").nth(1).unwrap_or(line);
        if !ours.contains_key(name) {
            problems.push(format!("{MANIFEST} names '{name}', which is not there"));
        }
    }
    if problems.is_empty() {
        problems.push(format!("{MANIFEST} is not as it is written"));
    }
    problems
}

/// Every record, up to the first that does not follow from the one before.
fn journal(bytes: &[u8]) -> (Vec<Record>, Option<String>) {
    let mut records = Vec::new();
    let mut at = Position::START;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            return (records, Some("'journal.jsonl' ends within a line".into()));
        };
        match parse_line(line, at, Path::new("journal.jsonl")) {
            Ok(record) => {
                at = Position {
                    seq: record.seq,
                    offset: at.offset + line.len() as u64 + 1,
                    head: record.hash,
                };
                records.push(record);
            }
            Err(e) => return (records, Some(e.to_string())),
        }
    }
    (records, None)
}

fn session(packet: &Packet, record: &SessionRecord, records: &[Record]) -> Vec<String> {
    let Some(Record { event: Event::SessionCreated(created), .. }) = records.first() else {
        return vec!["the journal does not begin with session.created".into()];
    };
    let mut problems = Vec::new();
    let is = |name: &str, hash: Sha256| packet.get(name).is_some_and(|b| Sha256::of(b) == hash);
    if !is("session.json", created.record_sha256) {
        problems.push("'session.json' is not what the session was created with".into());
    }
    if !is("intent.txt", record.intent_sha256) {
        problems.push("'intent.txt' is not what was asked for".into());
    }
    problems
}

fn agreed(spec: Option<&Spec>, state: &State) -> Vec<String> {
    let Some(spec) = spec else { return vec!["'spec/spec.json' is no spec".into()] };
    match &state.spec {
        SpecState::Approved { sha256, first, .. } => match verify_chain(spec, *first) {
            Err(why) => {
                vec![format!("'spec/spec.json' does not follow from what was approved: {why}")]
            }
            Ok(()) if spec.content_hash() != *sha256 => {
                vec!["'spec/spec.json' is not the one that was approved".into()]
            }
            Ok(()) => Vec::new(),
        },
        SpecState::None | SpecState::Compiled { .. } | SpecState::Rejected { .. } => {
            vec!["the spec was not approved".into()]
        }
    }
}

fn evidence(packet: &Packet, records: &[Record]) -> Vec<String> {
    let cited = cited(records);
    let mut problems = Vec::new();
    for hash in &cited {
        let name = format!("evidence/{hash}");
        match packet.get(&name) {
            None => problems.push(format!("'{name}' is cited and not there")),
            Some(bytes) if Sha256::of(bytes) != *hash => {
                problems.push(format!("'{name}' was altered"))
            }
            Some(_) => {}
        }
    }
    let names = packet.members.keys().filter_map(|name| name.strip_prefix("evidence/"));
    for name in names.filter(|name| !name.parse().is_ok_and(|hash| cited.contains(&hash))) {
        problems.push(format!("'evidence/{name}' is cited by nothing"));
    }
    problems
}

/// The commit's trailers name the session, and a state of its chain before the landing.
fn binds(info: &CommitInfo, record: &SessionRecord, records: &[Record]) -> Vec<String> {
    let mut problems = Vec::new();
    let commit = info.id;
    if info.trailer("Otto-Session") != Some(&record.id.to_string()) {
        let said = info.trailer("Otto-Session").unwrap_or("none");
        problems.push(format!(
            "commit {commit}: its Otto-Session is {said}, and the packet is of {}",
            record.id
        ));
    }
    let Some(at) =
        records.iter().position(|r| matches!(&r.event, Event::MergeStarted(e) if e.new == commit))
    else {
        problems.push(format!("commit {commit}: the journal announces no such landing"));
        return problems;
    };
    let head = info.trailer("Otto-Evidence").and_then(|t| t.strip_prefix("sha256:"));
    let is_before = |head: &str| records[..at].iter().any(|r| r.hash.to_string() == head);
    if !head.is_some_and(is_before) {
        problems.push(format!("commit {commit}: its Otto-Evidence is no state of this journal"));
    }
    if !records.iter().any(
        |r| matches!(&r.event, Event::MergeLanded(e) if e.new == commit && e.tree == info.tree),
    ) {
        problems.push(format!("commit {commit}: its tree {} was never tested", info.tree));
    }
    problems
}

/// Landings whose commits are in the clone: how many, and what is wrong with them.
fn landings(repo: &Repo, records: &[Record]) -> (usize, Vec<String>) {
    let mut there = 0;
    let mut problems = Vec::new();
    for record in records {
        let Event::MergeLanded(landed) = &record.event else { continue };
        let Ok(commit) = repo.commit(landed.new) else { continue };
        there += 1;
        let who = record.group.as_deref().unwrap_or("?");
        if commit.tree != landed.tree {
            problems.push(format!("landing of {who}: its tree {} was never tested", commit.tree));
        }
        if commit.parents.first() != Some(&landed.old)
            || commit.parents.get(1) != Some(&landed.head)
        {
            problems.push(format!("landing of {who}: its parents are not those of the candidate"));
        }
    }
    (there, problems)
}

/// The statement is made again and compared.
fn attested(
    packet: &Packet,
    record: &SessionRecord,
    records: &[Record],
    state: &State,
) -> Result<Vec<String>> {
    let Some(last) = state.landings.last() else {
        return Ok(vec!["the journal has no landing".into()]);
    };
    let manifest = Sha256::of(packet.get(MANIFEST).unwrap_or_default());
    let wanted = statement::text(&Made { record, records, tip: (last.new, last.tree), manifest })?;
    let mut problems = Vec::new();
    if packet.get(STATEMENT) != Some(wanted.as_bytes()) {
        problems.push(format!("'{STATEMENT}' does not follow from the journal and the manifest"));
    }
    if packet.get(README) != Some(statement::readme(record, last.new).as_bytes()) {
        problems.push(format!("'{README}' is not as it is written"));
    }
    Ok(problems)
}

/// The verdict from the packet's own journal and spec; what the page says must be no better.
fn word(packet: &Packet, spec: &Spec, state: &State, problems: &mut Vec<String>) -> String {
    let judged = verdict(spec, state, &ChainState::Intact);
    let shown: serde_json::Value = packet
        .get("proof-packet.json")
        .and_then(|b| serde_json::from_slice(b).ok())
        .unwrap_or_default();
    let said = shown["verdict"].as_str().or_else(|| shown["verdict"]["word"].as_str());
    let ours = judged.word.word();
    if judged.word.exit() != crate::base::Exit::YES && said == Some("passed") {
        problems.push(format!("'proof-packet.json' says passed, and the journal says {ours}"));
    }
    ours.to_owned()
}
