//! Checks a packet against a commit of a plain clone: no notes, refs or state of ours are needed, and
//! nothing is written there.

use std::collections::BTreeMap;
use std::path::Path;

use super::statement::{self, Made};
use super::write::{manifest, records_of};
use super::{
    APART, Allowed, JOURNAL, MANIFEST, Packet, README, RECORDS, SIGNATURE, STATEMENT, Signed, page,
    sign,
};
use crate::base::text::count;
use crate::base::{Error, Result, Sha256};
use crate::git::{Oid, Repo};
use crate::session::State;
use crate::session::journal::{Position, Record, parse_line};
use crate::session::record::SessionRecord;
use crate::session::state::SpecState;
use crate::spec::{Spec, parse};
use crate::stage::audit::{ChainState, ProductVerdict, verdict};
use crate::stage::render::ProofPacket;
use crate::stage::render::packet::{FeatureVerdict, Word};
use crate::stage::verify::Case;
use crate::stage::verify::landings::{self, of_commit};
use crate::stage::verify::runs::runs;

/// What was looked at, and everything that is wrong.
#[derive(Debug)]
pub struct Looked {
    pub session: String,
    pub holds: Vec<String>,
    pub problems: Vec<String>,
    /// What this way of looking cannot show.
    pub limits: Vec<String>,
    /// The product's word, computed from the packet.
    pub verdict: Word,
    pub signed: Signed,
    /// The product that the packet is of, where the commit is another.
    pub of: Option<Oid>,
}

impl Looked {
    fn judge(&mut self, what: impl Into<String>, problems: Vec<String>) {
        if problems.is_empty() {
            self.holds.push(what.into());
        }
        self.problems.extend(problems);
    }
}

/// The commit that is to be checked: the one that was named, else the product that the packet says
/// it is of, which must be in this repository.
pub fn subject_of(repo: &Repo, packet: &Packet, named: Option<&str>) -> Result<Oid> {
    if let Some(named) = named {
        return repo.resolve_commit(named);
    }
    let product = packet.product();
    let product = product.ok_or_else(|| Error::input("the packet does not say what it is of"))?;
    repo.commit(product).map(|found| found.id).map_err(|_| {
        Error::no(format!("this repository does not have commit {product}, which the packet is of"))
            .hint("verify in a clone that has it, or fetch it")
    })
}

/// Checks it all. 65 where the packet cannot even be read.
pub fn check(repo: &Repo, commit: Oid, packet: &Packet, allowed: &Allowed) -> Result<Looked> {
    let member = |name: &str| {
        packet.get(name).ok_or_else(|| Error::input(format!("the packet lacks '{name}'")))
    };
    let mut looked = Looked {
        session: String::new(),
        holds: Vec::new(),
        problems: Vec::new(),
        limits: Vec::new(),
        verdict: Word::Unverified,
        signed: Signed::Not,
        of: None,
    };
    looked.judge(
        format!("{} as the manifest says", count(packet.members.len(), "member")),
        listed(packet),
    );
    let record = SessionRecord::read(member("session.json")?, Path::new("session.json"))?;
    looked.session = record.id.to_string();
    let (records, damage) = journal(member(JOURNAL)?);
    looked.judge(format!("chain of {} events", records.len()), damage.into_iter().collect());
    let mut state = State::default();
    for record in &records {
        state.apply(record);
    }
    let case = Case::new(&record, &records, &state, packet)?;
    looked.judge("session record and intent", case.beginning()?);
    looked.judge("spec is the approved one", agreed(&case)?);
    let (pieces, mut wrong, beside) = case.evidence()?;
    wrong.extend(beside.iter().map(|name| format!("'{name}' is cited by nothing")));
    looked.judge(format!("evidence: {}", count(pieces, "piece")), wrong);
    let told = runs(&case)?;
    looked.limits.extend(told.limits());
    let mut wrong = told.problems;
    if packet.get(RECORDS) != Some(records_of(&records).as_bytes()) {
        wrong.push(format!("'{RECORDS}' does not follow from the journal"));
    }
    looked.judge(format!("records: {}", count(told.recorded, "run")), wrong);
    let wrong = binds(repo, commit, &case)?;
    looked.of = case.state.tip().filter(|tip| *tip != commit);
    looked.judge(format!("commit {} is the product of it", commit.short()), wrong);
    let (there, wrong) = landings::all(&case, repo, false);
    looked.judge(format!("{there} landed trees are the tested ones"), wrong);
    looked.judge(
        "attestation follows from the journal",
        attested(packet, &record, &records, &state)?,
    );
    looked.signed = sign::check(member(STATEMENT)?, packet.get(SIGNATURE), allowed)?;
    match &looked.signed {
        Signed::Bad(why) => looked.problems.push(format!("'{SIGNATURE}': {why}")),
        Signed::By(who) => looked.holds.push(format!("signed by {who}")),
        Signed::ByUnknown(key) => looked.limits.push(format!(
            "signed by an unknown key {key}: the signature fits, and nothing here says whose it is (--allowed-signers FILE)"
        )),
        Signed::Not if matches!(allowed, Allowed::Only(_)) => looked.problems.push(
            "it is not signed, and only a packet of an allowed signer counts (--allowed-signers)"
                .to_owned(),
        ),
        Signed::Not => looked.limits.push(
            "not signed: what happened after the last landing could be rewritten as a whole"
                .to_owned(),
        ),
    }
    judge_the_proof(&mut looked, &case, packet)?;
    Ok(looked)
}

/// The verdict is computed again, and the page must be what follows from its packet.
fn judge_the_proof(looked: &mut Looked, case: &Case<'_>, packet: &Packet) -> Result<()> {
    const JSON: &str = "proof-packet.json";
    let text = packet.get("spec/spec.json").map(String::from_utf8_lossy).unwrap_or_default();
    let Ok(parsed) = parse(&text) else { return Ok(()) };
    let judged = verdict(&parsed.spec, case.state, &ChainState::Intact);
    looked.verdict = judged.word;
    let shown = packet.get(JSON).map(String::from_utf8_lossy).unwrap_or_default();
    let shown = match ProofPacket::from_json(&shown) {
        Ok(shown) => shown,
        Err(e) => {
            looked.problems.push(format!("'{JSON}': {e}"));
            return Ok(());
        }
    };
    let mut wrong = Vec::new();
    if shown.verdict.word.rank() < judged.word.rank() {
        let said = shown.verdict.word.word();
        wrong.push(format!("'{JSON}' says {said}, and the journal says {}", judged.word.word()));
    }
    wrong.extend(told_better(JSON, &shown, &parsed.spec, &judged));
    if shown.journal.head != case.records.last().map_or(Sha256::ZERO, |r| r.hash) {
        wrong.push(format!("'{JSON}' was made from another journal"));
    }
    match page::made_again(packet, &shown)? {
        page::Page::Same => looked.holds.push("the page follows from its packet".to_owned()),
        page::Page::Differs => {
            wrong.push("'proof-packet.html' does not follow from its packet".into())
        }
        page::Page::OfAnother(version) => looked.limits.push(format!(
            "the page was made by Otto {version}, and this is another: it was not made again"
        )),
    }
    looked.problems.extend(wrong);
    Ok(())
}

/// Features of the packet that are not those of the spec, or are told as passed and are not.
fn told_better(
    name: &str,
    shown: &ProofPacket,
    spec: &Spec,
    judged: &ProductVerdict,
) -> Vec<String> {
    let asked = spec.features.iter().map(|f| (&f.id, &f.name, &f.description, &f.acceptance));
    let told = shown.features.iter().map(|f| (&f.id, &f.name, &f.description, &f.acceptance));
    if !asked.eq(told) {
        return vec![format!("'{name}' tells of other features than the spec")];
    }
    let both = shown.features.iter().zip(&judged.features);
    let better = both.filter(|(told, is)| {
        told.verdict == FeatureVerdict::Passed && is.word != FeatureVerdict::Passed
    });
    better
        .map(|(f, _)| format!("'{name}' says that '{}' passed; the journal does not", f.id))
        .collect()
}

/// Members against the manifest.
fn listed(packet: &Packet) -> Vec<String> {
    let apart = APART;
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

fn agreed(case: &Case<'_>) -> Result<Vec<String>> {
    let mut problems = case.spec()?;
    if !matches!(case.state.spec, SpecState::Approved { .. }) {
        problems.push("the spec was not approved".into());
    }
    Ok(problems)
}

/// The commit is what landed last: its own lines name the session and a state of its chain, and its
/// tree is the one that was tested.
fn binds(repo: &Repo, commit: Oid, case: &Case<'_>) -> Result<Vec<String>> {
    let info = repo.commit(commit)?;
    let said = info.trailer("Otto-Session").unwrap_or("nothing");
    if said != case.record.id.as_str() {
        return Ok(vec![format!(
            "commit {commit}: its Otto-Session says {said}, and the packet is of {}",
            case.record.id
        )]);
    }
    let Some(landing) = of_commit(case.records, commit) else {
        return Ok(vec![format!("commit {commit} is no landing of this packet")]);
    };
    let tip = case.state.tip().unwrap_or(case.record.base);
    let mut problems = Vec::new();
    if commit != tip {
        problems.push(format!(
            "commit {commit} is an earlier landing; the product of this packet is {tip}"
        ));
    }
    if info.tree != landing.landed.tree {
        problems.push(format!("commit {commit}: its tree {} was never tested", info.tree));
    }
    Ok(problems)
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
