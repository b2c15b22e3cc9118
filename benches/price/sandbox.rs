//! What a sandbox costs a command, against the same command without one.

use std::path::Path;

use otto::process::sandbox::probe;
use otto::process::{Capture, Command, Network, Sandbox, Tier, base_env};

use super::sample::{in_turns, timed};
use super::table::{Row, seconds};

/// A start is short: this many are one measurement.
const STARTS: u32 = 40;

pub fn rows(runs: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for tier in [Tier::Landlock, Tier::Bwrap] {
        let (took, probe) = timed(|| probe(tier));
        let what = format!("looking whether the tier `{}` works here", tier.word());
        let row = Row::new(what, seconds(took), String::new());
        rows.push(row.goal("≤ 20 ms", took <= 0.020));
        if !probe.works() {
            continue;
        }
        for network in [Network::Off, Network::On] {
            rows.push(row_of(runs, tier, network));
        }
    }
    rows
}

fn row_of(runs: usize, tier: Tier, network: Network) -> Row {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let sandbox = || Sandbox::new(tier, network, dir, dir).write([dir.to_owned()]);
    let pair = in_turns(runs, || starts(dir, Some(&sandbox)), || starts(dir, None));
    let more = pair.ours - pair.floor;
    let what = format!(
        "a command at the tier `{}`, network `{}`; floor: without a sandbox",
        tier.word(),
        network.word()
    );
    let row = Row::new(what, seconds(pair.ours), seconds(pair.floor)).ratio(pair.ratio());
    match tier {
        Tier::Landlock => row.goal("≤ 2 ms more", more <= 0.002),
        Tier::Worktree | Tier::Bwrap => row,
    }
}

/// Seconds of one start.
fn starts(dir: &Path, sandbox: Option<&dyn Fn() -> Sandbox>) -> f64 {
    let (s, ()) = timed(|| {
        for _ in 0..STARTS {
            let mut command = Command::new(["/bin/true"], dir, base_env());
            if let Some(sandbox) = sandbox {
                command = command.sandbox(sandbox());
            }
            let done = command.run(Capture::Merged(dir.join("out"))).expect("it starts");
            assert!(done.success(), "{done:?}");
        }
    });
    s / f64::from(STARTS)
}
