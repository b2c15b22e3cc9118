//! What a judge is told: the contract, what was run, and how to answer.

use std::path::Path;

use serde_json::json;

use super::{Inquiry, Wrong};
use crate::agent::Prompts;
use crate::base::Result;
use crate::check::Outcome;
use crate::session::event::{Judge, Risk};
use crate::spec::{Contract, ContractRule, PROBE_KINDS};
use crate::stage::memory;

pub(super) fn render(case: &Inquiry<'_>, evidence: &Path, wrong: Option<&Wrong>) -> Result<String> {
    let ctx = case.ctx;
    let spec = &ctx.spec;
    let protected: Vec<&String> =
        spec.protected_paths.iter().chain(&ctx.config().protected_paths).collect();
    let guardrails: Vec<String> = protected
        .iter()
        .map(|glob| format!("nobody may change `{glob}`"))
        .chain(spec.contracts.iter().map(contract))
        .collect();
    let risks: Vec<_> = match case.judge {
        Judge::Certifier => Vec::new(),
        Judge::Adversary => {
            Risk::ALL.iter().map(|r| json!({"id": r.word(), "what": r.what()})).collect()
        }
    };
    let rules = case.rules();
    let probes: Vec<String> = case.probes.iter().map(|p| line(&p.check.id, &p.outcome)).collect();
    Prompts::new(&ctx.ws.repo, ctx.base()).render(
        "certifier",
        json!({
            "intent": spec.intent,
            "features": spec.features.iter().map(|f| json!({
                "id": f.id, "name": f.name, "description": f.description,
                "acceptance": f.acceptance,
            })).collect::<Vec<_>>(),
            "done_means": spec.done_means,
            "non_goals": spec.non_goals,
            "guardrails": guardrails,
            "services": spec.services.iter().map(|s| &s.id).collect::<Vec<_>>(),
            "checks": case.observed.iter().map(|o| {
                line(o.title.as_deref().unwrap_or(&o.check), &o.outcome)
            }).collect::<Vec<_>>(),
            "findings": case.found,
            "earlier": memory::digest(ctx, case.tip)?,
            "evidence": evidence,
            "risks": risks,
            "probes": probes,
            "probe_kinds": PROBE_KINDS.join(", "),
            "probes_left": if rules.rounds_left == 0 { 0 } else { rules.probes_left },
            "problems": wrong.map(|w| w.problems.clone()).unwrap_or_default(),
            "answer": wrong.map(|w| format!("{:#}", w.answer)).unwrap_or_default(),
        }),
    )
}

fn line(name: &str, outcome: &Outcome) -> String {
    let cited: Vec<String> = outcome.evidence().iter().map(ToString::to_string).collect();
    let word = outcome.status().word();
    format!("{name}: {word} ({}) {} {}", outcome.reason(), outcome.detail(), cited.join(" "))
}

fn contract(contract: &Contract) -> String {
    let path = &contract.path;
    let owner = contract.owner.as_ref().map_or(String::new(), |o| format!(" but '{o}'"));
    match contract.rule {
        ContractRule::Exact => format!("nobody{owner} changes `{path}`"),
        ContractRule::Additive => format!("nobody{owner} removes or changes a line of `{path}`"),
        ContractRule::Semantic => format!("`{path}` keeps doing what its probes ask of it"),
    }
}
