//! Which files define a gate: the programs and scripts that checks call, and what their test tools
//! read besides the tests. Pure; the base tree is given as a [`BaseTree`].

mod command;
mod launched;
mod manifest;
mod table;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobMatcher;

use super::model::{Check, CheckBody, Prepare, Spec};
use command::path_in;
use manifest::Part;
use table::{EVERY, MEASURED, TOOLS, Tool};

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
    named: BTreeMap<String, Vec<Input>>,
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
            (None, Part::Keys(_)) => self.new && !self.part.of(new.unwrap_or_default()).is_empty(),
            (None, _) => self.new,
            // Bits that are no text count as well.
            (Some(_), Part::All) => true,
            (Some(old), part) => part.of(old) != part.of(new.unwrap_or_default()),
        }
    }
}

const COMMAND: &str = "the command";

/// Which files that a command names define its gate although the base does not have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// The program: tests beside it are the builder's to write.
    Program,
    /// And settings: they say what is not looked at.
    Settings,
    /// All, and what says which program a launcher starts: what prints a number decides it.
    AllItNames,
}

impl Whose {
    fn of(check: &Check) -> Self {
        match check.body() {
            Ok(CheckBody::Metric(_)) => Whose::AllItNames,
            Ok(CheckBody::TypeCheck(_)) => Whose::Settings,
            Ok(_) | Err(_) => Whose::Program,
        }
    }

    fn counts_new(self, path: &str) -> bool {
        match self {
            Whose::Program => false,
            Whose::Settings => table::is_settings(path),
            Whose::AllItNames => true,
        }
    }
}

/// A command that is, or prepares, a gate.
struct Called<'a> {
    /// The check, or `prepare`.
    by: &'a str,
    whose: Whose,
    argv: &'a [String],
    env: &'a BTreeMap<String, String>,
}

type Seen = BTreeSet<(&'static str, Whose)>;

impl GateInputs {
    /// `prepare` are all steps of preparation, those of `otto.yaml` included.
    pub fn new(spec: &Spec, prepare: &[Prepare], base: &dyn BaseTree) -> Self {
        let mut made = Self { named: BTreeMap::new(), read: Vec::new() };
        let mut seen = Seen::new();
        for (_, check) in spec.checks() {
            made.add_check(check, base, &mut seen);
        }
        let none = BTreeMap::new();
        let mut other = |by, argv| {
            let called = Called { by, whose: Whose::Program, argv, env: &none };
            made.add(&called, base, &mut seen);
        };
        // What puts the data there that answers are compared with. A service itself is the product.
        spec.fixtures.iter().for_each(|fixture| other("fixtures", &fixture.argv));
        prepare.iter().for_each(|step| other("prepare", &step.argv));
        made
    }

    /// Those of one check.
    pub fn of_check(check: &Check, base: &dyn BaseTree) -> Self {
        let mut made = Self { named: BTreeMap::new(), read: Vec::new() };
        made.add_check(check, base, &mut Seen::new());
        made
    }

    /// What `path` defines: one file may define several checks, each in its own way.
    pub fn find(&self, path: &str) -> impl Iterator<Item = &Input> {
        let named = self.named.get(&path.to_lowercase()).into_iter().flatten();
        named.chain(self.read.iter().filter(move |(glob, _)| glob.is_match(path)).map(|(_, i)| i))
    }

    fn add_check(&mut self, check: &Check, base: &dyn BaseTree, seen: &mut Seen) {
        let argv = command_of(check);
        if !argv.is_empty() {
            let whose = Whose::of(check);
            let called = Called { by: &check.id, whose, argv: &argv, env: &check.env };
            self.add(&called, base, seen);
        }
    }

    fn add(&mut self, called: &Called<'_>, base: &dyn BaseTree, seen: &mut Seen) {
        let whose = called.whose;
        let is_measured = whose == Whose::AllItNames;
        let mut named = command::named(called.argv, called.env);
        let scripts = launched::scripts(called.argv, is_measured, base);
        let launched = command::named(&scripts, called.env);
        // Lines that build the product before name its sources as well.
        named.paths.extend(if is_measured { launched.paths } else { launched.run });
        named.patterns.extend(launched.patterns);
        let argv: Vec<&String> = called.argv.iter().chain(&scripts).collect();
        let own: BTreeSet<String> = argv.iter().flat_map(|arg| words_of(arg)).collect();
        let mut words = own.clone();
        let program = called.argv.first().filter(|program| program.contains('/'));
        let program = program.and_then(|program| path_in(program));
        for path in &named.paths {
            // A program inside the tree is the gate itself, whoever makes it.
            let new = Some(path) == program.as_ref() || whose.counts_new(path);
            let check = called.by.to_owned();
            let input = Input { check, reader: COMMAND, part: Part::All, new };
            let real = follow(path, base);
            if let Some(text) = base.text(&real) {
                words.extend(text.lines().filter(|l| !is_comment(l)).flat_map(words_of));
            }
            for path in BTreeSet::from([path.to_lowercase(), real.to_lowercase()]) {
                self.named.entry(path).or_default().push(input.clone());
            }
        }
        for pattern in &named.patterns {
            self.reads_at(pattern, (called.by, COMMAND), Part::All, false);
        }
        // A launcher's own file says which tool runs.
        for (launchers, file) in table::LAUNCHERS {
            if launchers.iter().any(|l| words.contains(*l))
                && let Some(text) = base.text(file)
            {
                words.extend(text.lines().filter(|l| !is_comment(l)).flat_map(words_of));
            }
        }
        let tools = TOOLS.iter().filter(|t| t.is_called(&words));
        for tool in tools.chain([&EVERY]) {
            if seen.insert((tool.name, Whose::Program)) {
                self.reads(called.by, tool);
            }
        }
        if is_measured {
            let verb = |verb: &&str| argv.iter().any(|arg| is_word_of(verb, arg));
            for (verbs, tool) in &MEASURED {
                let starts = verbs.is_empty() || verbs.iter().any(verb);
                if starts && tool.is_called(&own) && seen.insert((tool.name, whose)) {
                    self.reads(called.by, tool);
                }
            }
        }
    }

    fn reads(&mut self, check: &str, tool: &Tool) {
        for (pattern, part, new) in tool.files {
            self.reads_at(pattern, (check, tool.name), *part, *new);
        }
    }

    fn reads_at(
        &mut self,
        pattern: &str,
        (check, reader): (&str, &'static str),
        part: Part,
        new: bool,
    ) {
        let glob = globset::GlobBuilder::new(pattern)
            .literal_separator(true)
            .case_insensitive(true)
            .build();
        // Those of the table are; what a command holds may be none, and then names nothing.
        if let Ok(glob) = glob {
            let input = Input { check: check.to_owned(), reader, part, new };
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

/// Whether a shell line has this word: not a part of a path.
fn is_word_of(word: &str, line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || ";|&()\"'".contains(c)).any(|w| w == word)
}

/// Words that may be the name of a tool.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c))
        .map(|w| w.trim_matches('.').to_owned())
        .filter(|w| !w.is_empty())
}
