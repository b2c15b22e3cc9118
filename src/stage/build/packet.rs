//! What an attempt is given: the prompt, and the packet that says it for programs.

use serde_json::json;

use super::attempt::Plan;
use crate::agent::Prompts;
use crate::base::Result;
use crate::base::text::shell_line;
use crate::disk;
use crate::spec::{ApiRequest, Check, CheckBody, Group, Step};
use crate::stage::Context;
use crate::stage::notes::Notes;

pub(super) fn prompt(ctx: &Context<'_>, group: &Group, plan: &Plan) -> Result<String> {
    let features: Vec<_> = ctx
        .spec
        .features
        .iter()
        .filter(|f| f.group == group.id)
        .map(|f| json!({"id": f.id, "name": f.name, "description": f.description, "acceptance": f.acceptance}))
        .collect();
    let checks: Vec<String> = group.checks.iter().chain(&plan.extra).map(describe_check).collect();
    let mut protected = ctx.spec.protected_paths.clone();
    protected.extend(ctx.config().protected_paths.iter().cloned());
    Prompts::new(&ctx.ws.repo, ctx.base()).render(
        "build",
        json!({
            "intent": ctx.spec.intent,
            // Every name that the template may use is there, empty or not.
            "group": {"id": group.id, "title": group.title, "tasks": group.tasks},
            "features": features,
            "owned_paths": group.owned_paths,
            "shared_scaffold": ctx.spec.shared_scaffold,
            "protected_paths": protected,
            "checks": checks,
            "non_goals": ctx.spec.non_goals,
            "deps": group.deps,
            "attempt": plan.number,
            "brief": plan.brief,
            "role": plan.role.word(),
            "learnings": plan.notes.learnings,
            "context": plan.notes.context,
        }),
    )
}

/// What an agent is told that goes on with its conversation: only what is new.
pub(super) fn again(ctx: &Context<'_>, plan: &Plan) -> Result<String> {
    let Notes { learnings, context } = &plan.notes;
    let values = json!({
        "attempt": plan.number,
        "brief": plan.brief,
        "learnings": learnings,
        "context": context,
    });
    Prompts::new(&ctx.ws.repo, ctx.base()).render("again", values)
}

/// One line about a check, for prompts and for people.
pub fn describe_check(check: &Check) -> String {
    let what = match check.body() {
        Ok(CheckBody::RepoTest(t)) => format!("runs `{}`", shell_line(&t.argv)),
        Ok(CheckBody::Pytest(t)) => format!("pytest {}", shell_line(&t.select)),
        Ok(CheckBody::CliProbe(p)) => {
            format!("calls `{}` and compares the answer", shell_line(&p.argv))
        }
        Ok(CheckBody::StateInvariant(i)) => format!("`{}` must hold", i.expr),
        Ok(CheckBody::ApiProbe(p)) => {
            // What is expected is no secret: it is the contract.
            let one = |r: &ApiRequest| {
                let wanted = serde_json::to_string(r).unwrap_or_default();
                format!("`{} {}` {wanted}", r.method, r.path)
            };
            let all = p.requests.iter().map(one).collect::<Vec<_>>().join(", then ");
            format!("starts the service '{}' and sends {all}", p.service)
        }
        Ok(CheckBody::BrowserJourney(j)) if j.argv.is_empty() => {
            let steps = j.steps.iter().map(Step::shown).collect::<Vec<_>>().join("; ");
            let service = j.service.unwrap_or_default();
            format!("starts the service '{service}' and in a browser does: {steps}")
        }
        Ok(CheckBody::BrowserJourney(j)) => format!("runs `{}`", shell_line(&j.argv)),
        Ok(CheckBody::ImportCheck(i)) => i.sentence(),
        Ok(CheckBody::TypeCheck(t)) => format!("`{}` finds nothing", shell_line(&t.argv)),
        Ok(CheckBody::Metric(m)) => {
            format!("{}, as `{}` measures it", m.goal, shell_line(&m.argv))
        }
        Ok(CheckBody::External { kind }) => format!("otto-check-{kind}"),
        Err(_) => check.kind.clone(),
    };
    format!("{}: {what}", check.id)
}

pub(super) fn write(ctx: &Context<'_>, group: &Group, plan: &Plan) -> Result<()> {
    let dir = ctx.session.layout.build_attempt(&group.id, plan.number);
    let packet = json!({
        "v": 1,
        "session": ctx.sid(),
        "group": group,
        "attempt": plan.number,
        "role": plan.role.word(),
        "base": plan.base.commit,
        "dep_heads": plan.base.dep_heads,
        "start": plan.start,
        "spec_sha256": ctx.spec_sha256(),
        "brief": plan.brief,
        "told": plan.notes.hashed(),
    });
    disk::replace_json(&dir.join("packet.json"), &packet)
}
