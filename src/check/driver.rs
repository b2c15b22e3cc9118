//! Runs one check in a worktree that is ready for it, and asks the gate what that proved.

mod external;
mod serviced;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::external::external;
use self::serviced::with_services;
use super::evidence::{EvidenceStore, matching};
use super::gate::{self, Capture as Complete, Ending, Execution, StartFailure};
use super::journey::{self, Once, Pending};
use super::kinds::{import_check, metric, type_check};
use super::service::{Declared, Running, Told};
use super::{EvidenceRef, Outcome, Provenance, Reason, api};
use crate::base::text::shell_line;
use crate::base::{Error, Result};
use crate::disk::{self, Refused};
use crate::git::{Oid, Worktree};
use crate::process::{Capture, Command, Ended, Sandbox, base_env};
use crate::session::config::Containment;
use crate::session::event::Event;
use crate::session::journal::Entry;
use crate::session::packages::Packages;
use crate::session::{Session, Workspace};
use crate::spec::{BrowserJourney, Check, CheckBody, Counts};

/// Without a `timeout_s` of its own a check may take this long.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);
const OUTPUT_LIMIT: u64 = 64 << 20;
const START_OF_FLOOD: u64 = 1 << 20;

/// Where and on what a check runs.
#[derive(Debug)]
pub struct Place<'a> {
    pub worktree: &'a Worktree,
    pub commit: Oid,
    pub tree: Oid,
    pub base: Oid,
    pub evidence: &'a EvidenceStore,
    /// What was fetched for it outside of the worktree.
    pub packages: Packages,
    /// Where services run, when that is not the worktree itself: beside a command, so that they
    /// cannot change what it reads.
    pub annex: Option<&'a Worktree>,
    /// Where it is told that services start and stop.
    pub journal: Option<Journal<'a>>,
    /// What the spec says of services.
    pub declared: Declared<'a>,
    /// Those that run beside it.
    pub running: &'a Running,
    /// What keeps the check in it.
    pub containment: &'a Containment,
    /// What is left of the run.
    pub left: Duration,
}

/// The journal of a session.
#[derive(Debug, Clone, Copy)]
pub struct Journal<'a> {
    pub ws: &'a Workspace,
    pub session: &'a Session,
}

/// Replies of earlier probes on the same commit, for `state_invariant`: check id → reply.
pub type Replies = Map<String, Value>;

/// Runs it once. It is judged by what was printed; what is recorded of that has no secrets.
pub fn run_once(check: &Check, place: &Place<'_>, replies: &mut Replies) -> Result<Once> {
    let judged = with_services(check, place, &mut |place| judge(check, place, replies))?;
    Ok(match judged {
        Once::Over(outcome) => Once::over(told(*outcome, place)),
        pending @ Once::NeedsControl(_) => pending,
    })
}

/// The second half of a journey: in a worktree that was reset and prepared again.
pub fn run_control(check: &Check, pending: Pending, place: &Place<'_>) -> Result<Outcome> {
    let mut pending = Some(pending);
    let judged = with_services(check, place, &mut |place| match pending.take() {
        Some(pending) => {
            journey::control(check, pending, place, place.limit(check)).map(Once::over)
        }
        None => Err(Error::bug("a control is run once")),
    })?;
    match judged {
        Once::Over(outcome) => Ok(told(*outcome, place)),
        Once::NeedsControl(_) => Err(Error::bug("a control needs no other")),
    }
}

/// What is recorded has no secrets.
fn told(outcome: Outcome, place: &Place<'_>) -> Outcome {
    outcome.retold(|detail| place.evidence.secrets().hide(detail))
}

fn judge(check: &Check, place: &Place<'_>, replies: &mut Replies) -> Result<Once> {
    match check.body()? {
        CheckBody::BrowserJourney(journey) if journey.argv.is_empty() => {
            journey::walk(check, &journey, place, place.limit(check))
        }
        body => judge_at_once(check, body, place, replies).map(Once::over),
    }
}

fn judge_at_once(
    check: &Check,
    body: CheckBody,
    place: &Place<'_>,
    replies: &mut Replies,
) -> Result<Outcome> {
    match body {
        CheckBody::RepoTest(test) => {
            let (run, of) = execute(check, Call::of(&test.argv), place)?;
            Ok(gate::judge_repo_test(&run, test.counts, &test.argv, of))
        }
        CheckBody::Pytest(test) => {
            let mut argv = test.runner.clone();
            if argv.is_empty() {
                argv = ["python3", "-m", "pytest"].map(str::to_owned).to_vec();
            }
            if test.select.iter().all(|s| s.trim().is_empty()) {
                let of = provenance(place, 0.0, Vec::new());
                return Ok(Outcome::red(Reason::EmptySelector, "the selector is empty", of));
            }
            argv.extend(test.select.iter().cloned());
            let (run, of) = execute(check, Call::of(&argv), place)?;
            Ok(gate::judge_repo_test(&run, Counts::Auto, &argv, of))
        }
        CheckBody::CliProbe(probe) => {
            let stdin = probe.stdin.clone().map(String::into_bytes);
            let (run, of) = execute(check, Call { stdin, ..Call::of(&probe.argv) }, place)?;
            replies.insert(check.id.clone(), reply(&run));
            Ok(gate::judge_cli_probe(&run, &probe, of))
        }
        CheckBody::StateInvariant(invariant) => {
            let started = std::time::Instant::now();
            let mut values = Map::new();
            let mut unreadable = None;
            for (name, path) in &invariant.files {
                match read_value(&place.worktree.path, path) {
                    Ok(value) => drop(values.insert(name.clone(), value)),
                    Err(why) => unreadable = Some(why),
                }
            }
            values.insert("probes".into(), Value::Object(replies.clone()));
            let record = json!({"expr": invariant.expr, "values": values});
            let kept = place.evidence.keep(format!("{record:#}\n").as_bytes())?;
            let of = provenance(place, started.elapsed().as_secs_f64(), vec![kept]);
            Ok(match unreadable {
                Some(why) => Outcome::red(Reason::CannotEvaluate, why, of),
                None => gate::judge_invariant(&invariant.expr, &values, of),
            })
        }
        CheckBody::ApiProbe(probe) => {
            let started = std::time::Instant::now();
            let url = place.running.url(&probe.service).ok_or_else(|| {
                Error::bug(format!("the service '{}' was not started", probe.service))
            })?;
            let probed = api::probe(&check.id, &probe, &url, place.limit(check))?;
            replies.insert(check.id.clone(), json!({"replies": probed.replies}));
            let kept = place.evidence.keep(format!("{:#}\n", probed.record).as_bytes())?;
            let of = provenance(place, started.elapsed().as_secs_f64(), vec![kept]);
            Ok(api::judge(&probed, of))
        }
        // With a command of its own.
        CheckBody::BrowserJourney(journey) => drive(check, &journey, place),
        CheckBody::ImportCheck(import) => import_check::run(check, &import, place),
        CheckBody::TypeCheck(types) => type_check::run(check, &types, place),
        CheckBody::Metric(metric) => metric::run(check, &metric, place),
        CheckBody::External { kind } => external(check, &kind, place),
    }
}

/// A command that drives a browser must leave what it saw: files of this run, and none that was there
/// before it, in the tree or from preparation, under whatever name.
fn drive(check: &Check, journey: &BrowserJourney, place: &Place<'_>) -> Result<Outcome> {
    let root = &place.worktree.path;
    let content = |file: &std::path::PathBuf| {
        let bytes = disk::read_beneath(root, file, LARGEST_VALUE).ok()?;
        (!bytes.is_empty()).then(|| Oid::of_blob(&bytes))
    };
    let mut before = place.worktree.contents_of(place.commit)?;
    before.extend(matching(root, &check.evidence)?.iter().filter_map(content));
    let (run, of) = execute(check, Call::of(&journey.argv), place)?;
    let judged = gate::judge_repo_test(&run, journey.counts, &journey.argv, of);
    if !judged.is_pass() {
        return Ok(judged);
    }
    for glob in &check.evidence {
        let found = matching(root, std::slice::from_ref(glob))?;
        if !found.iter().filter_map(content).any(|content| !before.contains(&content)) {
            let detail = format!("the command left no file of this run at '{glob}'");
            return Ok(judged.demoted(Reason::NoEvidence, detail));
        }
    }
    Ok(judged)
}

/// The file that is started, where it is named by its path.
fn program_of(argv: &[OsString]) -> Option<std::path::PathBuf> {
    argv.first().map(std::path::PathBuf::from).filter(|p| p.is_absolute())
}

pub(super) fn provenance(
    place: &Place<'_>,
    duration_s: f64,
    evidence: Vec<EvidenceRef>,
) -> Provenance {
    Provenance {
        commit: place.commit.to_string(),
        tree: place.tree.to_string(),
        duration_s,
        evidence,
    }
}

impl Place<'_> {
    /// As it was leased: the commit and nothing else.
    pub(super) fn reset(&self) -> Result<()> {
        [Some(self.worktree), self.annex]
            .into_iter()
            .flatten()
            .try_for_each(|w| w.reset(self.commit))
    }

    /// The worktree of the services.
    pub(super) fn for_services(&self) -> &Worktree {
        self.annex.unwrap_or(self.worktree)
    }

    pub(super) fn tell(&self, event: impl Into<Event>) -> Result<()> {
        let told = self.journal.map(|j| j.session.append(j.ws, Entry::new(event)));
        told.transpose().map(drop)
    }

    /// How long a check may take here.
    pub(super) fn limit(&self, check: &Check) -> Duration {
        check.timeout_s.map_or(DEFAULT_TIMEOUT, Duration::from_secs).min(self.left)
    }
}

/// The sandbox of a check.
fn sandbox(place: &Place<'_>, scratch: &Path) -> Result<Sandbox> {
    let sandbox = place.containment.in_worktree(place.worktree, scratch)?;
    Ok(sandbox.read(place.packages.paths()).reach(place.running.ports()))
}

/// Environment of a check: the base one, a private TMPDIR, prepared packages, and what the check sets.
fn environment(
    check: &Check,
    place: &Place<'_>,
    scratch: &Path,
) -> Result<BTreeMap<OsString, OsString>> {
    let tmp = scratch.join("tmp");
    disk::place_dir(&tmp)?;
    let mut env = fixed_env(check);
    env.extend(place.packages.env());
    env.extend(place.running.env());
    env.insert("TMPDIR".into(), tmp.into());
    // What the check sets itself is stronger.
    let told = told_of(check, place);
    for (name, value) in &check.env {
        env.insert(name.into(), told.filled(value).into());
    }
    Ok(env)
}

/// The part of it that is the same in every worktree; what the check sets as it is written there.
pub(super) fn fixed_env(check: &Check) -> BTreeMap<OsString, OsString> {
    let mut env = base_env();
    env.insert("CI".into(), "true".into());
    // A result that go remembers from another time is no run.
    env.insert("GOFLAGS".into(), "-count=1".into());
    for (name, value) in &check.env {
        env.insert(name.into(), value.into());
    }
    env
}

/// Where its services are; `{port}` and `{data}` are of the first that it names.
fn told_of(check: &Check, place: &Place<'_>) -> Told {
    place.running.told(check.named_services().first().copied())
}

/// What a stream left in its file, which is absent when nothing was started; of a flood its start.
fn read(path: &Path, ended: Ended) -> Result<String> {
    let bytes = match ended {
        Ended::TooMuchOutput => disk::read_start(path, START_OF_FLOOD)?,
        _ => disk::read_if_there(path)?.unwrap_or_default(),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// How a process ended, in the gate's words, and whether its output is whole.
fn ending_of(ended: Ended, limit: Duration, program: &str) -> (Ending, Complete) {
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
    let mut sandbox = sandbox(place, &scratch)?;
    if let Some(files) = outside {
        dir = scratch.join("outside");
        disk::place_dir(&dir)?;
        sandbox = sandbox.own([dir.clone()]);
        for (name, text) in files {
            disk::place_file(&dir.join(name), text.as_bytes(), false)?;
        }
    }
    let told = told_of(check, place);
    let argv: Vec<String> = argv.iter().map(|word| told.filled(word)).collect();
    let mut command = Command::new(argv.clone(), &dir, env)
        .sandbox(sandbox)
        .timeout(limit)
        .output_limit(OUTPUT_LIMIT);
    if let Some(bytes) = stdin {
        command = command.stdin(bytes);
    }
    let finished = command.run(Capture::Split { stdout: out.clone(), stderr: err.clone() })?;
    let (stdout, stderr) = (read(&out, finished.ended)?, read(&err, finished.ended)?);
    let (ending, capture) = ending_of(finished.ended, limit, &argv[0]);
    let report = report(&argv, check, &ending, &stdout, &stderr, finished.left_behind);
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
    // The end is the last line, whatever else there is to say.
    if left_behind > 0 {
        let who = if left_behind == 1 { "1 process" } else { &format!("{left_behind} processes") };
        text.push_str(&format!("--- {who} outlived it and had to be ended\n"));
    }
    text.push_str(&format!("--- {end}\n"));
    text
}

fn reply(run: &Execution) -> Value {
    let exit = match run.ending {
        Ending::Exited(code) => Some(code),
        Ending::Signalled(_)
        | Ending::TimedOut { .. }
        | Ending::NotStarted(_)
        | Ending::Flooded
        | Ending::OverLimit { .. }
        | Ending::Interrupted => None,
    };
    let parsed: Value = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
    json!({"stdout": run.stdout, "stderr": run.stderr, "exit": exit, "json": parsed})
}

/// A larger file is no value.
const LARGEST_VALUE: u64 = 16 << 20;

fn read_value(root: &Path, path: &str) -> std::result::Result<Value, String> {
    // This process may read more than the check that made the file: a link out of the worktree would
    // show what the sandbox hid.
    let bytes = disk::read_beneath(root, Path::new(path), LARGEST_VALUE).map_err(|e| match e {
        Refused::Missing => format!("'{path}' is not there"),
        Refused::Outside => format!("'{path}' leads out of the worktree"),
        Refused::Other(why) => format!("'{path}' cannot be read: {why}"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| format!("'{path}' is not UTF-8 text"))?;
    if path.ends_with(".json") {
        return serde_json::from_str(&text).map_err(|e| format!("'{path}' is not JSON: {e}"));
    }
    Ok(Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_reads_nothing_outside_of_the_worktree() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("work");
        std::fs::create_dir(&root).expect("a folder");
        std::fs::write(dir.path().join("exam.json"), "1").expect("written");
        std::fs::write(root.join("own.json"), "2").expect("written");
        std::os::unix::fs::symlink("own.json", root.join("near.json")).expect("a link");
        std::os::unix::fs::symlink("../exam.json", root.join("far.json")).expect("a link");
        assert_eq!(read_value(&root, "own.json"), Ok(json!(2)));
        assert_eq!(read_value(&root, "near.json"), Ok(json!(2)));
        let out = read_value(&root, "far.json").expect_err("it leads out");
        assert!(out.contains("leads out of the worktree"), "{out}");
        assert!(read_value(&root, "../exam.json").is_err());
    }
}
