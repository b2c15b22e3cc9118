//! Outcomes as SARIF 2.1.0: a rule for each reason, a result for each check that is not green, at the
//! places of the tree that its output names.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Judged;
use super::places::places;
use crate::base::Sha256;
use crate::check::Status;

/// `files` are those of the judged commit.
pub fn sarif(judged: &[Judged], files: &BTreeSet<String>) -> String {
    let red: Vec<&Judged> = judged.iter().filter(|j| !j.outcome.is_pass()).collect();
    let reasons: BTreeSet<String> = red.iter().map(|j| j.outcome.reason().word()).collect();
    let rules: Vec<Value> = reasons
        .iter()
        .map(|word| {
            let text = word.replace('_', " ");
            json!({"id": word, "name": word, "shortDescription": {"text": format!("The check ended with: {text}")}})
        })
        .collect();
    let index = |word: &str| reasons.iter().position(|r| r == word).unwrap_or_default();
    let results: Vec<Value> = red.iter().map(|j| result(j, &index, files)).collect();
    let commit = judged.first().map(|j| j.outcome.commit()).unwrap_or_default();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "otto check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("otto/check/{commit}")},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(judged: &Judged, index: &dyn Fn(&str) -> usize, files: &BTreeSet<String>) -> Value {
    let outcome = &judged.outcome;
    let word = outcome.reason().word();
    let owner = judged.group.as_ref().map(|g| format!("{g}: ")).unwrap_or_default();
    let before = outcome.before().map(|b| format!(" ({})", b.sentence())).unwrap_or_default();
    let status = outcome.status().word().replace('_', " ");
    let locations: Vec<Value> = places(&judged.printed, files)
        .into_iter()
        .map(|place| {
            let mut region = json!({"startLine": place.line});
            if let Some(column) = place.column {
                region["startColumn"] = json!(column);
            }
            json!({"physicalLocation": {
                "artifactLocation": {"uri": uri(&place.path), "uriBaseId": "%SRCROOT%"},
                "region": region,
            }})
        })
        .collect();
    let print = Sha256::of_parts(&[judged.check.id.as_bytes(), word.as_bytes()]);
    json!({
        "ruleId": word,
        "ruleIndex": index(&word),
        "level": "error",
        "kind": "fail",
        "message": {"text": format!(
            "{owner}{} {status}: {}{before}", judged.check.id, outcome.detail()
        )},
        "locations": locations,
        "partialFingerprints": {"ottoCheck/v1": print.to_string()},
        "properties": {
            "check": judged.check.id, "group": judged.group, "outcome": outcome.status().word(),
            "notRun": outcome.status() == Status::NotRun, "commit": outcome.commit(),
            "tree": outcome.tree(), "evidence": outcome.evidence(),
        },
    })
}

/// A relative reference (RFC 3986): everything but unreserved characters and `/` is escaped.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let one = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    path.bytes().map(one).collect()
}
