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
