//! Which files the words of a command may name: as a path, in a shell line, as a module, as the
//! value of a flag or a variable. Generous: what is no file of the tree defines nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a command may name.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub paths: BTreeSet<String>,
    /// Those of them that an interpreter is told to run.
    pub run: BTreeSet<String>,
    /// Patterns whose files a shell line runs one by one.
    pub patterns: BTreeSet<String>,
}

/// Whoever comes before a file to run it, or to read it before anything else.
const RUNNERS: [&str; 20] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "node",
    "deno",
    "bun",
    "ruby",
    "perl",
    "php",
    "run",
    "source",
    ".",
    "exec",
    "in",
    "-r",
    "--require",
    "--import",
    "--loader",
];

/// Whoever comes before the folder that the rest is looked for in.
const FOLDERS: [&str; 9] =
    ["cd", "pushd", "-C", "--chdir", "--directory", "--prefix", "--cwd", "PYTHONPATH", "NODE_PATH"];

/// What a program that is told a folder, or a name without its end, runs.
const ENDS: [&str; 9] = [
    ".js",
    ".cjs",
    ".mjs",
    ".ts",
    "/index.js",
    "/index.cjs",
    "/index.mjs",
    "/__main__.py",
    "/main.go",
];

/// More folders than that are no honest command.
const MOST_FOLDERS: usize = 16;

macro_rules! forms {
    ($($name:ident = $form:literal;)*) => {
        $(static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($form).expect("because it is a constant"));)*
    };
}

forms! {
    SET = r#"(?:^|[\s;&|(])([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s;&|)]*)"#;
    USED = r"\$(?:\{(\w+)\}|(\w+))";
    // The folder that the command is started in, or one that cannot be known.
    SOME_FOLDER = r"\$(?:\{[^{}]*\}|\w+|\([^()]*\))/";
    MODULE_FLAG = r"^-[A-Za-z]*m$";
    DOTTED = r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$";
}

/// What the words of a command and its environment may name.
pub(super) fn named(argv: &[String], env: &BTreeMap<String, String>) -> Named {
    let set: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut variables = env.clone();
    let mut found = Finder::default();
    for arg in set.iter().chain(argv) {
        for set in SET.captures_iter(arg) {
            let value = filled(set[2].trim_matches(['"', '\'']), &variables);
            variables.insert(set[1].to_owned(), value);
        }
        let full = filled(arg, &variables);
        found.named.paths.extend(path_in(&full));
        // Names with blanks.
        found.named.paths.extend(full.split(['"', '\'']).filter_map(path_in));
        let full = SOME_FOLDER.replace_all(&full, "").replace('\\', "");
        found.read(&full);
        if full.contains(['"', '\'']) {
            found.read(&full.replace(['"', '\''], ""));
        }
    }
    found.below_folders()
}

fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let value = |c: &Captures<'_>| {
        let name = c.get(1).or(c.get(2)).map_or("", |m| m.as_str());
        variables.get(name).cloned().unwrap_or_else(|| c[0].to_owned())
    };
    USED.replace_all(text, value).into_owned()
}

#[derive(Default)]
struct Finder {
    named: Named,
    folders: BTreeSet<String>,
    /// Inside of what follows `-m`.
    modules: bool,
    before: String,
}

impl Finder {
    fn read(&mut self, text: &str) {
        let is_line = text.contains(char::is_whitespace);
        for word in text.split(|c: char| c.is_whitespace() || ";|&()<>{}\"'`$".contains(c)) {
            let mut parts = word.split('=').filter(|part| !part.is_empty()).peekable();
            if parts.peek().is_none() {
                continue;
            }
            self.named.paths.extend(path_in(word));
            for part in parts {
                self.word(part, is_line);
                part.clone_into(&mut self.before);
            }
        }
    }

    fn word(&mut self, word: &str, is_line: bool) {
        let before = std::mem::take(&mut self.before);
        let before = before.rsplit('/').next().unwrap_or_default();
        let is_run = RUNNERS.contains(&before) || before.starts_with("python");
        let parts = word.split([':', ',']).map(|part| part.trim_start_matches('@'));
        let parts: Vec<String> = parts.filter_map(path_in).collect();
        if FOLDERS.contains(&before) {
            self.enter(&parts);
        }
        if is_run {
            let ends = parts.iter().flat_map(|path| ENDS.map(|end| format!("{path}{end}")));
            let run: Vec<String> = ends.chain(parts.iter().cloned()).collect();
            self.named.paths.extend(run.iter().cloned());
            self.named.run.extend(run);
        }
        if is_run && is_line && word.contains(['*', '?']) && word.contains('/') {
            self.named.patterns.extend(parts.iter().cloned());
        }
        self.named.paths.extend(parts);
        // `-cconf/x.ini`
        if let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            self.named
                .paths
                .extend(rest.char_indices().nth(1).and_then(|(i, _)| path_in(&rest[i..])));
        }
        let glued = word.strip_prefix("-m").filter(|rest| !rest.is_empty());
        let module = glued.unwrap_or(word);
        let follows = MODULE_FLAG.is_match(before);
        if glued.is_some() || follows || self.modules && word.contains('.') {
            self.modules |= DOTTED.is_match(module);
            self.module(module);
        }
    }

    /// `a.b` is run from `a/b.py` or `a/b/__main__.py`, and what is above it before.
    fn module(&mut self, name: &str) {
        if !DOTTED.is_match(name) {
            return;
        }
        let mut path = String::new();
        for part in name.split('.') {
            path.push_str(part);
            self.named.paths.extend([".py", "/__init__.py"].map(|end| format!("{path}{end}")));
            path.push('/');
        }
        self.named.paths.insert(format!("{path}__main__.py"));
    }

    fn enter(&mut self, folders: &[String]) {
        for folder in folders {
            let deeper: Vec<String> =
                self.folders.iter().map(|above| format!("{above}/{folder}")).collect();
            self.folders.extend(deeper.into_iter().chain([folder.clone()]));
            while self.folders.len() > MOST_FOLDERS {
                self.folders.pop_last();
            }
        }
    }

    /// With every name in every folder that the command goes to.
    fn below_folders(mut self) -> Named {
        let Named { paths, run, patterns } = &mut self.named;
        for names in [paths, run, patterns] {
            let below = |folder: &String| -> Vec<String> {
                names.iter().filter_map(|name| path_in(&format!("{folder}/{name}"))).collect()
            };
            let deeper: Vec<String> = self.folders.iter().flat_map(below).collect();
            names.extend(deeper);
        }
        self.named
    }
}

/// The file that a word may name: `./tests/a.py::test_b` names `tests/a.py`.
pub(super) fn path_in(word: &str) -> Option<String> {
    let path = word.split("::").next().unwrap_or(word);
    if path.starts_with(['/', '-']) || path.contains('\n') {
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
