//! Answers to the agent's question whether it may use a tool. Everything inside the worktree is
//! allowed; whatever names a place outside of it is not. Agents ask about what they were told to
//! ask about: what contains them is the sandbox, and this only keeps an honest one in its place.

use std::path::{Path, PathBuf};

use agent_client_protocol::v1::schema::{
    PermissionOption, PermissionOptionId, PermissionOptionKind, ToolCallUpdate, ToolKind,
};
use serde_json::Value;

use super::files::Files;

/// Fields of a tool's input that hold a path.
const PATHS: [&str; 12] = [
    "path",
    "file_path",
    "filePath",
    "filepath",
    "absolute_path",
    "abs_path",
    "notebook_path",
    "directory",
    "dir_path",
    "cwd",
    "workdir",
    "destination",
];
/// Fields that hold a command line.
const COMMANDS: [&str; 3] = ["command", "cmd", "script"];
/// Programs and devices are named by every command line.
const SYSTEM: [&str; 7] = ["/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/dev/", "/nix/"];

/// Why it may not, or `Ok`.
pub(super) fn may(
    call: &ToolCallUpdate,
    kind: Option<ToolKind>,
    files: &Files,
    has_network: bool,
) -> Result<(), String> {
    if kind == Some(ToolKind::Fetch) && !has_network {
        return Err("there is no network".into());
    }
    for path in paths(call) {
        if !files.is_inside(&path) {
            return Err(format!("'{}' is outside of the worktree", path.display()));
        }
    }
    Ok(())
}

/// Every path that the call names.
fn paths(call: &ToolCallUpdate) -> Vec<PathBuf> {
    let fields = &call.fields;
    let mut found: Vec<PathBuf> = Vec::new();
    found.extend(fields.locations.iter().flatten().map(|l| l.path.clone()));
    for content in fields.content.iter().flatten() {
        if let agent_client_protocol::v1::schema::ToolCallContent::Diff(diff) = content {
            found.push(diff.path.clone());
        }
    }
    if let Some(input) = &fields.raw_input {
        of_input(input, &mut found);
    }
    found
}

fn of_input(input: &Value, found: &mut Vec<PathBuf>) {
    match input {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if PATHS.contains(&key.as_str()) => {
                        found.push(expanded(text));
                    }
                    Value::String(text) if COMMANDS.contains(&key.as_str()) => {
                        found.extend(of_command(text));
                    }
                    Value::Array(words) if COMMANDS.contains(&key.as_str()) => {
                        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                        found.extend(of_command(&words.join(" ")));
                    }
                    // Codex names the files of a patch by its keys.
                    Value::Object(changes) if key == "changes" => {
                        found.extend(changes.keys().map(|path| expanded(path)));
                    }
                    other => of_input(other, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| of_input(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Words of a command line that are paths somewhere else. A shell can hide them in a hundred ways:
/// what is found is refused, and what is not found is the sandbox's.
fn of_command(line: &str) -> Vec<PathBuf> {
    let ends = |c: char| c.is_whitespace() || "\"'=;|&<>()`,:{}$".contains(c);
    let words = line.split(ends).filter(|word| !word.is_empty());
    let leads_away = |word: &&str| {
        let up = Path::new(word).components().any(|p| p == std::path::Component::ParentDir);
        let system = SYSTEM.iter().any(|dir| word.starts_with(dir)) && !up;
        (word.starts_with('/') && word.len() > 1 && !system) || word.starts_with('~') || up
    };
    words.filter(leads_away).map(expanded).collect()
}

fn expanded(path: &str) -> PathBuf {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = std::env::var_os("HOME").map_or_else(|| "/".into(), PathBuf::from);
            home.join(rest.trim_start_matches('/'))
        }
        Some(_) | None => path.into(),
    }
}

/// The option that says so; the narrowest. `None`: only "cancelled" is left.
pub(super) fn option(options: &[PermissionOption], allow: bool) -> Option<PermissionOptionId> {
    let kinds = if allow {
        [PermissionOptionKind::AllowOnce, PermissionOptionKind::AllowAlways]
    } else {
        [PermissionOptionKind::RejectOnce, PermissionOptionKind::RejectAlways]
    };
    let of = |kind| options.iter().find(|option| option.kind == kind);
    kinds.into_iter().find_map(of).map(|option| option.option_id.clone())
}
