//! What counts of a judgement, recorded: citations that stand, words, findings with reproductions
//! that Otto ran.

use std::collections::BTreeSet;

use super::Inquiry;
use super::answer::{Found, Judged, JudgedFeature};
use crate::base::Result;
use crate::base::text::{count, one_line};
use crate::session::event::{
    Answered, AuditFinding, Beyond, Certifier, Finding, FindingKind, JudgedWord, Judgement, Struck,
};
use crate::session::journal::Entry;
use crate::spec::Check;
use crate::stage::Item;
use crate::stage::audit::findings::reproduction;
use crate::stage::repair::failure_of;

/// Citations: those that stand are kept, the others struck.
struct Citations {
    real: BTreeSet<String>,
    struck: Vec<Struck>,
}

impl Citations {
    fn keep(&mut self, cited: Vec<String>, by: &str) -> Vec<String> {
        let (kept, struck): (Vec<_>, Vec<_>) =
            cited.into_iter().partition(|c| self.real.contains(c));
        let struck = struck.iter().map(|c| Struck { cited: one_line(c, 80), by: by.to_owned() });
        self.struck.extend(struck);
        kept
    }
}

impl Inquiry<'_> {
    pub(super) fn record(&self, provider: String, judged: Judged) -> Result<Certifier> {
        let store = self.ctx.evidence();
        let citable = self.citable();
        let whole = citable.iter().filter(|e| store.read(e).is_ok());
        let real = whole.map(ToString::to_string).collect();
        let mut citations = Citations { real, struck: Vec::new() };
        let features = judged.features.into_iter().map(|one| word(one, &mut citations)).collect();
        for (n, found) in judged.findings.into_iter().enumerate() {
            let finding = self.finding(found, n, &mut citations)?;
            self.ctx.report.item(&Item::Finding { finding: finding.clone() });
            self.ctx.append(Entry::new(AuditFinding { round: self.round, finding }))?;
        }
        let struck = citations.struck;
        if !struck.is_empty() {
            let which: Vec<String> =
                struck.iter().map(|s| format!("{} ({})", s.cited, s.by)).collect();
            self.ctx.report.say(&format!(
                "{} of the {} struck, no such evidence: {}",
                count(struck.len(), "citation"),
                self.judge.word(),
                which.join(", ")
            ));
        }
        Ok(Certifier::Asked(Answered {
            provider,
            struck: struck.len() as u32,
            citations: struck,
            features,
            coverage: judged.coverage,
            turns: self.turns,
            probes: self.probes.len() as u32,
        }))
    }

    fn finding(&self, found: Found, n: usize, citations: &mut Citations) -> Result<Finding> {
        let evidence = citations.keep(found.evidence, &format!("finding {n}"));
        let beyond = (found.kind == FindingKind::Scope).then(|| match &found.non_goal {
            Some(goal) => Beyond::RuledOut { non_goal: goal.trim().to_owned() },
            None => Beyond::Unasked,
        });
        let mut out = Finding {
            id: format!("{}-{}-{n}", self.judge.word(), self.round),
            kind: found.kind,
            severity: found.severity,
            text: one_line(&found.text, 1000),
            features: found.features,
            group: None,
            check: None,
            reproduction: String::new(),
            evidence,
            beyond,
            failure: None,
        };
        let probe = self.probes.iter().find(|p| Some(&p.check.id) == found.probe.as_ref());
        let Some(probe) = probe else { return Ok(out) };
        out.reproduction = reproduction(&probe.check);
        for shown in probe.outcome.evidence().iter().map(ToString::to_string) {
            if !out.evidence.contains(&shown) {
                out.evidence.push(shown);
            }
        }
        if out.kind != FindingKind::ProductFailure {
            return Ok(out);
        }
        match self.shows_nothing(probe)? {
            None => {
                // The same failure has the same name in every audit.
                out.id.clone_from(&probe.check.id);
                out.check = Some(probe.check.id.clone());
                let check = Check { features: out.features.clone(), ..probe.check.clone() };
                let (group, failure) = failure_of(self.ctx, &check, None, &probe.outcome)?;
                (out.group, out.failure) = (group, Some(failure));
            }
            Some(why) => {
                out.kind = FindingKind::Opinion;
                out.text =
                    format!("{} (claimed as a product failure, and not shown: {why})", out.text);
            }
        }
        Ok(out)
    }
}

fn word(one: JudgedFeature, citations: &mut Citations) -> Judgement {
    let evidence = citations.keep(one.evidence, &format!("feature {}", one.id));
    let word = match one.verdict {
        JudgedWord::Passed if evidence.is_empty() => JudgedWord::Nothing,
        word => word,
    };
    Judgement {
        feature: one.id,
        word,
        severity: one.severity,
        why: one_line(&one.why, 1000),
        evidence,
    }
}
