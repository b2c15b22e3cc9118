//! JUnit XML, as a file's content or in the middle of other output. The dialects differ in their
//! sums (nested suites, what `tests` includes), so the `<testcase>` elements are counted and the
//! sums only used to notice what is missing.

use super::{Completeness, Tally};

/// The counts of all reports in `text`, and the text without them.
pub(super) fn extract(text: &str) -> (Option<Tally>, String) {
    let (mut sum, mut rest, mut from) = (None::<Tally>, String::new(), 0);
    while let Some(start) = next_start(text, from) {
        let (tally, cases, end) = document(&text[start..]);
        // An unclosed tag without a test case is somebody's sentence about JUnit.
        let is_report = cases > 0 || tally.completeness == Completeness::Complete;
        let end = start + if is_report { end } else { 1 };
        rest.push_str(&text[from..if is_report { start } else { end }]);
        if is_report {
            sum = Some(sum.map_or(tally, |s| s.plus(tally)));
        }
        from = end;
    }
    rest.push_str(&text[from..]);
    (sum, rest)
}

/// The names of failed cases of all reports in `text`, and the text without the reports.
pub(super) fn failed_cases(text: &str) -> (Vec<String>, String) {
    let (mut names, mut at) = (Vec::new(), 0);
    let mut case: Option<String> = None;
    while let Some(tag) = next_tag(text, at) {
        at = tag.end;
        match (tag.name, &tag.kind) {
            ("testcase", Kind::Open) => {
                let part = |key| attribute(tag.inside, key).unwrap_or_default();
                case = Some(format!("{} {}", part("classname"), part("name")).trim().to_owned());
            }
            ("testcase", Kind::Close | Kind::Both) => case = None,
            ("failure" | "error", Kind::Open | Kind::Both) => names.extend(case.take()),
            _ => {}
        }
    }
    (names, extract(text).1)
}

/// Where a report starts: at the start of a line or right after the XML declaration.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let found = text[from..].match_indices("<testsuite").map(|(at, _)| from + at);
    let mut starts = found.filter(|at| {
        let before = text[..*at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n') || before.ends_with("?>")
    });
    starts.next()
}

#[derive(Default)]
struct Suite {
    /// What the suite says of itself: tests, failures and errors.
    tests: u64,
    bad: u64,
    cases: u64,
    failed: u64,
    skipped: u64,
    nested: Nested,
}

#[derive(Default, PartialEq)]
enum Nested {
    #[default]
    Leaf,
    HasSuites,
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Passed,
    Skipped,
    Failed,
}

/// Counts of the report at the start of `text`, its number of cases, and where it ends.
fn document(text: &str) -> (Tally, u64, usize) {
    let (mut open, mut case): (Vec<Suite>, Option<Case>) = (Vec::new(), None);
    let (mut sum, mut cases, mut at) = (Tally::new(0, 0, 0), 0u64, 0);
    while let Some(tag) = next_tag(text, at) {
        at = tag.end;
        let opens = tag.kind != Kind::Close;
        let closes = tag.kind != Kind::Open;
        match tag.name {
            "testsuite" | "testsuites" => {
                if opens {
                    if let Some(outer) = open.last_mut() {
                        outer.nested = Nested::HasSuites;
                    }
                    let n = |key| attribute(tag.inside, key).and_then(|v| v.trim().parse().ok());
                    let bad = [n("failures"), n("errors")].into_iter().flatten();
                    let bad = bad.fold(0u64, u64::saturating_add);
                    open.push(Suite { tests: n("tests").unwrap_or(0), bad, ..Suite::default() });
                }
                if closes && let Some(suite) = open.pop() {
                    sum = sum.plus(finish(&suite));
                }
                if open.is_empty() {
                    return (sum, cases, at);
                }
            }
            "testcase" => {
                if opens {
                    let idle = attribute(tag.inside, "status")
                        .is_some_and(|s| matches!(s, "notrun" | "disabled"));
                    case = Some(if idle { Case::Skipped } else { Case::Passed });
                }
                if closes && let (Some(end), Some(suite)) = (case.take(), open.last_mut()) {
                    cases += 1;
                    suite.cases += 1;
                    suite.failed += u64::from(end == Case::Failed);
                    suite.skipped += u64::from(end == Case::Skipped);
                }
            }
            "failure" | "error" if opens => case = case.map(|_| Case::Failed),
            "skipped" if opens && case == Some(Case::Passed) => case = Some(Case::Skipped),
            _ => {}
        }
    }
    let open = open.iter().map(finish).fold(Tally::cut(), Tally::plus);
    (sum.plus(open), cases, text.len())
}

fn finish(suite: &Suite) -> Tally {
    let run = suite.cases.saturating_sub(suite.skipped);
    let counted = Tally::new(run, suite.failed, suite.skipped);
    if suite.nested == Nested::HasSuites || suite.cases == 0 && suite.tests == 0 {
        return counted;
    }
    let missing = suite.tests.saturating_sub(suite.cases);
    // An error of the suite itself has no case of its own.
    Tally::new(run, suite.failed.max(suite.bad), suite.skipped).shows(missing, 0)
}

#[derive(PartialEq)]
enum Kind {
    Open,
    Close,
    /// `<a/>`.
    Both,
}

struct Tag<'a> {
    name: &'a str,
    /// Between the name and the closing bracket.
    inside: &'a str,
    kind: Kind,
    end: usize,
}

/// The next element tag at or after `at`; comments, CDATA and declarations are stepped over.
fn next_tag(text: &str, mut at: usize) -> Option<Tag<'_>> {
    loop {
        let start = at + text[at..].find('<')?;
        let rest = &text[start..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")]
            .into_iter()
            .find(|(open, _)| rest.starts_with(open));
        if let Some((_, close)) = skipped {
            at = start + rest.find(close)? + close.len();
            continue;
        }
        let after = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
        let length = after.find(|c: char| !c.is_alphanumeric() && !"_:-.".contains(c));
        let length = length.unwrap_or(after.len());
        if length == 0 {
            at = start + 1;
            continue;
        }
        let close = closing_bracket(after)?;
        let end = start + rest.len() - after.len() + close + 1;
        let (name, inside) = (&after[..length], &after[length..close]);
        let kind = if rest.starts_with("</") {
            Kind::Close
        } else if inside.ends_with('/') {
            Kind::Both
        } else {
            Kind::Open
        };
        return Some(Tag { name, inside, kind, end });
    }
}

/// The first `>` outside of quotes.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| match quote {
        Some(q) => {
            if c == q {
                quote = None;
            }
            None
        }
        None => match c {
            '>' => Some(at),
            '"' | '\'' => {
                quote = Some(c);
                None
            }
            _ => None,
        },
    })
}

/// The value of `key` in `inside`; entities are left as they are, numbers have none.
fn attribute<'a>(inside: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = inside;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = after[1..].split_once(quote)?;
        if name.trim() == key {
            return Some(value);
        }
        rest = next;
    }
}
