//! `otto-provider-acp`: any agent that speaks the Agent Client Protocol (version 1) on its standard
//! input and output. Otto is the client: it answers what the agent asks, inside the worktree only.
//!
//! The published crate carries the protocol; it runs on any executor, so that one thread that
//! blocks is enough, and there is no runtime here. The agent itself is started and ended as every
//! other child is. See `docs/providers-acp.md`.

mod client;
mod errors;
mod files;
mod permission;
mod pipe;
mod session;
mod setup;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod updates;

use std::io::{BufRead, Write};

use serde_json::Value;

use super::describe;
use crate::agent::describe::{Abilities, Description, Login, Needs};
use crate::agent::protocol::VERSION;
use crate::base::{Exit, Result};

pub use turn::run;

/// Reads the settings and says what is there. What the agent can do, it says only when it runs.
pub fn describe(input: impl BufRead, output: impl Write) -> Result<Exit> {
    describe::answer(input, output, |settings| {
        let known = setup::known(settings);
        let program = known.and_then(|()| super::command::program_of(settings, "acp"));
        let own = program.as_ref().ok().and_then(Option::as_ref);
        let names = |key: &str| -> Vec<String> {
            let list = settings.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut read: Vec<std::path::PathBuf> = own.cloned().into_iter().collect();
        read.extend(names("read").into_iter().map(Into::into));
        Description {
            v: VERSION,
            program: own.cloned(),
            missing: program.as_ref().err().map(|failure| failure.message.clone()),
            login: Login { known: None, how: "the agent says so when it is started".into() },
            can: Abilities {
                resume: true,
                structured: true,
                usage: true,
                cost: true,
                turn_cap: true,
                money_cap: true,
                ..Abilities::default()
            },
            needs: Needs { read, env: names("env"), hosts: names("hosts"), login: Vec::new() },
            ..Description::default()
        }
    })
}
