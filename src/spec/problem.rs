//! One fault of a spec: where, what, and what was probably meant.

use std::fmt;

use crate::base::Error;
use crate::base::text::count;

/// One fault of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON path like `groups[2].checks[0].argv`; empty for the document as a whole.
    pub path: String,
    pub message: String,
    /// The valid value that was probably meant.
    pub nearest: Option<String>,
    /// Line of the text it was read from, from 1, where that is known.
    pub line: Option<usize>,
}

impl Problem {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), nearest: None, line: None }
    }

    pub(super) fn nearest(mut self, nearest: Option<impl Into<String>>) -> Self {
        self.nearest = nearest.map(Into::into);
        self
    }

    pub(super) fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// All problems of one document as one error (exit 65), a line each.
    pub fn error(what: &str, problems: &[Problem]) -> Error {
        let lines: String = problems.iter().map(|p| format!("\n  {p}")).collect();
        Error::input(format!("{what}: {}{lines}", count(problems.len(), "problem")))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, " (did you mean '{nearest}'?)")?;
        }
        Ok(())
    }
}

/// The path of a key in the object at `path`.
pub(super) fn key(path: &str, key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{}]", serde_json::Value::from(key)),
    }
}

/// The path of an element of the array at `path`.
pub(super) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_one_line() {
        let p = Problem::new(key(&item("groups", 2), "depz"), "unknown key 'depz'");
        let p = p.nearest(Some("deps"));
        assert_eq!(p.to_string(), "groups[2].depz: unknown key 'depz' (did you mean 'deps'?)");
        assert_eq!(p.at_line(7).to_string().split(':').next(), Some("line 7"));
        assert_eq!(key("env", "a b"), r#"env["a b"]"#);
        assert_eq!(key("", "v"), "v");
    }
}
