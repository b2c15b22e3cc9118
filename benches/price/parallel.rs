//! Three groups whose agents take the same time: beside each other against one after the other.

use super::place::{Place, run};
use super::sample::{in_turns, timed};
use super::table::{Row, seconds};

pub fn rows(runs: usize, agent_s: f64) -> Vec<Row> {
    let place = Place::new(100);
    place.agent(&format!("sleep {agent_s}"));
    let spec = place.spec(3);
    let whole = |jobs: &str| {
        let args = ["run", "--quiet", "--from-spec", &spec, "--jobs", jobs];
        timed(|| run(place.otto(&args), 0)).0
    };
    let pair = in_turns(runs, || whole("3"), || whole("1"));
    let times = pair.floor / pair.ours;
    let what = format!("three groups, agents of {agent_s} s: at once against one after the other");
    vec![
        Row::new(what, seconds(pair.ours), seconds(pair.floor))
            .ratio(times)
            .goal("≥ 2.5 × as fast", times >= 2.5),
    ]
}
