//! What a command printed, as the check's driver keeps it: the command line, standard output,
//! standard error, how it ended.

use serde::Serialize;

use super::text::Folded;
use crate::check::counts::strip_ansi;

const ERRORS: &str = "--- standard error\n";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transcript {
    /// Several, where the check ran a command several times.
    pub command: String,
    /// `NAME=value` that the check sets.
    pub env: Vec<String>,
    pub output: Folded,
    pub errors: Folded,
    /// `exit 1`, `stopped after 10 s`.
    pub end: String,
}

/// `None` for what does not begin with a command line.
pub fn read(bytes: &[u8]) -> Option<Transcript> {
    if bytes.contains(&0) {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let (command, mut rest) = text.strip_prefix("$ ")?.split_once('\n')?;
    let mut env = Vec::new();
    while let Some((line, after)) = rest.strip_prefix("# ").and_then(|r| r.split_once('\n')) {
        if !line.contains('=') {
            break;
        }
        env.push(line.to_owned());
        rest = after;
    }
    // The driver writes the end last: what the program printed may look the same.
    let at = rest.trim_end().rfind("\n--- ").map(|at| at + 1);
    let at = at.or_else(|| rest.starts_with("--- ").then_some(0))?;
    let end = rest[at..].trim_end().trim_start_matches("--- ").to_owned();
    let body = &rest[..at];
    let (output, errors) = match body.strip_prefix(ERRORS) {
        Some(errors) => ("", errors),
        None => body.split_once(&format!("\n{ERRORS}")).unwrap_or((body, "")),
    };
    let plain = |text: &str| Folded::of(&strip_ansi(text));
    let command = command.to_owned();
    Some(Transcript { command, env, output: plain(output), errors: plain(errors), end })
}
