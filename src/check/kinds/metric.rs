//! `metric`: the command runs as often as the spec says, in one worktree; every number is kept. Each
//! run finds the tracked files as the commit has them.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::beside::Beside;
use crate::base::{Error, Result};
use crate::check::driver::{Call, Place, keep_files, provenance, start};
use crate::check::{Outcome, Reason, gate};
use crate::disk;
use crate::git::Worktree;
use crate::spec::metric::{Goal, Metric};
use crate::spec::{BaseTree, Check, GateInputs};

/// A larger script is none.
const LARGEST_SCRIPT: u64 = 16 << 20;

impl BaseTree for Worktree {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = disk::read_beneath(&self.path, Path::new(path), LARGEST_SCRIPT).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn link(&self, path: &str) -> Option<String> {
        let target = std::fs::read_link(self.path.join(path)).ok()?;
        target.to_str().map(ToOwned::to_owned)
    }
}

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
    let gates = GateInputs::of_check(check, place.worktree);
    let mut before = place.worktree.tracked(place.commit)?;
    let defining = before.paths().filter(|path| gates.find(path).next().is_some());
    let beside = Beside::of(&place.worktree.path, defining);
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
        let changed = place.worktree.changed_since(&before);
        if let Some(path) = changed.iter().find(|path| gates.find(path).next().is_some()) {
            let why = format!("a run wrote over '{path}', which defines this check");
            red = Some(Box::new(Outcome::red(Reason::NoNumber, why, of)));
            break;
        }
        if !changed.is_empty() {
            place.worktree.put_back(&before)?;
            before = place.worktree.tracked(place.commit)?;
        }
        beside.clear()?;
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
