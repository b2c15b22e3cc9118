//! The words that an outcome is made of: three states, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Passed,
    Failed,
    NotRun,
}

impl Status {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::NotRun => "not_run",
        }
    }
}

/// Why an outcome is what it is. The words are stable: scripts and the journal hold them. Each
/// reason belongs to exactly one [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The only reason of a pass.
    Ok,

    /// Tests ran and some failed.
    TestsFailed,
    /// The command said no, and nothing more precise is known.
    ExitNonzero,
    /// A probe's reply is not what was expected.
    Expectation,
    /// The expression was evaluated and is not `true`.
    InvariantFalse,
    /// The exit code says yes and the counts say no.
    CountsDisagree,
    /// The program died by a fault of its own (SIGSEGV, SIGABRT, …).
    Crashed,
    /// It failed, and passed when it was run again.
    Flaky,
    /// A type checker, or an `otto-check-<kind>`, reports errors.
    CheckFailed,
    /// The journey came true, and scripts or requests of its pages failed.
    PageErrors,
    /// A service of the product ended before the check was over.
    ServiceDied,
    /// A service of the product was not ready in time.
    ServiceNotReady,
    /// A number does not meet its goal.
    GoalMissed,

    /// No test was found or selected; no file was looked at.
    ZeroTests,
    /// Tests were found and every one was skipped.
    AllSkipped,
    /// The output names no number of tests in a format that is known.
    NoCounts,
    /// Two test tools report different numbers in one output.
    CountsAmbiguous,
    /// The report announces more, or fewer, tests than it shows.
    PlanUnfulfilled,
    /// The program, or one that it calls, is not installed.
    MissingTool,
    /// The program is there and cannot be executed.
    NotExecutable,
    /// The check selects or calls nothing.
    EmptySelector,
    /// The test tool refused its arguments, or the selector names nothing.
    Usage,
    /// The test tool could not collect the tests.
    CollectionFailed,
    /// The test tool reports an error inside itself.
    ToolError,
    Timeout,
    /// Ended by a signal from outside.
    Killed,
    OutputTruncated,
    PrepareFailed,
    /// A command that puts seed data into a service failed.
    FixtureFailed,
    /// Somebody else than the service that was started answers at its port.
    WrongServer,
    /// An `otto-check-<kind>` did not answer as the protocol says.
    Protocol,
    /// A claimed pass without tests or evidence.
    NoEvidence,
    /// A measurement printed no number, or two.
    NoNumber,
    /// An acceptance check that passes without the feature.
    ProvesNothing,
    /// What a journey expects is there without it.
    NothingChanged,
    /// A check that stays green when the work it speaks for is taken away.
    EvidenceOfNothing,
    /// Tests that ran on the base did not run here.
    FewerTests,
    /// An expression or pattern that cannot be evaluated.
    CannotEvaluate,
    /// The sandbox that was promised is not there.
    Sandbox,
    /// Otto itself was stopped.
    Interrupted,
    /// It is not known which commit and tree were judged.
    NoCommit,
    /// An `otto-check-<kind>` reports that it could not run.
    CheckNotRun,
}

impl Reason {
    pub fn status(self) -> Status {
        match self {
            Reason::Ok => Status::Passed,
            Reason::TestsFailed
            | Reason::ExitNonzero
            | Reason::Expectation
            | Reason::InvariantFalse
            | Reason::CountsDisagree
            | Reason::Crashed
            | Reason::Flaky
            | Reason::CheckFailed
            | Reason::PageErrors
            | Reason::ServiceDied
            | Reason::ServiceNotReady
            | Reason::GoalMissed => Status::Failed,
            Reason::ZeroTests
            | Reason::AllSkipped
            | Reason::NoCounts
            | Reason::CountsAmbiguous
            | Reason::PlanUnfulfilled
            | Reason::MissingTool
            | Reason::NotExecutable
            | Reason::EmptySelector
            | Reason::Usage
            | Reason::CollectionFailed
            | Reason::ToolError
            | Reason::Timeout
            | Reason::Killed
            | Reason::OutputTruncated
            | Reason::PrepareFailed
            | Reason::FixtureFailed
            | Reason::WrongServer
            | Reason::Protocol
            | Reason::NoEvidence
            | Reason::NoNumber
            | Reason::ProvesNothing
            | Reason::NothingChanged
            | Reason::EvidenceOfNothing
            | Reason::FewerTests
            | Reason::CannotEvaluate
            | Reason::Sandbox
            | Reason::Interrupted
            | Reason::NoCommit
            | Reason::CheckNotRun => Status::NotRun,
        }
    }

    /// The stable word, as in the journal.
    pub fn word(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            Ok(_) | Err(_) => unreachable!("because a unit variant is a JSON string"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}
