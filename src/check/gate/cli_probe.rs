//! Judges one call of a program against what it must answer. All that is wrong is told at once.

use regex::RegexBuilder;

use super::{Capture, Execution, exit_code, pass};
use crate::base::text::one_line;
use crate::check::{Outcome, Provenance, Reason};
use crate::spec::model::{CliProbe, TextExpectation};

/// Characters of an excerpt.
const EXCERPT: usize = 60;

pub fn judge_cli_probe(run: &Execution, probe: &CliProbe, of: Provenance) -> Outcome {
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let mut wrong = Vec::new();
    if exit != probe.exit {
        wrong.push(format!("exit: expected {}, got {exit}", probe.exit));
    }
    for (name, text, expected) in
        [("stdout", &run.stdout, &probe.stdout), ("stderr", &run.stderr, &probe.stderr)]
    {
        match mismatches(name, text, expected) {
            Ok(more) => wrong.extend(more),
            Err(bad) => {
                return Outcome::red(Reason::CannotEvaluate, bad, of).with_exit(Some(exit));
            }
        }
    }
    if !wrong.is_empty() {
        return Outcome::red(Reason::Expectation, wrong.join("; "), of).with_exit(Some(exit));
    }
    match run.capture {
        // What must not be there may be in the part that was cut.
        Capture::Truncated => {
            let detail = "the output is too long and was cut, so it proves nothing";
            Outcome::red(Reason::OutputTruncated, detail, of).with_exit(Some(exit))
        }
        Capture::Whole => pass(None, Some(exit), format!("exit {exit}, as expected"), of),
    }
}

/// Every expectation that `text` does not meet; `Err` is a pattern that cannot be read.
pub(super) fn mismatches(
    name: &str,
    text: &str,
    expected: &TextExpectation,
) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let got = quoted(text);
    if let Some(whole) = &expected.equals
        && without_line_end(text) != without_line_end(whole)
    {
        wrong.push(format!("{name}: {}", difference(whole, text)));
    }
    for part in &expected.contains {
        if !text.contains(part.as_str()) {
            wrong.push(format!("{name}: expected to contain {}, got {got}", quoted(part)));
        }
    }
    for part in &expected.not_contains {
        if let Some(at) = text.find(part.as_str()) {
            let line = text[..at].lines().count().max(1);
            wrong.push(format!("{name}: must not contain {}, is in line {line}", quoted(part)));
        }
    }
    if let Some(pattern) = &expected.matches {
        let regex = RegexBuilder::new(pattern).multi_line(true).build().map_err(|e| {
            let e = e.to_string();
            let last = e.lines().last().unwrap_or_default();
            format!("{name}: the pattern {} cannot be read: {last}", quoted(pattern))
        })?;
        if !regex.is_match(text) {
            wrong.push(format!("{name}: expected to match {}, got {got}", quoted(pattern)));
        }
    }
    Ok(wrong)
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// Where two whole texts part, with a little of both from there on.
fn difference(expected: &str, got: &str) -> String {
    let (expected, got) = (without_line_end(expected), without_line_end(got));
    let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str| -> String { text.chars().skip(same).collect() };
    let place = if same == 0 { String::new() } else { format!(" (from character {})", same + 1) };
    format!("expected {}, got {}{place}", quoted(&rest(expected)), quoted(&rest(got)))
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(&text.escape_debug().to_string().replace("\\'", "'"), EXCERPT))
}
