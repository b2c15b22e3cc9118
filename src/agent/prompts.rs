//! Prompts: templates with declared variables, embedded, overridable per project by
//! `otto/prompts/<name>.md` in the base commit.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::base::{Error, Result};
use crate::git::{Oid, Repo};

#[derive(rust_embed::RustEmbed)]
#[folder = "prompts/"]
struct Embedded;

/// The names of all prompts, with the variables that each may use.
pub const PROMPTS: &[(&str, &[&str])] = &[
    (
        "spec",
        &["intent", "project_kind", "repository", "test_command", "schema", "guidance", "previous"],
    ),
    ("spec-repair", &["problems", "answer"]),
    (
        "build",
        &[
            "intent",
            "group",
            "features",
            "owned_paths",
            "shared_scaffold",
            "protected_paths",
            "checks",
            "non_goals",
            "deps",
            "attempt",
            "brief",
            "role",
            "learnings",
            "context",
        ],
    ),
    ("again", &["attempt", "brief", "learnings", "context"]),
    ("pilot", &["intent", "after", "failing", "open", "digest", "folder"]),
    (
        "certifier",
        &[
            "intent",
            "features",
            "done_means",
            "non_goals",
            "guardrails",
            "services",
            "checks",
            "findings",
            "earlier",
            "evidence",
            "risks",
            "probes",
            "probe_kinds",
            "probes_left",
            "problems",
            "answer",
        ],
    ),
];

/// The prompts of one project at one commit.
#[derive(Debug)]
pub struct Prompts<'a> {
    repo: &'a Repo,
    base: Oid,
}

impl<'a> Prompts<'a> {
    pub fn new(repo: &'a Repo, base: Oid) -> Self {
        Self { repo, base }
    }

    /// Renders a prompt with exactly the variables that are declared for it.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String> {
        let path = format!("otto/prompts/{name}.md");
        let (text, from) = match self.repo.file_at(self.base, &path)? {
            Some(bytes) => (
                String::from_utf8(bytes)
                    .map_err(|_| Error::input(format!("'{path}' is not UTF-8 text")))?,
                path,
            ),
            None => (embedded(name)?, format!("the built-in prompt '{name}'")),
        };
        check_variables(name, &text, &from)?;
        render_text(&text, values)
            .map_err(|e| Error::input(format!("{from} cannot be rendered")).because(e))
    }
}

fn embedded(name: &str) -> Result<String> {
    let file = Embedded::get(&format!("{name}.md"))
        .ok_or_else(|| Error::bug(format!("there is no prompt '{name}'")))?;
    String::from_utf8(file.data.into_owned())
        .map_err(|_| Error::bug(format!("the prompt '{name}' is not text")))
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("because the delimiters are the default ones"),
    );
    env.set_fuel(Some(500_000));
    env
}

fn render_text(text: &str, values: impl Serialize) -> Result<String, minijinja::Error> {
    environment().render_str(text, minijinja::Value::from(minijinja::value::Serde(values)))
}

fn check_variables(name: &str, text: &str, from: &str) -> Result<()> {
    let declared: BTreeSet<&str> = PROMPTS
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, vars)| vars.iter().copied().collect())
        .ok_or_else(|| Error::bug(format!("the prompt '{name}' declares no variables")))?;
    let env = environment();
    let template = env
        .template_from_str(text)
        .map_err(|e| Error::input(format!("{from} is not a valid template")).because(e))?;
    for used in template.undeclared_variables(false) {
        if !declared.contains(used.as_str()) {
            let known: Vec<&str> = declared.iter().copied().collect();
            return Err(Error::input(format!(
                "{from} uses '{used}', which is not a variable of it"
            ))
            .hint(format!("it may use: {}", known.join(", "))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_prompt_is_declared_and_uses_only_what_it_declares() {
        for file in Embedded::iter() {
            let name = file.strip_suffix(".md").expect("prompts are .md");
            check_variables(name, &embedded(name).expect("text"), name).expect(name);
        }
        assert_eq!(Embedded::iter().count(), PROMPTS.len());
    }
}
