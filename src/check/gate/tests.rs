//! What may pass, and what everything else is called.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::base::Sha256;
use crate::check::counts::{Counted, count, whole_lines};
use crate::check::{EvidenceRef, Status};
use crate::spec::model::{CliProbe, Counts, Purpose, TextExpectation};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counts/", $name, ".txt"))
    };
}

fn of() -> Provenance {
    let evidence = vec![EvidenceRef(Sha256::of(b"log"))];
    Provenance { commit: "c0ffee".into(), tree: "7ree".into(), duration_s: 1.5, evidence }
}

fn ran(ending: Ending, stdout: &str) -> Execution {
    Execution { ending, stdout: stdout.into(), stderr: String::new(), capture: Capture::Whole }
}

fn exited(code: i32, stdout: &str) -> Execution {
    ran(Ending::Exited(code), stdout)
}

fn argv(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn auto(run: &Execution, command: &str) -> (Status, Reason) {
    let o = judge_repo_test(run, Counts::Auto, &argv(command), of());
    assert!(!o.detail().is_empty());
    (o.status(), o.reason())
}

#[test]
fn a_run_with_passing_tests_passes() {
    let run = exited(0, fixture!("pytest/pass"));
    let o = judge_repo_test(&run, Counts::Auto, &argv("pytest"), of());
    assert!(o.is_pass());
    assert_eq!(o.tests().unwrap().run, 2);
    assert_eq!((o.exit(), o.commit(), o.evidence().len()), (Some(0), "c0ffee", 1));
    assert_eq!(o.detail(), "pytest: 2 run, 0 failed, 0 skipped");
    // unittest reports on standard error.
    let mut run = exited(0, "");
    run.stderr = fixture!("unittest/upass").into();
    assert_eq!(auto(&run, "python3 -m unittest"), (Status::Passed, Reason::Ok));
}

#[test]
fn exit_0_is_not_enough() {
    use Reason::*;
    for (stdout, status, reason) in [
        ("", Status::NotRun, NoCounts),
        ("all tests passed", Status::NotRun, NoCounts),
        (fixture!("cargo/zero"), Status::NotRun, ZeroTests),
        (fixture!("go/plain_zero"), Status::NotRun, ZeroTests),
        (fixture!("node/zero"), Status::NotRun, ZeroTests),
        (fixture!("mocha/zero"), Status::NotRun, ZeroTests),
        (fixture!("phpunit/zero"), Status::NotRun, ZeroTests),
        (fixture!("tap/bats_zero"), Status::NotRun, ZeroTests),
        (fixture!("pytest/all_skipped"), Status::NotRun, AllSkipped),
        (fixture!("jest/all_skipped"), Status::NotRun, AllSkipped),
        (fixture!("ctest/all_skipped"), Status::NotRun, AllSkipped),
        // `pytest || true`
        (fixture!("pytest/mixed"), Status::Failed, CountsDisagree),
        (fixture!("cargo/mixed"), Status::Failed, CountsDisagree),
        ("1..3\nok 1\nok 2\n", Status::NotRun, PlanUnfulfilled),
        ("running 3 tests\ntest a ... ok\n", Status::NotRun, PlanUnfulfilled),
    ] {
        assert_eq!(auto(&exited(0, stdout), "make test"), (status, reason), "{stdout}");
    }
    let two = format!("{}{}", fixture!("pytest/pass"), fixture!("mocha/skip"));
    assert_eq!(auto(&exited(0, &two), "make test"), (Status::NotRun, CountsAmbiguous));
    let two = format!("{}{}", fixture!("pytest/pass"), fixture!("mocha/mixed"));
    assert_eq!(auto(&exited(0, &two), "make test"), (Status::Failed, CountsDisagree));
}

#[test]
fn another_exit_is_red_with_the_nearest_reason() {
    use Reason::*;
    let (failed, not_run) = (Status::Failed, Status::NotRun);
    for (exit, command, stdout, expected) in [
        (1, "pytest", fixture!("pytest/mixed"), (failed, TestsFailed)),
        (101, "cargo test", fixture!("cargo/mixed"), (failed, TestsFailed)),
        (101, "cargo test", fixture!("cargo/compile_error"), (failed, ExitNonzero)),
        (1, "npm test", fixture!("jest/pass"), (failed, ExitNonzero)),
        (1, "npm test", fixture!("jest/zero"), (not_run, ZeroTests)),
        (4, "cargo nextest run", fixture!("nextest/zero"), (not_run, ZeroTests)),
        (1, "npm test", fixture!("jest/all_skipped"), (not_run, AllSkipped)),
        (5, "pytest", fixture!("pytest/zero"), (not_run, ZeroTests)),
        (4, "python3 -m pytest", fixture!("pytest/usage"), (not_run, Usage)),
        (4, "uv run pytest a", fixture!("pytest/no_file"), (not_run, Usage)),
        (2, "/x/bin/pytest", fixture!("pytest/collect_error"), (not_run, CollectionFailed)),
        (3, "pytest", "INTERNALERROR> x", (not_run, ToolError)),
        (127, "npm test", "sh: 1: jest: not found", (not_run, MissingTool)),
        (127, "make", "bash: line 1: jest: command not found", (not_run, MissingTool)),
        (126, "npm test", "sh: 1: ./t.sh: Permission denied", (not_run, NotExecutable)),
        (
            1,
            "python3 -m pytest",
            "/usr/bin/python3: No module named pytest",
            (not_run, MissingTool),
        ),
        (101, "cargo nextest run", "error: no such command: `nextest`", (not_run, MissingTool)),
        (137, "sh t.sh", "Killed", (not_run, Killed)),
        (139, "sh t.sh", "Segmentation fault", (failed, Crashed)),
        (143, "npm test", fixture!("jest/pass"), (not_run, Killed)),
        (137, "npm test", fixture!("jest/mixed"), (failed, TestsFailed)),
        (127, "./t.sh", "", (failed, ExitNonzero)),
        (1, "./t.sh", "user bob: not found", (failed, ExitNonzero)),
    ] {
        assert_eq!(auto(&exited(exit, stdout), command), expected, "{exit} {command} {stdout}");
    }
}

#[test]
fn what_did_not_end_by_itself_is_red_whatever_it_printed() {
    use Reason::*;
    let good = fixture!("pytest/pass");
    let (program, cause) = (String::from("x"), String::from("y"));
    for (ending, status, reason) in [
        (Ending::TimedOut { limit_s: 60.0 }, Status::NotRun, Timeout),
        (Ending::Signalled(9), Status::NotRun, Killed),
        (Ending::Signalled(15), Status::NotRun, Killed),
        (Ending::Signalled(11), Status::Failed, Crashed),
        (Ending::Interrupted, Status::NotRun, Interrupted),
        (Ending::Flooded, Status::NotRun, OutputTruncated),
        (
            Ending::NotStarted(StartFailure::NotFound { program: program.clone() }),
            Status::NotRun,
            MissingTool,
        ),
        (
            Ending::NotStarted(StartFailure::NotExecutable { program, cause: cause.clone() }),
            Status::NotRun,
            NotExecutable,
        ),
        (Ending::NotStarted(StartFailure::Sandbox { cause }), Status::NotRun, Sandbox),
    ] {
        let run = ran(ending, good);
        assert_eq!(auto(&run, "pytest"), (status, reason));
        for o in [
            judge_repo_test(&run, Counts::Exit, &argv("make"), of()),
            judge_cli_probe(&run, &probe(TextExpectation::default()), of()),
            judge_external(&run, Produced::Evidence, of()),
        ] {
            assert_eq!((o.status(), o.reason(), o.tests()), (status, reason, None));
        }
    }
    let o = judge_repo_test(&ran(Ending::Signalled(9), ""), Counts::Auto, &argv("x"), of());
    assert_eq!((o.signal(), o.exit()), (Some(9), None));
}

#[test]
fn a_cut_output_or_an_unknown_commit_proves_nothing() {
    let mut run = exited(0, fixture!("pytest/pass"));
    let bare = Provenance { commit: String::new(), ..of() };
    let o = judge_repo_test(&run, Counts::Auto, &argv("pytest"), bare);
    assert_eq!((o.status(), o.reason()), (Status::NotRun, Reason::NoCommit));
    run.capture = Capture::Truncated;
    assert_eq!(auto(&run, "pytest"), (Status::NotRun, Reason::OutputTruncated));
    let o = judge_repo_test(&run, Counts::Exit, &argv("make"), of());
    assert_eq!(o.reason(), Reason::OutputTruncated);
    run.stdout = fixture!("pytest/mixed").into();
    assert_eq!(auto(&run, "pytest"), (Status::Failed, Reason::CountsDisagree));
    assert_eq!(judge_repo_test(&run, Counts::Auto, &[], of()).reason(), Reason::EmptySelector);
}

#[test]
fn counts_by_exit_alone() {
    let judge = |code| judge_repo_test(&exited(code, "quiet"), Counts::Exit, &argv("make"), of());
    assert!(judge(0).is_pass());
    assert_eq!(judge(0).tests(), None);
    assert_eq!(judge(2).reason(), Reason::ExitNonzero);
    assert_eq!(judge(2).detail(), "exit 2: quiet");
}

fn probe(stdout: TextExpectation) -> CliProbe {
    let (argv, stderr) = (argv("app --x"), TextExpectation::default());
    CliProbe { argv, stdin: None, exit: 0, stdout, stderr }
}

#[test]
fn a_probe_tells_all_that_is_wrong_at_once() {
    let expected = TextExpectation {
        equals: Some("hello world\n".into()),
        contains: vec!["world".into(), "moon".into()],
        not_contains: vec!["there".into()],
        matches: Some("^bye$".into()),
    };
    let o = judge_cli_probe(&exited(3, "hello there\n"), &probe(expected), of());
    assert_eq!((o.status(), o.reason(), o.exit()), (Status::Failed, Reason::Expectation, Some(3)));
    assert_eq!(
        o.detail(),
        "exit: expected 0, got 3; stdout: expected \"world\", got \"there\" (from character 7); \
         stdout: expected to contain \"world\", got \"hello there\\n\"; \
         stdout: expected to contain \"moon\", got \"hello there\\n\"; \
         stdout: must not contain \"there\", is in line 1; \
         stdout: expected to match \"^bye$\", got \"hello there\\n\""
    );
}

#[test]
fn a_probe_that_holds_passes() {
    let expected = TextExpectation {
        equals: Some("a\nb".into()),
        contains: vec!["a".into()],
        not_contains: vec!["c".into()],
        matches: Some("^b$".into()),
    };
    let mut wanted = probe(expected);
    wanted.exit = 4;
    let mut run = exited(4, "a\nb\n");
    let o = judge_cli_probe(&run, &wanted, of());
    assert!(o.is_pass(), "{}", o.detail());
    assert_eq!((o.exit(), o.tests()), (Some(4), None));
    run.capture = Capture::Truncated;
    assert_eq!(judge_cli_probe(&run, &wanted, of()).reason(), Reason::OutputTruncated);
    run.capture = Capture::Whole;
    wanted.stderr.contains = vec!["warning".into()];
    assert_eq!(
        judge_cli_probe(&run, &wanted, of()).detail(),
        "stderr: expected to contain \"warning\", got \"\""
    );
    wanted.stderr = TextExpectation { matches: Some("(".into()), ..Default::default() };
    assert_eq!(judge_cli_probe(&run, &wanted, of()).reason(), Reason::CannotEvaluate);
}

fn values(v: Value) -> Map<String, Value> {
    v.as_object().unwrap().clone()
}

#[test]
fn only_the_boolean_true_is_true() {
    let v = values(json!({
        "db": {"users": [{"name": "ann", "age": 41}], "empty": null, "big": 1.5},
        "probes": {"add": {"stdout": "ok\n", "exit": 0}},
    }));
    for (expr, reason) in [
        ("db.users | length == 1", Reason::Ok),
        ("db.users[0].name == 'ann' and db.users[0].age > 40", Reason::Ok),
        ("probes.add.stdout | trim == 'ok' and probes.add.exit == 0", Reason::Ok),
        ("db.empty is none and db.big == 1.5", Reason::Ok),
        ("db.nothing is defined", Reason::InvariantFalse),
        ("db.users | length == 2", Reason::InvariantFalse),
        ("db.users | length", Reason::InvariantFalse),
        ("'true'", Reason::InvariantFalse),
        ("db.empty", Reason::InvariantFalse),
        ("nothing", Reason::CannotEvaluate),
        ("db.nothing", Reason::CannotEvaluate),
        ("db.nothing.deeper == 1", Reason::CannotEvaluate),
        ("db.nothing == 1", Reason::CannotEvaluate),
        ("db.users ==", Reason::CannotEvaluate),
        ("db.users | nofilter", Reason::CannotEvaluate),
        ("range(100000000000) | list | length == 1", Reason::CannotEvaluate),
        ("('a' * 100000000000) | length == 1", Reason::CannotEvaluate),
        ("", Reason::EmptySelector),
    ] {
        let o = judge_invariant(expr, &v, of());
        assert_eq!(o.reason(), reason, "{expr}: {}", o.detail());
    }
    assert_eq!(
        judge_invariant("db.users | length", &v, of()).detail(),
        "db.users | length is the number 1, not true"
    );
}

fn external(exit: i32, stdout: &str, produced: Produced) -> (Status, Reason) {
    let o = judge_external(&exited(exit, stdout), produced, of());
    (o.status(), o.reason())
}

#[test]
fn an_external_check_is_held_to_the_protocol() {
    use Produced::{Evidence, Nothing};
    let (passed, failed, not_run) = (Status::Passed, Status::Failed, Status::NotRun);
    let pass = r#"{"v":1,"outcome":"passed","tests":{"run":2,"failed":0,"skipped":0}}"#;
    for (exit, stdout, produced, expected) in [
        (0, pass, Nothing, (passed, Reason::Ok)),
        (0, r#"{"outcome":"passed"}"#, Evidence, (passed, Reason::Ok)),
        (0, r#"{"outcome":"passed"}"#, Nothing, (not_run, Reason::NoEvidence)),
        (1, pass, Nothing, (not_run, Reason::Protocol)),
        (0, "", Evidence, (not_run, Reason::Protocol)),
        (0, "done", Evidence, (not_run, Reason::Protocol)),
        (0, r#"{"outcome":"great"}"#, Evidence, (not_run, Reason::Protocol)),
        (0, r#"{"outcome":"passed","sure":true}"#, Evidence, (not_run, Reason::Protocol)),
        (0, r#"{"v":2,"outcome":"passed"}"#, Evidence, (not_run, Reason::Protocol)),
        (0, r#"{"outcome":"passed","commit":"other"}"#, Evidence, (not_run, Reason::Protocol)),
        (
            0,
            r#"{"outcome":"passed","tests":{"run":0,"failed":0,"skipped":0}}"#,
            Evidence,
            (not_run, Reason::ZeroTests),
        ),
        (
            0,
            r#"{"outcome":"passed","tests":{"run":0,"failed":0,"skipped":2}}"#,
            Evidence,
            (not_run, Reason::AllSkipped),
        ),
        (
            0,
            r#"{"outcome":"passed","tests":{"run":2,"failed":1,"skipped":2}}"#,
            Evidence,
            (failed, Reason::CountsDisagree),
        ),
        (
            0,
            r#"{"outcome":"failed","tests":{"run":1,"failed":2,"skipped":2}}"#,
            Evidence,
            (not_run, Reason::Protocol),
        ),
        (
            0,
            r#"{"outcome":"failed","reason":"expectation"}"#,
            Nothing,
            (failed, Reason::Expectation),
        ),
        (0, r#"{"outcome":"failed","reason":"ok"}"#, Nothing, (failed, Reason::CheckFailed)),
        (0, r#"{"outcome":"failed","reason":"too_slow"}"#, Nothing, (failed, Reason::CheckFailed)),
        (0, r#"{"outcome":"not_run"}"#, Nothing, (not_run, Reason::CheckNotRun)),
    ] {
        assert_eq!(external(exit, stdout, produced), expected, "{stdout}");
    }
    let two = format!("{pass}\n{pass}\n");
    assert_eq!(external(0, &two, Evidence), (not_run, Reason::Protocol));
    assert_eq!(external(0, &format!("\n{pass}\n\n"), Evidence), (passed, Reason::Ok));
}

fn green() -> Outcome {
    judge_repo_test(&exited(0, fixture!("pytest/pass")), Counts::Auto, &argv("pytest"), of())
}
fn red() -> Outcome {
    let evidence = vec![EvidenceRef(Sha256::of(b"red"))];
    let of = Provenance { evidence, ..of() };
    judge_repo_test(&exited(1, fixture!("pytest/mixed")), Counts::Auto, &argv("pytest"), of)
}

#[test]
fn an_acceptance_check_that_passes_on_the_base_proves_nothing() {
    let o = against_base(Purpose::Acceptance, &green()).unwrap();
    assert_eq!((o.status(), o.reason()), (Status::NotRun, Reason::ProvesNothing));
    assert_eq!(against_base(Purpose::Regression, &green()), None);
    assert_eq!(against_base(Purpose::Acceptance, &red()), None);
    let flaky = after_rerun(red(), green());
    assert!(against_base(Purpose::Acceptance, &flaky).is_some());
}

#[test]
fn fewer_tests_than_on_the_base_are_no_pass() {
    let counts = |run| Some(TestCounts { run, failed: 0, skipped: 0 });
    // `green()` ran two.
    for (on_base, reason) in [
        (None, Reason::Ok),
        (counts(1), Reason::Ok),
        (counts(2), Reason::Ok),
        (counts(3), Reason::FewerTests),
    ] {
        let o = against_counts(on_base, green());
        assert_eq!(o.reason(), reason, "{on_base:?}");
        assert_eq!(o.is_pass(), reason == Reason::Ok);
    }
    assert_eq!(against_counts(counts(99), red()).reason(), Reason::TestsFailed);
}

#[test]
fn a_check_that_says_both_is_flaky_and_failed() {
    for o in [after_rerun(red(), green()), after_rerun(green(), red())] {
        assert_eq!((o.status(), o.reason()), (Status::Failed, Reason::Flaky));
        assert_eq!(o.evidence().len(), 2);
        assert_eq!(o.tests().unwrap().failed, 2);
    }
    let timeout = Outcome::red(Reason::Timeout, "60 s", of());
    assert_eq!(after_rerun(red(), red()).reason(), Reason::TestsFailed);
    assert_eq!(after_rerun(timeout.clone(), red()).reason(), Reason::TestsFailed);
    assert_eq!(after_rerun(red(), timeout.clone()).reason(), Reason::TestsFailed);
    assert_eq!(after_rerun(timeout.clone(), green()).reason(), Reason::Flaky);
    assert_eq!(after_rerun(timeout.clone(), timeout).reason(), Reason::Timeout);
}

/// Text made of the pieces that reports are made of, in any order.
fn report_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "=== test session starts ===",
        "=== 3 passed in 0.1s ===",
        "=== 1 failed, 3 passed in 0.1s ===",
        "2 skipped in 0.1s",
        "running 2 tests",
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        "1..2",
        "ok 1 - a",
        "not ok 2 - b",
        "ok 2 - b # SKIP",
        "ok  \texample.com/a\t0.1s",
        "FAIL\texample.com/b\t0.1s",
        "",
        "  2 passing (3ms)",
        "  1 failing",
        "Test Suites: 1 passed, 1 total",
        "Tests:       2 passed, 2 total",
        "<testsuite tests=\"1\"><testcase/></testsuite>",
        "all tests passed",
    ]);
    proptest::collection::vec(piece, 0..9).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn only_tests_that_ran_and_did_not_fail_can_pass(
        text in prop_oneof![report_like(), "(?s).{0,200}"],
        exit in prop_oneof![Just(0), 0i32..=255],
        truncated in any::<bool>(),
    ) {
        let mut run = exited(exit, &text);
        if truncated {
            run.capture = Capture::Truncated;
        }
        let o = judge_repo_test(&run, Counts::Auto, &argv("make test"), of());
        let counted = count(whole_lines(&text));
        let good = matches!(&counted, Counted::Found { counts, completeness, .. }
            if counts.run > 0 && counts.failed == 0
                && *completeness == crate::check::counts::Completeness::Complete);
        prop_assert_eq!(o.is_pass(), good && exit == 0 && !truncated, "{:?}", counted);
        // What is written can be read, and is the same.
        let again: Outcome = serde_json::from_str(&serde_json::to_string(&o).unwrap()).unwrap();
        prop_assert_eq!(again, o);
    }

    #[test]
    fn any_line_of_an_external_check_is_judged(line in "(?s).{0,200}", exit in 0i32..3) {
        let o = judge_external(&exited(exit, &line), Produced::Evidence, of());
        prop_assert!(!o.is_pass() || line.contains("passed"));
    }
}
