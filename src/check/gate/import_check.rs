//! Judges an import: what Otto's own small program, or the compiler, says about a package.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::{Capture, Execution, exit_code, pass, repo_test};
use crate::base::text::one_line;
use crate::check::counts::strip_ansi;
use crate::check::{Outcome, Provenance, Reason};
use crate::spec::import_check::{ImportCheck, Language};

/// What the program that imported it answers, behind a word that only it was told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Why it cannot be imported.
    #[serde(default)]
    error: Option<String>,
    /// Where it was found, relative to the tree.
    #[serde(default)]
    from: Option<String>,
    /// Where it was found, if that is not in the tree.
    #[serde(default)]
    outside: Option<String>,
    /// Why what was found shows nothing.
    #[serde(default)]
    hollow: Option<String>,
    #[serde(default)]
    missing: Vec<String>,
    /// A name that nobody can have was found too.
    #[serde(default)]
    answers_any: bool,
    #[serde(default)]
    versions: Vec<String>,
}

/// Judges `python` and `node`. `word` is what the answer's line must begin with.
pub fn judge_import(run: &Execution, import: &ImportCheck, word: &str, of: Provenance) -> Outcome {
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let red = |reason, why: String| Outcome::red(reason, why, of.clone()).with_exit(Some(exit));
    let mut lines = run.stdout.lines().filter_map(|l| l.strip_prefix(word));
    let (answer, more) = (lines.next(), lines.next());
    let Some(answer) = answer else {
        if exit != 0 {
            let output = format!("{}\n{}", run.stdout, run.stderr);
            return repo_test::no_report(exit, &output, of);
        }
        let why = format!("importing '{}' ended the program", import.package);
        return red(Reason::Expectation, why);
    };
    if exit != 0 || more.is_some() || run.capture == Capture::Truncated {
        let why = "the import came to an end that it cannot have by itself";
        return red(Reason::Protocol, why.to_owned());
    }
    let answer: Answer = match serde_json::from_str(answer) {
        Ok(answer) => answer,
        Err(e) => return red(Reason::Protocol, format!("its answer cannot be read: {e}")),
    };
    let wrong = wrong(import, &answer);
    if !wrong.is_empty() {
        return red(Reason::Expectation, wrong.join("; "));
    }
    let from = answer.from.unwrap_or_default();
    pass(None, Some(0), format!("{}, from {from}", import.sentence().replace('`', "")), of)
}

/// All that is not as it should be.
fn wrong(import: &ImportCheck, answer: &Answer) -> Vec<String> {
    let package = &import.package;
    if let Some(why) = &answer.error {
        return vec![format!("'{package}' cannot be imported: {}", one_line(why, 160))];
    }
    let mut wrong = Vec::new();
    match (&answer.from, &answer.outside, &answer.hollow) {
        (Some(_), None, None) => {}
        (_, Some(place), _) => {
            wrong.push(format!("'{package}' is not the project's: it came from {place}"));
        }
        (_, _, Some(why)) => wrong.push(format!("'{package}' {why}")),
        (None, None, None) => wrong.push(format!("'{package}' came from no file")),
    }
    if !answer.missing.is_empty() {
        wrong.push(format!("it has no {}", answer.missing.join(", ")));
    }
    if answer.answers_any {
        wrong.push(
            "it has a name for everything that is asked, so that no name says anything".into(),
        );
    }
    if let Some(version) = &import.version {
        match answer.versions.iter().find(|v| *v != version) {
            Some(other) => wrong.push(format!("it is version {other}, not {version}")),
            None if answer.versions.is_empty() => wrong.push("it names no version".to_owned()),
            None => {}
        }
    }
    wrong
}

static NOT_HERE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^.*(?:--offline was specified|you may want to run .*without the offline flag|GOPROXY=off|GOFLAGS=-mod=.*requires|missing go\.sum entry).*$")
        .expect("because it is a constant")
});
/// What the package itself is to blame for: any other word of a tool is its own affair.
static ITS_FAULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)error\[E\d+\]|could not compile|no matching package|failed to select a version|failed to (?:load|parse|read) (?:manifest|`)|\.go:\d+:\d+: |no required module|cannot find module|does not contain package|no Go files|reading .*go\.mod")
        .expect("because it is a constant")
});
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:error(?:\[E\d+\])?: .*|.*\.go:\d+:\d+: .*|go: .*|Caused by:\n\s*.*)$")
        .expect("because it is a constant")
});
/// A type, or a generic function, stands where a value is asked for: it is there.
static RESOLVES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"asked\.\S+ \(type\) is not an expression|cannot use generic \S+ asked\.\S+ without instantiation|use of package asked without selector")
        .expect("because it is a constant")
});

/// Judges `cargo` and `go`: the compiler's word on a package that uses the asked one. `root` is the
/// folder of the tree.
pub fn judge_compiled(
    run: &Execution,
    import: &ImportCheck,
    root: &str,
    of: Provenance,
) -> Outcome {
    let exit = match exit_code(run, &of) {
        Ok(exit) => exit,
        Err(red) => return *red,
    };
    let red = |reason, why: String| Outcome::red(reason, why, of.clone()).with_exit(Some(exit));
    let text = strip_ansi(&format!("{}\n{}", run.stdout, run.stderr));
    let errors: Vec<&str> = ERROR
        .find_iter(&text)
        .map(|m| m.as_str())
        .filter(|l| !l.contains("could not compile"))
        .collect();
    let resolves = import.language == Language::Go
        && !errors.is_empty()
        && errors.iter().all(|l| RESOLVES.is_match(l));
    if exit != 0 && !resolves {
        if let Some(m) = NOT_HERE.find(&text) {
            let why = format!("a dependency is not here: {}", one_line(m.as_str(), 120));
            return red(Reason::ToolError, why);
        }
        if errors.is_empty() || !ITS_FAULT.is_match(&text) {
            return repo_test::no_report(exit, &text, of);
        }
        let said: Vec<String> = errors.iter().take(3).map(|l| one_line(l.trim(), 100)).collect();
        let why = format!("'{}' cannot be used: {}", import.package, said.join("; "));
        return red(Reason::Expectation, why);
    }
    if run.capture == Capture::Truncated {
        let why = "the output is too long and was cut, so it proves nothing";
        return red(Reason::OutputTruncated, why.to_owned());
    }
    // The folder was empty before: a compiler that compiled it says so.
    if import.language == Language::Cargo {
        let compiled = format!("Checking {} v", import.package);
        let done = text.lines().any(|l| l.trim_start().starts_with(&compiled) && l.contains(root));
        if !done {
            let why =
                format!("exit 0, but cargo does not say that it looked at '{}'", import.package);
            return red(Reason::NoEvidence, why);
        }
    }
    pass(None, Some(exit), import.sentence().replace('`', ""), of)
}
