//! Judges a run of a type checker: no error, and something that was looked at.

use super::{Capture, Execution, exit_code, pass, repo_test};
use crate::base::text::count;
use crate::check::typed::Typed;
use crate::check::{Outcome, Provenance, Reason, TestCounts};
use crate::spec::type_check::{Checker, TypeCheck};

/// `silenced` are files among those that it looked at which say that they are not to be judged.
pub fn judge_type_check(
    run: &Execution,
    types: &TypeCheck,
    checker: Checker,
    (typed, silenced): (&Typed, u64),
    of: Provenance,
) -> Outcome {
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let unit = if checker == Checker::Cargo { "crate" } else { "file" };
    let looked_at = typed.looked_at.unwrap_or(0);
    let silenced = silenced.min(looked_at);
    let judged = looked_at - silenced;
    let counts =
        TestCounts { run: judged.max(typed.wrong), failed: typed.wrong, skipped: silenced };
    let red = |reason, detail: String| {
        let tests = typed.looked_at.map(|_| counts);
        Outcome::red(reason, detail, of.clone()).with_tests(tests).with_exit(Some(exit))
    };
    let name = checker.name();
    if typed.nothing {
        return red(Reason::ZeroTests, format!("exit {exit}: {name} found nothing to look at"));
    }
    if exit != 0 && typed.errors == 0 {
        let output = format!("{}\n{}", run.stdout, run.stderr);
        return repo_test::no_report(exit, &output, of);
    }
    if typed.errors > 0 {
        let found = count(usize::try_from(typed.errors).unwrap_or(usize::MAX), "error");
        let found = format!("{name}: {found}, in {} of {looked_at} {unit}s", typed.wrong);
        return match exit {
            0 => red(Reason::CountsDisagree, format!("exit 0, although {found}")),
            _ => red(Reason::CheckFailed, found),
        };
    }
    if run.capture == Capture::Truncated {
        let detail = "the output is too long and was cut, so it proves nothing";
        return red(Reason::OutputTruncated, detail.to_owned());
    }
    if typed.looked_at.is_none() {
        let why = format!("exit 0, but the output does not say how many {unit}s {name} looked at");
        return red(Reason::NoCounts, why);
    }
    if looked_at == 0 {
        return red(Reason::ZeroTests, format!("exit 0, but {name} looked at no {unit}"));
    }
    if judged == 0 {
        let why = format!("all {looked_at} {unit}s say that they are not to be checked");
        return red(Reason::AllSkipped, why);
    }
    if judged < types.files {
        let why = format!("{name} looked at {judged} {unit}s, and {} are demanded", types.files);
        return red(Reason::Expectation, why);
    }
    let left_out = match silenced {
        0 => String::new(),
        n => format!("; {n} more say that they are not to be checked"),
    };
    let detail = format!("{name}: no error in {judged} {unit}s{left_out}");
    pass(Some(counts), Some(0), detail, of)
}

#[cfg(test)]
mod tests {
    use super::super::Ending;
    use super::*;
    use crate::check::typed::read;

    fn judge(exit: i32, stdout: &str, silenced: u64, files: u64) -> Outcome {
        let run = Execution {
            ending: Ending::Exited(exit),
            stdout: stdout.into(),
            stderr: String::new(),
            capture: Capture::Whole,
        };
        let of = Provenance { commit: "c".into(), tree: "t".into(), ..Provenance::default() };
        let types = TypeCheck { argv: vec!["mypy".into()], checker: None, files };
        let typed = read(Checker::Mypy, stdout, "", "/w");
        judge_type_check(&run, &types, Checker::Mypy, (&typed, silenced), of)
    }

    #[test]
    fn only_files_that_were_looked_at_can_pass() {
        let clean = "Success: no issues found in 3 source files\n";
        let passed = judge(0, clean, 1, 2);
        assert!(passed.is_pass(), "{passed:?}");
        assert_eq!(passed.tests(), Some(TestCounts { run: 2, failed: 0, skipped: 1 }));
        let found = "a.py:1: error: x\nFound 4 errors in 1 file (checked 3 source files)\n";
        for (exit, text, silenced, files, reason) in [
            (0, "", 0, 1, Reason::NoCounts),
            (0, "all well\n", 0, 1, Reason::NoCounts),
            (0, "Success: no issues found in 0 source files\n", 0, 1, Reason::ZeroTests),
            (0, clean, 3, 1, Reason::AllSkipped),
            (0, clean, 9, 1, Reason::AllSkipped),
            (0, clean, 1, 3, Reason::Expectation),
            (1, found, 0, 1, Reason::CheckFailed),
            (0, found, 0, 1, Reason::CountsDisagree),
            (2, "There are no .py[i] files in directory '.'\n", 0, 1, Reason::ZeroTests),
            (127, "sh: 1: mypy: not found\n", 0, 1, Reason::MissingTool),
            (2, "usage: mypy [-h]\n", 0, 1, Reason::ExitNonzero),
        ] {
            let outcome = judge(exit, text, silenced, files);
            assert_eq!(outcome.reason(), reason, "{exit} {text}: {outcome:?}");
        }
        assert_eq!(
            judge(1, found, 0, 1).tests(),
            Some(TestCounts { run: 3, failed: 1, skipped: 0 })
        );
    }
}
