//! Probes: checks that a judge asks for. Otto runs them as it runs every check, in a fresh worktree
//! and a sandbox of theirs, and records who asked.

use super::{Inquiry, PROBE_SECONDS};
use crate::base::text::count;
use crate::base::{Json, Result};
use crate::check::Outcome;
use crate::check::batch::Caching;
use crate::session::State;
use crate::session::event::{Asked, AuditChecked, FindingKind};
use crate::session::journal::Entry;
use crate::spec::Check;
use crate::stage::Item;

/// A probe that was run.
pub(super) struct Probe {
    pub check: Check,
    pub outcome: Outcome,
    /// Of those that were asked for together, the turn.
    pub turn: u32,
}

impl Inquiry<'_> {
    pub(super) fn run_probes(&mut self, mut checks: Vec<Check>) -> Result<()> {
        let ctx = self.ctx;
        let (round, turn, by) = (self.round, self.turns, self.judge);
        for check in &mut checks {
            check.timeout_s = Some(check.timeout_s.unwrap_or(PROBE_SECONDS).min(PROBE_SECONDS));
        }
        let who = by.word();
        ctx.report.say(&format!("the {who} asked for {}", count(checks.len(), "probe")));
        let asked: Vec<&Check> = checks.iter().collect();
        let mut at = 0;
        let (bench, left) = (ctx.bench()?, || ctx.left());
        let ran = bench.run(&asked, self.tip, ctx.base(), Caching::Never, left, &mut |ran| {
            let check = asked[at];
            at += 1;
            let outcome = Json::of(&ran.outcome)?;
            ctx.report.item(&Item::Check {
                check: ran.check.clone(),
                phase: "audit",
                group: None,
                outcome: outcome.clone(),
                cached: false,
            });
            let asked = Some(Asked { by, turn, check: Json::of(check)?, again: false });
            let check = ran.check.clone();
            ctx.append(Entry::new(AuditChecked { round, check, scenario: None, asked, outcome }))
        })?;
        let done = checks.into_iter().zip(ran);
        self.probes.extend(done.map(|(check, ran)| Probe { check, outcome: ran.outcome, turn }));
        Ok(())
    }
}

/// Probes that showed product failures in earlier audits, as they are looked at again: the newest
/// record of each.
pub fn found_before(state: &State) -> Vec<(Check, Asked)> {
    let mut out: Vec<(Check, Asked)> = Vec::new();
    for audit in &state.audits {
        let failures = audit.findings.iter().filter(|f| f.kind == FindingKind::ProductFailure);
        for id in failures.filter_map(|f| f.check.as_deref()) {
            let record = audit.checks.iter().find(|c| c.check == id && c.asked.is_some());
            let Some(asked) = record.and_then(|c| c.asked.as_ref()) else { continue };
            let Ok(check) = asked.check.read::<Check>() else { continue };
            out.retain(|(known, _)| known.id != check.id);
            out.push((check, Asked { again: true, ..asked.clone() }));
        }
    }
    out
}
