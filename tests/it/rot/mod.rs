//! Every file under `otto_logs`, and those of the worktree pool, damaged in every way: whoever reads
//! one either behaves as without the damage or stops with 65, names it, and leaves everything as it
//! was found. `OTTO_TORTURE=1` tries every program on every file, and many more flips.

mod damage;
mod file;
mod place;
mod trial;

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Matrix, Running, Sandbox, Shape, until};
use file::Kind;
use place::Place;
use trial::{Outcome, Seen, Trial};

/// Leaves half of its part and waits, where `$HOME/block` names its group.
const WAITS: &str = r#"mkdir -p "$OTTO_GROUP"; echo "half $OTTO_GROUP" >"$OTTO_GROUP/work"
if grep -qx "$OTTO_GROUP" "$HOME/block" 2>/dev/null; then
    : >"$HOME/marks/$OTTO_GROUP"
    read -r go <"$HOME/gate"
fi
echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

/// Two groups landed, the spec amended once, audited, rendered.
fn finished() -> Place {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec]);
    let mut changed: serde_json::Value =
        serde_json::from_str(&s.run(0, &["spec", "show", "--json"]).stdout).expect("JSON");
    changed["non_goals"] = serde_json::json!(["a third part"]);
    std::fs::write(s.at("changed.json"), changed.to_string()).expect("written");
    let changed = s.at("changed.json").to_string_lossy().into_owned();
    s.run(0, &["spec", "amend", "latest", "--reason", "to be clear", "--file", &changed]);
    s.run(0, &["run", "--resume"]);
    Place::keep(s)
}

/// One group landed; of the other one an agent had written half when everything was killed.
fn half() -> Place {
    let s = Sandbox::project();
    s.agent(WAITS);
    s.gate("gate");
    std::fs::write(s.home("block"), "g2\n").expect("written");
    let spec = s.spec(&Shape::of(2));
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("g2");
    s.wait_for("merge.landed", 1);
    // The anchor of the landing is the last thing that the queue does before it waits again.
    until("the landing is anchored", || {
        let told = s.git(&["for-each-ref", "--format=%(refname)", "refs/otto"]);
        (told.contains("refs/otto/head/") && !told.contains("candidate")).then_some(())
    });
    kill(&s, run);
    // Taken up again, and killed again: events behind the one that git names.
    std::fs::remove_file(s.home("marks/g2")).expect("it was made");
    let run = s.start(&["run", "--resume"]);
    s.mark("g2");
    kill(&s, run);
    std::fs::remove_file(s.home("block")).expect("it was there");
    Place::keep(s)
}

fn kill(s: &Sandbox, run: Running) {
    run.kill();
    until("the end of everything that it started", || s.leftovers().is_empty().then_some(()));
}

#[test]
fn every_damage_is_named_or_changes_nothing() {
    let long = std::env::var_os("OTTO_TORTURE").is_some();
    let (a, b) = std::thread::scope(|scope| {
        let one = scope.spawn(|| Trial::new(finished(), "finished", long).all());
        let other = scope.spawn(|| Trial::new(half(), "half-finished", long).all());
        (one.join(), other.join())
    });
    let mut told = a.expect("the finished session");
    told.extend(b.expect("the half-finished session"));
    if !long {
        table(&told);
    }
}

/// One row for each kind of file and each set of damages with the same answer.
fn table(told: &[Outcome]) {
    let mut rows: BTreeMap<(Kind, &str), BTreeMap<&str, Answer>> = BTreeMap::new();
    for one in told.iter().filter(|one| one.whole) {
        let by_damage = rows.entry((one.kind, one.place)).or_default();
        by_damage.entry(one.damage).or_default().add(one);
    }
    let columns = ["file", "session", "damage", "stop with 65 and name it", "go on"];
    let mut matrix = Matrix::new("corruption", &columns);
    for ((kind, place), by_damage) in rows {
        let mut same: Vec<(Vec<&str>, Answer)> = Vec::new();
        for (damage, answer) in by_damage {
            match same.iter_mut().find(|(_, a)| *a == answer) {
                Some((damages, _)) => damages.push(damage),
                None => same.push((vec![damage], answer)),
            }
        }
        for (damages, answer) in same {
            let all = damage::NAMES.len() == damages.len();
            let damages = if all { "any".to_owned() } else { damages.join(", ") };
            let (stops, others) = (shown(&answer.stops), shown(&answer.others));
            matrix.row(&[kind.shown(), place, &damages, &stops, &others]);
        }
    }
    matrix.check();
}

/// Who stops, and who goes on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    stops: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Answer {
    fn add(&mut self, one: &Outcome) {
        let program = one.program;
        match one.seen {
            Seen::Stopped => self.stops.insert(program.to_owned()),
            Seen::Same => self.others.insert(program.to_owned()),
            Seen::Lowered => self.others.insert(format!("{program} (unverified)")),
            Seen::Listed => self.others.insert(format!("{program} (as unreadable)")),
        };
    }
}

fn shown(programs: &BTreeSet<String>) -> String {
    let all: BTreeSet<String> = file::PROGRAMS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&str> = all.difference(programs).map(String::as_str).collect();
    match (programs.len(), missing.as_slice()) {
        (0, _) => "–".to_owned(),
        (_, []) => "all".to_owned(),
        (_, [one]) => format!("all but {one}"),
        (_, _) => programs.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
