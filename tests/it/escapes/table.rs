//! Every attack at every tier, and the table of `docs/threat-model.md`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::probes::{Must, Net, PROBES, Probe};
use super::scene::{Scene, Seen};
use crate::harness::Sandbox;

pub const TIERS: [&str; 3] = ["worktree", "landlock", "bwrap"];

/// Tiers that work on this machine.
pub fn working() -> Vec<&'static str> {
    let said = Sandbox::new().run(0, &["sandbox", "--probe"]).stdout;
    let works = |tier: &&str| said.lines().any(|l| l.starts_with(tier) && l.contains("works"));
    TIERS
        .into_iter()
        .filter(works)
        .filter(|t| !said.contains(&format!("{t:<9} does not")))
        .collect()
}

/// Goes through the attacks at one tier, on a few threads. A place in which nothing was won is as it
/// was, and serves for the next attack.
fn tried(tier: usize) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut scene = None;
                while let Some(probe) = PROBES.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let place = scene.get_or_insert_with(Scene::new);
                    let seen = place.attack(TIERS[tier], network(probe, TIERS[tier]), probe.script);
                    if seen.won {
                        scene = None;
                    } else {
                        place.tidy();
                    }
                    found.lock().expect("a list").extend(wrong(probe, tier, &seen));
                }
            });
        }
    });
    found.into_inner().expect("a list")
}

/// What nobody can keep is not asked for: at `worktree` no network can.
fn network(probe: &Probe, tier: &str) -> &'static str {
    match (probe.network, tier) {
        (Net::Off, "landlock" | "bwrap") => "off",
        (Net::Off | Net::On, _) => "on",
    }
}

fn wrong(probe: &Probe, tier: usize, seen: &Seen) -> Option<String> {
    let expected = match probe.must[tier] {
        Must::Stop => false,
        Must::Open => true,
        Must::Depends => return None,
    };
    (seen.won != expected).then(|| format!("{} at {}: {seen:?}", probe.name, TIERS[tier]))
}

#[test]
fn every_attack_at_every_tier() {
    let tiers = working();
    let here = (0..TIERS.len()).filter(|at| tiers.contains(&TIERS[*at]));
    let found: Vec<String> = here.flat_map(tried).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(PROBES.len() >= 40, "{}", PROBES.len());
}
