//! What every provider must do with what an agent may do: one list of behaviours, and for each
//! adapter a table of how its agent is made to show them. The agents of `claude` and `codex` are
//! shell scripts that print recorded transcripts (`tests/fixtures/transcripts`); the programs in
//! front of them are the real ones.
//!
//! Another adapter joins by a file like `claude.rs` and a line in [`ADAPTERS`].

mod acp;
mod adapter;
mod behaviour;
mod captures;
mod claude;
mod codex;
mod command;
mod killed;
mod replay;
mod set_up;
mod stage;

use self::adapter::Adapter;
use self::behaviour::{Behaviour, must};
use self::stage::play;

const ADAPTERS: [&Adapter; 5] =
    [&claude::ADAPTER, &codex::ADAPTER, &command::ADAPTER, &acp::ADAPTER, &replay::ADAPTER];

/// Every behaviour of one adapter, with all that went wrong.
fn every_behaviour_of(adapter: &Adapter) {
    let mut wrong = Vec::new();
    for &behaviour in Behaviour::ALL {
        let excuse = adapter.cannot.iter().find(|(b, _)| *b == behaviour);
        match ((adapter.scene)(behaviour), excuse) {
            (Some(_), Some(_)) => wrong.push(format!("{behaviour:?} is shown and excused")),
            (None, None) => wrong.push(format!("{behaviour:?} is neither shown nor excused")),
            (None, Some(_)) => {}
            (Some(scene), None) => {
                let turn = play(adapter, &scene);
                let problems = must(behaviour, adapter, &turn);
                wrong.extend(problems.into_iter().map(|p| format!("{behaviour:?}: {p}\n{turn}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", adapter.program, wrong.join("\n"));
}

#[test]
fn claude_shows_every_behaviour() {
    every_behaviour_of(&claude::ADAPTER);
}

#[test]
fn codex_shows_every_behaviour() {
    every_behaviour_of(&codex::ADAPTER);
}

#[test]
fn command_shows_every_behaviour() {
    every_behaviour_of(&command::ADAPTER);
}

#[test]
fn acp_shows_every_behaviour() {
    every_behaviour_of(&acp::ADAPTER);
}

#[test]
fn replay_shows_every_behaviour() {
    every_behaviour_of(&replay::ADAPTER);
}

#[test]
fn every_adapter_is_run() {
    let own = include_str!("mod.rs");
    for adapter in ADAPTERS {
        let name = adapter.program.trim_start_matches("provider-");
        assert!(own.contains(&format!("fn {name}_shows_every_behaviour")), "{name}");
        for (behaviour, why) in adapter.cannot {
            assert!(why.len() > 10, "{name}: why not {behaviour:?}?");
        }
    }
}
