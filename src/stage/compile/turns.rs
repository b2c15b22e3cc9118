//! Turns of the compiling agent: asked once, and handed exactly its errors up to three times.

use serde_json::{Value, json};

use super::accept;
use super::answer::{answer_schema, spec_from};
use super::given::read_spec;
use super::review::{RECOMPILES, approve};
use crate::agent::budget::Deadline;
use crate::agent::{Ending, Inside, Prompts, Turn, run_turn};
use crate::base::text::{count, shell_line};
use crate::base::{Error, Result};
use crate::disk;
use crate::process::stop;
use crate::session::config::{Detected, Role, detect};
use crate::session::state::SpecState;
use crate::session::{Session, Workspace};
use crate::spec::{Parsed, Problem, ProjectKind, Spec};
use crate::stage::spending::{Spending, check_budget};
use crate::stage::waiting::{free_agent, note_turn, turn_error};
use crate::stage::{Item, Report};

/// After the first answer, this many more.
const REPAIRS: u32 = 3;

/// Takes the spec that the session was created with, or has its agent compile the intent, or goes
/// on where that was stopped, and approves the result unless a person has to.
pub fn compile(
    ws: &Workspace,
    session: &Session,
    kind: Option<ProjectKind>,
    deadline: Deadline,
    report: &dyn Report,
) -> Result<()> {
    // What a person said when they rejected the version before is what the compiler is told.
    let guidance = match session.with_state(|s| s.spec.clone())? {
        SpecState::None => Some(String::new()),
        SpecState::Rejected { note } => {
            again(session)?;
            Some(note)
        }
        SpecState::Compiled { .. } | SpecState::Approved { .. } => None,
    };
    let given = if guidance == Some(String::new()) { session.given_spec()? } else { None };
    if let Some(text) = given {
        let path = session.layout.spec_given();
        let parsed = read_spec(&text, &path, Some(&session.intent()?))?;
        accept(ws, session, &parsed.spec, "file", 0, parsed.warnings)?;
    } else if let Some(guidance) = guidance {
        let (parsed, turns) = ask(ws, session, kind, &guidance, deadline, report)?;
        for warning in &parsed.warnings {
            report.say(&format!("warning: {warning}"));
        }
        accept(ws, session, &parsed.spec, "agent", turns, parsed.warnings)?;
    }
    finish(ws, session, report)
}

fn finish(ws: &Workspace, session: &Session, report: &dyn Report) -> Result<()> {
    let spec = session.read_spec()?;
    let compiled = session.with_state(|s| s.approved().is_none())?;
    let gate = session.config.review_gate && compiled;
    if !gate {
        approve(ws, session, "auto", None)?;
    }
    report.item(&Item::Spec {
        sha256: spec.content_hash().to_string(),
        features: spec.features.len(),
        groups: spec.groups.len(),
        approved: !gate,
    });
    if gate {
        return Err(waits(session, &spec));
    }
    Ok(())
}

/// 77, with the three things that a person can do.
fn waits(session: &Session, spec: &Spec) -> Error {
    let hash = spec.content_hash().short();
    Error::person(format!(
        "the spec ({hash}) waits for your review; read it with otto spec show {}",
        session.id
    ))
    .hint(format!(
        "yes:     otto spec approve {id} --expect {hash}\n      changes: otto spec reject {id} --note \"…\"\n      by hand: otto spec edit {id}",
        id = session.id,
    ))
}

/// Fails (1) where a person asked for changes as often as that is done.
fn again(session: &Session) -> Result<()> {
    let times = session.with_state(|s| s.recompiled)?;
    if times < RECOMPILES {
        return Ok(());
    }
    Err(Error::no(format!("the spec was compiled again {times} times, and is still not wanted"))
        .hint(format!(
            "change it by hand: otto spec edit {id}   or start anew: otto compile \"…\"",
            id = session.id
        )))
}

fn ask(
    ws: &Workspace,
    session: &Session,
    kind: Option<ProjectKind>,
    guidance: &str,
    deadline: Deadline,
    report: &dyn Report,
) -> Result<(Parsed, u32)> {
    let intent = session.intent()?;
    let prompts = Prompts::new(&ws.repo, session.record.base);
    let detected = detect(&ws.repo, session.record.base)?;
    let schema = answer_schema();
    // What is to be changed, as it was rejected.
    let previous = match session.with_state(|s| s.spec_version)? {
        n if n == 0 || guidance.is_empty() => None,
        n => Some(super::review::version(session, n)?.to_json()),
    };
    let kind = kind.or(detected.project_kind);
    let test_command = session.config.test_command.clone().or(detected.test_command.clone());
    let first = prompts.render(
        "spec",
        json!({
            "intent": intent,
            "project_kind": kind,
            "repository": describe(&detected),
            "test_command": test_command.map(|argv| shell_line(&argv)),
            "schema": serde_json::to_string_pretty(&schema).unwrap_or_default(),
            "guidance": guidance,
            "previous": previous,
        }),
    )?;
    let mut number = spent_turns(session)?;
    let mut prompt = first;
    let mut last = Vec::new();
    for turn in 1..=1 + REPAIRS {
        stop::check()?;
        report.say(&match turn {
            1 => "compiling the intent into a spec".to_owned(),
            _ => format!("the answer has {}; asking again", count(last.len(), "problem")),
        });
        let answer = loop {
            number += 1;
            if let Some(answer) = one_turn(ws, session, &prompt, &schema, number, deadline)? {
                break answer;
            }
        };
        let dir = session.layout.spec_attempt(number);
        disk::replace_json(&dir.join("answer.json"), &answer)?;
        match spec_from(answer.clone(), &intent) {
            Ok(parsed) => return Ok((parsed, number)),
            Err(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                disk::replace_json(&dir.join("errors.json"), &lines)?;
                prompt = prompts.render(
                    "spec-repair",
                    json!({
                        "problems": lines,
                        "answer": serde_json::to_string_pretty(&answer).unwrap_or_default(),
                    }),
                )?;
                last = problems;
            }
        }
    }
    let what = format!("the agent's spec ({} answers)", 1 + REPAIRS);
    Err(Problem::error(&what, &last)
        .hint(format!("its transcripts are in {}", session.layout.spec_dir().display())))
}

/// One question; `None` where the provider asks to wait instead: another one may be free.
fn one_turn(
    ws: &Workspace,
    session: &Session,
    prompt: &str,
    schema: &Value,
    number: u32,
    deadline: Deadline,
) -> Result<Option<Value>> {
    let config = &session.config;
    check_budget(session)?;
    let agent = free_agent(ws, session, Role::Spec)?;
    let provider = agent.provider.as_deref().unwrap_or_default();
    let pool = ws.pool(config)?;
    let worktree = pool.lease(session.record.base, None)?;
    deadline.check(session.id.as_str())?;
    let began = session.position().seq;
    let result = run_turn(&Turn {
        role: Role::Spec,
        agent: &agent,
        session: session.id.as_str(),
        group: None,
        attempt: number,
        inside: Inside::new(session, Role::Spec, &worktree)?,
        dir: &session.layout.spec_attempt(number),
        prompt,
        schema: Some(schema),
        resume: None,
        state_dir: Some(&ws.agent_dir(&session.id, provider, Role::Spec, None)?),
        max_turns: config.max_turns_per_call,
        ledger: &Spending::new(ws, session, Role::Spec, &agent),
        secrets: &config.secrets,
        now: ws.clock.now(),
        limit: deadline.left_for_turn(),
    })?;
    worktree.release()?;
    if note_turn(ws, session, provider, began, &result)? {
        return Ok(None);
    }
    let word = result.word();
    // A turn that Otto ended is no answer of the agent: what ended it is what there is to say.
    stop::check()?;
    match (result.error.is_some(), result.structured) {
        (false, Some(answer)) => return Ok(Some(answer)),
        (_, _)
            if result.ending == Ending::TimedOut
                || result.ending == Ending::Done("timed out".into()) =>
        {
            return Err(deadline.spent(session.id.as_str()));
        }
        (_, _) => check_budget(session)?,
    }
    let transcript = format!("transcript: {}", session.layout.spec_attempt(number).display());
    if let Some((class, message)) = &result.error {
        let error = turn_error((*class, message));
        // What to do comes before where to look.
        return Err(if error.hint.is_some() { error } else { error.hint(transcript) });
    }
    let error = Error::no(format!("the agent answered without a spec ({word})"));
    let advice = match result.ending {
        Ending::Capped(_) => "allow it more turns: --max-turns",
        _ => "it must write JSON to the file in OTTO_OUTPUT, or print it last",
    };
    Err(error.hint(format!("{advice}; {transcript}")))
}

/// Turns that an earlier, stopped compile has used: their folders are kept.
fn spent_turns(session: &Session) -> Result<u32> {
    let names = disk::subdirs(&session.layout.spec_dir())?;
    let numbers = names.iter().filter_map(|n| n.strip_prefix("attempt-")?.parse::<u32>().ok());
    Ok(numbers.max().unwrap_or(0))
}

fn describe(found: &Detected) -> String {
    if found.files == 0 {
        return "It is empty: everything has to be made.".into();
    }
    let mut text = format!("{} files.", found.files);
    if !found.languages.is_empty() {
        text.push_str(&format!(" Languages: {}.", found.languages.join(", ")));
    }
    if !found.manifests.is_empty() {
        text.push_str(&format!(" Manifests: {}.", found.manifests.join(", ")));
    }
    text.push_str(" At the root:\n");
    for row in &found.layout {
        text.push_str(&format!("- {row}\n"));
    }
    text
}
