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
    let spec = place.spec(n, false);
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let build = format!("otto compile --from-spec {spec} | otto build-group --all");
        run(place.sh(&build), 0);
        let args = ["-c", FLOOR, "floor", &n.to_string(), &place.session()];
        floor.push(n as f64 / timed(|| run(place.command("sh", &args), 0)).0);
        let merge = place.otto(&["merge", "--session", "latest"]);
        ours.push(n as f64 / timed(|| run(merge, 0)).0);
        let landed = place.events().iter().filter(|e| e["kind"] == "merge.landed").count();
        assert_eq!(landed, n, "every group landed");
    }
    let (ours, floor) = (median(ours), median(floor));
    vec![
        Row::new(
            format!("landings a second, nothing to check ({n} groups)"),
            format!("{ours:.0} /s"),
            format!("{floor:.0} /s"),
        )
        .ratio(ours / floor)
        .goal("≥ 50 /s", ours >= 50.0),
    ]
}
