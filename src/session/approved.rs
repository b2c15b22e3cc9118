//! The spec of a session: the approved one and no other, bound to its approval by every link of the
//! amendment chain.

use super::record::refuse_newer;
use super::state::{SpecState, State};
use super::{Session, versions};
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::spec::{Problem, Spec, parse, verify_chain};

/// What the journal says of the approved spec.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Approval {
    sha256: Sha256,
    first: Sha256,
    links: Vec<Option<Sha256>>,
    version: u32,
}

impl Session {
    /// The approved spec; 77 while it waits for a person, 65 when the file is not what was approved,
    /// or a link of its amendment chain is not what was recorded.
    pub fn spec(&self) -> Result<Spec> {
        let mut approval = self.approval()?;
        let mut spec = self.read_spec()?;
        // Somebody may have amended it between the two looks.
        loop {
            let now = self.approval()?;
            if now == approval {
                break;
            }
            approval = now;
            spec = self.read_spec()?;
        }
        self.refuse_other(&spec, &approval)?;
        Ok(spec)
    }

    /// The approved spec as it was accepted, from the kept version: also where `spec.json` is not it
    /// any more. For whoever changes it.
    pub fn accepted_spec(&self) -> Result<Spec> {
        let approval = self.approval()?;
        let path = self.layout.spec_version(approval.version);
        let text = disk::read_text(&path)?;
        let name = path.display().to_string();
        let spec = parse(&text).map_err(|p| Problem::error(&name, &p))?.spec;
        let chain = verify_chain(&spec, approval.first, &approval.links);
        let why = match chain {
            Ok(()) if spec.content_hash() == approval.sha256 => return Ok(spec),
            Ok(()) => "its content is another".to_owned(),
            Err(why) => why.to_string(),
        };
        Err(Error::input(format!(
            "'{name}' is not version {} of the spec as it was accepted: {why}",
            approval.version
        ))
        .hint("nothing was changed; restore the file from a backup"))
    }

    fn refuse_other(&self, spec: &Spec, approval: &Approval) -> Result<()> {
        let path = self.layout.spec_json();
        let what = match verify_chain(spec, approval.first, &approval.links) {
            _ if spec.content_hash() != approval.sha256 => {
                format!("'{}' is not the spec that was approved", path.display())
            }
            Ok(()) => return Ok(()),
            Err(why) => {
                format!("'{}' does not follow from what was approved: {why}", path.display())
            }
        };
        let kept = self.layout.spec_version(approval.version);
        let quoted = |p: &std::path::Path| crate::base::text::shell_quote(&p.to_string_lossy());
        Err(Error::input(what).hint(format!(
            "put the approved one back: cp {kept} {json}\n      or make it a change with a reason: otto spec amend {id} --reason … --file {json}",
            kept = quoted(&kept),
            json = quoted(&path),
            id = self.id
        )))
    }

    /// The spec to show and to judge by: the approved one, where there is one, and nothing else;
    /// before that, the file as it is.
    pub fn current_spec(&self) -> Result<Spec> {
        match self.with_state(State::approved)? {
            Some(_) => self.spec(),
            None => self.read_spec(),
        }
    }

    fn approval(&self) -> Result<Approval> {
        let (state, links, version) =
            self.with_state(|s| (s.spec.clone(), s.spec_links.clone(), s.spec_version))?;
        Ok(match state {
            SpecState::Approved { sha256, first, .. } => Approval { sha256, first, links, version },
            SpecState::Compiled { sha256 } => {
                return Err(Error::person("the spec waits for approval").hint(format!(
                    "look: otto spec show {id}   then: otto spec approve {id} --expect {hash}",
                    id = self.id,
                    hash = sha256.short()
                )));
            }
            SpecState::Rejected { note } => {
                return Err(Error::person(format!("the spec was rejected: {note}")).hint(format!(
                    "compile it again with this note: otto run --resume {id}   or change it: otto spec edit {id}",
                    id = self.id
                )));
            }
            SpecState::None => {
                return Err(Error::no("this session has no spec yet")
                    .hint(format!("compile it: otto run --resume {}", self.id)));
            }
        })
    }

    /// The spec as it is on disk, valid or refused; first brought up to date where a kill left it
    /// behind the journal.
    pub fn read_spec(&self) -> Result<Spec> {
        self.with_state(|state| versions::heal(&self.layout, state))??;
        let path = self.layout.spec_json();
        let text = disk::read_text(&path)?;
        refuse_newer(text.as_bytes(), crate::spec::VERSION, &path)?;
        match parse(&text) {
            Ok(parsed) => Ok(parsed.spec),
            Err(problems) => Err(Problem::error(&path.display().to_string(), &problems)),
        }
    }
}
