//! `metric`: samples and the goal they are held against, as a small picture.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 72.0;
const PAD: f64 = 8.0;
/// More samples than these are thinned out in the picture.
const MOST: usize = 160;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    pub name: String,
    pub goal: String,
    pub unit: String,
    /// How one value is made of the samples.
    pub statistic: String,
    pub value: Option<f64>,
    pub samples: usize,
    pub warmup: usize,
    pub lowest: Option<f64>,
    pub highest: Option<f64>,
    /// Drawn from numbers alone.
    pub svg: String,
}

#[derive(Deserialize)]
struct Record {
    v: u32,
    evidence: String,
    check: String,
    goal: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    statistic: String,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    warmup: Vec<Sample>,
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    value: f64,
}

pub fn read(check: &str, bytes: &[u8]) -> Option<Metric> {
    let record: Record = serde_json::from_slice(bytes).ok()?;
    if record.v != 1 || record.evidence != "metric" || record.check != check {
        return None;
    }
    let samples: Vec<f64> = record.samples.iter().map(|s| s.value).collect();
    let edge = |pick: fn(f64, f64) -> f64| samples.iter().copied().reduce(pick);
    Some(Metric {
        svg: picture(&samples, bound(&record.goal), record.value),
        name: record.name,
        unit: record.unit.unwrap_or_default(),
        statistic: record.statistic,
        value: record.value,
        samples: samples.len(),
        warmup: record.warmup.len(),
        lowest: edge(f64::min),
        highest: edge(f64::max),
        goal: record.goal,
    })
}

/// The number of `p95_ms < 100`.
fn bound(goal: &str) -> Option<f64> {
    goal.rsplit([' ', '<', '>', '=']).next()?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// A dot for each sample, a dashed line at the goal, a solid one at the value.
fn picture(samples: &[f64], goal: Option<f64>, value: Option<f64>) -> String {
    let all = samples.iter().copied().chain(goal).chain(value).filter(|v| v.is_finite());
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if samples.is_empty() || low > high {
        return String::new();
    }
    let span = if high > low { high - low } else { 1.0 };
    let y = |v: f64| HEIGHT - PAD - (v - low) / span * (HEIGHT - 2.0 * PAD);
    let mut out = format!(
        "<svg class=\"samples\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\"><title>{} samples from {low} to {high}</title>",
        samples.len()
    );
    let mut line = |class: &str, at: f64| {
        write!(
            out,
            "<line class=\"{class}\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        )
        .expect("a string takes every write");
    };
    if let Some(goal) = goal {
        line("goal", y(goal));
    }
    if let Some(value) = value.filter(|v| v.is_finite()) {
        line("value", y(value));
    }
    let step = samples.len().div_ceil(MOST);
    let shown: Vec<f64> = samples.iter().copied().step_by(step).collect();
    let across = (WIDTH - 2.0 * PAD) / (shown.len().max(2) - 1) as f64;
    for (n, v) in shown.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        let x = if shown.len() == 1 { WIDTH / 2.0 } else { PAD + n as f64 * across };
        write!(out, "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"2.6\"/>", y(*v))
            .expect("a string takes every write");
    }
    out.push_str("</svg>");
    out
}
