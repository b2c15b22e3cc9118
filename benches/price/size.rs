//! The size of the repository: what an attempt and a landing cost with more files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::groups::spent_landing;
use super::place::{Place, run, write};
use super::sample::{median, timed};
use super::table::{Row, seconds};

const GROUPS: usize = 10;

/// Medians of one repository, in seconds.
struct Cost {
    files: usize,
    attempt: f64,
    landing: f64,
    reset: f64,
}

pub fn rows(sizes: &[usize]) -> Vec<Row> {
    let costs: Vec<Cost> = sizes.iter().map(|&files| cost(files)).collect();
    let mut rows = Vec::new();
    for (at, c) in costs.iter().enumerate() {
        let what = format!("{} files: an attempt; floor: a pooled reset with git", c.files);
        let row = Row::new(what, seconds(c.attempt), seconds(c.reset)).ratio(c.attempt / c.reset);
        rows.push(match at {
            0 => row,
            _ => {
                let grew = c.attempt / costs[0].attempt;
                let floor = c.reset / costs[0].reset;
                row.goal(
                    &format!("grows {grew:.1} ×, no faster than the floor's {floor:.1} ×"),
                    grew <= floor,
                )
            }
        });
    }
    for (at, c) in costs.iter().enumerate() {
        let what = format!("{} files: a landing, without its checks", c.files);
        let row = Row::new(what, seconds(c.landing), seconds(costs[0].landing));
        let ratio = c.landing / costs[0].landing;
        rows.push(match at {
            0 => row,
            // The same within what two medians of a shared machine differ by.
            _ => row.ratio(ratio).goal("flat: ≤ 1.2 ×", ratio <= 1.2),
        });
    }
    rows
}

fn cost(files: usize) -> Cost {
    let place = Place::new(files);
    let spec = place.spec(GROUPS);
    let (mut attempts, mut landings) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let mut command = place.otto(&["run", "--quiet", "--from-spec", &spec, "--jobs", "1"]);
        command.env("OTTO_LOG", "otto::stage::merge=debug");
        run(command, 0);
        // The first run makes the worktrees.
        if round > 0 {
            attempts.extend(spans(
                &place.events(),
                "group.attempt.started",
                "group.attempt.finished",
            ));
            landings.extend(spent_landing(&place.session_dir()));
        }
    }
    let reset = reset(&place);
    Cost { files, attempt: median(attempts), landing: median(landings), reset }
}

/// Seconds from one kind of event to the other, by group.
fn spans(events: &[Value], from: &str, to: &str) -> Vec<f64> {
    let mut open: BTreeMap<&str, jiff::Timestamp> = BTreeMap::new();
    let mut out = Vec::new();
    for event in events {
        let (Some(kind), Some(group)) = (event["kind"].as_str(), event["group"].as_str()) else {
            continue;
        };
        let at: jiff::Timestamp =
            event["at"].as_str().expect("a time").parse().expect("a timestamp");
        if kind == from {
            open.insert(group, at);
        } else if kind == to
            && let Some(start) = open.remove(group)
        {
            out.push((at - start).total(jiff::Unit::Second).expect("a span in seconds"));
        }
    }
    out
}

/// A worktree that is kept is put back to its commit and staged again, by git.
fn reset(place: &Place) -> f64 {
    let tree = place.at("reset-floor");
    let name = tree.to_string_lossy().into_owned();
    place.git(&["worktree", "add", "--quiet", "--detach", &name]);
    let line = format!(
        "cd {name} && git checkout --quiet --force --detach HEAD && git clean -ffdxq && git add --all"
    );
    let once = || {
        write(&tree.join("g/work"), "done\n");
        timed(|| run(place.sh(&line), 0)).0
    };
    once();
    median((0..7).map(|_| once()).collect())
}
