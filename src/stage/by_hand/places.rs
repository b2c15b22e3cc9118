//! Places in the tree that an output names: `src/a.py:12`, `src/a.ts(3,5)`, `File "src/a.py", line 12`.
//! Only files that the judged commit has: what lies elsewhere is nobody's to annotate.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// A file, its line, and its column where that is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub path: String,
    pub line: u64,
    pub column: Option<u64>,
}

/// Nobody looks at more.
const MOST: usize = 10;

static FORMS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        r"([\w@.+/-]+):(\d+)(?::(\d+))?",
        r"([\w@.+/-]+)\((\d+),(\d+)\)",
        r#"File "([^"]+)", line (\d+)"#,
    ]
    .map(|form| Regex::new(form).expect("because it is a constant"))
});

/// In order, each once. A path may be told from anywhere in the file system, as that of a worktree is:
/// it is the tree's where a file of the tree stands at its end, behind folders that are not the tree's.
pub fn places(output: &str, files: &BTreeSet<String>) -> Vec<Place> {
    let mut found: Vec<(usize, Place)> = Vec::new();
    for form in FORMS.iter() {
        for captures in form.captures_iter(output) {
            let text = |n: usize| captures.get(n).map(|m| m.as_str());
            let (Some(all), Some(path)) = (captures.get(0), text(1)) else { continue };
            let Some(path) = in_tree(path, files) else { continue };
            let number = |n| text(n).and_then(|t| t.parse().ok()).filter(|n: &u64| *n > 0);
            let Some(line) = number(2) else { continue };
            found.push((all.start(), Place { path, line, column: number(3) }));
        }
    }
    found.sort();
    let mut seen = BTreeSet::new();
    let each = found.into_iter().map(|(_, place)| place);
    each.filter(|place| seen.insert((place.path.clone(), place.line))).take(MOST).collect()
}

fn in_tree(told: &str, files: &BTreeSet<String>) -> Option<String> {
    let plain = told.strip_prefix("./").unwrap_or(told);
    if !plain.starts_with('/') {
        return files.contains(plain).then(|| plain.to_owned());
    }
    // The longest end that is a file of the tree: /tmp/slot/work/src/a.py.
    let ends = plain.match_indices('/').map(|(at, _)| &plain[at + 1..]);
    ends.into_iter().find(|end| end.contains('/') && files.contains(*end)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_tree_are_named() {
        let files = ["src/a.py", "b.ts", "src/c.rs", "passwd.d"].map(str::to_owned).into();
        let of = |text: &str| -> Vec<String> {
            let told = |p: Place| format!("{}:{}:{}", p.path, p.line, p.column.unwrap_or(0));
            places(text, &files).into_iter().map(told).collect()
        };
        for (text, wanted) in [
            ("src/a.py:12: AssertionError\nsrc/a.py:12: again", &["src/a.py:12:0"][..]),
            ("b.ts(3,5): error TS2322\n", &["b.ts:3:5"]),
            (
                " --> src/c.rs:1:62\n  File \"./src/a.py\", line 7, in f\n",
                &["src/c.rs:1:62", "src/a.py:7:0"],
            ),
            ("/var/slot/work/src/a.py:3: x", &["src/a.py:3:0"]),
            ("/etc/passwd.d:3 ../src/a.py:3 other.py:1 src/a.py:0", &[]),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
    }
}
