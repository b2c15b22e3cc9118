//! A tool call as a reader wants it. Agents name their tools as they like, so a call is known by
//! the shape of what it is given: a command, a path with a text, a path alone.

use serde_json::{Map, Value};

use super::Kind;
use super::fold::keep;
use crate::base::terminal::strip_controls;
use crate::base::text::shell_line;

/// What kind of call it is, and what to show of it.
pub(super) fn told(name: &str, input: &Value) -> (Kind, String) {
    let is = |words: &[&str]| words.iter().any(|w| name.to_lowercase().contains(w));
    let shells = ["sh", "bash", "shell", "exec", "command", "terminal"];
    let called = keep(&strip_controls(name));
    match input {
        Value::String(text) if is_patch(text) => (Kind::Edit, patched(text)),
        Value::String(text) if is(&shells) => (Kind::Command, unwrapped(text)),
        Value::String(text) => (Kind::Tool, format!("{called} {text}")),
        Value::Object(given) => {
            let text = |keys: &[&str]| keys.iter().find_map(|k| given.get(*k)?.as_str());
            let path =
                text(&["file_path", "filePath", "notebook_path", "absolute_path", "path", "file"]);
            if let Some(command) = command(given) {
                return (Kind::Command, command);
            }
            if let Some(patch) = text(&["patch", "input", "diff"]).filter(|t| is_patch(t)) {
                return (Kind::Edit, patched(patch));
            }
            if let Some(path) = path {
                if let Some((added, removed)) = edited(given) {
                    return (Kind::Edit, counted(path, added, removed));
                }
                if is(&["read", "view", "open"]) {
                    return (Kind::Read, format!("{path}{}", range(given)));
                }
            }
            let wanted = text(&["pattern", "query", "url"]);
            match wanted.filter(|_| is(&["grep", "glob", "search", "find", "fetch", "web"])) {
                Some(wanted) => {
                    let place = path.map_or_else(String::new, |path| format!(" in {path}"));
                    (Kind::Search, format!("{called} {wanted}{place}"))
                }
                None => (Kind::Tool, format!("{called} {}", listed(given))),
            }
        }
        Value::Null => (Kind::Tool, called),
        other => (Kind::Tool, format!("{called} {}", brief(other))),
    }
}

/// `command` or `cmd`, as a text or as an argument vector.
fn command(given: &Map<String, Value>) -> Option<String> {
    let line = match given.get("command").or_else(|| given.get("cmd"))? {
        Value::String(line) => unwrapped(line),
        Value::Array(argv) => {
            let argv: Vec<&str> = argv.iter().map(Value::as_str).collect::<Option<_>>()?;
            match argv.as_slice() {
                [shell, flag, script] if is_shell(shell) && is_script_flag(flag) => {
                    (*script).to_owned()
                }
                argv => shell_line(argv),
            }
        }
        _ => return None,
    };
    let behind = given.get("run_in_background").and_then(Value::as_bool) == Some(true);
    Some(if behind { format!("{line} &") } else { line })
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "zsh" | "dash"))
}

fn is_script_flag(flag: &str) -> bool {
    matches!(flag, "-c" | "-lc" | "-cl")
}

/// `/bin/bash -lc 'make test'` is `make test`; what is quoted in any other way stays as it is.
fn unwrapped(line: &str) -> String {
    let inner = || {
        let (shell, rest) = line.trim().split_once(' ')?;
        let (flag, script) = rest.trim_start().split_once(' ')?;
        if !is_shell(shell) || !is_script_flag(flag) {
            return None;
        }
        let script = script.trim();
        let between = |quote: char| script.strip_prefix(quote)?.strip_suffix(quote);
        let plain = |text: &str| !text.contains(['\'', '"', '\\', '$', '`']);
        match (between('\''), between('"')) {
            (Some(text), _) => (!text.contains('\'')).then(|| text.to_owned()),
            (None, Some(text)) => plain(text).then(|| text.to_owned()),
            (None, None) => (plain(script) && !script.contains(' ')).then(|| script.to_owned()),
        }
    };
    inner().unwrap_or_else(|| line.to_owned())
}

/// Lines added and removed by a call that gives texts; `None` for one that gives none.
fn edited(given: &Map<String, Value>) -> Option<(usize, usize)> {
    let text = |of: &Map<String, Value>, keys: &[&str]| {
        keys.iter().find_map(|k| of.get(*k)?.as_str().map(str::to_owned))
    };
    let one = |of: &Map<String, Value>| {
        let new = text(of, &["new_string", "newString", "new_str", "new_source", "newText"])?;
        let old = text(of, &["old_string", "oldString", "old_str", "oldText"]);
        Some(differing(&old.unwrap_or_default(), &new))
    };
    if let Some(edits) = given.get("edits").and_then(Value::as_array) {
        let each = edits.iter().filter_map(Value::as_object).filter_map(one);
        return Some(each.fold((0, 0), |(a, r), (added, removed)| (a + added, r + removed)));
    }
    one(given).or_else(|| {
        let whole = text(given, &["content", "contents", "file_text", "text"])?;
        Some((whole.lines().count(), 0))
    })
}

/// Lines between what both texts begin and end with: exact for one change, and the same wherever
/// and whenever it is counted.
fn differing(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    (new.len() - after, old.len() - after)
}

fn counted(path: &str, added: usize, removed: usize) -> String {
    format!("{path} +{added} −{removed}")
}

fn is_patch(text: &str) -> bool {
    text.starts_with("*** Begin Patch")
        || text.starts_with("--- ")
        || text.starts_with("diff --git ")
}

/// Every file of a patch with its lines, in one of the two forms that agents write.
fn patched(patch: &str) -> String {
    let mut files: Vec<(String, usize, usize)> = Vec::new();
    for line in patch.lines() {
        let named = ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "+++ "]
            .iter()
            .find_map(|mark| line.strip_prefix(mark));
        if let Some(path) = named {
            let path = path.strip_prefix("b/").unwrap_or(path);
            files.push((path.trim_end().to_owned(), 0, 0));
        } else if line.starts_with("--- ") {
            continue;
        } else if let Some((_, added, removed)) = files.last_mut() {
            *added += usize::from(line.starts_with('+'));
            *removed += usize::from(line.starts_with('-'));
        }
    }
    let each = files.iter().map(|(path, added, removed)| counted(path, *added, *removed));
    each.collect::<Vec<_>>().join("\n")
}

/// The part of a file that is read.
fn range(given: &Map<String, Value>) -> String {
    let number = |key: &str| given.get(key).and_then(Value::as_u64);
    match (number("offset"), number("limit")) {
        (None, None) => String::new(),
        (Some(from), None) => format!(" from line {from}"),
        (from, Some(n)) => format!(" {n} lines from {}", from.unwrap_or(1)),
    }
}

/// Every field in a word or two.
fn listed(given: &Map<String, Value>) -> String {
    given
        .iter()
        .map(|(key, value)| format!("{key}: {}", brief(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn brief(value: &Value) -> String {
    const MOST: usize = 80;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => {
            let text = keep(&strip_controls(text));
            match text.char_indices().nth(MOST) {
                None => text,
                Some((at, _)) => format!("{}…", &text[..at]),
            }
        }
        Value::Array(items) => crate::base::text::count(items.len(), "item"),
        Value::Object(map) => crate::base::text::count(map.len(), "field"),
    }
}
