use serde_json::json;

use otto::base::{Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::run::summary::{Hands, status_text};
use otto::session::Session;
use otto::session::state::SpecState;
use otto::stage::audit::{ChainState, Word, verdict};
use otto::stage::render::judge;

/// Show where a session stands and what to do next
///
/// Everything is computed from the journal; nothing is changed. The journal's chain is checked on
/// the way, and for a verdict of `passed` the evidence that it stands on; `otto verify` checks
/// everything else.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto status\n  otto status 20261120-1011 --json\n\nEXIT CODES\n  0 the verdict is passed · 1 it is not, or there is none yet"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    let state = session.state()?;
    let there = state.spec != SpecState::None || session.layout.spec_json().exists();
    let spec = if there { Some(session.current_spec()?) } else { None };
    let verdict = match &spec {
        None => None,
        Some(spec) => Some(match verdict(spec, &state, &ChainState::Intact) {
            // Only a yes needs everything that it stands on: the evidence is read too.
            quick if quick.word == Word::Passed => judge(&ws, &session, spec)?,
            quick => quick,
        }),
    };
    let hands = Hands::look(&ws, &session, spec.as_ref())?;
    if args.json {
        let groups: Vec<_> = spec
            .iter()
            .flat_map(|s| &s.groups)
            .map(|g| {
                let attempts = state.group(&g.id).map_or(0, |s| s.attempts.len());
                json!({"group": g.id, "state": hands.word(&g.id, &state.phase(&g.id)), "attempts": attempts})
            })
            .collect();
        let answer = json!({
            "v": 1,
            "session": session.id,
            "base": state.base,
            "tip": state.landings.last().map(|l| l.new),
            "target": session.record.target,
            "working": hands.on_session(),
            "groups": groups,
            "verdict": verdict.as_ref().map(|v| v.word.to_string()),
            "reasons": verdict.iter().flat_map(|v| &v.reasons).map(ToString::to_string).collect::<Vec<_>>(),
            "events": state.events,
        });
        otto::outln!("{answer}");
    } else {
        otto::out!(
            "{}",
            status_text(&ws, &session, &state, spec.as_ref(), verdict.as_ref(), &hands)
        );
    }
    Ok(verdict.map_or(Exit::NO, |v| v.word.exit()))
}
