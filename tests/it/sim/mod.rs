//! The decision cores of the product drive a simulated world: several processes at once, agents
//! that fail, kills, power cuts and people, all from a seed; after every step the architecture's
//! invariants are asked.
//!
//! `OTTO_SIM_LANDINGS=100000` runs until so many groups have landed; `OTTO_SIM_SEED=…` with
//! `sim::replay -- --nocapture` shows one run, event by event.

mod audit;
mod build;
mod case;
mod exec;
mod git;
mod merge;
mod rules;
mod run;
mod world;

use case::{Case, Mutant};
use run::simulate;
use world::Stats;

use crate::harness::Matrix;

/// Landings in an ordinary test run.
const LANDINGS: u64 = 2_000;
/// A mutant has to be seen within so many seeds.
const SEEDS: u64 = 400;

fn replay_line(case: &Case) -> String {
    format!("OTTO_SIM_SEED={case} cargo test --test it sim::replay -- --nocapture")
}

fn fail(case: Case, what: &str) -> ! {
    let small = case.shrunk(|c| simulate(*c, false).broken.is_some());
    let again = simulate(small, false).broken.unwrap_or_default();
    panic!(
        "seed {}: {what}\nthe smallest that still fails ({} groups, {} faults): {again}\n  {}",
        case.seed,
        small.groups,
        small.faults,
        replay_line(&small)
    );
}

#[test]
fn thousands_of_landings_keep_every_invariant() {
    let wanted = std::env::var("OTTO_SIM_LANDINGS").ok().and_then(|n| n.parse().ok());
    let wanted = wanted.unwrap_or(LANDINGS);
    let clock = std::time::Instant::now();
    let mut sum = Stats::default();
    let mut seeds = 0;
    while sum.landings < wanted {
        let case = Case::of(seeds);
        let outcome = simulate(case, false);
        if let Some(what) = outcome.broken {
            fail(case, &what);
        }
        let s = outcome.stats;
        sum.steps += s.steps;
        sum.landings += s.landings;
        sum.attempts += s.attempts;
        sum.kills += s.kills;
        sum.power_cuts += s.power_cuts;
        sum.conflicts += s.conflicts;
        sum.persons += s.persons;
        sum.passed += s.passed;
        seeds += 1;
    }
    println!(
        "simulation: {seeds} seeds, {} landings, {} attempts, {} kills, {} power cuts, \
         {} conflicts, {} acts of a person, {} runs passed, {} steps, {:.1} s",
        sum.landings,
        sum.attempts,
        sum.kills,
        sum.power_cuts,
        sum.conflicts,
        sum.persons,
        sum.passed,
        sum.steps,
        clock.elapsed().as_secs_f64()
    );
    let seen = [sum.kills, sum.power_cuts, sum.conflicts, sum.persons, sum.passed];
    assert!(seen.iter().all(|n| *n > 0), "something was never tried: {seen:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [3, 40, 171] {
        let (a, b) = (simulate(Case::of(seed), true), simulate(Case::of(seed), true));
        assert_eq!(a.trace, b.trace);
        assert!(a.trace.len() > 10);
    }
}

/// The first seed that shows it, and what was broken.
fn first_seen(mutant: Mutant) -> (Case, String) {
    for seed in 0..SEEDS {
        let case = Case::rough(seed, mutant);
        if let Some(what) = simulate(case, false).broken {
            return (case, what);
        }
    }
    panic!("{} was not seen in {SEEDS} seeds", mutant.word());
}

#[test]
fn every_wrong_variant_is_seen() {
    let mut table = Matrix::new("simulation-mutants", &["what is wrong on purpose", "seen"]);
    let mut last = 0;
    for mutant in Mutant::ALL {
        let (case, what) = first_seen(*mutant);
        last = last.max(case.seed);
        println!("{:16} seed {:3}: {what}", mutant.word(), case.seed);
        table.row(&[mutant.what(), "yes"]);
    }
    table.check();
    // It was the mutant that was seen: the same seeds are fine without.
    for seed in 0..=last {
        let right = Case { mutant: None, ..Case::rough(seed, Mutant::NoSync) };
        assert_eq!(simulate(right, false).broken, None, "{right} fails without a mutant");
    }
    let mut table = Matrix::new("simulation", &["invariant", "asserted after every step"]);
    for (invariant, what) in rules::RULES {
        table.row(&[invariant, what]);
    }
    table.check();
}

#[test]
fn a_failing_seed_is_made_small_and_can_be_replayed() {
    for mutant in [Mutant::NoRecheck, Mutant::DropsEarlier, Mutant::OverPerson] {
        let (case, _) = first_seen(mutant);
        let small = case.shrunk(|c| simulate(*c, false).broken.is_some());
        assert!(small.groups <= case.groups && small.faults <= case.faults, "{case} {small}");
        assert!(small.groups <= 3 && small.faults <= 3, "{small} is not small");
        let line = replay_line(&small);
        let text = line.split_whitespace().next().and_then(|w| w.split_once('='));
        let again: Case = text.expect("a variable").1.parse().expect("a case");
        assert_eq!(again, small);
        let shown = simulate(again, true);
        assert!(shown.broken.is_some() && shown.trace.iter().any(|l| l.contains("BROKEN")));
    }
}

/// Shows the run that `OTTO_SIM_SEED` names.
#[test]
fn replay() {
    let Ok(text) = std::env::var("OTTO_SIM_SEED") else { return };
    let case: Case = text.parse().expect("SEED:GROUPS:FAULTS:KINDS[:MUTANT]");
    let outcome = simulate(case, true);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!("{:?}", outcome.stats);
    if let Some(what) = outcome.broken {
        panic!("{what}");
    }
}
