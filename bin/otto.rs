//! The one program behind every name: it dispatches on the name that it was called by.
//!
//! `otto-merge …` and `otto merge …` are the same. An unknown verb is looked up as `otto-<verb>`
//! on PATH, as git does.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

mod table;

macro_rules! programs {
    ($($module:ident = $file:literal),* $(,)?) => {
        $(#[path = $file] mod $module;)*
    };
}

programs! {
    abort = "otto-abort.rs",
    audit = "otto-audit.rs",
    build_group = "otto-build-group.rs",
    check = "otto-check.rs",
    compile = "otto-compile.rs",
    config = "otto-config.rs",
    demo = "otto-demo.rs",
    help = "otto-help.rs",
    init = "otto-init.rs",
    land = "otto-land.rs",
    log = "otto-log.rs",
    merge = "otto-merge.rs",
    pages = "otto-pages.rs",
    provider_command = "otto-provider-command.rs",
    provider_replay = "otto-provider-replay.rs",
    render = "otto-render.rs",
    repair = "otto-repair.rs",
    run = "otto-run.rs",
    sessions = "otto-sessions.rs",
    spec = "otto-spec.rs",
    status = "otto-status.rs",
    verify = "otto-verify.rs",
}

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    otto::process::register_own(table::PROGRAMS.iter().map(|p| p.name).collect());
    let called = argv.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    if let Some(program) = table::PROGRAMS.iter().find(|p| called == p.name) {
        return (program.main)(program.name, &argv);
    }
    help::dispatch(&argv)
}
