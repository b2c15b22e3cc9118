//! The one program behind every name: it dispatches on the name that it was called by.
//!
//! `otto-merge …` and `otto merge …` are the same. An unknown verb is looked up as `otto-<verb>`
//! on PATH, as git does.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

mod table;

#[path = "otto-abort.rs"]
mod abort;
#[path = "otto-attach.rs"]
mod attach;
#[path = "otto-audit.rs"]
mod audit;
#[path = "otto-build-group.rs"]
mod build_group;
#[path = "otto-check.rs"]
mod check;
#[path = "otto-compile.rs"]
mod compile;
#[path = "otto-config.rs"]
mod config;
#[path = "otto-debug.rs"]
mod debug;
#[path = "otto-demo.rs"]
mod demo;
#[path = "otto-help.rs"]
mod help;
#[path = "otto-init.rs"]
mod init;
#[path = "otto-land.rs"]
mod land;
#[path = "otto-log.rs"]
mod log;
#[path = "otto-merge.rs"]
mod merge;
#[path = "otto-pages.rs"]
mod pages;
#[path = "otto-pilot.rs"]
mod pilot;
#[path = "otto-proof.rs"]
mod proof;
#[path = "otto-provider-acp.rs"]
mod provider_acp;
#[path = "otto-provider-claude.rs"]
mod provider_claude;
#[path = "otto-provider-codex.rs"]
mod provider_codex;
#[path = "otto-provider-command.rs"]
mod provider_command;
#[path = "otto-provider-replay.rs"]
mod provider_replay;
#[path = "otto-providers.rs"]
mod providers;
#[path = "otto-render.rs"]
mod render;
#[path = "otto-repair.rs"]
mod repair;
#[path = "otto-run.rs"]
mod run;
#[path = "otto-sandbox.rs"]
mod sandbox;
#[path = "otto-sessions.rs"]
mod sessions;
#[path = "otto-spec.rs"]
mod spec;
#[path = "otto-status.rs"]
mod status;
#[path = "otto-verify.rs"]
mod verify;
#[path = "otto-wake.rs"]
mod wake;

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    otto::process::register_own(table::PROGRAMS.iter().map(|p| p.name).collect());
    let called = argv.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    if let Some(program) = table::PROGRAMS.iter().find(|p| called == p.name) {
        return (program.main)(program.name, &argv);
    }
    help::dispatch(&argv)
}
