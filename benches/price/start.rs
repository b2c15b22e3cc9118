//! Starting: `--version` and `--help` against `git --version`.

use super::place::{Place, programs, run};
use super::sample::{in_turns, timed};
use super::table::{Row, seconds};

pub fn rows(runs: usize) -> Vec<Row> {
    let place = Place::new(2);
    let start = |command: &dyn Fn() -> std::process::Command| {
        // A start is short: ten of them are one measurement.
        let (s, ()) = timed(|| (0..10).for_each(|_| drop(run(command(), 0))));
        s / 10.0
    };
    let git = || start(&|| place.command("git", &["--version"]));
    let version = in_turns(runs, || start(&|| place.otto(&["--version"])), git);
    let mut rows = vec![
        Row::new("`otto --version`", seconds(version.ours), seconds(version.floor))
            .ratio(version.ratio())
            .goal("≤ 2 × `git --version`", version.ratio() <= 2.0),
    ];
    let names = run(place.otto(&["pages", "--names"]), 0).stdout;
    let worst = names
        .lines()
        .map(|name| {
            let ours = || start(&|| place.command(programs().join(name), &["--help"]));
            (name, in_turns(runs, ours, git))
        })
        .max_by(|a, b| a.1.ratio().total_cmp(&b.1.ratio()))
        .expect("there are programs");
    let what = format!("`--help` of any program (slowest: `{}`)", worst.0);
    rows.push(
        Row::new(what, seconds(worst.1.ours), seconds(worst.1.floor))
            .ratio(worst.1.ratio())
            .goal("≤ 3 × `git --version`", worst.1.ratio() <= 3.0),
    );
    rows
}
