//! Every program: its name, its entry, its arguments, its place in `otto help`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;

/// Where `otto help` lists a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    Start,
    Look,
    Finish,
    Step,
    Plumbing,
}

#[derive(Debug)]
pub struct Program {
    /// `otto-merge`.
    pub name: &'static str,
    pub shelf: Shelf,
    pub main: fn(&str, &[OsString]) -> ExitCode,
    pub command: fn() -> clap::Command,
}

macro_rules! table {
    ($($name:literal $shelf:ident $module:ident;)*) => {
        pub const PROGRAMS: &[Program] = &[$(Program {
            name: $name,
            shelf: Shelf::$shelf,
            main: |name, argv| otto::cli::program::<crate::$module::Args, _>(name, argv, crate::$module::run),
            command: || crate::$module::Args::command().name($name),
        }),*];
    };
}

table! {
    "otto-init" Start init;
    "otto-run" Start run;
    "otto-demo" Start demo;
    "otto-status" Look status;
    "otto-log" Look log;
    "otto-attach" Look attach;
    "otto-providers" Look providers;
    "otto-sessions" Look sessions;
    "otto-spec" Look spec;
    "otto-config" Look config;
    "otto-proof" Look proof;
    "otto-verify" Finish verify;
    "otto-land" Finish land;
    "otto-abort" Finish abort;
    "otto-wake" Finish wake;
    "otto-compile" Step compile;
    "otto-build-group" Step build_group;
    "otto-merge" Step merge;
    "otto-audit" Step audit;
    "otto-pilot" Step pilot;
    "otto-repair" Step repair;
    "otto-render" Step render;
    "otto-check" Step check;
    "otto-help" Plumbing help;
    "otto-debug" Plumbing debug;
    "otto-provider-acp" Plumbing provider_acp;
    "otto-provider-claude" Plumbing provider_claude;
    "otto-provider-codex" Plumbing provider_codex;
    "otto-provider-command" Plumbing provider_command;
    "otto-provider-replay" Plumbing provider_replay;
    "otto-sandbox" Plumbing sandbox;
    "otto-pages" Plumbing pages;
}

/// Names that people know from elsewhere, and what each is called here. A program of that name on
/// PATH does not come first: a script means the same everywhere.
pub const OLDER_NAMES: &[(&str, &[&str])] = &[
    ("pow", &["otto-proof", "open"]),
    ("history", &["otto-proof", "list"]),
    ("replay", &["otto-proof", "render"]),
    ("cleanup", &["otto-proof", "cleanup"]),
];

/// What an older name stands for: the program, and the words that it is called with.
pub fn older_name(verb: &str) -> Option<(&'static Program, &'static [&'static str])> {
    let (_, words) = OLDER_NAMES.iter().find(|(name, _)| *name == verb)?;
    let program = PROGRAMS.iter().find(|p| Some(&p.name) == words.first())?;
    Some((program, words))
}
