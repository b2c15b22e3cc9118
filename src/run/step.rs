//! One stage as a child process.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::agent::budget::Deadline;
use crate::base::{Error, Exit, Result};
use crate::check::cache::Reuse;
use crate::disk;
use crate::process::{Capture, Command, Ended};
use crate::session::Session;
use crate::stage::{exit_of, step_command};

/// At a stop, a stage gets this long to leave resumable state.
const DRAIN: Duration = Duration::from_secs(30);

/// What every step of a run is started with.
#[derive(Debug)]
pub struct Steps<'a> {
    pub session: &'a Session,
    pub root: &'a Path,
    pub deadline: Deadline,
    pub reuse: Reuse,
}

impl Steps<'_> {
    fn command(&self, verb: &str, args: &[&str]) -> Command {
        let args = ["--json"].iter().chain(args).map(OsString::from);
        step_command(self.session, self.root, (self.deadline, self.reuse), verb, args)
            .drain(DRAIN)
            .output_limit(u64::MAX)
    }

    fn log(&self, verb: &str, suffix: &str) -> Result<std::path::PathBuf> {
        let dir = self.session.layout.dir.join("steps");
        disk::create_dir_all(&dir)?;
        Ok(dir.join(format!("{verb}.{suffix}")))
    }

    /// Runs a step to its end.
    pub fn run(&self, verb: &str, args: &[&str]) -> Result<Exit> {
        let (stdout, stderr) = (self.log(verb, "jsonl")?, self.log(verb, "log")?);
        let finished =
            self.command(verb, args).run(Capture::Split { stdout, stderr: stderr.clone() })?;
        exit_of(verb, &finished.ended, &stderr)
    }

    /// `build-group --all | merge`, both at once: a group lands while others still build.
    pub fn build_and_merge(&self, jobs: usize) -> Result<(Exit, Exit)> {
        let (reader, writer) =
            std::io::pipe().map_err(|e| Error::machine("cannot make a pipe").because(e))?;
        let jobs = jobs.to_string();
        let build_err = self.log("build-group", "log")?;
        let merge_err = self.log("merge", "log")?;
        let merge_out = self.log("merge", "jsonl")?;
        std::thread::scope(|scope| {
            // The builder has work at once, so it is started first.
            let merge = scope.spawn(|| {
                self.command("merge", &["--stdin"])
                    .stdin_pipe(reader)
                    .run(Capture::Split { stdout: merge_out, stderr: merge_err.clone() })
            });
            let built = self
                .command("build-group", &["--all", "--jobs", &jobs])
                .run(Capture::Pipe { stdout: writer, stderr: build_err.clone() });
            let merged = merge.join().unwrap_or_else(|_| Err(Error::bug("a thread of run ended")));
            let merge = exit_of("merge", &merged?.ended, &merge_err);
            let finished = built?;
            // A builder whose reader went away only says so; what broke is the reader.
            if finished.ended == Ended::Exited(128 + libc::SIGPIPE) {
                merge?;
                return Err(Error::later("otto-merge ended before the builders did", None));
            }
            Ok((exit_of("build-group", &finished.ended, &build_err)?, merge?))
        })
    }
}
