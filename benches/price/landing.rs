//! Landings a second when no check is in the way, durable as always.

use super::place::{Place, run};
use super::sample::{median, timed};
use super::table::Row;

/// The same with the git command line: merged off-tree, committed, the file system synced, the
/// branch moved by compare-and-swap.
const FLOOR: &str = r#"set -eu
n=$1
tip=$(git rev-parse HEAD)
git for-each-ref --format='%(objectname)' "refs/heads/i2p/build/$2.*" | {
    old=0000000000000000000000000000000000000000
    while read -r head; do
        tree=$(git merge-tree --write-tree "$tip" "$head")
        new=$(git commit-tree -p "$tip" -p "$head" -m land "$tree")
        sync -f .git
        git update-ref refs/heads/floor "$new" "$old"
        sync -f .git
        old=$new
        tip=$new
    done
}
git update-ref -d refs/heads/floor
"#;

pub fn rows(runs: usize, n: usize) -> Vec<Row> {
    let place = Place::new(100);
    let spec = place.spec(n);
    let (mut ours, mut with_checks, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let build = format!("otto compile --from-spec {spec} | otto build-group --all");
        run(place.sh(&build), 0);
        let args = ["-c", FLOOR, "floor", &n.to_string(), &place.session()];
        floor.push(n as f64 / timed(|| run(place.command("sh", &args), 0)).0);
        let mut merge = place.otto(&["merge", "--session", "latest"]);
        merge.env("OTTO_LOG", "otto::stage::merge=debug");
        let (s, said) = timed(|| run(merge, 0));
        with_checks.push(n as f64 / s);
        let each = own_clock(&said.stderr);
        assert_eq!(each.len(), n, "every group landed");
        ours.push(n as f64 / each.iter().sum::<f64>());
    }
    let (ours, with_checks, floor) = (median(ours), median(with_checks), median(floor));
    let per_s = |rate: f64| format!("{rate:.0} /s");
    vec![
        Row::new(
            format!("landings a second, durable, the gate left out ({n} groups)"),
            per_s(ours),
            per_s(floor),
        )
        .ratio(ours / floor)
        .goal("≥ 50 /s", ours >= 50.0),
        Row::new("the same, each checked by one trivial test", per_s(with_checks), per_s(floor))
            .ratio(with_checks / floor),
    ]
}

/// Seconds of each landing, by the queue's own clock: the merge off-tree, and everything from the
/// green checks to the removed candidate. Running the checks is not part of it.
pub fn own_clock(log: &str) -> Vec<f64> {
    let ms = |line: &str, word: &str| -> Option<f64> {
        let rest = &line[line.find(word)? + word.len()..];
        rest.split_whitespace().next()?.parse().ok()
    };
    let lines = log.lines().filter(|l| l.contains("landed in"));
    lines.filter_map(|l| Some((ms(l, "merged in ")? + ms(l, "landed in ")?) / 1e3)).collect()
}
