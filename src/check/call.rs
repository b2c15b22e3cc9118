//! One program started for a check, and what it left behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::driver::{Place, provenance};
use super::evidence::matching;
use super::gate::{Capture as Complete, Ending, Execution, StartFailure};
use super::{EvidenceRef, Provenance};
use crate::base::text::shell_line;
use crate::base::{Error, Result};
use crate::disk;
use crate::process::{Capture, Command, Ended, Sandbox, base_env};
use crate::spec::Check;

pub(super) const OUTPUT_LIMIT: u64 = 64 << 20;
const START_OF_FLOOD: u64 = 1 << 20;

/// The sandbox of a check.
pub(super) fn sandbox(place: &Place<'_>, scratch: &Path) -> Result<Sandbox> {
    let sandbox = place.containment.in_worktree(place.worktree, scratch)?;
    Ok(sandbox.read(place.packages.paths()).reach(place.running.ports()))
}

/// Environment of a check: the base one, a private TMPDIR, prepared packages, and what the check sets.
pub(super) fn environment(
    check: &Check,
    place: &Place<'_>,
    scratch: &Path,
) -> Result<BTreeMap<OsString, OsString>> {
    let tmp = scratch.join("tmp");
    disk::place_dir(&tmp)?;
    let mut env = base_env();
    env.extend(place.packages.env());
    env.extend(place.running.env());
    env.insert("TMPDIR".into(), tmp.into());
    env.insert("CI".into(), "true".into());
    // A result that go remembers from another time is no run.
    env.insert("GOFLAGS".into(), "-count=1".into());
    for (name, value) in &check.env {
        env.insert(name.into(), value.into());
    }
    Ok(env)
}

/// What a stream left in its file, which is absent when nothing was started; of a flood its start.
pub(super) fn read(path: &Path, ended: Ended) -> Result<String> {
    let bytes = match ended {
        Ended::TooMuchOutput => disk::read_start(path, START_OF_FLOOD)?,
        _ => disk::read_if_there(path)?.unwrap_or_default(),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// How a process ended, in the gate's words, and whether its output is whole.
pub(super) fn ending_of(ended: Ended, limit: Duration, program: &str) -> (Ending, Complete) {
    let program = program.to_owned();
    let ending = match ended {
        Ended::Exited(code) => Ending::Exited(code),
        Ended::Signaled(signal) => Ending::Signalled(signal),
        Ended::TimedOut => Ending::TimedOut { limit_s: limit.as_secs_f64() },
        Ended::TooMuchOutput => return (Ending::Flooded, Complete::Truncated),
        Ended::OverLimit(limit) => Ending::OverLimit { what: limit.word() },
        Ended::Stopped => Ending::Interrupted,
        Ended::NotFound => Ending::NotStarted(StartFailure::NotFound { program }),
        Ended::NotExecutable => Ending::NotStarted(StartFailure::NotExecutable {
            program,
            cause: "it cannot be executed".into(),
        }),
    };
    (ending, Complete::Whole)
}

/// What is started for a check.
pub(super) struct Call<'a> {
    pub argv: &'a [String],
    pub stdin: Option<Vec<u8>>,
    /// Files of a folder of its own, outside of the tree, that it is started in.
    pub outside: Option<Vec<(&'static str, String)>>,
    /// Besides those of every check.
    pub env: Vec<(String, String)>,
    /// Where that is not the check's own.
    pub limit: Option<Duration>,
}

impl<'a> Call<'a> {
    pub(super) fn of(argv: &'a [String]) -> Self {
        Self { argv, stdin: None, outside: None, env: Vec::new(), limit: None }
    }
}

/// What a call left behind.
pub(super) struct Started {
    pub run: Execution,
    /// As a reader would want to see it.
    pub report: String,
    pub duration_s: f64,
}

/// Starts a program and waits for its end.
pub(super) fn start(check: &Check, call: Call<'_>, place: &Place<'_>) -> Result<Started> {
    let Call { argv, stdin, outside, env: more, limit } = call;
    if argv.is_empty() {
        return Err(Error::input(format!("check '{}' has an empty command", check.id)));
    }
    let scratch = place.worktree.scratch()?;
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    let limit = limit.unwrap_or_else(|| place.limit(check));
    let mut env = environment(check, place, &scratch)?;
    env.extend(more.into_iter().map(|(name, value)| (name.into(), value.into())));
    let mut dir = place.worktree.path.clone();
    if let Some(files) = outside {
        dir = scratch.join("outside");
        disk::place_dir(&dir)?;
        for (name, text) in files {
            disk::place_file(&dir.join(name), text.as_bytes(), false)?;
        }
    }
    let mut command = Command::new(argv.to_vec(), &dir, env)
        .sandbox(sandbox(place, &scratch)?)
        .timeout(limit)
        .output_limit(OUTPUT_LIMIT);
    if let Some(bytes) = stdin {
        command = command.stdin(bytes);
    }
    let finished = command.run(Capture::Split { stdout: out.clone(), stderr: err.clone() })?;
    let (stdout, stderr) = (read(&out, finished.ended)?, read(&err, finished.ended)?);
    let (ending, capture) = ending_of(finished.ended, limit, &argv[0]);
    let report = report(argv, check, &ending, &stdout, &stderr, finished.left_behind);
    let run = Execution { ending, stdout, stderr, capture };
    Ok(Started { run, report, duration_s: finished.duration.as_secs_f64() })
}

/// Starts a program and keeps what it printed as evidence.
pub(super) fn execute(
    check: &Check,
    call: Call<'_>,
    place: &Place<'_>,
) -> Result<(Execution, Provenance)> {
    let started = start(check, call, place)?;
    let mut evidence = vec![place.evidence.keep(started.report.as_bytes())?];
    keep_files(check, place, &mut evidence)?;
    Ok((started.run, provenance(place, started.duration_s, evidence)))
}

/// Keeps the files that the check names as evidence.
pub(super) fn keep_files(
    check: &Check,
    place: &Place<'_>,
    evidence: &mut Vec<EvidenceRef>,
) -> Result<()> {
    for file in matching(&place.worktree.path, &check.evidence)? {
        evidence.push(place.evidence.keep_file(&place.worktree.path, &file)?);
    }
    Ok(())
}

/// What is kept of a run, as a reader would want to see it.
fn report(
    argv: &[String],
    check: &Check,
    ending: &Ending,
    stdout: &str,
    stderr: &str,
    left_behind: usize,
) -> String {
    let mut text = format!("$ {}\n", shell_line(argv));
    for (name, value) in &check.env {
        text.push_str(&format!("# {name}={value}\n"));
    }
    text.push_str(stdout);
    if !stdout.is_empty() && !stdout.ends_with('\n') {
        text.push('\n');
    }
    if !stderr.is_empty() {
        text.push_str("--- standard error\n");
        text.push_str(stderr);
        if !stderr.ends_with('\n') {
            text.push('\n');
        }
    }
    let end = match ending {
        Ending::Exited(code) => format!("exit {code}"),
        Ending::Signalled(signal) => format!("killed by signal {signal}"),
        Ending::TimedOut { limit_s } => format!("stopped after {limit_s:.0} s"),
        Ending::NotStarted(why) => format!("not started: {why:?}"),
        Ending::Flooded => "stopped: too much output; only its start is kept".to_owned(),
        Ending::OverLimit { what } => format!("stopped: {what}"),
        Ending::Interrupted => "interrupted".to_owned(),
    };
    text.push_str(&format!("--- {end}\n"));
    if left_behind > 0 {
        text.push_str(&format!("--- {left_behind} processes outlived it and were ended\n"));
    }
    text
}
