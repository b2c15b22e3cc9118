//! What a builder may write about the spec: the file `.otto/amend.json` in its worktree. Pure.
//!
//! ```json
//! {"reason": "the report was never checked with an empty ledger",
//!  "add_checks": [ {"id": "report-empty", "kind": "cli_probe", … } ],
//!  "wish": {"text": "let me write lib/format.sh", "owned_paths": ["report/**", "lib/format.sh"]}}
//! ```
//!
//! Checks that a group adds to itself are Otto's to take; everything else is a wish, for a person.
//! As strict as a spec: a key or a check that is not known, or cannot fail, refuses the whole file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::model::Spec;
use super::parse::parse_value;
use super::problem::Problem;

/// Where a builder leaves it, relative to its worktree.
pub const AMEND_FILE: &str = ".otto/amend.json";

/// So many bytes of it are read.
pub const AMEND_LIMIT: u64 = 256 << 10;

/// So many checks at once.
const MOST_CHECKS: usize = 16;

/// The file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmendFile {
    pub reason: String,
    /// For the group itself.
    #[serde(default)]
    pub add_checks: Vec<Value>,
    #[serde(default)]
    pub wish: Option<Wish>,
}

/// What only a person may change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    pub text: String,
    #[serde(flatten)]
    pub change: RowChange,
}

/// A change of one group's row. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowChange {
    /// The group; the one that asks where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_checks: Vec<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_checks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_paths: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deps: Option<Vec<String>>,
}

impl AmendFile {
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        // Two steps, so that a key that is there twice is one problem and not silently the last.
        let (value, duplicates) = super::json::parse(text).map_err(|p| vec![p.to_string()])?;
        let mut problems: Vec<String> = duplicates.iter().map(ToString::to_string).collect();
        if !value.is_object() {
            problems.push("it is no JSON object".to_owned());
            return Err(problems);
        }
        match serde_json::from_value::<AmendFile>(value) {
            Err(e) => problems.push(e.to_string()),
            Ok(file) => {
                problems.extend(file.faults());
                if problems.is_empty() {
                    return Ok(file);
                }
            }
        }
        Err(problems)
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.reason.trim().is_empty() {
            faults.push("reason: is empty; say why".to_owned());
        }
        let asked = self.wish.as_ref().map_or(0, |w| w.change.add_checks.len());
        if self.add_checks.len().max(asked) > MOST_CHECKS {
            faults.push(format!("add_checks: at most {MOST_CHECKS} at once"));
        }
        match &self.wish {
            Some(wish) if wish.text.trim().is_empty() => {
                faults.push("wish.text: is empty; say what you want".to_owned());
            }
            None if self.add_checks.is_empty() => {
                faults.push("it asks for nothing: neither 'add_checks' nor 'wish'".to_owned());
            }
            Some(_) | None => {}
        }
        faults
    }
}

impl RowChange {
    pub fn is_empty(&self) -> bool {
        *self == Self { group: self.group.clone(), ..Self::default() }
    }

    /// The spec with the change; `asking` is the group whose builder wrote it. Checks that are there
    /// already as they are written are not added again.
    pub fn applied(&self, spec: &Spec, asking: &str) -> Result<Spec, Vec<Problem>> {
        let gid = self.group.as_deref().unwrap_or(asking);
        let Some(at) = spec.groups.iter().position(|g| g.id == gid) else {
            return Err(vec![Problem::new("group", format!("there is no group '{gid}'"))]);
        };
        let mut value = serde_json::to_value(spec).expect("because a spec is plain data");
        let row = &mut value["groups"][at];
        let mut problems = Vec::new();
        let before = spec.groups[at].checks.len();
        let Some(checks) = row["checks"].as_array_mut() else { return Ok(spec.clone()) };
        for id in &self.remove_checks {
            let known = checks.iter().position(|c| c["id"] == id.as_str());
            match known {
                Some(at) => drop(checks.remove(at)),
                None => problems.push(Problem::new(
                    "remove_checks",
                    format!("'{gid}' has no check '{}'", id.escape_debug()),
                )),
            }
        }
        let kept = checks.len();
        let is_there = |check: &Value| {
            let read = serde_json::from_value::<super::model::Check>(check.clone());
            read.is_ok_and(|read| spec.groups[at].checks.contains(&read))
        };
        let added = self.add_checks.iter().enumerate().filter(|(_, c)| !is_there(c));
        // Told here, where it is known which of the two is the new one.
        let (taken, new): (Vec<_>, Vec<(usize, &Value)>) = added.partition(|(_, check)| {
            let id = check["id"].as_str().unwrap_or_default();
            self.owner_of(id, gid, spec).is_some()
        });
        problems.extend(taken.into_iter().map(|(index, check)| {
            let id = check["id"].as_str().unwrap_or_default();
            let owner = self.owner_of(id, gid, spec).unwrap_or_default();
            Problem::new(
                format!("add_checks[{index}].id"),
                format!("'{}' is a check of {owner} already", id.escape_debug()),
            )
        }));
        checks.extend(new.iter().map(|(_, check)| (*check).clone()));
        let rows =
            [("owned_paths", &self.owned_paths), ("tasks", &self.tasks), ("deps", &self.deps)];
        for (name, texts) in rows {
            if let Some(texts) = texts {
                row[name] = json!(texts);
            }
        }
        debug_assert!(kept <= before);
        match parse_value(value) {
            Ok(parsed) if problems.is_empty() => return Ok(parsed.spec),
            Ok(_) => {}
            // Told in the words of the file.
            Err(found) => problems.extend(found.into_iter().map(|mut problem| {
                for (n, (index, _)) in new.iter().enumerate() {
                    let in_spec = format!("groups[{at}].checks[{}]", kept + n);
                    if let Some(rest) = problem.path.strip_prefix(&in_spec) {
                        problem.path = format!("add_checks[{index}]{rest}");
                        break;
                    }
                }
                problem
            })),
        }
        Err(problems)
    }
}

impl RowChange {
    /// Whose check has that id, without those that the change removes.
    fn owner_of(&self, id: &str, changed: &str, spec: &Spec) -> Option<String> {
        let removed = |gid: &str| gid == changed && self.remove_checks.iter().any(|r| r == id);
        let of_group = spec.checks().find(|(_, c)| c.id == id).map(|(group, _)| group);
        match of_group {
            Some(Some(group)) if removed(&group.id) => None,
            Some(Some(group)) => Some(format!("the group '{}'", group.id)),
            Some(None) => Some("the whole product".to_owned()),
            None => {
                let probes = |c: &super::model::Contract| c.probes.iter().any(|p| p.id == id);
                spec.contracts.iter().find(|c| probes(c)).map(|c| format!("contract '{}'", c.path))
            }
        }
    }
}

/// The spec with `checks` added to the group.
pub fn with_checks(spec: &Spec, gid: &str, checks: &[Value]) -> Result<Spec, Vec<Problem>> {
    RowChange { add_checks: checks.to_vec(), ..RowChange::default() }.applied(spec, gid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    fn check(id: &str) -> Value {
        json!({"id": id, "kind": "cli_probe", "argv": ["./x"], "exit": 0})
    }

    #[test]
    fn a_file_is_as_strict_as_a_spec() {
        for (text, wanted) in [
            ("", "EOF"),
            (r#"["r", [], null]"#, "no JSON object"),
            (r#"{"reason": "r", "add_check": []}"#, "unknown field `add_check`"),
            (r#"{"reason": " ", "add_checks": [{}]}"#, "reason: is empty"),
            (r#"{"reason": "r"}"#, "asks for nothing"),
            (r#"{"reason": "r", "wish": {"text": ""}}"#, "wish.text"),
            (r#"{"reason": "r", "wish": {"text": "t", "intent": "i"}}"#, "unknown field `intent`"),
            (r#"{"reason": "r", "reason": "s", "add_checks": [{}]}"#, "reason"),
        ] {
            let found = AmendFile::parse(text).expect_err(text).join("\n");
            assert!(found.contains(wanted), "{text}: {found}");
        }
        let many: Vec<Value> = (0..17).map(|n| check(&format!("c{n}"))).collect();
        let text = json!({"reason": "r", "add_checks": many}).to_string();
        assert!(AmendFile::parse(&text).is_err());
        let wish = r#"{"reason": "r", "wish": {"text": "t", "tasks": ["x"]}}"#;
        assert!(!AmendFile::parse(wish).expect("a wish").wish.expect("a wish").change.is_empty());
    }

    #[test]
    fn added_checks_are_judged_like_those_of_a_spec_and_named_as_written() {
        let spec = sample::good();
        let gid = spec.groups[0].id.clone();
        let new = with_checks(&spec, &gid, &[check("more")]).expect("a spec");
        assert_eq!(new.groups[0].checks.len(), spec.groups[0].checks.len() + 1);
        let mut vacuous = check("vacuous");
        vacuous["argv"] = json!(["true"]);
        let mut unknown = check("unknown");
        unknown["argvv"] = json!([]);
        let found = with_checks(&spec, &gid, &[check("more"), vacuous, unknown, json!(7)]);
        let found: Vec<String> =
            found.expect_err("faults").iter().map(ToString::to_string).collect();
        for wanted in ["add_checks[1].argv", "add_checks[2].argvv", "add_checks[3]"] {
            assert!(found.iter().any(|f| f.starts_with(wanted)), "{wanted}: {found:?}");
        }
    }

    #[test]
    fn the_same_checks_again_change_nothing_and_another_one_of_that_id_is_refused() {
        let spec = sample::good();
        let gid = spec.groups[0].id.clone();
        let once = with_checks(&spec, &gid, &[check("more")]).expect("a spec");
        assert_eq!(with_checks(&once, &gid, &[check("more")]), Ok(once.clone()));
        let mut other = check("more");
        other["exit"] = json!(1);
        assert!(with_checks(&once, &gid, &[other]).is_err());
        let foreign = spec.groups[1].checks[0].id.clone();
        let found = with_checks(&spec, &gid, &[check(&foreign)]).expect_err("it is another's");
        let other = &spec.groups[1].id;
        let wanted =
            format!("add_checks[0].id: '{foreign}' is a check of the group '{other}' already");
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted]);
    }

    #[test]
    fn a_wish_changes_one_row() {
        let spec = sample::good();
        let (first, other) = (&spec.groups[0], &spec.groups[1].id);
        let change = RowChange {
            remove_checks: vec![first.checks[1].id.clone()],
            tasks: Some(vec!["another task".into()]),
            ..RowChange::default()
        };
        let new = change.applied(&spec, &first.id).expect("a spec");
        assert_eq!(new.groups[0].checks.len(), first.checks.len() - 1);
        assert_eq!(new.groups[0].tasks, ["another task"]);
        assert_eq!(new.groups[1], spec.groups[1]);
        let elsewhere = RowChange { group: Some(other.clone()), ..change.clone() };
        assert!(elsewhere.applied(&spec, &first.id).is_err(), "it has no such check");
        let nobody = RowChange { group: Some("ghost".into()), ..RowChange::default() };
        assert!(nobody.is_empty() && nobody.applied(&spec, &first.id).is_err());
    }
}
