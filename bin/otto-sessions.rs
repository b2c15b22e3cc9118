use std::io::Write;

use otto::base::text::one_line;
use otto::base::{Exit, Result};
use otto::cli::Ui;
use otto::session::state::RunState;
use otto::session::{Session, all};

/// List the sessions of this project, newest first
#[derive(Debug, clap::Parser)]
#[command(version, after_long_help = "EXAMPLES\n  otto sessions\n  otto sessions --most 5 --json")]
pub struct Args {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let mut out = std::io::stdout().lock();
    let ids = all(&ws.layout)?;
    if ids.is_empty() && !args.json {
        otto::errln!("no session yet; start one: otto run \"what you want\"");
    }
    for id in ids.iter().rev().take(args.most) {
        let line = match Session::open(&ws, id.as_str()).and_then(|s| describe(&s, args.json)) {
            Ok(line) => line,
            // One damaged session must not hide the others.
            Err(e) => format!("{id}  unreadable: {e}"),
        };
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    Ok(Exit::YES)
}

fn describe(session: &Session, json: bool) -> Result<String> {
    let (run, landed, groups) = session.with_state(|s| {
        let landed = s.groups.values().filter(|g| g.phase.is_in()).count();
        (s.run.clone(), landed, s.groups.len())
    })?;
    let state = match run {
        RunState::Open => "open",
        RunState::Paused { .. } => "paused",
        RunState::Finished { exit: 0 } => "passed",
        RunState::Finished { .. } => "not passed",
        RunState::Aborted { .. } => "aborted",
    };
    let intent = session.intent().unwrap_or_default();
    if json {
        let row = serde_json::json!({
            "session": session.id, "state": state, "landed": landed, "groups": groups,
            "intent": one_line(&intent, 200), "created": session.record.created,
        });
        return Ok(row.to_string());
    }
    Ok(format!("{}  {state:<10}  {landed}/{groups} landed  {}", session.id, one_line(&intent, 70)))
}
