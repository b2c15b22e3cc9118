//! Landings: commits against what the journal announced, tested and recorded.

use super::files::Case;
use super::runs::{Seen, untested};
use crate::base::Sha256;
use crate::git::{CommitInfo, Oid, Repo};
use crate::session::event::{Event, MergeLanded};
use crate::session::journal::Record;
use crate::spec::Spec;

/// One landing of a journal.
pub struct Landing<'a> {
    pub group: &'a str,
    pub attempt: Option<u32>,
    pub landed: &'a MergeLanded,
    /// Everything that was recorded before it was announced.
    before: &'a [Record],
}

/// Every landing, in order. One that was never announced has nothing before it.
pub fn landings<'a>(records: &'a [Record]) -> Vec<Landing<'a>> {
    let landed = records.iter().enumerate().filter_map(|(at, record)| {
        let Event::MergeLanded(landed) = &record.event else { return None };
        let announced = records[..at]
            .iter()
            .rposition(|r| matches!(&r.event, Event::MergeStarted(e) if e.new == landed.new));
        Some(Landing {
            group: record.group.as_deref().unwrap_or("?"),
            attempt: record.attempt,
            landed,
            before: &records[..announced.unwrap_or(0)],
        })
    });
    landed.collect()
}

/// All landings of a journal whose commits the repository has: how many, and what is wrong.
/// `must_be_there`: a commit that cannot be read is a problem.
pub fn all(case: &Case<'_>, repo: &Repo, must_be_there: bool) -> (usize, Vec<String>) {
    let mut problems = Vec::new();
    let mut there = 0;
    let mut tip = case.record.base;
    let all = landings(case.records);
    let mut next = all.iter();
    for record in case.records {
        match &record.event {
            Event::MergeLanded(landed) => {
                let Some(landing) = next.next() else { continue };
                let named = |what: String| format!("landing of {}: {what}", landing.group);
                if landed.old != tip {
                    problems.push(named("it is not on top of the one before".into()));
                }
                tip = landed.new;
                problems.extend(landing.judged(case).into_iter().map(named));
                match repo.commit(landed.new) {
                    Ok(commit) => {
                        there += 1;
                        problems.extend(landing.commit(case, repo, &commit).into_iter().map(named));
                    }
                    Err(_) if must_be_there => {
                        problems.push(named(format!("the commit {} cannot be read", landed.new)));
                    }
                    Err(_) => {}
                }
            }
            Event::MergeAdopted(adopted) => tip = adopted.new,
            _ => {}
        }
    }
    (there, problems)
}

impl Landing<'_> {
    /// What the journal alone says of it.
    fn judged(&self, case: &Case<'_>) -> Vec<String> {
        if self.before.is_empty() {
            return vec!["it was never announced".into()];
        }
        let seen = Seen::of(self.before, self.group).on(self.landed.tree);
        untested(self.spec(case), self.group, &seen)
    }

    /// The spec that was in force when it was announced.
    fn spec<'c>(&self, case: &'c Case<'_>) -> Option<&'c Spec> {
        let version = self.before.iter().rev().find_map(|r| match &r.event {
            Event::SpecCompiled(e) => Some(e.version),
            Event::SpecEdited(e) => Some(e.version),
            Event::SpecAmended(e) => Some(e.version),
            _ => None,
        })?;
        case.specs.get(&version)
    }

    /// Its commit: tree and parents of what was tested, and the lines that bind it.
    fn commit(&self, case: &Case<'_>, repo: &Repo, commit: &CommitInfo) -> Vec<String> {
        let landed = self.landed;
        let mut problems = Vec::new();
        if commit.tree != landed.tree {
            problems.push(format!("its tree {} was never tested", commit.tree));
        }
        let parents = (commit.parents.first(), commit.parents.get(1));
        if parents != (Some(&landed.old), Some(&landed.head)) {
            problems.push("its parents are not those of the candidate".into());
        }
        // The candidate's own commit may have been collected; its tree is in the landing.
        if let Ok(tested) = repo.commit(landed.tested_commit)
            && (tested.tree != commit.tree || tested.parents != commit.parents)
        {
            problems.push("it differs from what was tested".into());
        }
        problems.extend(self.trailers(case, commit));
        problems
    }

    /// The lines at the end of its message.
    pub fn trailers(&self, case: &Case<'_>, commit: &CommitInfo) -> Vec<String> {
        let mut problems = Vec::new();
        let mut is = |key: &str, wanted: String| {
            let said = commit.trailer(key).unwrap_or("nothing");
            if said != wanted {
                problems.push(format!("its {key} says {said}, and the journal {wanted}"));
            }
        };
        is("Otto-Session", case.record.id.to_string());
        is("Otto-Group", self.group.to_owned());
        if let Some(attempt) = self.attempt {
            is("Otto-Attempt", attempt.to_string());
        }
        let hash = |key: &str| {
            let said = commit.trailer(key)?.strip_prefix("sha256:")?;
            said.parse::<Sha256>().ok()
        };
        let spec = hash("Otto-Spec");
        if !case.state.spec_versions.values().any(|known| Some(*known) == spec) {
            problems.push("its Otto-Spec is no version of the spec".into());
        }
        let head = hash("Otto-Evidence");
        let Some(bound) = self.before.iter().find(|r| Some(r.hash) == head) else {
            problems.push("its Otto-Evidence is no state of this journal before it landed".into());
            return problems;
        };
        let seen = Seen::of(self.before, self.group).on(self.landed.tree);
        for (check, (seq, _)) in seen.iter().filter(|(_, (seq, _))| *seq > bound.seq) {
            problems.push(format!("its Otto-Evidence does not bind '{check}' (event {seq})"));
        }
        problems
    }
}

/// The landing of a journal that made this commit.
pub fn of_commit<'a>(records: &'a [Record], commit: Oid) -> Option<Landing<'a>> {
    landings(records).into_iter().find(|l| l.landed.new == commit)
}
