//! A run is killed, or its disk fails, or the power goes, at every crash point of every program of
//! it; then the same command goes on to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Done, Faults, Matrix, Point, Sandbox, Shape, Survives, until};

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

    /// As [`one_by_hand`] reads it.
    fn by_hand(self) -> String {
        match self {
            Fault::Kill | Fault::Torn | Fault::Power(Survives::Nothing) => self.plan(),
            Fault::Power(Survives::Some(seed)) => format!("power {seed}"),
            Fault::Once(errno) | Fault::From(errno) => errno.to_owned(),
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
        let sessions = std::fs::read_dir(s.project.join("otto_logs/sessions")).expect("sessions");
        assert_eq!(sessions.count(), 1, "it was begun once");
        assert_eq!(s.git(&["ls-tree", "-r", "--name-only", &s.integ()]), TREE);
        assert_eq!(s.story().len(), 3);
        assert_eq!(s.leftovers(), [0; 0], "processes");
        assert_eq!(s.git(&["status", "--porcelain"]), "", "the checkout");
        assert_eq!(s.git(&["fsck", "--connectivity-only", "--no-dangling"]), "", "the repository");
        let registered = s.git(&["worktree", "list", "--porcelain"]);
        assert!(!registered.contains("prunable"), "worktrees of git: {registered}");
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
    ["otto_logs/locks/", "otto_logs/cache/check/running/"].iter().any(|dir| path.contains(dir))
        || path.ends_with("/lease.lock")
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
            until("the end of it", || case.sandbox.leftovers().is_empty().then_some(()));
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

/// The first point of every kind.
fn one_of_each(points: &[Point]) -> Vec<Point> {
    let kind = |p: &Point| (p.program.clone(), p.effect.clone(), p.subject.clone());
    let mut seen = BTreeSet::new();
    points.iter().filter(|p| seen.insert(kind(p))).cloned().collect()
}

/// What can happen at a point; `seed` varies what survives.
fn faults_at(point: &Point, seed: u64) -> Vec<Fault> {
    let mut faults = vec![
        Fault::Kill,
        Fault::Power(Survives::Nothing),
        Fault::Power(Survives::Some(seed)),
        Fault::Once(["EIO", "EMFILE", "EACCES"][seed as usize % 3]),
        Fault::From(["ENOSPC", "EROFS"][seed as usize % 2]),
    ];
    if point.effect == "append" {
        faults.push(Fault::Torn);
    }
    faults
}

/// All faults at all points where there is time, else each kind of point with the next fault in
/// turn, and every append torn.
fn chosen(points: &[Point]) -> Vec<(Point, Fault)> {
    let all = std::env::var_os("OTTO_TORTURE").is_some();
    let points = if all { points.to_vec() } else { one_of_each(points) };
    let mut cases = Vec::new();
    for (n, point) in points.into_iter().enumerate() {
        let faults = faults_at(&point, n as u64);
        let turn = n % faults.len();
        for (m, fault) in faults.into_iter().enumerate() {
            if all || m == turn || fault == Fault::Torn {
                cases.push((point.clone(), fault));
            }
        }
    }
    cases
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
                let (program, n) = (&point.program, point.n);
                let by_hand = format!("OTTO_POINT=\"{program} {n} {}\"", fault.by_hand());
                let text = format!("{by_hand}: {fault:?} at {point:?}: {why}");
                // At once: all of them take a while.
                eprintln!("{text}");
                bad.lock().expect("whole").push(text);
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

/// `OTTO_TORTURE=1` tries every fault at every point.
#[test]
fn at_every_crash_point() {
    let points = points();
    let cases = chosen(&points);
    println!("crash points: {} points, {} cases", points.len(), cases.len());
    all_survive(&cases);
    let mut kinds: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for p in one_of_each(&points) {
        kinds.entry((p.program, p.effect)).or_default().insert(p.subject);
    }
    let mut matrix = Matrix::new("crash-points", &["program", "just before", "of"]);
    for ((program, effect), subjects) in &kinds {
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        matrix.row(&[&format!("`{program}`"), effect, &subjects.join(", ")]);
    }
    matrix.check();
}

/// One case by hand: `OTTO_POINT="otto-merge 20 power 7" cargo test --test it crash::one`.
#[test]
fn one_by_hand() {
    let Ok(text) = std::env::var("OTTO_POINT") else { return };
    let words: Vec<&str> = text.split(' ').collect();
    let (program, n) = (words[0].to_owned(), words[1].parse().expect("a number"));
    let point = Point { program, n, effect: "append".into(), subject: String::new() };
    let seed = words.get(3).and_then(|w| w.parse().ok());
    let fault = match words[2] {
        "kill" => Fault::Kill,
        "torn" => Fault::Torn,
        "power" => Fault::Power(seed.map_or(Survives::Nothing, Survives::Some)),
        "EIO" => Fault::Once("EIO"),
        "ENOSPC" => Fault::From("ENOSPC"),
        other => panic!("no fault '{other}'"),
    };
    survives(&point, fault);
}
