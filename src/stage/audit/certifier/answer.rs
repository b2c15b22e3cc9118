//! What a judge answers: probes to be run, or its judgement. Pure: a value and the rules in, what it
//! says or every problem of it out.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::text::{count, nearest};
use crate::session::event::{Covered, FindingKind, Judge, JudgedWord, Risk, Severity};
use crate::spec::{Check, Spec, checks_beside, json_schema};

/// What an answer is held to.
pub struct Rules<'a> {
    pub spec: &'a Spec,
    pub judge: Judge,
    pub probes_left: usize,
    pub rounds_left: u32,
    /// Ids of the probes that were run for this judge.
    pub ran: Vec<&'a str>,
    /// Further ids that a probe may not have.
    pub taken: &'a [String],
}

pub enum Said {
    /// Run these; what stands beside them is not read.
    Probes(Vec<Check>),
    Judged(Judged),
}

#[derive(Debug, Deserialize)]
pub struct Judged {
    #[serde(default)]
    pub features: Vec<JudgedFeature>,
    #[serde(default)]
    pub findings: Vec<Found>,
    #[serde(default)]
    pub coverage: Vec<Covered>,
}

#[derive(Debug, Deserialize)]
pub struct JudgedFeature {
    pub id: String,
    pub verdict: JudgedWord,
    #[serde(default = "important")]
    pub severity: Severity,
    #[serde(default)]
    pub why: String,
    #[serde(default)]
    pub evidence: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Found {
    pub kind: FindingKind,
    pub severity: Severity,
    pub text: String,
    #[serde(default)]
    pub features: Vec<String>,
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The probe whose failure shows it.
    pub probe: Option<String>,
    /// The non-goal of the spec that it breaks, as it is written there.
    pub non_goal: Option<String>,
}

fn important() -> Severity {
    Severity::Important
}

/// The JSON Schema of an answer.
pub fn schema() -> Value {
    let mut schema = shape(&json!({"$ref": "#/$defs/Check"}));
    schema["$defs"] = json_schema()["$defs"].clone();
    schema
}

/// The shape; probes have their own rules.
fn shape(probe: &Value) -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let severity = json!({"enum": ["critical", "important", "polish"]});
    let risks: Vec<&str> = Risk::ALL.into_iter().map(Risk::word).collect();
    let object = |properties: Value, required: &[&str]| {
        json!({"type": "object", "additionalProperties": false,
               "properties": properties, "required": required})
    };
    let list = |items: Value| json!({"type": "array", "items": items});
    object(
        json!({
            "probes": list(probe.clone()),
            "features": list(object(
                json!({
                    "id": text, "verdict": {"enum": ["passed", "failed", "partial", "missing"]},
                    "severity": severity, "why": text, "evidence": texts,
                }),
                &["id", "verdict"],
            )),
            "findings": list(object(
                json!({
                    "kind": {"enum": ["product_failure", "proof_gap", "scope", "opinion"]},
                    "severity": severity, "text": text, "features": texts, "evidence": texts,
                    "probe": text, "non_goal": text,
                }),
                &["kind", "severity", "text"],
            )),
            "coverage": list(object(
                json!({"risk": {"enum": risks}, "probes": texts, "not_applicable": text}),
                &["risk"],
            )),
        }),
        &[],
    )
}

/// Reads an answer; every problem of it, with its path.
pub fn read(answer: &Value, rules: &Rules<'_>) -> Result<Said, Vec<String>> {
    let problems = of_shape(answer);
    if !problems.is_empty() {
        return Err(problems);
    }
    let asked = answer["probes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !asked.is_empty() {
        return probes(asked, rules).map(Said::Probes);
    }
    let judged: Judged =
        serde_json::from_value(answer_without_probes(answer)).map_err(|e| vec![e.to_string()])?;
    let problems = of_judgement(&judged, rules);
    if problems.is_empty() { Ok(Said::Judged(judged)) } else { Err(problems) }
}

fn answer_without_probes(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(map) = answer.as_object_mut() {
        map.shift_remove("probes");
    }
    answer
}

fn of_shape(answer: &Value) -> Vec<String> {
    let shape = shape(&json!({"type": "object"}));
    let validator = match jsonschema::validator_for(&shape) {
        Ok(validator) => validator,
        Err(e) => return vec![format!("the answer cannot be checked: {e}")],
    };
    validator
        .iter_errors(answer)
        .map(|e| match path_of(&e.instance_path().to_string()) {
            path if path.is_empty() => e.to_string(),
            path => format!("{path}: {e}"),
        })
        .collect()
}

/// `/features/0/id` as `features[0].id`.
fn path_of(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(n) => out.push_str(&format!("[{n}]")),
            Err(_) if out.is_empty() => out.push_str(part),
            Err(_) => out.push_str(&format!(".{part}")),
        }
    }
    out
}

fn probes(asked: &[Value], rules: &Rules<'_>) -> Result<Vec<Check>, Vec<String>> {
    if rules.rounds_left == 0 || rules.probes_left == 0 {
        return Err(vec![
            "probes: no more are run in this audit; answer with your judgement".into(),
        ]);
    }
    let mut problems = Vec::new();
    if asked.len() > rules.probes_left {
        problems.push(format!(
            "probes: {} are asked for, and {} may still be run",
            asked.len(),
            rules.probes_left
        ));
    }
    let mut known: BTreeSet<&str> =
        rules.ran.iter().copied().chain(rules.taken.iter().map(String::as_str)).collect();
    for (n, probe) in asked.iter().enumerate() {
        let Some(id) = probe["id"].as_str() else { continue };
        if !id.starts_with("probe-") {
            problems.push(format!("probes[{n}].id: '{id}' does not begin with 'probe-'"));
        }
        if !known.insert(id) {
            problems.push(format!("probes[{n}].id: '{id}' is the id of another probe"));
        }
    }
    match checks_beside(rules.spec, asked) {
        Ok(checks) if problems.is_empty() => Ok(checks),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more.iter().map(ToString::to_string));
            Err(problems)
        }
    }
}

fn of_judgement(judged: &Judged, rules: &Rules<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    match rules.judge {
        Judge::Certifier => {
            features(&judged.features, rules.spec, &mut problems);
            if !judged.coverage.is_empty() {
                problems.push("coverage: that is for an adversary; leave it out".into());
            }
        }
        Judge::Adversary => {
            if !judged.features.is_empty() {
                problems.push("features: the certifier judges these; leave it out".into());
            }
            coverage(&judged.coverage, rules, &mut problems);
        }
    }
    for (n, found) in judged.findings.iter().enumerate() {
        finding(found, n, rules, &mut problems);
    }
    problems
}

/// `'x'`, and the id that was probably meant.
fn unknown(what: &str, id: &str, known: &[&str]) -> String {
    let near = nearest(id, known.iter().copied());
    let hint = near.map_or_else(
        || if known.is_empty() { String::new() } else { format!("; known: {}", known.join(", ")) },
        |near| format!(" (did you mean '{near}'?)"),
    );
    format!("there is no {what} '{id}'{hint}")
}

fn features(judged: &[JudgedFeature], spec: &Spec, problems: &mut Vec<String>) {
    let known: Vec<&str> = spec.features.iter().map(|f| f.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (n, one) in judged.iter().enumerate() {
        let at = format!("features[{n}]");
        if !known.contains(&one.id.as_str()) {
            problems.push(format!("{at}.id: {}", unknown("feature", &one.id, &known)));
        } else if !seen.insert(one.id.as_str()) {
            problems.push(format!("{at}.id: '{}' is judged twice", one.id));
        }
        let passed = one.verdict == JudgedWord::Passed;
        if !passed && one.why.trim().is_empty() {
            problems.push(format!("{at}.why: is missing; a word other than 'passed' has a reason"));
        }
        let lost = matches!(one.verdict, JudgedWord::Failed | JudgedWord::Missing);
        if lost && one.severity == Severity::Polish {
            problems.push(format!(
                "{at}.severity: what is {} is more than 'polish'",
                one.verdict.word()
            ));
        }
    }
    for id in known.iter().filter(|id| !seen.contains(*id)) {
        problems.push(format!("features: '{id}' is not judged"));
    }
}

fn finding(found: &Found, n: usize, rules: &Rules<'_>, problems: &mut Vec<String>) {
    let at = format!("findings[{n}]");
    if found.text.trim().is_empty() {
        problems.push(format!("{at}.text: is empty"));
    }
    let known: Vec<&str> = rules.spec.features.iter().map(|f| f.id.as_str()).collect();
    for (i, id) in found.features.iter().enumerate() {
        if !known.contains(&id.as_str()) {
            problems.push(format!("{at}.features[{i}]: {}", unknown("feature", id, &known)));
        }
    }
    match (&found.probe, found.kind) {
        (None, FindingKind::ProductFailure) => problems.push(format!(
            "{at}.probe: is missing; a product_failure names the probe that failed: ask for one in 'probes' first, or call it a proof_gap or an opinion"
        )),
        (Some(id), _) if !rules.ran.contains(&id.as_str()) => {
            problems.push(format!("{at}.probe: {}", unknown("probe", id, &rules.ran)));
        }
        (None | Some(_), _) => {}
    }
    if found.kind == FindingKind::ProductFailure && found.features.is_empty() {
        problems.push(format!("{at}.features: is empty; a product_failure names what it fails"));
    }
    let goals: Vec<&str> = rules.spec.non_goals.iter().map(|g| g.trim()).collect();
    match &found.non_goal {
        Some(_) if found.kind != FindingKind::Scope => {
            problems.push(format!("{at}.non_goal: is for findings of the kind 'scope'"));
        }
        Some(goal) if !goals.contains(&goal.trim()) => {
            problems.push(format!("{at}.non_goal: {}", unknown("non-goal", goal.trim(), &goals)));
        }
        Some(_) | None => {}
    }
}

fn coverage(covered: &[Covered], rules: &Rules<'_>, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (n, one) in covered.iter().enumerate() {
        let at = format!("coverage[{n}]");
        if !seen.insert(one.risk) {
            problems.push(format!("{at}.risk: '{}' is there twice", one.risk.word()));
        }
        for (i, id) in one.probes.iter().enumerate() {
            if !rules.ran.contains(&id.as_str()) {
                problems.push(format!("{at}.probes[{i}]: {}", unknown("probe", id, &rules.ran)));
            }
        }
        match (one.probes.is_empty(), one.not_applicable.trim().is_empty()) {
            (true, true) => problems.push(format!(
                "{at}: names neither the probes that looked at it nor, in 'not_applicable', why there is nothing to look at"
            )),
            (false, false) => problems
                .push(format!("{at}: has {} and is not applicable", count(one.probes.len(), "probe"))),
            (true, false) | (false, true) => {}
        }
    }
    for risk in Risk::ALL.into_iter().filter(|r| !seen.contains(r)) {
        problems.push(format!("coverage: '{}' is not covered", risk.word()));
    }
}

#[cfg(test)]
mod tests;
