//! The files of a session, in its folder or in a packet, against what the journal binds them to.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Result, Sha256};
use crate::check::Outcome;
use crate::session::event::Event;
use crate::session::journal::Record;
use crate::session::record::SessionRecord;
use crate::session::state::{SpecState, State};
use crate::spec::{Spec, parse, verify_chain};

/// Files of one session by their names below its folder.
pub trait Files {
    /// `None` where there is none of that name.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// Names in a folder, sorted.
    fn names(&self, folder: &str) -> Result<Vec<String>>;
}

/// What a session's files are held against.
pub struct Case<'a> {
    pub record: &'a SessionRecord,
    pub records: &'a [Record],
    pub state: &'a State,
    pub files: &'a dyn Files,
    /// Every version of the spec that the journal knows and that could be read.
    pub specs: BTreeMap<u32, Spec>,
}

impl<'a> Case<'a> {
    pub fn new(
        record: &'a SessionRecord,
        records: &'a [Record],
        state: &'a State,
        files: &'a dyn Files,
    ) -> Result<Self> {
        let mut specs = BTreeMap::new();
        for version in state.spec_versions.keys() {
            let bytes = files.get(&version_name(*version))?;
            if let Some(spec) = bytes.as_deref().and_then(read_spec) {
                specs.insert(*version, spec);
            }
        }
        Ok(Self { record, records, state, files, specs })
    }

    /// What the session began with.
    pub fn beginning(&self) -> Result<Vec<String>> {
        let Some(Record { event: Event::SessionCreated(created), .. }) = self.records.first()
        else {
            return Ok(vec!["the journal does not begin with session.created".into()]);
        };
        let mut problems = Vec::new();
        let mut same = |name: &str, hash: Sha256, what: &str| -> Result<()> {
            match self.files.get(name)? {
                Some(bytes) if Sha256::of(&bytes) == hash => {}
                Some(_) => problems.push(format!("'{name}' is not {what}")),
                None => problems.push(format!("'{name}' is missing")),
            }
            Ok(())
        };
        same("session.json", created.record_sha256, "what the session was created with")?;
        same("intent.txt", created.intent_sha256, "what was asked for")?;
        if let Some(given) = self.record.given_sha256 {
            same("spec/given.json", given, "the spec that was given")?;
        }
        if created.base != self.record.base || created.intent_sha256 != self.record.intent_sha256 {
            problems.push("'session.json' and the journal begin differently".into());
        }
        Ok(problems)
    }

    /// The spec, and each version of it that was kept.
    pub fn spec(&self) -> Result<Vec<String>> {
        const NAME: &str = "spec/spec.json";
        let mut problems = Vec::new();
        let current = self.files.get(NAME)?;
        if let SpecState::Approved { sha256, first, .. } = &self.state.spec {
            match current.as_deref().map(read_spec) {
                None => problems.push(format!("'{NAME}' is missing")),
                Some(None) => problems.push(format!("'{NAME}' is no spec")),
                Some(Some(spec)) if spec.content_hash() != *sha256 => {
                    problems.push(format!("'{NAME}' is not the spec that was approved"));
                }
                Some(Some(spec)) => {
                    if let Err(e) = verify_chain(&spec, *first, &self.state.spec_links) {
                        problems.push(format!("'{NAME}': the amendment chain is broken: {e}"));
                    }
                }
            }
        }
        for (version, hash) in &self.state.spec_versions {
            problems.extend(self.version(*version, *hash)?);
        }
        let kept = self.files.get(&version_name(self.state.spec_version))?;
        if let (Some(current), Some(kept)) = (&current, &kept)
            && problems.is_empty()
            && self.is_agreed()
            && current != kept
        {
            let kept = version_name(self.state.spec_version);
            problems.push(format!("'{NAME}' and '{kept}' are not the same"));
        }
        Ok(problems)
    }

    /// Before it is approved a person may edit the file.
    fn is_agreed(&self) -> bool {
        matches!(self.state.spec, SpecState::Approved { .. })
    }

    fn version(&self, version: u32, hash: Sha256) -> Result<Option<String>> {
        let name = version_name(version);
        let Some(bytes) = self.files.get(&name)? else {
            return Ok(Some(format!("'{name}' is missing")));
        };
        if let Some(file) = self.state.spec_files.get(&version) {
            return Ok((Sha256::of(&bytes) != *file)
                .then(|| format!("'{name}' is not as it was accepted")));
        }
        let Some(spec) = self.specs.get(&version) else {
            return Ok(Some(format!("'{name}' is no spec")));
        };
        if spec.content_hash() != hash {
            return Ok(Some(format!("'{name}' is not version {version} of the spec")));
        }
        // An older Otto kept no hash of the file. What the content's hash leaves out: how it is
        // written, and the words of the amendments.
        if spec.to_json().as_bytes() != bytes {
            return Ok(Some(format!("'{name}' is not as Otto writes it")));
        }
        let later = self.specs.range(version + 1..).next();
        let kept = later.is_none_or(|(_, later)| {
            later.amendments.get(..spec.amendments.len()) == Some(&spec.amendments[..])
        });
        Ok((!kept && self.is_agreed())
            .then(|| format!("'{name}': its amendments are not those of the version after it")))
    }

    /// Evidence: how many pieces are cited, what is wrong, and what lies there and counts for nothing.
    pub fn evidence(&self) -> Result<(usize, Vec<String>, Vec<String>)> {
        let cited = cited(self.records);
        let mut problems = Vec::new();
        for hash in &cited {
            let name = format!("evidence/{hash}");
            match self.files.get(&name)? {
                None => problems.push(format!("'{name}' is cited and not there")),
                Some(bytes) if Sha256::of(&bytes) != *hash => {
                    problems.push(format!("'{name}' was altered"));
                }
                Some(_) => {}
            }
        }
        let mut beside = Vec::new();
        for name in self.files.names("evidence")? {
            let hash = name.parse::<Sha256>().ok();
            if hash.is_some_and(|hash| cited.contains(&hash)) {
                continue;
            }
            let named = format!("evidence/{name}");
            match (hash, self.files.get(&named)?) {
                (Some(hash), Some(bytes)) if Sha256::of(&bytes) != hash => {
                    problems.push(format!("'{named}' is not what its name says"));
                }
                (_, _) => beside.push(named),
            }
        }
        Ok((cited.len(), problems, beside))
    }
}

pub fn version_name(version: u32) -> String {
    format!("spec/versions/{version:03}.json")
}

fn read_spec(bytes: &[u8]) -> Option<Spec> {
    parse(std::str::from_utf8(bytes).ok()?).ok().map(|parsed| parsed.spec)
}

/// Every piece of evidence that a journal cites.
pub fn cited(records: &[Record]) -> BTreeSet<Sha256> {
    let outcomes = records.iter().filter_map(|record| match &record.event {
        Event::GroupChecked(e) => Some(&e.outcome),
        Event::AuditChecked(e) => Some(&e.outcome),
        _ => None,
    });
    let read = outcomes.filter_map(|outcome| outcome.read::<Outcome>().ok());
    read.flat_map(|o| o.evidence().iter().map(|e| e.0).collect::<Vec<_>>()).collect()
}
