//! `browser_journey`: what was done in the browser, step by step, with a picture of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::Picture;
use crate::base::Sha256;
use crate::check::EvidenceRef;

/// More are in the evidence file.
const MOST: usize = 60;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journey {
    pub url: String,
    pub browser: String,
    pub steps: Vec<Step>,
    pub more: usize,
    /// `error: text (source)`.
    pub console: Vec<String>,
    /// `GET url: 500` or the error.
    pub failed_requests: Vec<String>,
    /// Whether what was expected is there without the journey too.
    pub controls: Vec<Control>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    pub expected: String,
    pub holds_anyway: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub n: u64,
    pub step: String,
    pub ok: bool,
    pub wrong: String,
    pub ms: f64,
    pub screenshot: Option<Sha256>,
    /// `None` where there is no such picture, or it was shown before.
    pub picture: Option<Picture>,
    /// The step before that saw the same.
    pub same_as: Option<u64>,
}

#[derive(Deserialize)]
struct Record {
    v: u32,
    evidence: String,
    check: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    browser: String,
    steps: Vec<Kept>,
    #[serde(default)]
    console: Vec<Console>,
    #[serde(default)]
    failed_requests: Vec<Failed>,
    #[serde(default)]
    without_the_journey: Vec<Control>,
}

#[derive(Deserialize)]
struct Kept {
    n: u64,
    step: String,
    ok: bool,
    #[serde(default)]
    wrong: Option<String>,
    #[serde(default)]
    screenshot: Option<String>,
    #[serde(default)]
    ms: f64,
}

#[derive(Deserialize)]
struct Console {
    #[serde(default)]
    level: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    status: Option<u64>,
    #[serde(default)]
    error: Option<String>,
}

pub fn read(check: &str, bytes: &[u8]) -> Option<Journey> {
    let record: Record = serde_json::from_slice(bytes).ok()?;
    if record.v != 1 || record.evidence != "browser_journey" || record.check != check {
        return None;
    }
    let more = record.steps.len().saturating_sub(MOST);
    let steps = record.steps.into_iter().take(MOST).map(|kept| Step {
        n: kept.n,
        step: kept.step,
        ok: kept.ok,
        wrong: kept.wrong.unwrap_or_default(),
        ms: kept.ms,
        screenshot: kept.screenshot.and_then(|s| Some(s.parse::<EvidenceRef>().ok()?.0)),
        picture: None,
        same_as: None,
    });
    let console = record.console.into_iter().take(MOST).map(|c| {
        let source = c.source.filter(|s| !s.is_empty());
        format!("{}: {}{}", c.level, c.text, source.map_or(String::new(), |s| format!(" ({s})")))
    });
    let failed = record.failed_requests.into_iter().take(MOST).map(|f| {
        let status = f.status.map(|s| s.to_string());
        let why = f.error.filter(|e| !e.is_empty()).or(status).unwrap_or_default();
        format!("{} {}: {why}", f.method, f.url)
    });
    Some(Journey {
        url: record.url,
        browser: record.browser,
        steps: steps.collect(),
        more,
        console: console.collect(),
        failed_requests: failed.collect(),
        controls: record.without_the_journey.into_iter().take(MOST).collect(),
    })
}

impl Journey {
    /// Gives each step its picture; returns those that have found a place.
    pub fn place(&mut self, pictures: &BTreeMap<Sha256, Picture>) -> Vec<Sha256> {
        let mut placed: BTreeMap<Sha256, u64> = BTreeMap::new();
        for step in &mut self.steps {
            let Some(sha256) = step.screenshot else { continue };
            // Two steps may see the same: it is shown where it was seen first.
            step.same_as = placed.get(&sha256).copied();
            if step.same_as.is_some() {
                continue;
            }
            if let Some(picture) = pictures.get(&sha256) {
                step.picture = Some(picture.clone());
                placed.insert(sha256, step.n);
            }
        }
        placed.into_keys().collect()
    }
}
