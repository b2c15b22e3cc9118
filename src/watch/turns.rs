//! The turns of a session: every folder in which a transcript lies, whoever wrote it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::Result;
use crate::disk;
use crate::session::layout::SessionLayout;

/// One turn of one agent, as its folder tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub dir: PathBuf,
    /// `build/login/attempt-02`.
    pub name: String,
    pub group: Option<String>,
    pub role: String,
    /// The attempt of the group, or the round.
    pub number: u32,
}

/// Folders of a session that hold turns.
const PLACES: [&str; 5] = ["spec", "build", "merge", "audit", "repair"];
/// `build/<group>/attempt-NN`, `audit/round-NN/certifier`.
const DEEPEST: usize = 3;

/// Every turn that has begun, by name. A session without any has none.
pub fn turns(session: &SessionLayout) -> Result<Vec<Turn>> {
    turns_besides(session, &mut BTreeSet::new())
}

/// Those whose names are not known yet, which they are then.
pub(super) fn turns_besides(
    session: &SessionLayout,
    known: &mut BTreeSet<String>,
) -> Result<Vec<Turn>> {
    let mut names = Vec::new();
    for place in PLACES {
        below(&session.dir, place, 1, &mut names)?;
    }
    names.sort();
    names.retain(|name| known.insert(name.clone()));
    Ok(names.into_iter().map(|name| Turn::of(session.dir.join(&name), name)).collect())
}

fn below(root: &Path, name: &str, depth: usize, found: &mut Vec<String>) -> Result<()> {
    let dir = root.join(name);
    if depth > 1 && dir.join("messages.jsonl").is_file() {
        found.push(name.to_owned());
    } else if depth < DEEPEST {
        for sub in disk::subdirs(&dir)? {
            below(root, &format!("{name}/{sub}"), depth + 1, found)?;
        }
    }
    Ok(())
}

impl Turn {
    /// What its request says; where there is none, what its folder's name says.
    fn of(dir: PathBuf, name: String) -> Self {
        let request = disk::read_if_there(&dir.join("request.json")).ok().flatten();
        let request: Value =
            request.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let parts: Vec<&str> = name.split('/').collect();
        let place = match parts.as_slice() {
            ["audit", ..] => "certifier",
            [place, ..] => place,
            [] => "",
        };
        let of_folder = match parts.as_slice() {
            ["build" | "merge" | "repair", group, ..] => Some(*group),
            _ => None,
        };
        // From its end: a group may be named like an attempt.
        let number = parts.iter().rev().find_map(|part| {
            let number = part.strip_prefix("attempt-").or_else(|| part.strip_prefix("round-"));
            number?.parse().ok()
        });
        Self {
            group: request["group"].as_str().or(of_folder).map(str::to_owned),
            role: request["role"].as_str().unwrap_or(place).to_owned(),
            number: number.unwrap_or(0),
            dir,
            name,
        }
    }

    /// `login build.2`, `spec.1`.
    pub fn label(&self) -> String {
        let group = self.group.as_ref().map_or_else(String::new, |g| format!("{g} "));
        format!("{group}{}.{}", self.role, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_holds_a_transcript_is_a_turn() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = SessionLayout { dir: dir.path().to_owned() };
        assert_eq!(turns(&layout).expect("none"), []);
        for name in [
            "spec/attempt-01",
            "build/g-1/attempt-12",
            "audit/round-03/certifier",
            "build/g2/attempt-01",
        ] {
            disk::create_dir_all(&dir.path().join(name)).expect("made");
        }
        let write = |name: &str, text: &str| {
            disk::replace(&dir.path().join(name), text.as_bytes()).expect("written");
        };
        for name in ["spec/attempt-01", "build/g-1/attempt-12", "audit/round-03/certifier"] {
            write(&format!("{name}/messages.jsonl"), "");
        }
        write(
            "build/g-1/attempt-12/request.json",
            r#"{"role": "fix", "group": "g-1", "attempt": 1}"#,
        );
        write("audit/round-03/certifier/request.json", "half of a req");
        let labels: Vec<_> = turns(&layout).expect("turns").iter().map(Turn::label).collect();
        // The attempt of the group and not of the role: that is how its folder is found again.
        assert_eq!(labels, ["certifier.3", "g-1 fix.12", "spec.1"]);
    }
}
