//! Which files define a gate: the programs and scripts that checks call, and what their test tools
//! read besides the tests. Pure; the base tree is given as a [`BaseTree`].

mod manifest;
mod table;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobMatcher;

use super::model::{Check, CheckBody, Prepare, Spec};
use manifest::Part;
use table::{EVERY, TOOLS, Tool};

/// What can be asked about the tree that a run started from. Paths are relative, with `/`.
pub trait BaseTree {
    /// The text of a file; `None` where there is none.
    fn text(&self, path: &str) -> Option<String>;
    /// The target of a symbolic link.
    fn link(&self, path: &str) -> Option<String>;
}

/// The files that define the gates of a spec.
#[derive(Debug)]
pub struct GateInputs {
    /// Files that a command names, in lower case: some file systems do not tell cases apart.
    named: BTreeMap<String, Input>,
    read: Vec<(GlobMatcher, Input)>,
}

/// One file, or one kind of files, that defines a gate.
#[derive(Debug, Clone)]
pub struct Input {
    /// The check, or `prepare`.
    pub check: String,
    /// What reads it, for people: `pytest`, `the command`.
    pub reader: &'static str,
    part: Part,
    /// Whether one that the base does not have counts as well.
    new: bool,
}

impl Input {
    /// Whether a change of the file changes the gate. `None` is a file that is not there.
    pub fn differs(&self, old: Option<&str>, new: Option<&str>) -> bool {
        match (old, self.part) {
            (None, _) => self.new,
            // Bits that are no text count as well.
            (Some(_), Part::All) => true,
            (Some(old), part) => part.of(old) != part.of(new.unwrap_or_default()),
        }
    }
}

const COMMAND: &str = "the command";

/// Which files that a command names define its gate although the base does not have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The program: tests beside it are the builder's to write.
    Program,
    /// All: what prints a number decides it.
    AllItNames,
}

fn whose(check: &Check) -> Whose {
    match check.body() {
        Ok(CheckBody::Metric(_)) => Whose::AllItNames,
        Ok(_) | Err(_) => Whose::Program,
    }
}

impl GateInputs {
    /// `prepare` are all steps of preparation, those of `otto.yaml` included.
    pub fn new(spec: &Spec, prepare: &[Prepare], base: &dyn BaseTree) -> Self {
        let mut made = Self { named: BTreeMap::new(), read: Vec::new() };
        let mut seen = BTreeSet::new();
        for (_, check) in spec.checks() {
            let argv = command_of(check);
            if !argv.is_empty() {
                made.add((&check.id, whose(check)), &argv, base, &mut seen);
            }
        }
        // What puts the data there that answers are compared with. A service itself is the product.
        for fixture in &spec.fixtures {
            made.add(("fixtures", Whose::Program), &fixture.argv, base, &mut seen);
        }
        for step in prepare {
            made.add(("prepare", Whose::Program), &step.argv, base, &mut seen);
        }
        made
    }

    /// What `path` defines, if anything.
    pub fn find(&self, path: &str) -> Option<&Input> {
        let named = self.named.get(&path.to_lowercase());
        named.or_else(|| self.read.iter().find(|(glob, _)| glob.is_match(path)).map(|(_, i)| i))
    }

    fn add(
        &mut self,
        (check, whose): (&str, Whose),
        argv: &[String],
        base: &dyn BaseTree,
        seen: &mut BTreeSet<&'static str>,
    ) {
        let mut words: BTreeSet<String> = BTreeSet::new();
        for (at, arg) in argv.iter().enumerate() {
            words.extend(words_of(arg));
            let Some(path) = path_in(arg) else { continue };
            // A program inside the tree is the gate itself, whoever makes it.
            let new = at == 0 && arg.contains('/') || whose == Whose::AllItNames;
            let input = Input { check: check.to_owned(), reader: COMMAND, part: Part::All, new };
            let real = follow(&path, base);
            if let Some(text) = base.text(&real) {
                words.extend(text.lines().filter(|l| !is_comment(l)).flat_map(words_of));
            }
            for path in [path, real] {
                self.named.entry(path.to_lowercase()).or_insert_with(|| input.clone());
            }
        }
        // A launcher's own file says which tool runs.
        for (launchers, file) in table::LAUNCHERS {
            if launchers.iter().any(|l| words.contains(*l))
                && let Some(text) = base.text(file)
            {
                words.extend(text.lines().filter(|l| !is_comment(l)).flat_map(words_of));
            }
        }
        let called = TOOLS.iter().filter(|t| t.words.iter().any(|w| words.contains(*w)));
        for tool in called.chain([&EVERY]) {
            if seen.insert(tool.name) {
                self.reads(check, tool);
            }
        }
    }

    fn reads(&mut self, check: &str, tool: &Tool) {
        for (pattern, part, new) in tool.files {
            let glob = globset::GlobBuilder::new(pattern)
                .literal_separator(true)
                .case_insensitive(true)
                .build()
                .expect("because it is a constant");
            let input =
                Input { check: check.to_owned(), reader: tool.name, part: *part, new: *new };
            self.read.push((glob.compile_matcher(), input));
        }
    }
}

/// The command whose files are gates. A probe calls the product itself, which its group is there to
/// change.
fn command_of(check: &Check) -> Vec<String> {
    match check.body() {
        Ok(CheckBody::RepoTest(test)) => test.argv,
        Ok(CheckBody::Pytest(test)) => {
            let runner =
                if test.runner.is_empty() { vec!["pytest".to_owned()] } else { test.runner };
            runner.into_iter().chain(test.select).collect()
        }
        Ok(CheckBody::BrowserJourney(journey)) => journey.argv,
        Ok(CheckBody::TypeCheck(types)) => types.argv,
        Ok(CheckBody::Metric(metric)) => metric.argv,
        Ok(CheckBody::ImportCheck(import)) => import.runner,
        Ok(
            CheckBody::CliProbe(_)
            | CheckBody::StateInvariant(_)
            | CheckBody::ApiProbe(_)
            | CheckBody::External { .. },
        )
        | Err(_) => Vec::new(),
    }
}

/// The file that an argument may name: `./tests/a.py::test_b` names `tests/a.py`.
fn path_in(arg: &str) -> Option<String> {
    let path = arg.split("::").next().unwrap_or(arg);
    if path.starts_with(['/', '-']) || path.contains(char::is_whitespace) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Where a path leads when the links of the base are followed. One that leads out is left as it is.
fn follow(path: &str, base: &dyn BaseTree) -> String {
    let mut at = path.to_owned();
    for _ in 0..8 {
        let prefixes = at.match_indices('/').map(|(i, _)| i).chain([at.len()]);
        let found = prefixes.into_iter().find_map(|end| {
            let target = base.link(&at[..end])?;
            let dir = at[..end].rsplit_once('/').map_or("", |(dir, _)| dir);
            Some(format!("{dir}/{target}{}", &at[end..]))
        });
        match found.map(|next| path_in(next.trim_start_matches('/'))) {
            Some(Some(next)) => at = next,
            Some(None) | None => break,
        }
    }
    at
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Words that may be the name of a tool.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c))
        .map(|w| w.trim_matches('.').to_owned())
        .filter(|w| !w.is_empty())
}
