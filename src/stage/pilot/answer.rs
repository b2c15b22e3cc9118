//! The answer of a pilot: its schema, and what counts of it. Values in, values out.
//!
//! Each part stands for itself: what is not valid is dropped with its reason, and the rest counts.
//! Nothing that an answer says can approve, land, change the contract or the checks, or reach a
//! group that passes: there is no word for it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::boundary::Boundary;
use crate::session::event::{Analysis, Course, Decision, Dropped, GroupPlan, Routed};
use crate::spec::Spec;

/// Characters of one text.
const TEXT: usize = 2000;
/// Characters of a learning, which everybody is told.
const LEARNING: usize = 500;
const LEARNINGS: usize = 10;
const CONTEXTS: usize = 20;
/// Parts that are named as dropped; more is a flood.
const DROPPED: usize = 50;

/// What a pilot is asked to answer with. It is read part by part, so this is for the agent only.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    failure_analysis: Vec<AnalysisOf>,
    groups: BTreeMap<String, PlanOf>,
    context: Vec<RoutedTo>,
    learnings: Vec<String>,
    batches: Vec<Vec<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnalysisOf {
    group: String,
    cause: String,
    evidence: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlanOf {
    strategy: Word,
    guidance: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "the schema names what an answer may say")]
enum Word {
    Retry,
    RetryDifferent,
    Skip,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RoutedTo {
    to: Vec<String>,
    text: String,
}

/// The JSON Schema of an answer.
pub fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Answer)).unwrap_or_default()
}

/// What counts of an answer at this boundary, and what does not.
pub fn validate(answer: &Value, spec: &Spec, at: &Boundary) -> (Decision, Vec<Dropped>) {
    let mut reading = Reading { spec, at, out: Decision::default(), dropped: Vec::new() };
    match answer.as_object() {
        Some(parts) => reading.all(parts),
        None => reading.drop("$", "it is no JSON object"),
    }
    (reading.out, reading.dropped)
}

struct Reading<'a> {
    spec: &'a Spec,
    at: &'a Boundary,
    out: Decision,
    dropped: Vec<Dropped>,
}

impl Reading<'_> {
    fn drop(&mut self, path: impl Into<String>, why: impl Into<String>) {
        if self.dropped.len() < DROPPED {
            let shorten = |text: String| text.chars().take(300).collect();
            self.dropped.push(Dropped { path: shorten(path.into()), why: shorten(why.into()) });
        }
    }

    fn all(&mut self, parts: &Map<String, Value>) {
        for (key, value) in parts {
            let path = format!("$.{key}");
            match key.as_str() {
                "failure_analysis" => self.each(&path, value, Self::analysis),
                "groups" => self.groups(&path, value),
                "context" => self.each(&path, value, Self::context),
                "learnings" => self.each(&path, value, Self::learning),
                // Last: what it has to cover depends on the strategies.
                "batches" => {}
                _ => self.drop(path, "an answer has no such part"),
            }
        }
        if let Some(value) = parts.get("batches") {
            match self.batches(value) {
                Ok(batches) => self.out.batches = batches,
                Err(why) => self.drop("$.batches", why),
            }
        }
    }

    fn each(&mut self, path: &str, value: &Value, read: fn(&mut Self, &str, &Value)) {
        match value.as_array() {
            Some(all) => {
                for (n, one) in all.iter().enumerate() {
                    read(self, &format!("{path}[{n}]"), one);
                }
            }
            None => self.drop(path, "it is no list"),
        }
    }

    fn analysis(&mut self, path: &str, value: &Value) {
        let known = ["group", "cause", "evidence"];
        let Some(map) = self.object(path, value, &known) else { return };
        let Some(group) = self.open_group(&format!("{path}.group"), map.get("group")) else {
            return;
        };
        let Some(cause) = self.text(&format!("{path}.cause"), map.get("cause"), TEXT) else {
            return;
        };
        let evidence = match map.get("evidence") {
            None | Some(Value::Null) => String::new(),
            Some(told) => {
                self.text(&format!("{path}.evidence"), Some(told), TEXT).unwrap_or_default()
            }
        };
        if self.out.failure_analysis.iter().any(|a| a.group == group) {
            return self.drop(path, format!("'{group}' was analysed above"));
        }
        self.out.failure_analysis.push(Analysis { group, cause, evidence });
    }

    fn groups(&mut self, path: &str, value: &Value) {
        let Some(map) = value.as_object() else { return self.drop(path, "it is no object") };
        for (gid, plan) in map {
            let path = format!("{path}.{gid}");
            let Some(gid) = self.open_group(&path, Some(&Value::String(gid.clone()))) else {
                continue;
            };
            let Some(plan) = self.object(&path, plan, &["strategy", "guidance"]) else { continue };
            let word = plan.get("strategy").and_then(Value::as_str).unwrap_or_default();
            let Some(strategy) = Course::ALL.into_iter().find(|c| c.word() == word) else {
                let words = Course::ALL.map(Course::word).join(", ");
                self.drop(format!("{path}.strategy"), format!("it is none of {words}"));
                continue;
            };
            let guidance = match plan.get("guidance") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(empty)) if empty.trim().is_empty() => String::new(),
                told => self.text(&format!("{path}.guidance"), told, TEXT).unwrap_or_default(),
            };
            self.out.groups.insert(gid, GroupPlan { strategy, guidance });
        }
    }

    fn context(&mut self, path: &str, value: &Value) {
        let Some(map) = self.object(path, value, &["to", "text"]) else { return };
        let Some(text) = self.text(&format!("{path}.text"), map.get("text"), TEXT) else { return };
        let Some(named) = map.get("to").and_then(Value::as_array) else {
            return self.drop(format!("{path}.to"), "it is no list of groups");
        };
        let mut to: Vec<String> = Vec::new();
        for (n, gid) in named.iter().enumerate() {
            if let Some(gid) = self.open_group(&format!("{path}.to[{n}]"), Some(gid))
                && !to.contains(&gid)
            {
                to.push(gid);
            }
        }
        if to.is_empty() {
            self.drop(path, "it is for nobody");
        } else if self.out.context.len() >= CONTEXTS {
            self.drop(path, format!("there are more than {CONTEXTS}"));
        } else {
            self.out.context.push(Routed { to, text });
        }
    }

    fn learning(&mut self, path: &str, value: &Value) {
        let Some(text) = self.text(path, Some(value), LEARNING) else { return };
        // One a line of the file.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.out.learnings.len() >= LEARNINGS {
            self.drop(path, format!("there are more than {LEARNINGS}"));
        } else if !self.out.learnings.contains(&text) {
            self.out.learnings.push(text);
        }
    }

    /// Every group that is open and not skipped in exactly one batch, none before what it needs.
    fn batches(&self, value: &Value) -> Result<Vec<Vec<String>>, String> {
        let lists = value.as_array().ok_or("it is no list of lists")?;
        let mut batches: Vec<Vec<String>> = Vec::new();
        let mut place: BTreeMap<&str, usize> = BTreeMap::new();
        for list in lists {
            let mut batch = Vec::new();
            for gid in list.as_array().ok_or("it is no list of lists")? {
                let gid = gid.as_str().ok_or("a group is named by a text")?;
                if place.insert(gid, batches.len()).is_some() {
                    return Err(format!("'{gid}' is in it twice"));
                }
                batch.push(gid.to_owned());
            }
            if !batch.is_empty() {
                batches.push(batch);
            }
        }
        let skipped =
            |g: &&str| self.out.groups.get(*g).is_some_and(|p| p.strategy == Course::Skip);
        let open = self.at.open.iter().map(String::as_str);
        let wanted: BTreeSet<&str> = open.filter(|g| !skipped(g)).collect();
        let given: BTreeSet<&str> = place.keys().copied().collect();
        if let Some(missing) = wanted.difference(&given).next() {
            return Err(format!("'{missing}' is left out"));
        }
        if let Some(other) = given.difference(&wanted).next() {
            return Err(format!("'{other}' is no group that is left to do"));
        }
        for group in self.spec.groups.iter().filter(|g| given.contains(g.id.as_str())) {
            let needs = group.deps.iter().filter_map(|d| Some((d, place.get(d.as_str())?)));
            if let Some((dep, _)) = { needs }.find(|(_, at)| **at > place[group.id.as_str()]) {
                return Err(format!("'{}' comes before '{dep}', which it needs", group.id));
            }
        }
        Ok(batches)
    }

    /// A group that the answer may be about.
    fn open_group(&mut self, path: &str, value: Option<&Value>) -> Option<String> {
        let Some(gid) = value.and_then(Value::as_str) else {
            self.drop(path, "it names no group");
            return None;
        };
        if self.at.open.iter().any(|g| g == gid) {
            return Some(gid.to_owned());
        }
        let why = match self.spec.group(gid) {
            Some(_) => "nothing of that group failed, so nothing of it is to be decided",
            None => "the spec has no such group",
        };
        self.drop(path, why);
        None
    }

    fn object<'v>(
        &mut self,
        path: &str,
        value: &'v Value,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.drop(path, "it is no object");
            return None;
        };
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            self.drop(format!("{path}.{key}"), "there is no such part");
        }
        Some(map)
    }

    fn text(&mut self, path: &str, value: Option<&Value>, most: usize) -> Option<String> {
        let text = value.and_then(Value::as_str).map(str::trim).unwrap_or_default();
        if text.is_empty() {
            self.drop(path, "it is no text");
            return None;
        }
        if text.chars().count() > most {
            self.drop(path, format!("it is longer than {most} characters"));
            return None;
        }
        // Nothing that moves a cursor, whoever looks at it.
        Some(text.chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect())
    }
}

#[cfg(test)]
mod tests;
