//! A run is killed, or its disk fails, or the power goes, at every crash point of every program of
//! it; then the same command goes on to the same end.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Done, Faults, Matrix, Point, Sandbox, Shape, Survives};

/// Two groups, the second on top of the first, so that candidates are checked and heads merged.
fn shape() -> Shape {
    Shape::of(2).needs("g2", &["g1"])
}

/// What every run of it leaves in the end.
const TREE: &str = "README.md\ng1/work\ng2/work\notto.yaml\ntests/check.sh";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    Torn,
    Power(Survives),
    Once(&'static str),
    From(&'static str),
}

impl Fault {
    fn plan(self) -> String {
        match self {
            Fault::Kill => "kill".into(),
            Fault::Torn => "torn".into(),
            Fault::Power(_) => "power".into(),
            Fault::Once(errno) => format!("once {errno}"),
            Fault::From(errno) => format!("from {errno}"),
        }
    }
}

struct Case {
    sandbox: Sandbox,
    spec: String,
}

impl Case {
    fn new() -> Self {
        let sandbox = Sandbox::project();
        let spec = sandbox.spec(&shape());
        Self { sandbox, spec }
    }

    /// The first run, with whatever comes in its way.
    fn run(&self, faults: &Faults<'_>) -> Done {
        let (name, dir) = faults.env();
        let mut command = self.sandbox.command(&["run", "--from-spec", &self.spec, "--jobs", "1"]);
        self.sandbox.finish(command.env(name, dir))
    }

    /// The same command again, or from the start where there was no session yet.
    fn goes_on(&self, boot: &str) {
        let s = &self.sandbox;
        let again = |args: &[&str]| s.finish(s.command(args).env("OTTO_BOOT_ID", boot));
        let mut done = again(&["run", "--resume"]);
        if done.code == 1 && done.stderr.contains("no session is open") {
            if self.is_finished() {
                return self.same_end();
            }
            done = again(&["run", "--from-spec", &self.spec, "--jobs", "1"]);
        }
        assert_eq!(done.code, 0, "resumed: {}", done.stderr);
        self.same_end();
    }

    fn is_finished(&self) -> bool {
        let s = &self.sandbox;
        s.project.join("otto_logs/latest").exists() && !s.events("run.finished").is_empty()
    }

    /// The same landings, none twice, none lost; nothing is left behind.
    fn same_end(&self) {
        let s = &self.sandbox;
        s.assert_landed_once(&["g1", "g2"]);
        assert_eq!(s.git(&["ls-tree", "-r", "--name-only", &s.integ()]), TREE);
        assert_eq!(s.story().len(), 3);
        assert_eq!(s.leftovers(), [0; 0], "processes");
        assert_eq!(s.git(&["status", "--porcelain"]), "", "the checkout");
        assert_eq!(s.git(&["fsck", "--connectivity-only", "--no-dangling"]), "", "the repository");
        let proof = s.session_dir().join("proof-packet.html");
        assert!(proof.exists() && s.project.join("otto_logs/history.jsonl").exists(), "the proof");
        let stale: Vec<_> = s.files_named(".lock").into_iter().filter(|p| !is_flock(p)).collect();
        assert_eq!(stale, [""; 0], "locks of git");
        assert_eq!(s.files_named("owner.json"), [""; 0], "worktrees that nobody gives back");
        assert_eq!(s.files_named(".tmp"), [""; 0], "temporary files");
    }
}

/// Ours are files that stay, and locked by the kernel.
fn is_flock(path: &str) -> bool {
    path.contains("otto_logs/locks/") || path.ends_with("/lease.lock")
}

/// One fault at one point, from the start to the same end.
fn survives(point: &Point, fault: Fault) {
    let case = Case::new();
    let faults = Faults::new(&case.sandbox);
    if matches!(fault, Fault::Power(_)) {
        faults.with_platter();
    }
    faults.plan(&format!("{} {} {}", point.program, point.n, fault.plan()));
    let done = case.run(&faults);
    assert!(!done.stderr.contains("panicked at"), "{}", done.stderr);
    assert_ne!(done.code, 70, "a bug: {}", done.stderr);
    let mut boot = "the same";
    match fault {
        Fault::Power(survives) => {
            faults.restore(survives);
            boot = "another";
        }
        Fault::Kill | Fault::Torn => case.sandbox.kill_leftovers(),
        Fault::Once(_) | Fault::From(_) => {
            if done.code == 0 {
                // What failed was a courtesy, or was made good by the step after it.
                return case.same_end();
            }
            assert_eq!(case.sandbox.leftovers(), [0; 0], "processes after {}", done.code);
        }
    }
    case.goes_on(boot);
}

/// The points of a run that nothing happens to.
fn points() -> Vec<Point> {
    let case = Case::new();
    let faults = Faults::new(&case.sandbox);
    assert_eq!(case.run(&faults).code, 0);
    case.same_end();
    faults.points()
}

/// In CI the first and the last point of every kind, else all.
fn chosen(points: &[Point]) -> Vec<Point> {
    if std::env::var_os("OTTO_TORTURE").is_some() {
        return points.to_vec();
    }
    let kind = |p: &&Point| (p.program.clone(), p.effect.clone(), p.subject.clone());
    let mut seen = BTreeSet::new();
    let first: Vec<&Point> = points.iter().filter(|p| seen.insert(kind(p))).collect();
    first.into_iter().cloned().collect()
}

/// Tries all, two at a time, and says which failed.
fn all_survive(cases: &[(Point, Fault)]) {
    let next = AtomicUsize::new(0);
    let bad = Mutex::new(Vec::new());
    let work = || {
        while let Some((point, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tried = std::panic::catch_unwind(|| survives(point, *fault));
            if let Err(why) = tried {
                let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                bad.lock().expect("whole").push(format!("{fault:?} at {point:?}: {why}"));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let bad = bad.into_inner().expect("whole");
    assert!(bad.is_empty(), "{} of {}:\n{}", bad.len(), cases.len(), bad.join("\n\n"));
}

#[test]
fn killed_at_every_point() {
    let points = points();
    let cases: Vec<_> = chosen(&points).into_iter().map(|p| (p, Fault::Kill)).collect();
    all_survive(&cases);
}

#[test]
fn half_of_an_append_is_written() {
    let appends = points().into_iter().filter(|p| p.effect == "append");
    let cases: Vec<_> = appends.map(|p| (p, Fault::Torn)).collect();
    all_survive(&cases);
}

#[test]
fn the_power_goes_at_every_point() {
    let fault = Fault::Power(Survives::Nothing);
    let cases: Vec<_> = chosen(&points()).into_iter().map(|p| (p, fault)).collect();
    all_survive(&cases);
}

#[test]
fn the_power_goes_and_some_of_it_survives() {
    let cases: Vec<_> = chosen(&points())
        .into_iter()
        .enumerate()
        .map(|(seed, p)| (p, Fault::Power(Survives::Some(seed as u64))))
        .collect();
    all_survive(&cases);
}

#[test]
fn an_effect_fails_once() {
    let errors = ["EIO", "EMFILE", "EACCES", "ENOSPC"];
    let cases: Vec<_> = chosen(&points())
        .into_iter()
        .enumerate()
        .map(|(n, p)| (p, Fault::Once(errors[n % errors.len()])))
        .collect();
    all_survive(&cases);
}

#[test]
fn everything_fails_from_here_on() {
    let errors = ["ENOSPC", "EROFS"];
    let cases: Vec<_> = chosen(&points())
        .into_iter()
        .enumerate()
        .map(|(n, p)| (p, Fault::From(errors[n % errors.len()])))
        .collect();
    all_survive(&cases);
}
