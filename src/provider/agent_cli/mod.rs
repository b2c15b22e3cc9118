//! What the providers of agents that are command-line programs have in common: the program is
//! found, started in folders and with an environment of its own, its JSON lines are translated
//! while they come, it is asked to leave before it is made to, and one judgement ends the turn.
//!
//! A vendor (`claude`, `codex`) brings its command line, its lines and its table of error words.

mod judge;
mod ledger;
mod place;
mod program;
mod reset;
pub(super) mod shorten;
mod start;
mod stop;
mod turn;

pub(super) use judge::{Finding, Said};
pub(super) use ledger::{Conversations, Totals, count};
pub(super) use program::{beside_package, package_of};
pub(super) use reset::reset_time;
pub(super) use start::{Ask, Start};
pub(super) use turn::run;

pub(super) use place::login_file;
pub(super) use program::{find as find_program, trail};
pub(super) use start::{known_settings, relative};

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::io::Failure;
use crate::agent::{ErrorClass, Event};

/// What is particular to one agent.
pub(super) trait Vendor {
    /// Of the provider and of the agent's program.
    const NAME: &'static str;
    /// Keys of `providers.<name>`.
    const SETTINGS: &'static [&'static str];
    /// Variables that it takes from a person's environment: keys and endpoints.
    const ENV: &'static [&'static str];
    /// The variable that names the folder of its configuration and conversations.
    const CONFIG_VAR: &'static str;
    /// That folder in a person's home.
    const CONFIG_DIR: &'static str;
    /// Its log-in in that folder.
    const LOGIN_FILE: &'static str;
    type Lines: Lines;

    /// The program itself, where `found` only starts it.
    fn native(found: &Path) -> Option<PathBuf>;
    /// What to start for a turn.
    fn start(ask: &Ask<'_>) -> Result<Start, Failure>;
    fn lines(ask: &Ask<'_>) -> Self::Lines;
    /// What words outside of its protocol mean: on standard error, or instead of JSON.
    fn classify(words: &str) -> Option<ErrorClass>;
}

/// Reads what the agent prints.
pub(super) trait Lines {
    /// The events of one JSON line.
    fn read(&mut self, line: Value) -> Vec<Event>;
    /// The agent waits by itself for something that Otto waits for better: end it.
    fn gave_up(&self) -> bool;
    /// What it said of its own end.
    fn finding(self) -> Finding;
}
