//! `make bench`: what Otto costs, as one table, each figure against its floor in the same run.
//!
//! Drives the release programs as a person would. Prints the table and writes it to
//! `docs/performance.md`, which says what each floor is made of.
//!
//! ```text
//! cargo bench --bench price -- [--quick] [--only NAME]… [--write]
//! ```

mod groups;
mod journal;
mod landing;
mod long;
mod memory;
mod parallel;
mod place;
mod sample;
mod sandbox;
mod size;
mod start;
mod table;

use std::path::Path;
use std::process::Command;

use table::Row;

/// How much is measured.
struct Scale {
    runs: usize,
    groups: usize,
    growth: &'static [usize],
    sizes: &'static [usize],
    agent_s: f64,
    landings: usize,
    replay: usize,
    resume: &'static [(usize, f64)],
    sessions: usize,
    transcript: u64,
}

const WHOLE: Scale = Scale {
    runs: 5,
    groups: 100,
    growth: &[10, 100, 1000],
    sizes: &[1_000, 10_000, 50_000],
    agent_s: 3.0,
    landings: 100,
    replay: 1_000_000,
    resume: &[(1_000, 0.020), (100_000, 0.300)],
    sessions: 10_000,
    transcript: 1_000_000_000,
};

const QUICK: Scale = Scale {
    runs: 3,
    groups: 20,
    growth: &[10, 30, 100],
    sizes: &[1_000, 5_000],
    agent_s: 1.5,
    landings: 30,
    replay: 100_000,
    resume: &[(1_000, 0.020), (20_000, 0.060)],
    sessions: 1_000,
    transcript: 100_000_000,
};

type Group<'a> = (&'a str, Box<dyn Fn() -> Vec<Row> + 'a>);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let only: Vec<&String> = args.iter().skip_while(|a| *a != "--only").skip(1).collect();
    let s = if has("--quick") { &QUICK } else { &WHOLE };
    let all: Vec<Group<'_>> = vec![
        ("start", Box::new(|| start::rows(s.runs))),
        ("sandbox", Box::new(|| sandbox::rows(s.runs))),
        // First, because the floors of the others delete many files, which slows a file system down.
        ("growth", Box::new(|| groups::growth(s.growth))),
        ("groups", Box::new(|| groups::rows(s.runs.min(3), s.groups))),
        ("size", Box::new(|| size::rows(s.sizes))),
        ("parallel", Box::new(|| parallel::rows(s.runs.min(3), s.agent_s))),
        ("landing", Box::new(|| landing::rows(s.runs.min(3), s.landings))),
        ("replay", Box::new(|| journal::replay(s.runs, s.replay))),
        ("verify", Box::new(|| journal::verify(s.runs, 1_000))),
        ("resume", Box::new(|| journal::resume(s.runs, s.resume))),
        ("history", Box::new(|| journal::history(s.runs, s.sessions, s.transcript))),
    ];
    let mut rows = Vec::new();
    for (name, measure) in all {
        if only.is_empty() || only.iter().any(|o| *o == name) {
            eprintln!("{name} …");
            rows.extend(measure());
        }
    }
    let table = table::markdown(&machine(), &rows);
    print!("{table}");
    if has("--write") {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        table::write(&page, &table);
    }
}

/// Cores, processor, system, git and the commit that was measured.
fn machine() -> String {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        text.ok().filter(|t| !t.is_empty()).unwrap_or_else(|| "?".into())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("");
    let root = env!("CARGO_MANIFEST_DIR");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{cores} cores ({}), {}, {}, commit {}, load {} at the end.",
        model.trim_start_matches([':', ' ', '\t']),
        said("uname", &["-sr"]),
        said("git", &["--version"]),
        said("git", &["-C", root, "describe", "--always", "--dirty", "--abbrev=10"]),
        load.split_whitespace().next().unwrap_or("?"),
    )
}
