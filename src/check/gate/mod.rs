//! The honest gate: pure functions from what was observed to an [`Outcome`].
//!
//! Invariant: a pass is made in [`pass`] and nowhere else, and needs a commit, a tree and an
//! observation that could have been red. What cannot be judged is `not_run` with a typed reason.

mod api_probe;
mod base;
mod cli_probe;
mod external;
mod import_check;
mod invariant;
mod journey;
mod metric;
mod repo_test;
#[cfg(test)]
mod tests;
mod type_check;

pub use api_probe::{Filled, Saved, Wrong, fill, json_of, judge_answer, judge_api_probe, take};
pub use base::{after_rerun, against_base, against_counts};
pub use cli_probe::judge_cli_probe;
pub use external::{Produced, judge_external};
pub use import_check::{judge_compiled, judge_import};
pub use invariant::{evaluate, judge_invariant};
pub use journey::{Control, Journey, Stepped, judge_journey};
pub use metric::{judge_metric, sample};
pub use repo_test::judge_repo_test;
pub use type_check::judge_type_check;

use super::{Outcome, Provenance, Reason, TestCounts};

/// What a finished process left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    pub ending: Ending,
    pub stdout: String,
    pub stderr: String,
    pub capture: Capture,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    Exited(i32),
    /// By a signal that Otto did not send.
    Signalled(i32),
    /// Stopped by Otto after this many seconds.
    TimedOut {
        limit_s: f64,
    },
    NotStarted(StartFailure),
    /// Stopped by Otto because it printed more than is kept.
    Flooded,
    /// Stopped by Otto because it used too much of the machine.
    OverLimit {
        what: &'static str,
    },
    /// Otto itself was stopped.
    Interrupted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFailure {
    /// There is no such program.
    NotFound { program: String },
    /// It is there and cannot be executed: permission, format, interpreter.
    NotExecutable { program: String, cause: String },
    /// The sandbox refused or is missing.
    Sandbox { cause: String },
}

/// Whether `stdout` and `stderr` are all that was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    Whole,
    Truncated,
}

/// The proof, needed to make a passing [`Outcome`], that the gate was asked.
#[derive(Debug)]
pub(in crate::check) struct Earned {
    tests: Option<TestCounts>,
    exit: Option<i32>,
}

impl Earned {
    pub(in crate::check) fn facts(&self) -> (Option<TestCounts>, Option<i32>) {
        (self.tests, self.exit)
    }
}

/// The only way to a pass.
fn pass(tests: Option<TestCounts>, exit: Option<i32>, detail: String, of: Provenance) -> Outcome {
    if of.commit.is_empty() || of.tree.is_empty() {
        let detail = "it is not recorded which commit and tree were judged";
        return Outcome::red(Reason::NoCommit, detail, of).with_tests(tests).with_exit(exit);
    }
    Outcome::passed(Earned { tests, exit }, detail, of)
}

/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
fn is_own_fault(signal: i32) -> bool {
    matches!(signal, 4 | 5 | 6 | 7 | 8 | 11 | 31)
}

/// The exit code of a process that ran to its own end, or the outcome of one that did not.
fn exit_code(run: &Execution, of: &Provenance) -> Result<i32, Box<Outcome>> {
    let red = |reason, detail: String| Box::new(Outcome::red(reason, detail, of.clone()));
    match &run.ending {
        Ending::Exited(code) => Ok(*code),
        Ending::Signalled(signal) => {
            let (reason, how) = if is_own_fault(*signal) {
                (Reason::Crashed, "crashed with")
            } else {
                (Reason::Killed, "was ended from outside by")
            };
            let outcome = red(reason, format!("the program {how} signal {signal}"));
            Err(Box::new(outcome.with_signal(Some(*signal))))
        }
        Ending::TimedOut { limit_s } => {
            Err(red(Reason::Timeout, format!("not finished after {limit_s} s")))
        }
        Ending::Flooded => {
            let detail = "it printed more than is kept, and was stopped";
            Err(red(Reason::OutputTruncated, detail.to_owned()))
        }
        Ending::OverLimit { what } => {
            Err(red(Reason::Killed, format!("it was stopped by its sandbox: {what}")))
        }
        Ending::NotStarted(StartFailure::NotFound { program }) => {
            Err(red(Reason::MissingTool, format!("there is no program '{program}'")))
        }
        Ending::NotStarted(StartFailure::NotExecutable { program, cause }) => {
            Err(red(Reason::NotExecutable, format!("cannot execute '{program}': {cause}")))
        }
        Ending::NotStarted(StartFailure::Sandbox { cause }) => {
            Err(red(Reason::Sandbox, format!("no sandbox: {cause}")))
        }
        Ending::Interrupted => Err(red(Reason::Interrupted, "stopped before it ended".to_owned())),
    }
}
