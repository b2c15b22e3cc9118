//! `spec.md`: the spec as a person reads and edits it. It holds all of `spec.json` and round-trips
//! exactly; what reads well as prose is prose, the rest stands in fenced YAML blocks (JSON where
//! YAML would not give back the same).
//!
//! Nothing is dropped: a line that belongs to nothing is a problem with its number.

mod block;
mod read;
mod texts;
mod write;

use super::model::Spec;
use super::parse::parse_value;
use super::problem::Problem;

pub use write::to_markdown;

/// How the value of a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One id behind the label.
    Word,
    /// Ids behind the label, with commas.
    Words,
    /// A bullet each.
    Texts,
    /// A bullet each, in backticks.
    Paths,
}

/// A labelled key: label, key, form.
type Label = (&'static str, &'static str, Form);

const OF_FEATURE: [Label; 2] =
    [("Built by", "group", Form::Word), ("Acceptance", "acceptance", Form::Texts)];

const OF_GROUP: [Label; 4] = [
    ("Depends on", "deps", Form::Words),
    ("Builds", "features", Form::Words),
    ("Tasks", "tasks", Form::Texts),
    ("Owns", "owned_paths", Form::Paths),
];

/// Sections that are one list.
const LISTS: [Label; 4] = [
    ("Not part of it", "non_goals", Form::Texts),
    ("Done means", "done_means", Form::Texts),
    ("Shared by all groups", "shared_scaffold", Form::Paths),
    ("Protected", "protected_paths", Form::Paths),
];

const TITLE: &str = "Spec";
const FEATURES: &str = "Features";
const GROUPS: &str = "Groups";
const DETAILS: &str = "Details";

/// Reads `spec.md`. Every problem names its line where that is known, and its JSON path where it
/// is about the spec and not about the text.
pub fn from_markdown(text: &str) -> Result<Spec, Vec<Problem>> {
    let document = read::read(text)?;
    let locate = |problem: Problem| match document.line_of(&problem.path) {
        Some(line) => problem.at_line(line),
        None => problem,
    };
    match parse_value(document.value.clone()) {
        Ok(parsed) => Ok(parsed.spec),
        Err(problems) => Err(problems.into_iter().map(locate).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;
    use proptest::prelude::*;

    fn round_trip(spec: &Spec) -> Result<String, String> {
        let text = to_markdown(spec);
        let back = from_markdown(&text).map_err(|p| format!("{p:?}\n{text}"))?;
        if back != *spec || back.to_json() != spec.to_json() {
            return Err(format!("{text}\n{}\n{}", spec.to_json(), back.to_json()));
        }
        let windows = from_markdown(&text.replace('\n', "\r\n"));
        if windows.as_ref() != Ok(spec) {
            return Err(format!("with CRLF: {windows:?}"));
        }
        let stripped: String =
            text.lines().map(|l| format!("{}\n", l.trim_end_matches(' '))).collect();
        if from_markdown(&stripped).as_ref() != Ok(spec) {
            return Err(format!("without spaces at line ends:\n{text}"));
        }
        Ok(text)
    }

    #[test]
    fn the_sample_reads_well_and_comes_back() {
        let text = round_trip(&sample::good()).expect("it comes back");
        for part in [
            "> Build a small shop.\n>\n> It has a login and a store.\n>\n",
            "### login: Log in\n\n> With a name.\n> And a password.\n\nBuilt by: login\n",
            "Acceptance:\n\n- a wrong password exits 1\n- a right one greets\n",
            "Depends on: store\n",
            "Owns:\n\n- `src/store/**`\n- `tests/test_store.py`\n",
            "```yaml\nchecks:\n",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_spec_comes_back(seed in any::<u64>()) {
            let result = round_trip(&sample::odd(seed));
            prop_assert!(result.is_ok(), "{}", result.unwrap_err());
        }
    }

    #[test]
    fn an_edit_is_read() {
        let text = to_markdown(&sample::good())
            .replace("- a right one greets\n", "* a right one greets\n  by name\n- a third fails\n")
            .replace("- `tests/test_store.py`", "- tests/store/**");
        let spec = from_markdown(&text).expect("a valid edit");
        let wanted = ["a wrong password exits 1", "a right one greets\nby name", "a third fails"];
        assert_eq!(spec.features[1].acceptance, wanted);
        assert_eq!(spec.groups[0].owned_paths[1], "tests/store/**");
    }

    #[test]
    fn problems_name_their_line() {
        let good = to_markdown(&sample::good());
        let line =
            |text: &str, part: &str| 1 + text.lines().position(|l| l.contains(part)).unwrap();
        for (from, to, message) in [
            ("Depends on: store", "Depends on: stroe", "(did you mean 'store'?)"),
            ("Depends on: store", "Dependson: store", "(did you mean 'Depends on'?)"),
            ("## Groups", "## Grous", "(did you mean 'Groups'?)"),
            ("- a right one greets", "a right one greets", "belongs to nothing"),
            ("- id: suite", "- id: Suite", "groups[0].checks[1].id: 'Suite' is not an id"),
            ("- id: suite", "- id: a: b", "not valid YAML"),
            ("- `src/login`", "- `src/store/x`", "groups[1].owned_paths[0]: "),
            ("### login: Log in", "### login", "### <id>: <name>"),
        ] {
            let text = good.replacen(from, to, 1);
            let problems = from_markdown(&text).expect_err(to);
            let found = problems.iter().find(|p| p.to_string().contains(message));
            let found = found.unwrap_or_else(|| panic!("{message}: {problems:?}"));
            assert_eq!(found.line, Some(line(&text, to)), "{found}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let text = to_markdown(&sample::good());
        let twice =
            text.replacen("Depends on: store\n", "Depends on: store\nDepends on: store\n", 1);
        let problems = from_markdown(&twice).expect_err("a label is there twice");
        assert!(problems[0].to_string().ends_with("'deps' is there twice"), "{problems:?}");
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in [
            "",
            "# Spec",
            "- x",
            "```",
            "```yaml\n",
            "> x",
            "### a: b",
            "<!--",
            "\"",
            "## Features\n### \"a",
        ] {
            assert!(from_markdown(text).is_err(), "{text}");
        }
    }
}
