//! Which files of the product a failing output names. Values in, values out.
//!
//! A stack trace or a `file:line` says where it failed; a path that is merely mentioned says less,
//! and in a line that reports a pass it says nothing.

use std::collections::BTreeSet;

/// What is looked at of one line: a flood is no trace.
const LONGEST_LINE: usize = 2000;

/// More paths than this say nothing about who is to mend it.
const MOST: usize = 50;

/// Files of the product that an output names, in its order, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// With a line number: a stack trace, or a place in a source.
    pub traced: Vec<String>,
    /// Without.
    pub mentioned: Vec<String>,
}

/// `files` are the paths of the tree that failed.
pub fn named_in(text: &str, files: &BTreeSet<String>) -> Named {
    let mut named = Named::default();
    for line in text.lines() {
        let line = cut(line);
        let passes = reports_a_pass(line);
        let numbered = line.contains(", line ") || line.contains(": line ");
        for word in line.split(|c: char| c.is_whitespace() || "\"'`()[]{}<>,;=|".contains(c)) {
            let (place, at_line) = without_line(word);
            let Some(path) = in_tree(place, files) else { continue };
            let list = match at_line || numbered {
                true => &mut named.traced,
                false if passes => continue,
                false => &mut named.mentioned,
            };
            if list.len() < MOST && list.iter().all(|p| p != path) {
                list.push(path.to_owned());
            }
        }
    }
    named
}

fn cut(line: &str) -> &str {
    let mut end = line.len().min(LONGEST_LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

/// TAP, pytest -v, go test, cargo test, jest and mocha.
fn reports_a_pass(line: &str) -> bool {
    let line = line.trim();
    ["ok ", "PASS", "--- PASS", "✓", "√"].iter().any(|p| line.starts_with(p))
        || ["... ok", " PASSED"].iter().any(|p| line.ends_with(p))
        || line.contains(" PASSED ")
}

/// `lib/a.js:3:5` and `lib/a.go:12` without the numbers, and whether there were any.
fn without_line(word: &str) -> (&str, bool) {
    let mut place = word.trim_end_matches([':', '.', '?', '!']);
    let mut numbers = 0;
    while let Some((before, number)) = place.rsplit_once(':')
        && numbers < 2
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        place = before;
        numbers += 1;
    }
    (place, numbers > 0)
}

/// The path in the tree that a word means: relative, or below a worktree of ours.
fn in_tree<'a>(word: &str, files: &'a BTreeSet<String>) -> Option<&'a str> {
    let word = word.strip_prefix("file://").unwrap_or(word);
    let path = match word.split_once("/worktrees/") {
        // <cache>/…/worktrees/<slot>/<project>/<path>
        Some((_, below)) => below.splitn(3, '/').nth(2)?,
        None => word.trim_start_matches("./"),
    };
    files.get(path).map(String::as_str)
}

/// A file that shows a failure and is seldom its cause.
pub fn is_test(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let folders = ["test", "tests", "spec", "specs", "__tests__", "e2e", "testdata"];
    let stem = name.split('.').next().unwrap_or_default();
    parts.any(|p| folders.contains(&p.to_ascii_lowercase().as_str()))
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_spec")
        || name.contains(".test.")
        || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeSet<String> {
        ["lib/ledger.sh", "lib/a.js", "src/lib.rs", "g1/work", "app/main.py", "tests/test_app.py"]
            .map(str::to_owned)
            .into()
    }

    #[test]
    fn traces_of_many_tools_name_their_files() {
        for (text, wanted) in [
            ("thread 'x' panicked at src/lib.rs:12:5:", "src/lib.rs"),
            ("    at f (/c/otto/3d3a/worktrees/003/expenses/lib/a.js:3:5)", "lib/a.js"),
            ("at file:///c/otto/3d3a/worktrees/003/expenses/lib/a.js:3:5", "lib/a.js"),
            ("./lib/ledger.sh: line 3: bad", "lib/ledger.sh"),
            ("lib/ledger.sh:3: bad", "lib/ledger.sh"),
            ("  File \"/c/worktrees/1/p/app/main.py\", line 7, in f", "app/main.py"),
            ("app/main.py:7: AssertionError", "app/main.py"),
        ] {
            assert_eq!(named_in(text, &files()).traced, [wanted], "{text}");
        }
    }

    #[test]
    fn what_passes_or_lies_elsewhere_is_not_named() {
        for text in [
            "ok 1 - g1/work",
            "tests/test_app.py::test_a PASSED [10%]",
            "/usr/lib/python3/app/main.py:7: in f",
            "https://example.org/lib/a.js:80",
            "../lib/a.js:3",
        ] {
            assert_eq!(named_in(text, &files()), Named::default(), "{text}");
        }
        assert_eq!(named_in("not ok 1 - g1/work is empty", &files()).mentioned, ["g1/work"]);
    }

    #[test]
    fn tests_are_told_from_what_they_test() {
        for path in ["tests/a.py", "a/test_b.py", "a/b_test.go", "a/b.test.ts", "x/__tests__/y.js"]
        {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/lib.rs", "contest/a.py", "latest.js", "lib/attest.sh"] {
            assert!(!is_test(path), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn only_files_of_the_tree_are_named(text in "[a-z/.:0-9\\n \"é]{0,300}") {
            let named = named_in(&text, &files());
            for path in named.traced.iter().chain(&named.mentioned) {
                proptest::prop_assert!(files().contains(path));
            }
        }
    }
}
