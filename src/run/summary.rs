//! Where a session stands, as text, and what a person would do next.

use std::collections::BTreeSet;

use crate::base::Result;
use crate::base::clock::human_duration;
use crate::base::text::{count, one_line, shell_quote};
use crate::disk::lock;
use crate::session::state::{LandState, RunState, SpecState};
use crate::session::{GroupState, Phase, Session, State, Workspace};
use crate::spec::Spec;
use crate::stage::audit::ProductVerdict;
use crate::stage::repair;
use crate::stage::spending::{more_for, spent_by};

/// Whether anybody works on the session, or on one group of it, right now: the kernel knows who
/// holds the locks, and a killed process holds none.
#[derive(Debug)]
pub struct Hands {
    session: bool,
    groups: BTreeSet<String>,
}

impl Hands {
    pub fn look(ws: &Workspace, session: &Session, spec: Option<&Spec>) -> Result<Self> {
        let (layout, id) = (&ws.layout, &session.id);
        let mut groups = BTreeSet::new();
        for group in spec.iter().flat_map(|s| &s.groups) {
            if lock::holder::<lock::Group>(&layout.group_lock(id, &group.id))?.is_some() {
                groups.insert(group.id.clone());
            }
        }
        let of_session = [layout.run_lock(id), layout.queue_lock(id), layout.audit_lock(id)];
        let mut session = !groups.is_empty();
        for path in of_session {
            session |= lock::holder::<lock::Run>(&path)?.is_some();
        }
        Ok(Self { session, groups })
    }

    pub fn on_session(&self) -> bool {
        self.session
    }

    /// The group's state as a person would put it: what nobody builds any more is not "building".
    pub fn word(&self, gid: &str, phase: &Phase) -> &'static str {
        match phase {
            Phase::Building { .. } if !self.groups.contains(gid) => "stopped",
            _ => phase.word(),
        }
    }
}

/// The whole status of a session.
pub fn status_text(
    ws: &Workspace,
    session: &Session,
    state: &State,
    spec: Option<&Spec>,
    verdict: Option<&ProductVerdict>,
    hands: &Hands,
) -> String {
    let mut out = format!("session {}  ({})\n", session.id, ws.root().display());
    if let Ok(intent) = session.intent() {
        out.push_str(&format!("intent  {}\n", one_line(&intent, 100)));
    }
    out.push_str(&format!("spec    {}\n", spec_line(state)));
    out.push_str(&format!("run     {}\n", run_line(state, hands)));
    for (provider, waiting) in state.waiting(ws.clock.now()) {
        out.push_str(&format!(
            "waits   for {provider} until {} ({}); try now: otto wake {}\n",
            waiting.until, waiting.class, session.id
        ));
    }
    let asked = state.open_requests().count();
    if asked > 0 {
        out.push_str(&format!(
            "asks    {} of builders about the spec: otto spec requests {}\n",
            count(asked, "request"),
            session.id
        ));
    }
    if let Some(spec) = spec {
        out.push_str(&groups_text(spec, state, hands));
    }
    if let Some(verdict) = verdict {
        out.push_str(&verdict_text(verdict, over(state)));
    }
    out.push_str(&next_steps(session, state, verdict));
    out
}

fn spec_line(state: &State) -> String {
    match &state.spec {
        SpecState::None => "not compiled yet".into(),
        SpecState::Compiled { sha256 } => format!("{} waits for approval", sha256.short()),
        SpecState::Approved { sha256, by, .. } => format!("{} approved by {by}", sha256.short()),
        SpecState::Rejected { note } => format!("rejected: {note}"),
    }
}

fn run_line(state: &State, hands: &Hands) -> String {
    match &state.run {
        RunState::Open if matches!(state.land, LandState::Landed { .. }) => "landed".into(),
        RunState::Open if hands.on_session() => "at work".into(),
        RunState::Open if state.groups.values().any(|g| g.open_attempt().is_some()) => {
            "stopped, with an attempt open".into()
        }
        RunState::Open => "open".into(),
        RunState::Paused { .. } if hands.on_session() => "at work".into(),
        RunState::Paused { reason } => format!("paused: {}", one_line(reason, 140)),
        RunState::Finished { exit } => format!("finished with exit {exit}"),
        RunState::Aborted { reason } => format!("aborted: {reason}"),
    }
}

fn groups_text(spec: &Spec, state: &State, hands: &Hands) -> String {
    let width = spec.groups.iter().map(|g| g.id.len()).max().unwrap_or(0);
    let mut out = String::from("\n");
    for group in &spec.groups {
        let phase = state.phase(&group.id);
        let attempts = state.group(&group.id).map_or(0, |g| g.attempts.len());
        let mut line = format!("  {:width$}  {:9}", group.id, hands.word(&group.id, &phase));
        if attempts > 0 {
            line.push_str(&format!("  {}", count(attempts, "attempt")));
        }
        let more = match &phase {
            Phase::Failed { reason } | Phase::Aborted { reason } => one_line(reason, 240),
            Phase::Blocked { by } => format!("by {}", by.join(", ")),
            Phase::Landed => state
                .group(&group.id)
                .and_then(|g| g.landed.as_ref())
                .map_or(String::new(), |l| l.new.short()),
            Phase::Redundant { held_by } => format!("{} holds it already", held_by.short()),
            Phase::Passing { commit, .. } => commit.short(),
            // What its next attempt has to mend.
            Phase::Pending | Phase::Building { .. } | Phase::Invalidated { .. } => state
                .group(&group.id)
                .and_then(GroupState::last_end)
                .map_or(String::new(), |end| format!("the last: {end}")),
        };
        if !more.is_empty() {
            line.push_str(&format!("  {more}"));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Nobody works on it any more.
fn over(state: &State) -> bool {
    matches!(state.run, RunState::Finished { .. } | RunState::Aborted { .. })
        || state.last_full_audit().is_some_and(|a| Some(a.tip) == state.tip())
}

/// The verdict, its reasons, and the features.
pub fn verdict_text(verdict: &ProductVerdict, over: bool) -> String {
    let mut out = format!("\nverdict {}{}\n", verdict.word, if over { "" } else { " so far" });
    for reason in &verdict.reasons {
        out.push_str(&format!("  - {}\n", one_line(&reason.to_string(), 300)));
    }
    let width = verdict.features.iter().map(|f| f.id.len()).max().unwrap_or(0);
    for feature in &verdict.features {
        out.push_str(&format!("  {:width$}  {}\n", feature.id, feature.word));
    }
    out
}

/// A command, and what it is for.
pub(super) fn step_line(command: &str, why: &str) -> String {
    format!("  {command:<58}  {why}\n")
}

/// Commands that a person may copy.
pub fn next_steps(session: &Session, state: &State, verdict: Option<&ProductVerdict>) -> String {
    let id = &session.id;
    let mut out = String::new();
    let mut step = |command: String, why: &str| out.push_str(&step_line(&command, why));
    let passed = verdict.is_some_and(|v| v.word.exit().0 == 0);
    match (&state.spec, &state.run) {
        (SpecState::Compiled { sha256 }, _) => {
            step(format!("otto spec show {id}"), "read the spec");
            step(format!("otto spec approve {id} --expect {}", sha256.short()), "say yes to it");
            step(format!("otto spec reject {id} --note …"), "or ask for changes");
            step(format!("otto run --resume {id}"), "then go on");
        }
        (_, RunState::Finished { .. }) | (SpecState::Rejected { .. }, _) => {}
        _ if matches!(state.land, LandState::Landed { .. }) => {}
        (_, RunState::Open | RunState::Paused { .. }) => {
            step(format!("otto run --resume {id}"), "go on where it stopped");
        }
        (_, RunState::Aborted { .. }) => {}
    }
    if !matches!(state.run, RunState::Aborted { .. })
        && !matches!(state.land, LandState::Landed { .. })
        && let Some((flag, groups)) = again(session, state)
    {
        let command = format!("otto run --resume {id} {flag}");
        step(command, &format!("try {} again", groups.join(", ")));
        let named: String = groups.iter().map(|gid| format!(" --group {gid}")).collect();
        step(format!("otto log {id} --all{named}"), "what was tried, and what its checks said");
    }
    if matches!(state.run, RunState::Finished { .. })
        && !repair::is_on(&session.config)
        && !repair::failing(state).is_empty()
    {
        let command = format!("otto run --resume {id} -c agents.fix.provider=NAME");
        step(command, "have an agent repair what the audit found");
    }
    let proof = session.layout.proof_html();
    if proof.exists() {
        step(format!("otto render {id} --open"), "look at the proof");
    }
    if !state.landings.is_empty() {
        step(format!("git log --first-parent i2p/integ/{id}"), "the story, commit by commit");
        step(format!("otto verify {id}"), "check the proof again");
    }
    match (&state.land, &session.record.target) {
        (LandState::Landed { target, .. }, _) => {
            out.push_str(&format!("  {target} has it\n"));
        }
        (LandState::No | LandState::Started { .. }, Some(target)) if passed => {
            let short = target.trim_start_matches("refs/heads/");
            step(format!("otto land {id}"), &format!("fast-forward {} to it", shell_quote(short)));
        }
        (LandState::No | LandState::Started { .. }, _) => {}
    }
    if out.is_empty() { out } else { format!("\nnext\n{out}") }
}

/// What gives failed groups another try, and which: as many attempts as they had, and more money
/// where all of them are over their budget. Without it a resume only repeats the verdict.
pub(super) fn again<'a>(session: &Session, state: &'a State) -> Option<(String, Vec<&'a str>)> {
    let failed = state.groups.iter().filter(|(_, g)| matches!(g.phase, Phase::Failed { .. }));
    let failed: Vec<&str> = failed.map(|(gid, _)| gid.as_str()).collect();
    if failed.is_empty() {
        return None;
    }
    let config = &session.config;
    let over = |budget: f64| {
        let most = failed.iter().map(|gid| spent_by(state, gid)).fold(0.0, f64::max);
        failed.iter().all(|gid| spent_by(state, gid) >= budget).then(|| more_for(budget, most))
    };
    let money = config.group_budget_usd.and_then(over);
    Some((money.unwrap_or_else(|| format!("-c attempts={}", config.attempts)), failed))
}

/// `3 groups landed in 4.2s, 7 checks …`: one line for the end of a run.
pub fn one_line_summary(spec: &Spec, state: &State, verdict: &ProductVerdict) -> String {
    let landed = spec.groups.iter().filter(|g| state.phase(&g.id).is_in()).count();
    let passed = verdict.features.iter().filter(|f| f.word.to_string() == "passed").count();
    format!(
        "{}: {passed} of {} passed, {landed} of {} landed, in {}",
        verdict.word,
        count(verdict.features.len(), "feature"),
        count(spec.groups.len(), "group"),
        human_duration(state.worked_s)
    )
}
