//! Real reports under `tests/fixtures/counts/` and what they say.
//!
//! Captured from pytest 6.2, 7.4, 8.3 and 9.2, Python 3.11, cargo 1.95, cargo-nextest 0.9.143,
//! go 1.19, jest 27, 29 and 30, vitest 1.6, 2.1 and 3.2, mocha 9 and 11, node 20, bats 1.8,
//! ctest 3.25, rspec 3.12 and phpunit 9.6, with the project's folder rewritten to `/project`. Tests in the `mixed` cases print lines that look like
//! summaries. What no tool here prints is in `from_memory` at the end.

use super::*;
use proptest::prelude::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counts/", $name, ".txt"))
    };
}

/// Run, failed, skipped.
pub(super) type Expected = Option<(u64, u64, u64)>;

macro_rules! cases {
    ($($format:ident $completeness:ident $name:literal $expected:expr;)*) => {
        [$((Format::$format, Completeness::$completeness, $name, fixture!($name), $expected)),*]
    };
}

pub(super) fn all() -> Vec<(Format, Completeness, &'static str, &'static str, Expected)> {
    cases! {
        Pytest Complete "pytest/pass" Some((2, 0, 0));
        Pytest Complete "pytest/quiet" Some((2, 0, 0));
        Pytest Complete "pytest/mixed" Some((5, 2, 2));
        Pytest Complete "pytest/mixed_quiet" Some((5, 2, 2));
        Pytest Complete "pytest/colour" Some((5, 2, 2));
        Pytest Complete "pytest/xdist" Some((7, 2, 2));
        Pytest Complete "pytest/maxfail" Some((3, 1, 0));
        Pytest Complete "pytest/all_skipped" Some((0, 0, 2));
        Pytest Complete "pytest/zero" Some((0, 0, 0));
        Pytest Complete "pytest/zero_quiet" Some((0, 0, 0));
        Pytest Complete "pytest/deselected" Some((0, 0, 0));
        Pytest Complete "pytest/some_deselected" Some((1, 0, 0));
        Pytest Complete "pytest/collect_error" Some((1, 1, 0));
        Pytest Complete "pytest/no_file" Some((0, 0, 0));
        Pytest Complete "pytest/quiet_quiet" None;
        Pytest Complete "pytest/usage" None;
        Unittest Complete "unittest/upass" Some((2, 0, 0));
        Unittest Complete "unittest/umixed" Some((4, 3, 2));
        Unittest Complete "unittest/verbose" Some((4, 3, 2));
        Unittest Complete "unittest/uskip" Some((0, 0, 1));
        Unittest Complete "unittest/uzero" Some((0, 0, 0));
        Unittest Complete "unittest/broken" Some((1, 1, 0));
        Cargo Complete "cargo/pass" Some((4, 0, 1));
        Cargo Complete "cargo/quiet" Some((4, 0, 1));
        Cargo Complete "cargo/mixed" Some((5, 1, 1));
        Cargo Complete "cargo/mixed_no_fail_fast" Some((6, 1, 1));
        Cargo Complete "cargo/colour" Some((2, 1, 0));
        Cargo Complete "cargo/nocapture" Some((2, 0, 1));
        Cargo Complete "cargo/ignored_only" Some((0, 0, 1));
        Cargo Complete "cargo/filtered_all" Some((0, 0, 0));
        Cargo Complete "cargo/zero" Some((0, 0, 0));
        Cargo Complete "cargo/compile_error" None;
        Nextest Complete "nextest/pass" Some((3, 0, 1));
        Nextest Complete "nextest/mixed" Some((5, 1, 1));
        Nextest Complete "nextest/colour" Some((2, 1, 0));
        Nextest Cut "nextest/fail_fast" Some((4, 1, 1));
        Nextest Complete "nextest/ignored_only" Some((0, 0, 4));
        Nextest Complete "nextest/zero" Some((0, 0, 0));
        Nextest Complete "nextest/zero_ok" Some((0, 0, 0));
        Go Complete "go/plain_pass" Some((1, 0, 0));
        Go Complete "go/plain_all" Some((4, 2, 0));
        Go Complete "go/plain_zero" Some((0, 0, 0));
        Go Complete "go/plain_filtered" Some((0, 0, 0));
        Go Complete "go/plain_panic" Some((1, 1, 0));
        Go Complete "go/v_pass" Some((3, 0, 1));
        Go Complete "go/v_all" Some((7, 2, 3));
        Go Complete "go/v_zero" Some((0, 0, 0));
        Go Complete "go/v_filtered" Some((0, 0, 0));
        Go Complete "go/v_skip" Some((0, 0, 1));
        Go Complete "go/v_panic" Some((2, 1, 0));
        Go Complete "go/json_pass" Some((3, 0, 1));
        Go Complete "go/json_all" Some((7, 2, 3));
        Go Complete "go/json_zero" Some((0, 0, 0));
        Go Complete "go/json_filtered" Some((0, 0, 0));
        Go Complete "go/json_skip" Some((0, 0, 1));
        Go Complete "go/json_panic" Some((2, 1, 0));
        Jest Complete "jest/pass" Some((2, 0, 0));
        Jest Complete "jest/mixed" Some((4, 1, 2));
        Jest Complete "jest/verbose" Some((2, 1, 2));
        Jest Complete "jest/colour" Some((2, 1, 2));
        Jest Complete "jest/all_skipped" Some((0, 0, 1));
        Jest Complete "jest/broken" Some((1, 1, 0));
        Jest Complete "jest/zero" Some((0, 0, 0));
        Jest Complete "jest/zero_ok" Some((0, 0, 0));
        Vitest Complete "vitest/pass" Some((2, 0, 0));
        Vitest Complete "vitest/mixed" Some((2, 1, 2));
        Vitest Complete "vitest/colour" Some((2, 1, 2));
        Vitest Complete "vitest/skip" Some((0, 0, 1));
        Vitest Complete "vitest/broken" Some((1, 1, 0));
        Vitest Complete "vitest/nothing" Some((0, 0, 0));
        Vitest Complete "vitest/zero_ok" Some((0, 0, 0));
        Mocha Complete "mocha/pass" Some((2, 0, 0));
        Mocha Complete "mocha/mixed" Some((2, 1, 2));
        Mocha Complete "mocha/dot" Some((2, 1, 2));
        Mocha Complete "mocha/skip" Some((0, 0, 1));
        Mocha Complete "mocha/zero" Some((0, 0, 0));
        Mocha Complete "mocha/broken" None;
        Node Complete "node/pass" Some((2, 0, 0));
        Node Complete "node/pass_spec" Some((2, 0, 0));
        Node Complete "node/mixed" Some((2, 1, 2));
        Node Complete "node/mixed_spec" Some((2, 1, 2));
        Node Complete "node/colour" Some((2, 1, 2));
        Node Complete "node/skip" Some((0, 0, 1));
        Node Complete "node/skip_spec" Some((0, 0, 1));
        Node Complete "node/zero" Some((0, 0, 0));
        Node Complete "node/zero_spec" Some((0, 0, 0));
        Node Complete "node/nothing" None;
        Tap Complete "tap/bats_pass" Some((2, 0, 0));
        Tap Complete "tap/bats_mixed" Some((2, 1, 1));
        Tap Complete "tap/bats_two_files" Some((4, 1, 1));
        Tap Complete "tap/bats_skip" Some((0, 0, 1));
        Tap Complete "tap/bats_zero" Some((0, 0, 0));
        Tap Complete "tap/mocha" Some((2, 1, 2));
        Junit Complete "junit/pytest" Some((5, 2, 2));
        Junit Complete "junit/vitest" Some((2, 1, 2));
        Junit Complete "junit/node" Some((2, 1, 2));
        Junit Complete "junit/ctest" Some((2, 1, 3));
        Junit Complete "junit/phpunit" Some((4, 3, 2));
        Ctest Complete "ctest/pass" Some((1, 0, 0));
        Ctest Complete "ctest/mixed" Some((3, 2, 1));
        Ctest Complete "ctest/some_skipped" Some((1, 0, 1));
        Ctest Complete "ctest/all_skipped" Some((0, 0, 1));
        Ctest Complete "ctest/zero" Some((0, 0, 0));
        Ctest Complete "ctest/disabled_only" Some((0, 0, 0));
        Rspec Complete "rspec/pass" Some((2, 0, 0));
        Rspec Complete "rspec/mixed" Some((2, 1, 2));
        Rspec Complete "rspec/colour" Some((2, 1, 2));
        Rspec Complete "rspec/skip" Some((0, 0, 1));
        Rspec Complete "rspec/zero" Some((0, 0, 0));
        Rspec Complete "rspec/broken" Some((1, 1, 0));
        Phpunit Complete "phpunit/pass" Some((2, 0, 0));
        Phpunit Complete "phpunit/mixed" Some((3, 2, 3));
        Phpunit Complete "phpunit/colour" Some((3, 2, 3));
        Phpunit Complete "phpunit/skip" Some((0, 0, 1));
        Phpunit Complete "phpunit/someskipped" Some((1, 0, 1));
        Phpunit Complete "phpunit/risky" Some((0, 0, 1));
        Phpunit Complete "phpunit/zero" Some((0, 0, 0));
        Phpunit Complete "phpunit/filtered" Some((0, 0, 0));
        Pytest Complete "pytest/v6_pass" Some((2, 0, 0));
        Pytest Complete "pytest/v6_mixed" Some((4, 2, 2));
        Pytest Complete "pytest/v6_skip" Some((0, 0, 1));
        Pytest Complete "pytest/v6_zero" Some((0, 0, 0));
        Pytest Complete "pytest/v6_broken" Some((1, 1, 0));
        Pytest Cut "pytest/v6_crash" Some((0, 0, 0));
        Pytest Complete "pytest/v6_xf" Some((0, 0, 1));
        Pytest Retried "pytest/v6_rr" Some((1, 0, 0));
        Pytest Complete "pytest/v7_pass" Some((2, 0, 0));
        Pytest Complete "pytest/v7_mixed" Some((4, 2, 2));
        Pytest Complete "pytest/v7_skip" Some((0, 0, 1));
        Pytest Complete "pytest/v7_zero" Some((0, 0, 0));
        Pytest Complete "pytest/v7_broken" Some((1, 1, 0));
        Pytest Cut "pytest/v7_crash" Some((0, 0, 0));
        Pytest Complete "pytest/v7_xf" Some((0, 0, 1));
        Pytest Retried "pytest/v7_rr" Some((1, 0, 0));
        Pytest Complete "pytest/v8_pass" Some((2, 0, 0));
        Pytest Complete "pytest/v8_mixed" Some((4, 2, 2));
        Pytest Complete "pytest/v8_skip" Some((0, 0, 1));
        Pytest Complete "pytest/v8_zero" Some((0, 0, 0));
        Pytest Complete "pytest/v8_broken" Some((1, 1, 0));
        Pytest Cut "pytest/v8_crash" Some((0, 0, 0));
        Pytest Complete "pytest/v8_xf" Some((0, 0, 1));
        Pytest Retried "pytest/v8_rr" Some((1, 0, 0));
        Cargo Cut "cargo/exits" Some((0, 0, 0));
        Nextest Retried "nextest/flaky" Some((2, 0, 0));
        Go Complete "go/plain_cached" Some((0, 0, 1));
        Go Complete "go/v_cached" Some((0, 0, 2));
        Go Complete "go/json_cached" Some((0, 0, 2));
        Jest Complete "jest/v27_pass" Some((2, 0, 0));
        Jest Complete "jest/v27_mixed" Some((2, 1, 2));
        Jest Complete "jest/v27_skip" Some((0, 0, 1));
        Jest Complete "jest/v27_zero" Some((1, 1, 0));
        Jest Complete "jest/v27_broken" Some((1, 1, 0));
        Jest Complete "jest/v27_crash" None;
        Jest Complete "jest/v27_retry" Some((1, 0, 0));
        Jest Complete "jest/v27_nothing" Some((0, 0, 0));
        Jest Complete "jest/v27_allowed" Some((0, 0, 0));
        Jest Complete "jest/v29_pass" Some((2, 0, 0));
        Jest Complete "jest/v29_mixed" Some((2, 1, 2));
        Jest Complete "jest/v29_skip" Some((0, 0, 1));
        Jest Complete "jest/v29_zero" Some((1, 1, 0));
        Jest Complete "jest/v29_broken" Some((1, 1, 0));
        Jest Complete "jest/v29_crash" None;
        Jest Retried "jest/v29_retry" Some((1, 0, 0));
        Jest Complete "jest/v29_nothing" Some((0, 0, 0));
        Jest Complete "jest/v29_allowed" Some((0, 0, 0));
        Jest Complete "jest/v30_pass" Some((2, 0, 0));
        Jest Complete "jest/v30_mixed" Some((2, 1, 2));
        Jest Complete "jest/v30_skip" Some((0, 0, 1));
        Jest Complete "jest/v30_zero" Some((1, 1, 0));
        Jest Complete "jest/v30_broken" Some((1, 1, 0));
        Jest Complete "jest/v30_crash" None;
        Jest Retried "jest/v30_retry" Some((1, 0, 0));
        Jest Complete "jest/v30_nothing" Some((0, 0, 0));
        Jest Complete "jest/v30_allowed" Some((0, 0, 0));
        Vitest Complete "vitest/v1_pass" Some((2, 0, 0));
        Vitest Complete "vitest/v1_mixed" Some((2, 1, 2));
        Vitest Complete "vitest/v1_skip" Some((0, 0, 1));
        Vitest Complete "vitest/v1_zero" Some((1, 1, 0));
        Vitest Complete "vitest/v1_broken" Some((1, 1, 0));
        Vitest Complete "vitest/v1_crash" Some((2, 1, 0));
        Vitest Complete "vitest/v1_retry" Some((1, 0, 0));
        Vitest Complete "vitest/v1_fails" Some((1, 0, 0));
        Vitest Complete "vitest/v1_nothing" Some((0, 0, 0));
        Vitest Complete "vitest/v1_allowed" Some((0, 0, 0));
        Vitest Complete "vitest/v3_pass" Some((2, 0, 0));
        Vitest Complete "vitest/v3_mixed" Some((2, 1, 2));
        Vitest Complete "vitest/v3_skip" Some((0, 0, 1));
        Vitest Complete "vitest/v3_zero" Some((1, 1, 0));
        Vitest Complete "vitest/v3_broken" Some((1, 1, 0));
        Vitest Complete "vitest/v3_crash" Some((2, 1, 0));
        Vitest Complete "vitest/v3_retry" Some((1, 0, 0));
        Vitest Complete "vitest/v3_fails" Some((1, 0, 0));
        Vitest Complete "vitest/v3_nothing" Some((0, 0, 0));
        Vitest Complete "vitest/v3_allowed" Some((0, 0, 0));
        Mocha Complete "mocha/v9_pass" Some((2, 0, 0));
        Mocha Complete "mocha/v9_mixed" Some((2, 1, 2));
        Mocha Complete "mocha/v9_skip" Some((0, 0, 1));
        Mocha Complete "mocha/v9_zero" Some((0, 0, 0));
        Mocha Complete "mocha/v9_broken" None;
        Mocha Complete "mocha/v9_crash" None;
        Mocha Complete "mocha/v11_pass" Some((2, 0, 0));
        Mocha Complete "mocha/v11_mixed" Some((2, 1, 2));
        Mocha Complete "mocha/v11_skip" Some((0, 0, 1));
        Mocha Complete "mocha/v11_zero" Some((0, 0, 0));
        Mocha Complete "mocha/v11_broken" None;
        Mocha Complete "mocha/v11_crash" None;
        Ctest Retried "ctest/retried" Some((2, 0, 0));
    }
    .to_vec()
}

fn found(format: Format, completeness: Completeness, expected: Expected) -> Counted {
    match expected {
        Some((run, failed, skipped)) => {
            Counted::Found { format, counts: TestCounts { run, failed, skipped }, completeness }
        }
        None => Counted::None,
    }
}

#[test]
fn real_reports_are_read() {
    let mut wrong = Vec::new();
    for (format, completeness, name, text, expected) in all() {
        let (want, got) = (found(format, completeness, expected), count(text));
        if want != got {
            wrong.push(format!("{name}: expected {want:?}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn expect(text: &str, format: Format, completeness: Completeness, counts: (u64, u64, u64)) {
    assert_eq!(count(text), found(format, completeness, Some(counts)), "{text}");
}

#[test]
fn words_are_nothing() {
    for text in [
        "",
        "all tests passed",
        "OK",
        "3 passed",
        "ok",
        "Tests: 3 passed, 3 total",
        "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        "3 examples, 0 failures",
        "OK (3 tests, 3 assertions)",
        "Ran 3 tests in 0.1s\n\nOK",
        "100% tests passed, 0 tests failed out of 3",
        "# tests 3\n# pass 3\n# fail 0",
        "see the <testsuite tests=\"3\"> tag",
        "<testsuite tests=\"3\"> is the tag",
    ] {
        assert_eq!(count(text), Counted::None, "{text}");
    }
}

#[test]
fn several_reports_of_one_tool_are_summed() {
    let twice = |name: &str| format!("> a@1 test\n{name}\n> b@1 test\n{name}\n");
    for (format, completeness, name, text, expected) in all() {
        let Some((run, failed, skipped)) = expected else { continue };
        let both = Some((2 * run, 2 * failed, 2 * skipped));
        assert_eq!(count(&twice(text)), found(format, completeness, both), "{name}");
    }
}

#[test]
fn one_suite_in_two_tools_is_summed_and_two_suites_are_ambiguous() {
    let rust = format!("{}{}", fixture!("nextest/pass"), fixture!("cargo/pass"));
    expect(&rust, Format::Nextest, Completeness::Complete, (7, 0, 2));
    let mixed = format!("{}{}", fixture!("pytest/pass"), fixture!("jest/mixed"));
    let Counted::Ambiguous { found } = count(&mixed) else { panic!("{:?}", count(&mixed)) };
    assert_eq!(found.len(), 2);
    // A console report and the JUnit report of the same run.
    let same = format!("{}{}", fixture!("pytest/mixed"), fixture!("junit/pytest"));
    expect(&same, Format::Pytest, Completeness::Complete, (5, 2, 2));
}

#[test]
fn what_is_cut_is_noticed() {
    let cut = |text: &str, at: &str| text[..text.find(at).unwrap()].to_owned();
    for (text, format, counts) in [
        (cut(fixture!("pytest/mixed"), "=== 1 failed"), Format::Pytest, (0, 0, 0)),
        (cut(fixture!("cargo/pass"), "test it ... ok"), Format::Cargo, (2, 0, 1)),
        (cut(fixture!("nextest/pass"), "     Summary"), Format::Nextest, (0, 0, 0)),
        (cut(fixture!("go/v_pass"), "ok  \t"), Format::Go, (3, 0, 1)),
        (cut(fixture!("tap/bats_mixed"), "ok 3"), Format::Tap, (2, 1, 0)),
        (cut(fixture!("junit/vitest"), "</testsuites>"), Format::Junit, (2, 1, 2)),
        (
            cut(
                fixture!("junit/vitest"),
                "<testcase classname=\"v/mixed.spec.mjs\" name=\"s &gt; d",
            ),
            Format::Junit,
            (2, 1, 1),
        ),
        (cut(fixture!("ctest/pass"), "100%"), Format::Ctest, (0, 0, 0)),
        (cut(fixture!("phpunit/pass"), "OK ("), Format::Phpunit, (0, 0, 0)),
        (cut(fixture!("unittest/upass"), "OK"), Format::Unittest, (0, 0, 0)),
    ] {
        let got = count(&text);
        if format == Format::Go {
            // A bare PASS ends a test binary that is called directly.
            expect(&text, format, Completeness::Complete, counts);
            expect(&cut(&text, "PASS\n"), format, Completeness::Cut, counts);
        } else {
            assert_eq!(got, found(format, Completeness::Cut, Some(counts)), "{text}");
        }
    }
}

/// From the formats' specifications and documentation, not from a tool that ran here.
#[test]
fn from_memory() {
    use Completeness::{Complete, Cut, Retried};
    use Format::{Go, Junit, Nextest, Pytest, Tap, Unittest, Vitest};
    expect("TAP version 14\n1..2\nok 1 - a\nok 2 - b\n", Tap, Complete, (2, 0, 0));
    expect("TAP version 14\nok\nnot ok\n1..2\n", Tap, Complete, (2, 1, 0));
    expect("TAP version 13\nok 1 - a\nok 2 - b\n", Tap, Cut, (2, 0, 0));
    expect("1..3\nok 1 - a\nok 2 - b\n", Tap, Cut, (2, 0, 0));
    expect("1..1\nok 1 - a\nok 2 - b\n", Tap, Cut, (2, 0, 0));
    expect("1..2\nok 1 - a\nBail out! no database\n", Tap, Cut, (1, 0, 0));
    expect("1..0 # SKIP no browser\n", Tap, Complete, (0, 0, 0));
    expect("1..2\nnot ok 1 - a # TODO later\nok 2 # skip b\n", Tap, Complete, (0, 0, 2));
    expect("1..1\nok 1 - keeps \\# skip signs\n", Tap, Complete, (1, 0, 0));
    let nested = "1..1\n    1..2\n    ok 1 - x\n    not ok 2 - y\nnot ok 1 - parent\n";
    expect(nested, Tap, Complete, (1, 1, 0));
    expect("1 failed, 1 passed, 2 rerun in 3.00s (0:00:03)\n", Pytest, Retried, (2, 1, 0));
    let long = "=== test session starts ===\n=== 900 passed in 4000.1s (1:06:40) ===\n";
    expect(long, Pytest, Complete, (900, 0, 0));
    let rule = "-".repeat(70);
    let none = format!("{rule}\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n");
    expect(&none, Unittest, Complete, (0, 0, 0));
    let django = format!("{rule}\nRan 3 tests in 0.1s\n\nnoise\nFAILED (failures=1)\n");
    expect(&django, Unittest, Complete, (3, 1, 0));
    let slow = "    Starting 4 tests across 2 binaries\n     Summary [   0.093s] 4 tests run: \
                2 passed (1 slow, 1 flaky), 1 exec failed, 1 timed out, 0 skipped\n";
    expect(slow, Nextest, Retried, (4, 2, 0));
    expect("ok  \texample.com/a\t(cached)\n", Go, Complete, (0, 0, 1));
    let built = "{\"ImportPath\":\"m/b\",\"Action\":\"build-fail\"}\n\
                 {\"Action\":\"start\",\"Package\":\"m/b\"}\n\
                 {\"Action\":\"fail\",\"Package\":\"m/b\",\"Elapsed\":0,\"FailedBuild\":\"m/b\"}\n";
    expect(built, Go, Complete, (1, 1, 0));
    expect(
        " Test Files  1 passed (1)\n      Tests  1 passed | 1 expected fail (2)\n",
        Vitest,
        Complete,
        (1, 0, 1),
    );
    let surefire = "<?xml version='1.0'?><testsuite tests='3' errors='1' skipped='0' failures='0'>\n\
        <properties/><testcase name='a > b'/><testcase name='c'><error/><system-out><![CDATA[\
        </testcase><testcase>]]></system-out></testcase><testcase name='d'></testcase></testsuite>";
    expect(surefire, Junit, Complete, (3, 1, 0));
    let gtest = "<testsuites tests=\"2\"><testsuite tests=\"2\"><testcase status=\"run\"/>\
                 <testcase status=\"notrun\"/></testsuite></testsuites>";
    expect(gtest, Junit, Complete, (1, 0, 1));
    let missing = "<testsuite tests=\"3\"><testcase/></testsuite>";
    expect(missing, Junit, Cut, (1, 0, 0));
    let suite_error = "<testsuite tests=\"1\" errors=\"1\"><testcase/></testsuite>";
    expect(suite_error, Junit, Complete, (1, 1, 0));
}

/// Lines that no tool prints as part of its report.
pub(super) fn noise() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "all tests passed",
        "npm warn deprecated glob@7",
        "[12:00:01] INFO listening on 8080",
        "  99 passing",
        "Tests:       99 passed, 99 total",
        "test result: ok. 99 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        "99 examples, 0 failures",
        "OK (99 tests, 99 assertions)",
        "OK",
        "Ran 99 tests in 0.1s",
        "\x1b[32mdone\x1b[0m",
        "<div>a > b</div>",
        "\u{00e9}\u{2713} 100%",
    ]);
    prop_oneof![words.prop_map(str::to_owned), "[a-z ]{0,20}[.:]"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn noise_around_a_report_changes_nothing(
        case in 0usize..1000,
        before in proptest::collection::vec(noise(), 0..4),
        after in proptest::collection::vec(noise(), 0..4),
    ) {
        let all = all();
        let (format, completeness, name, text, expected) = all[case % all.len()];
        let text = format!("{}\n\n{text}\n\n{}\n", before.join("\n"), after.join("\n"));
        prop_assert_eq!(count(&text), found(format, completeness, expected), "{}", name);
    }

    #[test]
    fn colours_and_line_ends_change_nothing(case in 0usize..1000) {
        let all = all();
        let (format, completeness, name, text, expected) = all[case % all.len()];
        let text: String =
            text.lines().map(|l| format!("\x1b[1m{l}\x1b[0m\x1b(B\r\n")).collect();
        prop_assert_eq!(count(&text), found(format, completeness, expected), "{}", name);
    }

    #[test]
    fn any_text_can_be_read(text in "(?s).{0,400}", case in 0usize..1000, cut in 0usize..4000) {
        let _ = count(&text);
        let all = all();
        let report = all[case % all.len()].3;
        let mut cut = cut.min(report.len());
        while !report.is_char_boundary(cut) {
            cut -= 1;
        }
        let _ = count(&report[..cut]);
    }
}
