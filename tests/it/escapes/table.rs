//! Every attack at every tier, and the table of `docs/threat-model.md`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::probes::{Must, Net, PARTS, Probe};
use super::scene::Scene;
use crate::harness::{Matrix, Sandbox};

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

fn all() -> Vec<&'static Probe> {
    PARTS.iter().flat_map(|(_, probes)| probes.iter()).collect()
}

/// Goes through the attacks at one tier, on a few threads. A place in which nothing was won is as it
/// was, and serves for the next attack.
fn tried(tier: usize) -> Vec<String> {
    let (probes, next) = (all(), AtomicUsize::new(0));
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut scene = None;
                while let Some(probe) = probes.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let Some(must_win) = must_win(probe.must[tier]) else { continue };
                    let place = scene.get_or_insert_with(Scene::new);
                    let seen = place.attack(TIERS[tier], network(probe, tier), probe);
                    if seen.won {
                        scene = None;
                    } else {
                        place.tidy();
                    }
                    if seen.won != must_win {
                        let wrong = format!("{} at {}: {seen:?}", probe.name, TIERS[tier]);
                        found.lock().expect("a list").push(wrong);
                    }
                }
            });
        }
    });
    found.into_inner().expect("a list")
}

/// `None` for what is not tried.
fn must_win(must: Must) -> Option<bool> {
    match must {
        Must::Stop => Some(false),
        Must::Open => Some(true),
        // SAFETY: getuid(2) has no arguments and cannot fail.
        Must::Root => (unsafe { libc::getuid() } == 0).then_some(true),
        Must::Untried => None,
    }
}

/// What a tier cannot keep is refused, and so not asked for: at `worktree` no network can.
fn network(probe: &Probe, tier: usize) -> &'static str {
    match (probe.network, TIERS[tier]) {
        (Net::On, _) | (_, "worktree") => "on",
        (Net::Off, _) => "off",
        (Net::Provider, _) => "provider",
    }
}

#[test]
fn every_attack_at_every_tier() {
    let tiers = working();
    let here = (0..TIERS.len()).filter(|at| tiers.contains(&TIERS[*at]));
    let found: Vec<String> = here.flat_map(tried).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(all().len() >= 40, "{}", all().len());
}

#[test]
fn the_page_says_what_is_tried() {
    let mut table =
        Matrix::on("docs/threat-model.md", "escapes", &["attack", "worktree", "landlock", "bwrap"]);
    for (title, probes) in PARTS {
        table.row(&[&format!("**{title}**"), "", "", ""]);
        for probe in probes {
            let cell = |tier: usize| match probe.must[tier] {
                Must::Stop
                    if TIERS[tier] == "landlock"
                        && (probe.network == Net::Provider || probe.write.is_some()) =>
                {
                    "refused"
                }
                Must::Stop => "stopped",
                Must::Open => "**not stopped**",
                Must::Root | Must::Untried => "as your rights allow",
            };
            table.row(&[probe.name, cell(0), cell(1), cell(2)]);
        }
    }
    table.check();
}
