//! Real reports under `tests/fixtures/counts/` and what they say.
//!
//! Captured from pytest 9.2, Python 3.11, cargo 1.95, cargo-nextest 0.9.143, go 1.19, jest,
//! vitest 2.1, mocha, node 20, bats 1.8, ctest 3.25, rspec 3.12 and phpunit 9.6, with the
//! project's folder rewritten to `/project`. Tests in the `mixed` cases print lines that look like
//! summaries. What no tool here prints is in `from_memory` at the end.

use super::*;
use proptest::prelude::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counts/", $name, ".txt"))
    };
}

/// Run, failed, skipped.
type Expected = Option<(u64, u64, u64)>;

macro_rules! cases {
    ($($format:ident $completeness:ident $name:literal $expected:expr;)*) => {
        [$((Format::$format, Completeness::$completeness, $name, fixture!($name), $expected)),*]
    };
}

fn all() -> Vec<(Format, Completeness, &'static str, &'static str, Expected)> {
    cases! {
        Pytest Complete "pytest/pass" Some((2, 0, 0));
        Pytest Complete "pytest/quiet" Some((2, 0, 0));
        Pytest Complete "pytest/mixed" Some((6, 2, 1));
        Pytest Complete "pytest/mixed_quiet" Some((6, 2, 1));
        Pytest Complete "pytest/colour" Some((6, 2, 1));
        Pytest Complete "pytest/xdist" Some((8, 2, 1));
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
        Unittest Complete "unittest/umixed" Some((5, 3, 1));
        Unittest Complete "unittest/verbose" Some((5, 3, 1));
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
        Junit Complete "junit/pytest" Some((6, 2, 1));
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
