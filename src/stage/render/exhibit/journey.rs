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
    pub console: Vec<Told>,
    /// `GET url: 500` or the error.
    pub failed_requests: Vec<Told>,
    /// Whether what was expected is there without the journey too.
    pub controls: Vec<Control>,
}

/// A line of what went wrong beside the steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    pub line: String,
    /// A refusal in a journey that passed: it was meant, or it is of a part that the page can do
    /// without.
    pub counts: bool,
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
    /// The step that shows the same: its number, and its place counted from 1.
    pub same_as: Option<(u64, usize)>,
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

pub fn read(check: &str, passed: bool, bytes: &[u8]) -> Option<Journey> {
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
    let console = record.console.into_iter().filter(|c| !c.is_icon()).take(MOST).map(|c| {
        let counts = !(passed && c.is_refusal());
        let source = c.source.filter(|s| !s.is_empty());
        let source = source.map_or(String::new(), |s| format!(" ({s})"));
        Told { line: format!("{}: {}{source}", c.level, c.text), counts }
    });
    let failed = record.failed_requests.into_iter().filter(|f| !f.is_icon()).take(MOST).map(|f| {
        let counts = !(passed && f.is_refusal());
        let status = f.status.map(|s| s.to_string());
        let why = f.error.filter(|e| !e.is_empty()).or(status).unwrap_or_default();
        Told { line: format!("{} {}: {why}", f.method, f.url), counts }
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

/// What a browser asks for by itself.
const ICON: &str = "/favicon.ico";

impl Console {
    /// The browser's line about a request that was answered with 400 to 499.
    fn is_refusal(&self) -> bool {
        self.text.contains("Failed to load resource") && self.text.contains("a status of 4")
    }

    fn is_icon(&self) -> bool {
        self.is_refusal() && self.text.contains(ICON)
    }
}

impl Failed {
    fn is_refusal(&self) -> bool {
        self.status.is_some_and(|s| (400..500).contains(&s))
    }

    fn is_icon(&self) -> bool {
        self.is_refusal() && self.method == "GET" && self.url.ends_with(ICON)
    }
}

impl Journey {
    /// Gives each step its picture; returns those that have found a place.
    pub fn place(&mut self, pictures: &BTreeMap<Sha256, Picture>) -> Vec<Sha256> {
        // Two steps may see the same: it is shown where it was seen last, since what comes true
        // is looked for after what was done.
        let mut last: BTreeMap<Sha256, (u64, usize)> = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            if let Some(sha256) = step.screenshot.filter(|s| pictures.contains_key(s)) {
                last.insert(sha256, (step.n, at + 1));
            }
        }
        for (at, step) in self.steps.iter_mut().enumerate() {
            let Some(sha256) = step.screenshot else { continue };
            match last.get(&sha256) {
                Some((_, place)) if *place == at + 1 => {
                    step.picture = pictures.get(&sha256).cloned();
                }
                other => step.same_as = other.copied(),
            }
        }
        last.into_keys().collect()
    }
}
