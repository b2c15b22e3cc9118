//! What type checkers say they looked at and found: a row of forms for each. Pure.

mod silenced;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::counts::strip_ansi;
use crate::spec::type_check::Checker;

pub use silenced::is_silenced;

/// What a report says. `None` is a report that does not say how much it looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    pub looked_at: Option<u64>,
    /// The files, where the checker names them.
    pub files: BTreeSet<String>,
    pub errors: u64,
    /// Files (crates) with errors.
    pub wrong: u64,
    /// It found nothing to look at.
    pub nothing: bool,
}

/// What is added to a command so that it says what it looked at.
pub fn flag(checker: Checker) -> Option<&'static str> {
    match checker {
        Checker::Tsc => Some("--listFiles"),
        Checker::Pyright => Some("--stats"),
        Checker::Mypy | Checker::Cargo | Checker::Go => None,
    }
}

macro_rules! forms {
    ($($name:ident = $form:literal;)*) => {
        $(static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($form).expect("because it is a constant"));)*
    };
}

forms! {
    MYPY_CLEAN = r"(?m)^Success: no issues found in (\d+) source files?$";
    MYPY_FOUND = r"(?m)^Found (\d+) errors? in (\d+) files? \((?:checked (\d+) source files?|errors prevented further checking)\)$";
    MYPY_NONE = r"(?m)^(?:There are no \.py\[i\] files in directory .*|Nothing to do\?!.*|Can't find package '.*')$";
    PYRIGHT_CHECKED = r"(?m)^Total files checked: (\d+)$";
    PYRIGHT_FOUND = r"(?m)^(\d+) errors?, \d+ warnings?, \d+ (?:informations?|notes?)\s*$";
    PYRIGHT_AT = r"(?m)^\s*(\S.*?):\d+:\d+ - error: ";
    PYRIGHT_NONE = r"(?m)^No source files found\.";
    TSC_FILE = r"(?m)^(\S.*\.(?:ts|tsx|mts|cts|vue))$";
    TSC_AT = r"(?m)^(\S.*?)(?:\(\d+,\d+\): |:\d+:\d+ - )error TS\d+: ";
    TSC_BARE = r"(?m)^error TS(\d+): ";
    CARGO_AT = r"(?m)^ *(?:Checking|Compiling) (\S+ v\S+) \((/[^)]*)\)";
    CARGO_FAILED = r"(?m)^error: could not compile `([^`]+)`(?: \([^)]*\))* due to (?:(\d+) previous errors?|(?:previous|an?|one) .*)";
    GO_AT = r"(?m)^(?:vet: )?(\S+\.go):\d+(?::\d+)?: ";
    GO_NONE = r"(?m)^(?:go: warning: .* matched no packages|no Go files in .*|package \S+: no Go files in .*)$";
}

/// `root` is the folder of the tree: what lies elsewhere is not the project's.
pub fn read(checker: Checker, stdout: &str, stderr: &str, root: &str) -> Typed {
    let text = strip_ansi(&format!("{stdout}\n{stderr}")).replace("\r\n", "\n");
    match checker {
        Checker::Mypy => mypy(&text),
        Checker::Pyright => pyright(&text),
        Checker::Tsc => tsc(&text, root),
        Checker::Cargo => cargo(&text, root),
        Checker::Go => go(&text),
    }
}

fn n(text: Option<regex::Match<'_>>) -> Option<u64> {
    text.and_then(|m| m.as_str().parse().ok())
}

fn distinct(form: &Regex, text: &str) -> u64 {
    let files: BTreeSet<&str> =
        form.captures_iter(text).filter_map(|c| c.get(1)).map(|m| m.as_str()).collect();
    files.len() as u64
}

/// A part of a project for each run of it: they are summed. One without a number spoils the sum.
fn sum(parts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    let parts: Vec<Option<u64>> = parts.collect();
    if parts.is_empty() {
        return None;
    }
    parts.into_iter().sum()
}

fn mypy(text: &str) -> Typed {
    let clean = MYPY_CLEAN.captures_iter(text).map(|c| n(c.get(1)));
    let found: Vec<_> = MYPY_FOUND.captures_iter(text).collect();
    Typed {
        looked_at: sum(clean.chain(found.iter().map(|c| n(c.get(3))))),
        errors: found.iter().filter_map(|c| n(c.get(1))).sum(),
        wrong: found.iter().filter_map(|c| n(c.get(2))).sum(),
        nothing: MYPY_NONE.is_match(text),
        ..Typed::default()
    }
}

fn pyright(text: &str) -> Typed {
    Typed {
        looked_at: sum(PYRIGHT_CHECKED.captures_iter(text).map(|c| n(c.get(1)))),
        errors: PYRIGHT_FOUND.captures_iter(text).filter_map(|c| n(c.get(1))).sum(),
        wrong: distinct(&PYRIGHT_AT, text),
        nothing: PYRIGHT_NONE.is_match(text),
        ..Typed::default()
    }
}

fn tsc(text: &str, root: &str) -> Typed {
    let below = format!("{}/", root.trim_end_matches('/'));
    let own = |path: &str| {
        let path = path.strip_prefix(&below).unwrap_or(path);
        let foreign = path.starts_with(['/', '.']) && !path.starts_with("./")
            || path.split('/').any(|part| part == "node_modules");
        let declares = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| path.ends_with(end));
        (!foreign && !declares).then(|| path.trim_start_matches("./").to_owned())
    };
    let files: BTreeSet<String> =
        TSC_FILE.captures_iter(text).filter_map(|c| own(c.get(1)?.as_str())).collect();
    // TS18002 and TS18003: the list of files is empty, no inputs were found.
    let bare: Vec<&str> =
        TSC_BARE.captures_iter(text).filter_map(|c| c.get(1)).map(|m| m.as_str()).collect();
    let nothing = bare.iter().any(|code| matches!(*code, "18002" | "18003"));
    // A run that lists no file at all, not even TypeScript's own, looked at nothing.
    Typed {
        looked_at: Some(files.len() as u64),
        files,
        errors: (TSC_AT.find_iter(text).count() + bare.len()) as u64,
        wrong: distinct(&TSC_AT, text),
        nothing,
    }
}

fn cargo(text: &str, root: &str) -> Typed {
    let below = format!("{}/", root.trim_end_matches('/'));
    let own: BTreeSet<&str> = CARGO_AT
        .captures_iter(text)
        .filter(|c| c[2] == *root || c[2].starts_with(&below))
        .filter_map(|c| c.get(1))
        .map(|m| m.as_str())
        .collect();
    let failed = CARGO_FAILED.captures_iter(text).map(|c| n(c.get(2)).unwrap_or(1));
    let looked_at = (!own.is_empty() || text.contains("Finished ")).then_some(own.len() as u64);
    Typed {
        looked_at,
        errors: failed.sum(),
        wrong: distinct(&CARGO_FAILED, text),
        ..Typed::default()
    }
}

fn go(text: &str) -> Typed {
    Typed {
        errors: GO_AT.find_iter(text).count() as u64,
        wrong: distinct(&GO_AT, text),
        nothing: GO_NONE.is_match(text),
        ..Typed::default()
    }
}

#[cfg(test)]
mod tests;
