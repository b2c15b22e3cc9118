//! Which part of a file says how tests run. Manifests hold dependencies too, and work that adds one
//! changes no gate.

use serde_json::Value;

#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    All,
    /// A TOML or INI file: the sections whose names begin so.
    Sections(&'static [&'static str]),
    /// A `Cargo.toml` without its tables of dependencies and its version.
    AllButDependencies,
    /// A JSON file: these keys at its top.
    Keys(&'static [&'static str]),
    /// Lines that begin with one of these words.
    Lines(&'static [&'static str]),
}

impl Part {
    /// The part, in a form that can be compared.
    pub fn of(self, text: &str) -> String {
        match self {
            Part::All => text.to_owned(),
            Part::Sections(names) => {
                sections(text, |section, _| names.iter().any(|n| section.starts_with(n)))
            }
            Part::AllButDependencies => sections(text, |section, line| {
                let dependencies = section.split('.').any(|p| p.ends_with("dependencies"));
                let version = section == "package" && line.starts_with("version");
                !dependencies && !version && section != "features"
            }),
            Part::Keys(keys) => match serde_json::from_str::<Value>(text) {
                Ok(Value::Object(all)) => {
                    keys.iter().filter_map(|k| Some(format!("{k}: {}\n", all.get(*k)?))).collect()
                }
                // What cannot be read is compared whole.
                Ok(_) | Err(_) => text.to_owned(),
            },
            Part::Lines(words) => {
                let begins = |l: &&str| words.iter().any(|w| l.trim_start().starts_with(w));
                let arrow = |l: &&str| l.contains("=>");
                let lines = text.lines().filter(|l| begins(l) || arrow(l));
                lines.map(|l| format!("{}\n", l.trim())).collect()
            }
        }
    }
}

/// The lines that `keep` wants, given the section that each stands in; blank lines and comments
/// say nothing.
fn sections(text: &str, keep: impl Fn(&str, &str) -> bool) -> String {
    let (mut section, mut out) = (String::new(), String::new());
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).trim().to_owned();
        }
        if keep(&section, line) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
