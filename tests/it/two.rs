//! Two of everything: whoever comes second waits, or leaves with 75 and says who was first.

use crate::harness::{Running, Sandbox, Scene, Shape, play, until};

const SCENES: &[Scene] = &[
    ("two `otto run --resume` of one session at the same moment", runs),
    ("two `otto merge` at the same moment", merges_at_once),
    ("`otto merge` while another tests a candidate", merge_beside_merge),
    ("two `otto audit`", audits),
    ("two `otto land` at the same moment", lands),
    ("`otto land` of two sessions with one target at the same moment", lands_of_two),
    ("`otto build-group` of the group that a run builds", builds_of_one),
    ("`otto build-group` of another group than the run builds", builds_of_two),
    ("two sessions at once in one repository", sessions),
    ("two sessions at once, each from a linked worktree", linked),
    ("`otto status` all the time beside a run", looks),
    ("`otto render` all the time beside a run", renders),
];

#[test]
fn two_of_everything() {
    play("two-of-everything", ["second of its kind", "what happens"], SCENES);
}

/// The codes of both, the lower first, and what the one that was turned away said.
fn both_end(s: &Sandbox, mut a: Running, mut b: Running) -> ((i32, i32), String) {
    until("the end of both", || (a.has_ended() && b.has_ended()).then_some(()));
    let (a, b) = (a.end(), b.end());
    let said = if a > b { s.said("a") } else { s.said("b") };
    ((a.min(b), a.max(b)), said)
}

fn turned_away(said: &str) {
    assert!(said.contains("is held by") && said.contains("(pid "), "{said}");
    assert!(said.contains("hint: "), "{said}");
}

fn runs() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("agent.g1");
    let mut a = s.start_as("a", &["run", "--resume"]);
    let mut b = s.start_as("b", &["run", "--resume"]);
    s.held("agent.g1");
    let first = until("the second to leave", || match (a.has_ended(), b.has_ended()) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        (_, _) => None,
    });
    let (gone, name, stays) = if first { (a, "a", b) } else { (b, "b", a) };
    assert_eq!(gone.end(), 75, "{}", s.said(name));
    turned_away(&s.said(name));
    s.let_go("agent.g1");
    assert_eq!(stays.end(), 0);
    assert_eq!(s.events("run.resumed").len(), 1, "only one wrote a word");
    s.assert_whole(&["g1", "g2"]);
    "one works, the other leaves with 75 naming its pid and writes nothing"
}

fn passing(n: usize) -> Sandbox {
    let s = Sandbox::with_points();
    s.compiled(n);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s
}

fn merges_at_once() -> &'static str {
    let s = passing(3);
    let merge = ["merge", "--session", "latest"];
    let (codes, said) = both_end(&s, s.start_as("a", &merge), s.start_as("b", &merge));
    match codes {
        (0, 0) => {}
        (0, 75) => turned_away(&said),
        other => panic!("{other:?}: {said}"),
    }
    s.run(0, &["audit", "--session", "latest"]);
    s.assert_whole(&["g1", "g2", "g3"]);
    "each group lands once; one leaves with 75 if both want the queue"
}

fn merge_beside_merge() -> &'static str {
    let s = passing(2);
    s.hold("both.g2");
    let a = s.start_as("a", &["merge", "--session", "latest"]);
    s.held("both.g2");
    for args in [&["merge", "--session", "latest"][..], &["merge", "--session", "latest", "--sync"]]
    {
        turned_away(&s.run(75, args).stderr);
    }
    s.let_go("both.g2");
    assert_eq!(a.end(), 0, "{}", s.said("a"));
    s.run(0, &["audit", "--session", "latest"]);
    s.assert_whole(&["g1", "g2"]);
    "75, naming the holder; so does `--sync`"
}

fn audits() -> &'static str {
    let s = passing(2);
    s.run(0, &["merge", "--session", "latest"]);
    s.hold("both.g1");
    let a = s.start_as("a", &["audit", "--session", "latest"]);
    s.held("both.g1");
    turned_away(&s.run(75, &["audit", "--session", "latest"]).stderr);
    s.let_go("both.g1");
    assert_eq!(a.end(), 0, "{}", s.said("a"));
    assert_eq!(s.events("audit.started").len(), 1);
    s.assert_whole(&["g1", "g2"]);
    "75, naming the holder; one audit is recorded"
}

fn passed() -> Sandbox {
    let s = passing(2);
    s.run(0, &["run", "--resume"]);
    s
}

fn landed(s: &Sandbox) {
    assert_eq!(s.git(&["rev-parse", "main"]), s.git(&["rev-parse", &s.integ()]));
    assert_eq!(s.git(&["status", "--porcelain"]), "");
}

fn lands() -> &'static str {
    let s = passed();
    let (codes, said) = both_end(&s, s.start_as("a", &["land"]), s.start_as("b", &["land"]));
    match codes {
        (0, 0) => {}
        (0, 75) => turned_away(&said),
        other => panic!("{other:?}: {said}"),
    }
    landed(&s);
    assert_eq!(s.events("land.landed").len(), 1);
    assert_eq!(s.events("land.refused").len(), 0);
    s.assert_whole(&["g1", "g2"]);
    "it lands once; the other leaves with 75, or finds it there"
}

fn lands_of_two() -> &'static str {
    let s = passed();
    let first = s.session();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let second = s.session();
    let (codes, said) =
        both_end(&s, s.start_as("a", &["land", &first]), s.start_as("b", &["land", &second]));
    assert!([(0, 75), (0, 1)].contains(&codes), "{codes:?}: {said}");
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.run(0, &["verify", "--no-rerun", &first]);
    s.run(0, &["verify", "--no-rerun", &second]);
    "one lands; the other leaves with 75, or with 1 and how to bring the first in"
}

fn builds_of_one() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("agent.g1");
    let a = s.start_as("a", &["run", "--resume"]);
    s.held("agent.g1");
    let busy = s.run(75, &["build-group", "--session", "latest", "--group", "g1"]).stderr;
    turned_away(&busy);
    assert!(busy.contains("'g1'"), "{busy}");
    s.let_go("agent.g1");
    assert_eq!(a.end(), 0);
    assert_eq!(s.events("group.attempt.started").len(), 2);
    s.assert_whole(&["g1", "g2"]);
    "75, naming the group and the holder"
}

fn builds_of_two() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("agent.g1");
    let a = s.start_as("a", &["run", "--resume", "--jobs", "1"]);
    s.held("agent.g1");
    s.run(0, &["build-group", "--session", "latest", "--group", "g2"]);
    s.let_go("agent.g1");
    assert_eq!(a.end(), 0);
    assert_eq!(s.events("group.attempt.started").len(), 2, "nothing is built twice");
    s.assert_whole(&["g1", "g2"]);
    "both build; the run lands both"
}

fn sessions() -> &'static str {
    let s = Sandbox::with_points();
    let spec = s.spec(&Shape::of(2));
    s.hold("agent.g1");
    let run = ["run", "--from-spec", &spec];
    let (a, b) = (s.start_as("a", &run), s.start_as("b", &run));
    s.held("agent.g1");
    let all = || std::fs::read_dir(s.project.join("otto_logs/sessions")).map_or(0, Iterator::count);
    until("two sessions", || (all() == 2).then_some(()));
    // One reader for each that waits: both are let go by taking the point away.
    let path = s.home("hold/agent.g1");
    let gone = s.home("gone");
    std::fs::rename(&path, &gone).expect("renamed");
    let release = std::thread::spawn(move || {
        let mut gate =
            std::fs::OpenOptions::new().read(true).write(true).open(&gone).expect("opened");
        std::io::Write::write_all(&mut gate, b"go\ngo\n").expect("written");
        gate
    });
    let ((low, high), said) = both_end(&s, a, b);
    drop(release.join());
    assert_eq!((low, high), (0, 0), "{said}");
    for entry in std::fs::read_dir(s.project.join("otto_logs/sessions")).expect("sessions") {
        let id = entry.expect("an entry").file_name();
        s.run(0, &["verify", "--no-rerun", &id.to_string_lossy()]);
    }
    s.assert_whole(&["g1", "g2"]);
    "both pass, each with its own refs, worktrees and proof"
}

fn linked() -> &'static str {
    let s = Sandbox::with_points();
    for name in ["one", "two"] {
        let dir = s.at(name);
        s.git(&["worktree", "add", "--quiet", "-b", name, &dir.to_string_lossy()]);
    }
    s.spec(&Shape::of(2));
    let line = "(cd ../one && otto run --from-spec ../spec.json >/dev/null) & one=$!\n\
                (cd ../two && otto run --from-spec ../spec.json >/dev/null) & two=$!\n\
                wait $one && wait $two && cd ../one && otto sessions";
    let sessions = s.shell(0, line).stdout;
    assert_eq!(sessions.matches("passed").count(), 2, "{sessions}");
    s.assert_whole(&["g1", "g2"]);
    for name in ["one", "two"] {
        assert_eq!(s.git_in(&s.at(name), &["status", "--porcelain"]), "");
        assert_eq!(s.git(&["rev-parse", name]), s.git(&["rev-parse", "main"]));
    }
    "both pass, into the logs of the one repository; both checkouts stay as they were"
}

fn beside(verb: &str) -> Sandbox {
    let s = Sandbox::with_points();
    s.compiled(3);
    let mut run = s.start_as("a", &["run", "--resume"]);
    while !run.has_ended() {
        let seen = s.command(&[verb]).output().expect("otto");
        let code = seen.status.code();
        assert!(matches!(code, Some(0 | 1)), "{}", String::from_utf8_lossy(&seen.stderr));
    }
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    s.assert_whole(&["g1", "g2", "g3"]);
    s
}

fn looks() -> &'static str {
    beside("status");
    "nobody is turned away by a look"
}

fn renders() -> &'static str {
    beside("render");
    "both finish; the proof is whole"
}
