//! `metric`: the command runs as often as the spec says, in one worktree; every number is kept.

use std::time::Instant;

use serde_json::{Value, json};

use crate::base::{Error, Result};
use crate::check::driver::{Call, Place, keep_files, provenance, start};
use crate::check::{Outcome, gate};
use crate::spec::Check;
use crate::spec::metric::{Goal, Metric};

pub(in crate::check) fn run(check: &Check, metric: &Metric, place: &Place<'_>) -> Result<Outcome> {
    let goal: Goal = metric
        .goal
        .parse()
        .map_err(|why: String| Error::input(format!("check '{}': {why}", check.id)))?;
    let began = Instant::now();
    let limit = place.limit(check);
    let mut transcript = String::new();
    let (mut warmup, mut samples): (Vec<Value>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut shown: Vec<Value> = Vec::new();
    let mut red = None;
    for run in 0..metric.warmup.saturating_add(metric.repetitions) {
        // All runs share the check's time.
        let call =
            Call { limit: Some(limit.saturating_sub(began.elapsed())), ..Call::of(&metric.argv) };
        let started = start(check, call, place)?;
        transcript.push_str(&started.report);
        let of = provenance(place, 0.0, Vec::new());
        let ms = (started.duration_s * 1e6).round() / 1e3;
        match gate::sample(&started.run, metric, &goal, &of) {
            Ok(value) if run < metric.warmup => warmup.push(json!({"value": value, "ms": ms})),
            Ok(value) => {
                samples.push(value);
                shown.push(json!({"n": samples.len(), "value": value, "ms": ms}));
            }
            Err(outcome) => {
                red = Some(outcome);
                break;
            }
        }
    }
    let record = json!({
        "v": 1, "evidence": "metric", "check": check.id, "goal": metric.goal, "name": goal.name,
        "unit": metric.unit, "statistic": metric.statistic.word(),
        "value": metric.statistic.of(&samples), "warmup": warmup, "samples": shown,
        "commit": place.commit, "tree": place.tree,
    });
    let mut evidence = vec![
        place.evidence.keep(transcript.as_bytes())?,
        place.evidence.keep(format!("{record:#}\n").as_bytes())?,
    ];
    keep_files(check, place, &mut evidence)?;
    let of = provenance(place, began.elapsed().as_secs_f64(), evidence);
    Ok(match red {
        Some(outcome) => outcome.of(of),
        None => gate::judge_metric(metric, &goal, &samples, of),
    })
}
