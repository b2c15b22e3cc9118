//! Runs of many groups: against the git work alone, as they become more, how much of them is
//! landing, and how much memory they take.

use std::path::Path;

use super::landing::own_clock;
use super::memory;
use super::place::{Place, run};
use super::sample::{in_turns, median, timed};
use super::table::{Row, megabytes, seconds};

const FLOOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/price/floor.sh");

/// Build and land: what the floor does too.
fn build_and_land(place: &Place, spec: &str) -> f64 {
    let line = format!("otto compile --from-spec {spec} | otto build-group --all | otto merge");
    timed(|| run(place.sh(&line), 0)).0
}

fn git_alone(place: &Place, n: usize) -> f64 {
    let agent = place.at("agent.sh").to_string_lossy().into_owned();
    timed(|| run(place.command("sh", &[FLOOR, &n.to_string(), &agent]), 0)).0
}

/// A whole run, audit and proof included.
fn whole(place: &Place, spec: &str) -> f64 {
    let mut command = place.otto(&["run", "--quiet", "--from-spec", spec]);
    command.env("OTTO_LOG", "otto::stage::merge=debug");
    timed(|| run(command, 0)).0
}

pub fn rows(runs: usize, n: usize) -> Vec<Row> {
    let place = Place::new(100);
    let spec = place.spec(n);
    let pair = in_turns(runs, || build_and_land(&place, &spec), || git_alone(&place, n));
    let what = format!("{n} independent groups built and landed, instant agent, one check each");
    let mut rows = vec![
        Row::new(what, seconds(pair.ours), seconds(pair.floor))
            .ratio(pair.ratio())
            .goal("≤ 1.0 × git alone, serially", pair.ratio() <= 1.0),
    ];
    let (mut all, mut shares, mut landing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let s = whole(&place, &spec);
        let spent = spent_landing(&place.session_dir());
        all.push(s);
        landing.push(spent.iter().sum::<f64>());
        shares.push(spent.iter().sum::<f64>() / s);
    }
    let all = median(all);
    rows.push(
        Row::new("the same, whole run: audit and proof too", seconds(all), seconds(pair.floor))
            .ratio(all / pair.floor),
    );
    let share = median(shares);
    rows.push(
        Row::new(
            "share of that run spent in landing (merge, objects, sync, ref, records)",
            seconds(median(landing)),
            seconds(all),
        )
        .ratio(share)
        .goal("≤ 0.10 of the run", share <= 0.10),
    );
    rows
}

/// Seconds of each landing of a run.
pub fn spent_landing(session: &Path) -> Vec<f64> {
    let log = std::fs::read_to_string(session.join("steps/merge.log")).expect("the queue's log");
    own_clock(&log)
}

/// Seconds a group, for runs of different sizes; and the memory of the largest.
pub fn growth(sizes: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut first: Option<f64> = None;
    for (at, &n) in sizes.iter().enumerate() {
        let place = Place::new(100);
        let spec = place.spec(n);
        // The first of a size pays for making the worktrees; a small one is measured again.
        let runs = if n >= 1000 { 1 } else { 3 };
        let mut each = Vec::new();
        let mut peak = memory::Peak::default();
        for _ in 0..runs {
            let watched = memory::Watch::start();
            each.push(whole(&place, &spec) / n as f64);
            peak = watched.end();
        }
        let each = median(each);
        let base = *first.get_or_insert(each);
        let row = Row::new(format!("cost a group, whole run of {n}"), seconds(each), seconds(base));
        rows.push(match at {
            0 => row,
            _ => row.ratio(each / base).goal("≤ 1.2 × the smallest run's", each / base <= 1.2),
        });
        if at + 1 == sizes.len() {
            rows.push(
                Row::new(
                    format!(
                        "peak memory of a run of {n} groups: all programs at once; the largest is `{}`",
                        peak.program
                    ),
                    format!("{}; {}", megabytes(peak.sum), megabytes(peak.largest)),
                    String::new(),
                )
                .goal("≤ 100 MB", peak.sum <= 100_000_000),
            );
        }
    }
    // With a thousand groups the script takes a quarter of an hour. It deletes what it checks out,
    // which makes new files dear for a while, so it comes last.
    let alone = |n: usize| {
        let place = Place::new(100);
        place.spec(n);
        git_alone(&place, n) / n as f64
    };
    let (few, many) = (sizes[0], sizes[1]);
    let (each, base) = (alone(many), alone(few));
    let what = format!("git alone, serially: cost a group of {many}, against {few}");
    rows.push(Row::new(what, seconds(each), seconds(base)).ratio(each / base));
    rows
}
