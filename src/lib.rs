//! Otto compiles an intent into a spec, builds it with coding agents, lands only what was
//! tested, and keeps the proof.
//!
//! This file is the map. Modules are ranked; a module imports only modules of a lower rank
//! (`tests/it/tidy.rs` fails on an upward import).
//!
//! | rank | module | holds |
//! |---|---|---|
//! | 0 | [`base`] | errors by remedy, exit codes, ids, clock, hashes, text, crash points |
//! | 1 | [`disk`] | atomic replace, append-only log, flock, scans: the only raw writers |
//! | 1 | [`process`] | spawn, contain, stop, reap: the only place that starts a program |
//! | 2 | [`git`] | refs by compare-and-swap, off-tree merge, tree diff, worktrees, commits |
//! | 2 | [`spec`] | the contract: model, parse, validate, amend, ownership |
//! | 3 | [`session`] | layout of `otto_logs`, journal, state as a fold of events, configuration |
//! | 4 | [`agent`] | provider protocol and its driver, prompts, transcript, budget |
//! | 4 | [`check`] | check protocol and its driver, evidence, the honest gate, result cache |
//! | 5 | [`stage`] | compile, build, merge, audit, repair, render: one folder per step |
//! | 7 | [`run`] | the porcelain: chains the stages, shows progress, resumes |
//! | 7 | [`watch`] | the log of events and agents, narratives made again, copies to look around in |
//! | 8 | [`cli`] | start-up shared by every program |
//! | 8 | [`provider`] | bodies of the `otto-provider-*` programs |

pub mod agent;
pub mod base;
pub mod check;
pub mod cli;
pub mod disk;
pub mod git;
pub mod process;
pub mod provider;
pub mod run;
pub mod session;
pub mod spec;
pub mod stage;
pub mod watch;
