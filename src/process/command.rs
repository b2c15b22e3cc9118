//! One child, from its start to the last of its descendants.

mod ended;
mod watch;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{PipeReader, PipeWriter};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::ended::{not_started, of_status};
use self::watch::Watch;
use super::countdown::Countdown;
use super::interrupt::{Interrupt, Leaving, Words};
use super::lines::pump_lines;
use super::reap::{self, SCOPE_VAR, kill_scope, scope_id};
use super::sandbox::{self, Beside, Gauge, Limit, Sandbox, Tier};
use super::signal::{self, Wrapped};
use super::{ending, hidden, stop};
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result, Secrets};

/// How often a wait looks at the stop flag and at the size of the output.
const TICK: Duration = Duration::from_millis(50);

/// Where a child's output goes.
#[derive(Debug)]
pub enum Capture {
    /// Both streams into one file, in the order in which they were written.
    Merged(PathBuf),
    /// Each into its own file.
    Split { stdout: PathBuf, stderr: PathBuf },
    /// Standard output into a pipe, for the next program.
    Pipe { stdout: PipeWriter, stderr: PathBuf },
    /// Where ours goes.
    Inherit,
}

/// Gets the lines of a child's standard output as they come.
pub type LineSink<'a> = dyn FnMut(Vec<u8>) -> Result<()> + 'a;

/// What to run and how.
#[derive(Debug)]
pub struct Command {
    argv: Vec<OsString>,
    cwd: PathBuf,
    env: BTreeMap<OsString, OsString>,
    stdin: Option<Vec<u8>>,
    stdin_pipe: Option<PipeReader>,
    limit: Option<Duration>,
    output_limit: u64,
    drain: Option<Duration>,
    interrupt: Option<(Interrupt, Duration)>,
    words: Option<Words>,
    sandbox: Option<Sandbox>,
    beside: Beside,
    inherit: bool,
    /// The mark of everything that it starts.
    scope: String,
    secrets: Option<Secrets>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Exited(i32),
    /// Killed by this signal, by somebody else.
    Signaled(i32),
    TimedOut,
    /// It wrote more than it may.
    TooMuchOutput,
    /// It used more of the machine than its sandbox may.
    OverLimit(Limit),
    /// We were asked to stop and stopped it.
    Stopped,
    NotFound,
    NotExecutable,
}

#[derive(Debug)]
pub struct Finished {
    pub ended: Ended,
    pub duration: Duration,
    /// Processes that outlived it and had to be killed.
    pub left_behind: usize,
}

impl Command {
    /// `argv[0]` with a slash is relative to `cwd`; without one it is looked up on `PATH`.
    pub fn new(
        argv: impl IntoIterator<Item = impl Into<OsString>>,
        cwd: &Path,
        env: BTreeMap<OsString, OsString>,
    ) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: cwd.to_owned(),
            env,
            stdin: None,
            stdin_pipe: None,
            limit: None,
            output_limit: 256 << 20,
            drain: None,
            interrupt: None,
            words: None,
            sandbox: None,
            beside: Beside::default(),
            inherit: false,
            scope: scope_id(),
            secrets: None,
        }
    }

    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// The reading end of a pipe that another program writes.
    pub fn stdin_pipe(mut self, reader: PipeReader) -> Self {
        self.stdin_pipe = Some(reader);
        self
    }

    /// It reads what we would read.
    pub fn stdin_inherit(mut self) -> Self {
        self.inherit = true;
        self
    }

    /// Counted from the start, in time in which somebody was there to look; see [`Countdown`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// At a stop request the child gets the same signal and this long to leave by itself.
    pub fn drain(mut self, grace: Duration) -> Self {
        self.drain = Some(grace);
        self
    }

    /// Whenever the child must be ended, because somebody trips `handle`, because we are asked to
    /// stop or at the time limit, it first gets SIGINT and this long to leave by itself. What it
    /// still writes is taken. How it ended is then the reason, and not its exit code.
    pub fn interrupt(mut self, handle: &Interrupt, grace: Duration) -> Self {
        self.interrupt = Some((handle.clone(), grace));
        self
    }

    /// With [`Command::interrupt`]: these come first, unless it is the handle that is tripped.
    pub fn words(mut self, words: Words) -> Self {
        self.words = Some(words);
        self
    }

    /// What keeps it, and everything that it starts, inside its folders.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// What it writes to its standard error is kept without these ([`Command::run_lines`]).
    pub fn hide(mut self, secrets: &Secrets) -> Self {
        self.secrets = Some(secrets.clone());
        self
    }

    /// The mark of everything that it starts.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    pub fn output_limit(mut self, bytes: u64) -> Self {
        self.output_limit = bytes;
        self
    }

    fn program(&self) -> OsString {
        let program = Path::new(&self.argv[0]);
        if program.components().count() > 1 && program.is_relative() {
            self.cwd.join(program).into_os_string()
        } else {
            self.argv[0].clone()
        }
    }

    fn expression(&mut self) -> Result<duct::Expression> {
        let mut argv = vec![self.program()];
        argv.extend(self.argv.iter().skip(1).cloned());
        let mut confine = None;
        if let Some(sandbox) = &self.sandbox {
            sandbox.environment(&mut self.env);
            confine = sandbox.confine()?.map(Arc::new);
            self.beside = sandbox.beside()?;
            let prefix = sandbox.prefix(&self.cwd, &self.beside)?;
            argv = prefix.into_iter().chain(argv).collect();
        }
        let mut env = self.env.clone();
        env.insert(SCOPE_VAR.into(), self.scope.clone().into());
        let mut expr = duct::cmd(&argv[0], &argv[1..])
            .dir(&self.cwd)
            .full_env(env)
            .before_spawn(move |command| {
                let confine = confine.clone();
                if confine.is_none() {
                    command.process_group(0);
                }
                // SAFETY: what is called here is async-signal-safe. PDEATHSIG makes the child die
                // with this thread.
                unsafe {
                    command.pre_exec(move || {
                        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                        // Whoever started us in the background may ignore them, and a shell cannot
                        // trap what was ignored when it began: no agent would ever be asked to stop.
                        libc::signal(libc::SIGINT, libc::SIG_DFL);
                        libc::signal(libc::SIGQUIT, libc::SIG_DFL);
                        confine.as_ref().map_or(Ok(()), |c| c.apply())
                    });
                }
                Ok(())
            })
            .unchecked();
        expr = match (&self.stdin, self.stdin_pipe.take()) {
            (_, Some(pipe)) => expr.stdin_file(pipe),
            (Some(bytes), None) => expr.stdin_bytes(bytes.clone()),
            (None, None) if self.inherit => expr,
            (None, None) => expr.stdin_null(),
        };
        Ok(expr)
    }

    /// Runs it with its output in files.
    pub fn run(mut self, capture: Capture) -> Result<Finished> {
        let mut expr = self.expression()?;
        let mut watched = Vec::new();
        match capture {
            Capture::Merged(path) => {
                let file = open(&path)?;
                watched.push(path);
                expr = expr.stderr_to_stdout().stdout_file(file);
            }
            Capture::Split { stdout, stderr } => {
                expr = expr.stdout_file(open(&stdout)?).stderr_file(open(&stderr)?);
                watched.extend([stdout, stderr]);
            }
            Capture::Pipe { stdout, stderr } => {
                expr = expr.stdout_file(stdout).stderr_file(open(&stderr)?);
                watched.push(stderr);
            }
            Capture::Inherit => {}
        }
        let started = Instant::now();
        let handle = match self.start(&expr) {
            Ok(handle) => handle,
            Err(e) => return not_started(&self.argv[0], e),
        };
        // duct keeps the files inside the expression; a pipe must end with the child.
        drop(expr);
        let over = || {
            let size: u64 = watched.iter().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum();
            size > self.output_limit
        };
        let ended = self.wait(&handle, over);
        let left_behind = self.clear(&handle);
        Ok(Finished { ended, duration: started.elapsed(), left_behind })
    }

    /// Runs it, handing each line of its standard output to `sink`; standard error goes to a file.
    /// When `sink` fails the child is stopped and that failure is returned.
    pub fn run_lines(
        mut self,
        stderr: &Path,
        max_line: usize,
        sink: &mut LineSink<'_>,
    ) -> Result<Finished> {
        let (reader, writer, going) = ending::pipe()?;
        let mut expr = self.expression()?.stdout_file(writer);
        let mut hidden = None;
        match &self.secrets {
            None => expr = expr.stderr_file(open(stderr)?),
            Some(secrets) => {
                let (pipe, pump) = hidden::log(open(stderr)?, secrets)?;
                expr = expr.stderr_file(pipe);
                hidden = Some(pump);
            }
        }
        let started = Instant::now();
        let handle = match self.start(&expr) {
            Ok(handle) => handle,
            Err(e) => return not_started(&self.argv[0], e),
        };
        // duct keeps the writing end inside the expression.
        drop(expr);
        let (send, lines) = std::sync::mpsc::sync_channel::<Vec<u8>>(256);
        let pump = std::thread::spawn(move || pump_lines(reader, max_line, &send));

        let mut failure = None;
        let mut going = Some(going);
        let mut open = true;
        let mut ended = None;
        let mut left_behind = 0;
        let mut watch = self.watch();
        while open || ended.is_none() {
            match lines.recv_timeout(TICK) {
                Ok(line) if failure.is_none() => failure = sink(line).err(),
                Ok(_) | Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => open = false,
            }
            if ended.is_some() {
                continue;
            }
            if let Ok(Some(output)) = handle.try_wait() {
                ended = Some(watch.leaving.why().unwrap_or(of_status(output.status)));
            } else if let Some(why) = self.must_end(&handle, &mut watch, failure.is_some()) {
                signal::stop_group(&handle, self.wrapped(), watch.grace());
                ended = Some(why);
            } else if !open {
                drop(handle.wait_timeout(TICK));
            }
            if ended.is_some() {
                left_behind += kill_scope(&self.scope, pid_of(&handle));
                // What it said is in the pipe; whoever got away with an end of that says nothing.
                drop(going.take());
            }
        }
        left_behind += self.clear(&handle);
        drop(pump.join());
        drop(hidden);
        match failure {
            Some(e) => Err(e),
            None => Ok(Finished {
                ended: ended.expect("because the loop ends only with it"),
                duration: started.elapsed(),
                left_behind,
            }),
        }
    }

    /// Ends what is left of its scope; returns how many processes that were.
    fn clear(&self, handle: &duct::Handle) -> usize {
        let killed = kill_scope(&self.scope, pid_of(handle));
        reap::ended(&self.scope);
        // Everything is gone that could be ended: more than a moment is waited for nothing.
        drop(handle.wait_timeout(signal::GRACE));
        killed
    }

    fn start(&self, expr: &duct::Expression) -> std::io::Result<duct::Handle> {
        fault::before(Effect::Start, &self.argv[0])?;
        stop::wait_if_leaving();
        if self.is_at(Tier::Bwrap)
            && let Some(kind) =
                sandbox::cannot_start(&self.program(), self.env.get(OsStr::new("PATH")))
        {
            return Err(kind.into());
        }
        reap::start(&self.scope, &self.cwd, || expr.start(), pid_of)
    }

    fn watch(&self) -> Watch {
        let sandbox = self.sandbox.as_ref().filter(|s| s.tier > Tier::Worktree);
        Watch {
            time: Countdown::new(self.limit),
            stop_at: None,
            leaving: Leaving::default(),
            gauge: sandbox.map(|s| Gauge::new(s.limits)),
        }
    }

    fn is_at(&self, tier: Tier) -> bool {
        self.sandbox.as_ref().is_some_and(|s| s.tier == tier)
    }

    /// Who gets the signals that are meant for the program.
    fn wrapped(&self) -> Wrapped {
        if self.is_at(Tier::Bwrap) { Wrapped::ByBwrap } else { Wrapped::Not }
    }

    /// Whether the child must be ended now, by force: where it may leave by itself, only when that
    /// time is over.
    fn must_end(&self, handle: &duct::Handle, watch: &mut Watch, failed: bool) -> Option<Ended> {
        let tripped = self.interrupt.as_ref().is_some_and(|(asked, _)| asked.is_tripped());
        let hurried = self.interrupt.as_ref().is_some_and(|(asked, _)| asked.is_hurried());
        let (why, grace) = match (watch.leaving.why(), &self.interrupt, &self.words) {
            (Some(why), _, Some(words)) if !failed && watch.leaving.only_told() => {
                if !watch.leaving.is_over(hurried) && !tripped {
                    return None;
                }
                (why, words.grace())
            }
            (Some(why), _, _) if !failed => return watch.leaving.is_over(hurried).then_some(why),
            (_, how, words) => match (self.reason_to_stop(handle, watch, failed)?, how, words) {
                // Nobody takes its last words.
                (why, Some(_), _) if failed => return Some(why),
                (why, Some(_), Some(words)) if !tripped => {
                    watch.leaving.tell(why, words);
                    return None;
                }
                (why, Some((_, grace)), _) => (why, *grace),
                (why, None, _) => return Some(why),
            },
        };
        signal::pass_on(handle, self.wrapped(), libc::SIGINT);
        watch.leaving.begin(why, grace);
        None
    }

    fn reason_to_stop(
        &self,
        handle: &duct::Handle,
        watch: &mut Watch,
        failed: bool,
    ) -> Option<Ended> {
        if failed || self.interrupt.as_ref().is_some_and(|(handle, _)| handle.is_tripped()) {
            return Some(Ended::Stopped);
        }
        if let Some(signal) = stop::requested() {
            let at = *watch.stop_at.get_or_insert_with(|| {
                if self.drain.is_some() {
                    signal::pass_on(handle, self.wrapped(), signal);
                }
                Instant::now() + self.drain.unwrap_or_default()
            });
            if Instant::now() >= at {
                return Some(Ended::Stopped);
            }
        }
        let all = || pid_of(handle).map_or(Vec::new(), |root| reap::members(&self.scope, root));
        let over = |gauge: &Gauge| gauge.is_over(all);
        if let Some(limit) = watch.gauge.as_ref().and_then(over) {
            return Some(Ended::OverLimit(limit));
        }
        watch.time.is_over().then_some(Ended::TimedOut)
    }

    fn wait(&self, handle: &duct::Handle, too_much: impl Fn() -> bool) -> Ended {
        let mut watch = self.watch();
        loop {
            match handle.wait_timeout(TICK) {
                Ok(Some(output)) => {
                    return watch.leaving.why().unwrap_or(of_status(output.status));
                }
                Ok(None) => {}
                // With unchecked() a wait fails only if the kernel lost the child.
                Err(_) => return Ended::Signaled(0),
            }
            let why = if too_much() {
                Some(Ended::TooMuchOutput)
            } else {
                self.must_end(handle, &mut watch, false)
            };
            if let Some(why) = why {
                signal::stop_group(handle, self.wrapped(), watch.grace());
                return why;
            }
        }
    }
}

impl Finished {
    pub fn success(&self) -> bool {
        self.ended == Ended::Exited(0)
    }
}

/// A file for a child's output.
fn open(path: &Path) -> Result<File> {
    fault::before(Effect::Create, path)
        .and_then(|()| File::create(path))
        .map_err(|e| Error::file("create", path, e))
}

pub(super) fn pid_of(handle: &duct::Handle) -> Option<i32> {
    handle.pids().first().map(|p| *p as i32)
}

#[cfg(test)]
mod tests;
