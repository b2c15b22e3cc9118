//! Long journals: reading one with the chain verified, and going on after a kill.

use std::time::{Duration, Instant};

use otto::base::Sha256;

use super::long::lengthen;
use super::memory;
use super::place::{Place, run};
use super::sample::{in_turns, median, timed};
use super::table::{Row, megabytes, seconds};

/// A session of `groups` groups that was approved and never built, with a journal of `events`.
/// Its checks begin with the line `first`.
fn session(groups: usize, events: usize, first: &str) -> Place {
    let place = Place::checked(100, first);
    let spec = place.spec(groups);
    run(place.sh(&format!("otto compile --from-spec {spec}")), 0);
    let ids: Vec<String> = (1..=groups).map(|i| format!("g{i}")).collect();
    lengthen(&place.journal(), &ids, &place.git(&["rev-parse", "HEAD"]), events);
    place
}

/// Every event read, parsed, checked against the chain, and folded into the state.
pub fn replay(runs: usize, events: usize) -> Vec<Row> {
    let place = session(100, events, "");
    let status = || place.otto(&["status", "--json"]);
    let path = place.journal();
    let ours = || timed(|| run(status(), 1)).0;
    let hash = || timed(|| Sha256::of_reader(std::fs::File::open(&path).expect("it is there"))).0;
    let pair = in_turns(runs, ours, hash);
    let size = path.metadata().expect("it is there").len();
    let peak = memory::of(status());
    vec![
        Row::new(
            format!("replay of {events} events ({}), chain verified", megabytes(size)),
            seconds(pair.ours),
            seconds(pair.floor),
        )
        .ratio(pair.ratio())
        .goal("≤ 1.5 s", pair.ours <= 1.5),
        // The state holds what can still matter; the file is not held.
        Row::new("its memory", megabytes(peak), megabytes(size))
            .ratio(peak as f64 / size as f64)
            .goal("bounded: ≤ 100 MB", peak <= 100_000_000),
    ]
}

/// A chain checked by itself, and everything that `otto verify` reads of such a session.
pub fn verify(runs: usize, events: usize) -> Vec<Row> {
    use otto::session::journal::{Position, Reader};
    let place = session(3, events, "");
    let path = place.journal();
    let hash = || timed(|| Sha256::of_reader(std::fs::File::open(&path).expect("it is there"))).0;
    let chain = || {
        let (took, read) = timed(|| {
            let reader = Reader::open(&path, Position::START).expect("a journal");
            reader.inspect(|record| assert!(record.is_ok(), "a whole chain")).count()
        });
        assert_eq!(read, events);
        took
    };
    let pair = in_turns(runs.max(9), chain, hash);
    let whole = || timed(|| run(place.otto(&["verify", "--no-rerun"]), 0)).0;
    let start = || timed(|| run(place.otto(&["--version"]), 0)).0;
    let program = in_turns(runs.max(9), whole, start);
    vec![
        Row::new(
            format!("a chain of {events} events verified; floor: its SHA-256"),
            seconds(pair.ours),
            seconds(pair.floor),
        )
        .ratio(pair.ratio())
        .goal("≤ 10 ms", pair.ours <= 0.010),
        Row::new(
            "`otto verify --no-rerun` of that session; floor: `otto --version`",
            seconds(program.ours),
            seconds(program.floor),
        )
        .ratio(program.ratio()),
    ]
}

/// From the start of `otto run --resume` to the start of the first check that it runs: the first
/// thing that it does for the product.
pub fn resume(runs: usize, lengths: &[(usize, f64)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for &(events, goal) in lengths {
        let place = session(3, events, "echo begun >'PLACE/begun'\n");
        let whole = std::fs::read(place.journal()).expect("it is there");
        let ours = || {
            // As it was at the kill, whatever the measurement before this one got to.
            let refs = "git for-each-ref --format='delete %(refname)' refs/otto refs/heads/i2p";
            run(place.sh(&format!("{refs} | git update-ref --stdin")), 0);
            std::fs::write(place.journal(), &whole).expect("written");
            first_step(&place)
        };
        let hash = || {
            let start = timed(|| run(place.command("git", &["--version"]), 0)).0;
            start + timed(|| Sha256::of_reader(whole.as_slice())).0
        };
        let pair = in_turns(runs, ours, hash);
        rows.push(
            Row::new(
                format!("resume after a kill at {events} events, to the start of its first check"),
                seconds(pair.ours),
                seconds(pair.floor),
            )
            .ratio(pair.ratio())
            .goal(&format!("≤ {}", seconds(goal)), pair.ours <= goal),
        );
    }
    rows
}

fn first_step(place: &Place) -> f64 {
    let mut command = place.otto(&["run", "--quiet", "--resume", &place.session()]);
    let said = std::fs::File::create(place.at("resume.err")).expect("a file");
    command.stdout(std::process::Stdio::null()).stderr(said);
    let begun = place.at("begun");
    drop(std::fs::remove_file(&begun));
    let started = Instant::now();
    let mut child = command.spawn().expect("otto starts");
    while !begun.exists() {
        if started.elapsed() > Duration::from_secs(60) {
            let said = std::fs::read_to_string(place.at("resume.err")).unwrap_or_default();
            panic!("no check has begun: {said}");
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    let took = started.elapsed().as_secs_f64();
    // What it does after that is not measured; it is ended, not waited for.
    // SAFETY: a signal to the child that was just started and not yet waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    drop(child.wait());
    took
}

/// `otto status` and `otto log` of the newest of many finished runs, one with a large transcript.
pub fn history(runs: usize, sessions: usize, transcript: u64) -> Vec<Row> {
    let place = Place::new(100);
    let spec = place.spec(3);
    run(place.otto(&["run", "--quiet", "--from-spec", &spec]), 0);
    copies(&place, sessions);
    let dir = place.session_dir().join("build/g1/attempt-01");
    let line =
        "{\"t\":0.001,\"m\":{\"type\":\"text\",\"text\":\"What an agent says, line by line.\"}}\n";
    let block = line.repeat(1 << 14);
    let mut written = 0;
    let path = dir.join("messages.jsonl");
    let mut file = std::fs::File::create(&path).expect("a transcript");
    while written < transcript {
        std::io::Write::write_all(&mut file, block.as_bytes()).expect("real bytes");
        written += block.len() as u64;
    }
    let floor = || timed(|| run(place.command("git", &["log", "-1"]), 0)).0;
    let mut rows = Vec::new();
    for verb in ["status", "log"] {
        let pair = in_turns(runs, || timed(|| run(place.otto(&[verb]), 0)).0, floor);
        let what = format!(
            "`otto {verb}` with {sessions} finished runs and a transcript of {}",
            megabytes(written)
        );
        rows.push(
            Row::new(what, seconds(pair.ours), seconds(pair.floor))
                .ratio(pair.ratio())
                .goal("≤ 50 ms", pair.ours <= 0.050),
        );
    }
    let named = median(
        (0..runs)
            .map(|_| timed(|| run(place.otto(&["status", &place.session()[..15]]), 0)).0)
            .collect(),
    );
    rows.push(Row::new("the same, session named by a prefix", seconds(named), String::new()));
    rows
}

/// The finished session again and again under older names, with all that its history needs.
fn copies(place: &Place, n: usize) {
    let id = place.session();
    let from = place.session_dir();
    for i in 0..n {
        let other =
            format!("2020{:02}{:02}-{:06}-{}", 1 + i % 12, 1 + i % 28, i, &id[id.len() - 4..]);
        let to = place.project.join("otto_logs/sessions").join(&other);
        std::fs::create_dir_all(to.join("spec")).expect("a folder");
        for name in
            ["session.json", "intent.txt", "spec-state.jsonl", "spec/spec.json", "summary.json"]
        {
            let Ok(text) = std::fs::read_to_string(from.join(name)) else { continue };
            std::fs::write(to.join(name), text.replace(&id, &other)).expect("written");
        }
    }
}
