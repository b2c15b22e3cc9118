//! Judges the answer of an `otto-check-<kind>`: one outcome line on standard output, exit 0.

use serde::Deserialize;

use super::{Capture, Execution, exit_code, pass};
use crate::base::text::one_line;
use crate::check::{EvidenceRef, Outcome, Provenance, Reason, Status, TestCounts};

/// Whether the check left evidence of its own (files in its evidence folder; the captured output
/// is Otto's, not the check's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Produced {
    Evidence,
    Nothing,
}

/// The line that a check answers. It is a claim: commit, tree, duration and evidence are Otto's
/// own and only compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    v: Option<u32>,
    outcome: Status,
    /// A reason of ours, or a word of the check's own.
    reason: Option<String>,
    detail: Option<String>,
    tests: Option<TestCounts>,
    #[serde(rename = "exit")]
    _exit: Option<i32>,
    #[serde(rename = "signal")]
    _signal: Option<i32>,
    #[serde(rename = "duration_s")]
    _duration_s: Option<f64>,
    commit: Option<String>,
    tree: Option<String>,
    #[serde(default, rename = "evidence")]
    _evidence: Vec<EvidenceRef>,
}

pub fn judge_external(run: &Execution, produced: Produced, of: Provenance) -> Outcome {
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let red =
        |reason, detail: String| Outcome::red(reason, detail, of.clone()).with_exit(Some(exit));
    if exit != 0 {
        let said = run.stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no message");
        return red(Reason::Protocol, format!("exit {exit}: {}", one_line(said, 160)));
    }
    if run.capture == Capture::Truncated {
        return red(Reason::OutputTruncated, "its output is too long and was cut".to_owned());
    }
    let lines: Vec<&str> = run.stdout.lines().filter(|l| !l.trim().is_empty()).collect();
    let [line] = lines.as_slice() else {
        let detail = format!("expected one line on standard output, got {}", lines.len());
        return red(Reason::Protocol, detail);
    };
    let answer: Answer = match serde_json::from_str(line) {
        Ok(answer) => answer,
        Err(e) => return red(Reason::Protocol, format!("not an outcome: {e}")),
    };
    match breach(&answer, &of) {
        Some(breach) => red(Reason::Protocol, breach),
        None => judge(answer, exit, produced, of),
    }
}

/// What in the answer is not as the protocol says.
fn breach(answer: &Answer, of: &Provenance) -> Option<String> {
    if answer.v.is_some_and(|v| v != 1) {
        return Some("its version is not 1".to_owned());
    }
    for (name, theirs, ours) in
        [("commit", &answer.commit, &of.commit), ("tree", &answer.tree, &of.tree)]
    {
        if let Some(theirs) = theirs
            && theirs != ours
        {
            return Some(format!("it judged the {name} '{theirs}' instead of '{ours}'"));
        }
    }
    let t = answer.tests?;
    (t.failed > t.run).then(|| format!("it counts more failed tests than run ones ({t})"))
}

fn judge(answer: Answer, exit: i32, produced: Produced, of: Provenance) -> Outcome {
    let Answer { outcome, reason, detail, tests, .. } = answer;
    let said = match (&reason, detail) {
        (Some(reason), Some(detail)) => format!("{reason}: {detail}"),
        (Some(reason), None) => reason.clone(),
        (None, Some(detail)) => detail,
        (None, None) => format!("the check says {}", outcome.word()),
    };
    let own = reason.and_then(|word| serde_json::from_value::<Reason>(word.into()).ok());
    let own = own.filter(|r| r.status() == outcome);
    let red = |reason, said: String| {
        Outcome::red(reason, said, of.clone()).with_tests(tests).with_exit(Some(exit))
    };
    match outcome {
        Status::Failed => red(own.unwrap_or(Reason::CheckFailed), said),
        Status::NotRun => red(own.unwrap_or(Reason::CheckNotRun), said),
        Status::Passed => match (tests, produced) {
            (Some(t), _) if t.failed > 0 => {
                red(Reason::CountsDisagree, format!("it says passed, but {t}"))
            }
            (Some(TestCounts { run: 0, skipped: 0, .. }), _) => {
                red(Reason::ZeroTests, "it says passed, but no test ran".to_owned())
            }
            (Some(TestCounts { run: 0, .. }), _) => {
                red(Reason::AllSkipped, "it says passed, but every test was skipped".to_owned())
            }
            (None, Produced::Nothing) => {
                red(Reason::NoEvidence, "it says passed, without tests or evidence".to_owned())
            }
            (Some(_), _) | (None, Produced::Evidence) => pass(tests, Some(exit), said, of),
        },
    }
}
