//! The certifier: an agent that did not build, sees features and evidence, and answers in a schema.
//! A citation that does not exist is struck. A product failure counts only when its reproduction
//! was run by Otto and failed; the rest is opinion.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::agent::{Inside, Prompts, Turn, run_turn};
use crate::base::Result;
use crate::base::text::one_line;
use crate::check::Outcome;
use crate::check::batch::Caching;
use crate::git::Oid;
use crate::session::config::Role;
use crate::session::event::{AuditFinding, Certifier, Finding, FindingKind};
use crate::session::journal::Entry;
use crate::spec::{Check, Purpose};
use crate::stage::spending::Spending;
use crate::stage::waiting::{free_agent, note_turn};
use crate::stage::{Context, Item};

/// What was run, for the certifier to cite.
#[derive(Debug, Clone)]
pub struct Observed {
    pub check: String,
    pub title: Option<String>,
    pub outcome: Outcome,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    features: Vec<Judged>,
    #[serde(default)]
    findings: Vec<Found>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Judged {
    id: String,
    verdict: Word,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Passed,
    Failed,
    Partial,
    Missing,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Found {
    kind: Kind,
    severity: String,
    text: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    evidence: Vec<String>,
    /// A command that exits with 0 when the product is right.
    #[serde(default)]
    reproduction: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    ProductFailure,
    ProofGap,
    Scope,
    Opinion,
}

/// Fails (77) when a certifier is configured and there is no money left to ask it; before
/// anything is run, because its answer is a part of the audit.
pub fn can_be_asked(ctx: &Context<'_>) -> Result<()> {
    match ctx.config().agent(Role::Certifier).provider {
        Some(_) => {
            free_agent(ctx.ws, ctx.session, Role::Certifier)?;
            ctx.check_budget()
        }
        None => Ok(()),
    }
}

/// Asks the certifier, if there is one.
pub fn certify(
    ctx: &Context<'_>,
    round: u32,
    tip: Oid,
    observed: &[Observed],
) -> Result<Certifier> {
    if ctx.config().agent(Role::Certifier).provider.is_none() {
        return Ok(Certifier::None);
    }
    let prompt = Prompts::new(&ctx.ws.repo, ctx.base()).render(
        "certifier",
        json!({
            "intent": ctx.spec.intent,
            "features": ctx.spec.features.iter().map(|f| json!({"id": f.id, "name": f.name, "acceptance": f.acceptance})).collect::<Vec<_>>(),
            "non_goals": ctx.spec.non_goals,
            "checks": observed.iter().map(line_of).collect::<Vec<_>>(),
            "findings": Vec::<String>::new(),
        }),
    )?;
    let schema = serde_json::to_value(schemars::schema_for!(Answer)).unwrap_or_default();
    let dir = ctx.session.layout.audit_round(round).join("certifier");
    let (provider, result) = loop {
        let agent = free_agent(ctx.ws, ctx.session, Role::Certifier)?;
        let provider = agent.provider.clone().unwrap_or_default();
        ctx.report.say(&format!("asking the certifier ({provider})"));
        let worktree = ctx.pool.lease(tip, None)?;
        let began = ctx.session.position().seq;
        let result = run_turn(&Turn {
            role: Role::Certifier,
            agent: &agent,
            session: ctx.sid(),
            group: None,
            attempt: round,
            inside: Inside::new(ctx.session, Role::Certifier, &worktree)?,
            dir: &dir,
            prompt: &prompt,
            schema: Some(&schema),
            // Blind: it knows nothing of an earlier round.
            resume: None,
            state_dir: Some(&ctx.agent_dir(&agent, Role::Certifier, None)?),
            max_turns: ctx.config().max_turns_per_call,
            ledger: &Spending::new(ctx.ws, ctx.session, Role::Certifier, &agent),
            secrets: &ctx.config().secrets,
            now: ctx.ws.clock.now(),
            limit: ctx.deadline.left(),
        })?;
        worktree.release()?;
        // Another provider may take over; with none free the next look says so.
        if note_turn(ctx.ws, ctx.session, &provider, began, &result)? {
            continue;
        }
        if result.was_cut() {
            // That it gave no answer is our doing: the audit is not over.
            crate::process::stop::check()?;
            ctx.check_budget()?;
            ctx.deadline.check(ctx.sid())?;
        }
        break (provider, result);
    };
    let failed = |why: String| Certifier::Failed { provider: provider.clone(), why };
    let answer = match (&result.error, &result.structured) {
        (Some((class, message)), _) => {
            return Ok(failed(format!("{}: {}", class.word(), one_line(message, 160))));
        }
        (None, None) => return Ok(failed("it gave no answer".into())),
        (None, Some(value)) => {
            crate::disk::replace_json(&dir.join("answer.json"), value)?;
            match serde_json::from_value::<Answer>(value.clone()) {
                Ok(answer) => answer,
                Err(e) => return Ok(failed(format!("it answered outside the schema: {e}"))),
            }
        }
    };
    let struck = record_answer(ctx, round, tip, observed, answer)?;
    Ok(Certifier::Asked { provider, struck })
}

fn line_of(o: &Observed) -> String {
    let cited: Vec<String> = o.outcome.evidence().iter().map(ToString::to_string).collect();
    let name = o.title.as_deref().unwrap_or(&o.check);
    format!("{name}: {} ({}) {}", o.outcome.status().word(), o.outcome.reason(), cited.join(" "))
}

/// Records what counts of an answer; returns how many citations were struck.
fn record_answer(
    ctx: &Context<'_>,
    round: u32,
    tip: Oid,
    observed: &[Observed],
    answer: Answer,
) -> Result<u32> {
    let real: BTreeSet<String> = observed
        .iter()
        .flat_map(|o| o.outcome.evidence().iter().map(ToString::to_string))
        .collect();
    let mut struck = 0;
    let mut keep = |cited: Vec<String>| -> Vec<String> {
        let before = cited.len();
        let kept: Vec<String> = cited.into_iter().filter(|c| real.contains(c)).collect();
        struck += (before - kept.len()) as u32;
        kept
    };
    let mut findings = Vec::new();
    for (n, judged) in answer.features.into_iter().enumerate() {
        let evidence = keep(judged.evidence);
        if judged.verdict == Word::Passed || ctx.spec.feature(&judged.id).is_none() {
            // A pass comes from evidence alone; a judge's word adds nothing to it.
            continue;
        }
        findings.push(finding(
            &format!("certifier-{round}-feature-{n}"),
            FindingKind::Opinion,
            "important",
            format!("the certifier calls '{}' {:?}: {}", judged.id, judged.verdict, judged.why),
            vec![judged.id],
            evidence,
        ));
    }
    for (n, found) in answer.findings.into_iter().enumerate() {
        let id = format!("certifier-{round}-{n}");
        let evidence = keep(found.evidence);
        let severity = match found.severity.as_str() {
            "critical" | "important" | "polish" => found.severity.clone(),
            _ => "important".into(),
        };
        let features: Vec<String> =
            found.features.iter().filter(|f| ctx.spec.feature(f).is_some()).cloned().collect();
        let mut made =
            finding(&id, FindingKind::Opinion, &severity, found.text, features, evidence);
        made.kind = match found.kind {
            Kind::ProofGap => FindingKind::ProofGap,
            Kind::Scope => FindingKind::Scope,
            Kind::Opinion => FindingKind::Opinion,
            Kind::ProductFailure => reproduce(ctx, tip, &mut made, &found.reproduction)?,
        };
        findings.push(made);
    }
    for finding in findings {
        ctx.report.item(&Item::Finding { finding: finding.clone() });
        ctx.append(Entry::new(AuditFinding { round, finding }))?;
    }
    Ok(struck)
}

fn finding(
    id: &str,
    kind: FindingKind,
    severity: &str,
    text: String,
    features: Vec<String>,
    evidence: Vec<String>,
) -> Finding {
    Finding {
        id: id.into(),
        kind,
        severity: severity.into(),
        text: one_line(&text, 1000),
        features,
        group: None,
        check: None,
        reproduction: String::new(),
        evidence,
        failure: None,
    }
}

/// Runs the claimed reproduction: only one that fails on the product and would be a check of it
/// makes a product failure.
fn reproduce(
    ctx: &Context<'_>,
    tip: Oid,
    finding: &mut Finding,
    argv: &[String],
) -> Result<FindingKind> {
    if argv.is_empty() {
        return Ok(FindingKind::Opinion);
    }
    let params = json!({"argv": argv, "exit": 0});
    let check = Check {
        id: finding.id.clone(),
        kind: "cli_probe".into(),
        purpose: Purpose::Regression,
        features: finding.features.clone(),
        timeout_s: Some(120),
        evidence: Vec::new(),
        env: std::collections::BTreeMap::new(),
        services: Vec::new(),
        params: params.as_object().cloned().unwrap_or_default(),
    };
    let ran =
        ctx.bench()?
            .run(&[&check], tip, ctx.base(), Caching::Never, || ctx.left(), &mut |_| Ok(()))?;
    let Some(ran) = ran.first() else { return Ok(FindingKind::Opinion) };
    finding.reproduction = crate::base::text::shell_line(argv);
    finding.evidence.extend(ran.outcome.evidence().iter().map(ToString::to_string));
    if ran.outcome.status() != crate::check::Status::Failed {
        return Ok(FindingKind::Opinion);
    }
    // Repair needs the check that shows it, and nobody else has it.
    let (group, failure) = crate::stage::repair::failure_of(ctx, &check, None, &ran.outcome, true)?;
    (finding.group, finding.failure) = (group, Some(failure));
    Ok(FindingKind::ProductFailure)
}
