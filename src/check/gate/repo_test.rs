//! Judges a run of the project's own test command.

use std::sync::LazyLock;

use regex::Regex;

use super::{Capture, Execution, exit_code, is_own_fault, pass};
use crate::base::text::one_line;
use crate::check::counts::{Completeness, Counted, Format, count, whole_lines};
use crate::check::{Outcome, Provenance, Reason, TestCounts};
use crate::spec::model::Counts;

/// What shells and launchers say of a program that is not there.
static MISSING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?m)^(?:.*: (?:command )?not found|.*: No such file or directory|.*python[\d.]*(?:\.exe)?: No module named \S+|error: no such command: .*)$",
    )
    .expect("because it is a constant")
});
static NOT_EXECUTABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?mi)^.*: (?:permission denied|cannot execute.*|exec format error)$")
        .expect("because it is a constant")
});

/// Judges `repo_test` and `pytest`. `argv` is what was called: the exit codes of pytest have
/// meanings of their own.
pub fn judge_repo_test(
    run: &Execution,
    counts: Counts,
    argv: &[String],
    of: Provenance,
) -> Outcome {
    if argv.is_empty() {
        return Outcome::red(Reason::EmptySelector, "the command is empty", of);
    }
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let output = format!("{}\n{}", run.stdout, run.stderr);
    match counts {
        Counts::Exit => by_exit(run, exit, &output, of),
        Counts::Auto if exit == 0 => {
            let mut lines = whole_lines(&run.stdout).to_owned();
            let errors = whole_lines(&run.stderr);
            // Not more than the line's own end: an empty line would be one that nobody printed.
            if lines.ends_with('>') && !errors.is_empty() {
                lines.push('\n');
            }
            lines.push_str(errors);
            by_counts(run, &count(&lines), of)
        }
        Counts::Auto => red_exit(exit, argv, &output, of),
    }
}

fn by_exit(run: &Execution, exit: i32, output: &str, of: Provenance) -> Outcome {
    if exit != 0 {
        return no_report(exit, output, of);
    }
    match run.capture {
        Capture::Whole => {
            pass(None, Some(0), "exit 0; judged by its exit code alone".to_owned(), of)
        }
        Capture::Truncated => truncated(None, of),
    }
}

fn truncated(tests: Option<TestCounts>, of: Provenance) -> Outcome {
    let detail = "the output is too long and was cut, so it proves nothing";
    Outcome::red(Reason::OutputTruncated, detail, of).with_tests(tests).with_exit(Some(0))
}

/// Exit code 0: the counts have to say so too.
fn by_counts(run: &Execution, counted: &Counted, of: Provenance) -> Outcome {
    let red = |reason, detail: String, tests| {
        Outcome::red(reason, detail, of.clone()).with_tests(tests).with_exit(Some(0))
    };
    let (format, tests, completeness) = match counted {
        Counted::Found { format, counts, completeness } => (format, *counts, *completeness),
        Counted::None if run.capture == Capture::Truncated => return truncated(None, of),
        Counted::None => {
            let detail = "exit 0, but the output names no number of tests";
            return red(Reason::NoCounts, detail.to_owned(), None);
        }
        Counted::Ambiguous { found } => {
            let detail = format!("reports that do not agree in one output: {}", list(found));
            return match found.iter().find(|(_, t)| t.failed > 0) {
                Some((_, tests)) => red(Reason::CountsDisagree, detail, Some(*tests)),
                None => red(Reason::CountsAmbiguous, detail, None),
            };
        }
    };
    let said = format!("{format}: {tests}");
    if tests.failed > 0 {
        return red(Reason::CountsDisagree, format!("exit 0, but {said}"), Some(tests));
    }
    if run.capture == Capture::Truncated {
        return truncated(Some(tests), of);
    }
    match completeness {
        Completeness::Complete => {}
        Completeness::Retried => {
            let detail = format!("tests failed and passed when they were run again ({said})");
            return red(Reason::Flaky, detail, Some(tests));
        }
        Completeness::Cut => {
            let detail = format!("the report is not complete ({said})");
            return red(Reason::PlanUnfulfilled, detail, Some(tests));
        }
    }
    match (tests.run, tests.skipped) {
        (0, 0) => red(Reason::ZeroTests, format!("no test ran ({format})"), Some(tests)),
        (0, _) => red(Reason::AllSkipped, format!("every test was skipped ({said})"), Some(tests)),
        (_, _) => pass(Some(tests), Some(0), said, of),
    }
}

/// Another exit code: failed, unless it is known that no test ran.
fn red_exit(exit: i32, argv: &[String], output: &str, of: Provenance) -> Outcome {
    let counted = count(output);
    let red = |reason, detail: String, tests| {
        Outcome::red(reason, detail, of.clone()).with_tests(tests).with_exit(Some(exit))
    };
    let tests = match &counted {
        Counted::Found { counts, .. } => Some(*counts),
        Counted::None | Counted::Ambiguous { .. } => None,
    };
    if is_pytest(argv)
        && let Some((reason, what)) = pytest_exit(exit)
    {
        return red(reason, format!("pytest exit {exit}: {what}"), tests);
    }
    match counted {
        Counted::Found { format, counts, .. } if counts.failed > 0 => {
            red(Reason::TestsFailed, format!("{format}: {counts}"), tests)
        }
        Counted::Found { format, counts, .. } if by_signal(exit).is_some() => {
            let detail = format!("exit {exit}, a signal's ({format}: {counts})");
            red(by_signal(exit).unwrap_or(Reason::ExitNonzero), detail, tests)
        }
        Counted::Found { format, counts, .. } if counts.run == 0 => {
            let (reason, what) = match counts.skipped {
                0 => (Reason::ZeroTests, "no test ran"),
                _ => (Reason::AllSkipped, "every test was skipped"),
            };
            red(reason, format!("exit {exit}, and {what} ({format})"), tests)
        }
        Counted::Found { format, counts, .. } => {
            let detail = format!("exit {exit}, although no test failed ({format}: {counts})");
            red(Reason::ExitNonzero, detail, tests)
        }
        Counted::Ambiguous { found } => {
            let detail = format!("exit {exit}; {}", list(&found));
            match found.iter().find(|(_, t)| t.failed > 0) {
                Some((_, counts)) => red(Reason::TestsFailed, detail, Some(*counts)),
                None => red(Reason::ExitNonzero, detail, None),
            }
        }
        Counted::None => no_report(exit, output, of),
    }
}

/// A command that said no and left no counts: perhaps it is not installed.
pub(super) fn no_report(exit: i32, output: &str, of: Provenance) -> Outcome {
    let red = |reason, said: &str| {
        let detail = format!("exit {exit}: {}", one_line(said, 160));
        Outcome::red(reason, detail, of.clone()).with_exit(Some(exit))
    };
    let text = crate::check::counts::strip_ansi(output);
    // A launcher passes on 127 and 126; python and cargo have codes of their own, and say it in
    // words that nobody else uses.
    let missing = MISSING.find_iter(&text).find(|m| {
        let own = m.as_str().contains("No module named") || m.as_str().starts_with("error: no");
        exit == 127 || own && text.lines().filter(|l| !l.trim().is_empty()).count() <= 4
    });
    if let Some(m) = missing {
        return red(Reason::MissingTool, m.as_str());
    }
    if exit == 126
        && let Some(m) = NOT_EXECUTABLE.find(&text)
    {
        return red(Reason::NotExecutable, m.as_str());
    }
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no output");
    red(by_signal(exit).unwrap_or(Reason::ExitNonzero), last)
}

/// What a shell says of a program that a signal ended: 128 and the number of the signal.
fn by_signal(exit: i32) -> Option<Reason> {
    match exit - 128 {
        // SIGINT, SIGKILL, SIGTERM: from outside.
        2 | 9 | 15 => Some(Reason::Killed),
        signal if is_own_fault(signal) => Some(Reason::Crashed),
        _ => None,
    }
}

fn list(found: &[(Format, TestCounts)]) -> String {
    let each = found.iter().map(|(format, tests)| format!("{format}: {tests}"));
    each.collect::<Vec<_>>().join("; ")
}

/// `pytest …`, `python -m pytest …`, `uv run pytest …`.
fn is_pytest(argv: &[String]) -> bool {
    let program = |arg: &String| {
        let name = arg.rsplit('/').next().unwrap_or(arg);
        matches!(name, "pytest" | "py.test")
    };
    // Words after the first few are its selectors.
    argv.iter().take(5).any(program)
}

/// <https://docs.pytest.org/en/stable/reference/exit-codes.html>
fn pytest_exit(exit: i32) -> Option<(Reason, &'static str)> {
    match exit {
        2 => Some((Reason::CollectionFailed, "interrupted, or tests that cannot be collected")),
        3 => Some((Reason::ToolError, "an error inside pytest")),
        4 => Some((Reason::Usage, "arguments that it does not accept, or nothing selected")),
        5 => Some((Reason::ZeroTests, "no test was collected")),
        _ => None,
    }
}
