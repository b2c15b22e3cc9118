//! A person moves what Otto moves: build branches, the integration branch, the target. What they
//! did stays, and is judged, adopted or refused with a way on.

use crate::harness::{Running, Sandbox, Scene, play, write};

const SCENES: &[Scene] = &[
    ("a commit on a build branch before its agent starts", commit_before),
    ("the same while its agent works", commit_during),
    ("the same after its attempt passed, before it landed", commit_after),
    ("the same while its candidate is under test", commit_under_test),
    ("the integration branch moved on while a candidate is under test", integ_forward),
    ("the integration branch moved back while a candidate is under test", integ_back),
    ("the integration branch moved sideways while a candidate is under test", integ_sideways),
    ("the integration branch deleted while a candidate is under test", integ_deleted),
    ("the target moved on while the run goes on", target_forward),
    ("a build branch checked out in the checkout while its agent works", build_checked_out),
    ("the integration branch checked out in the checkout while a candidate is tested", integ_out),
    ("SIGKILL of a run, then `otto status`", killed_then_status),
];

#[test]
fn refs_that_a_person_moves() {
    play("refs-that-a-person-moves", ["what is done", "what happens"], SCENES);
}

/// A commit in the group's own folder on top of `from`, by a person.
fn by_hand(s: &Sandbox, from: &str, group: &str) -> String {
    let dir = s.at(&format!("mine-{group}"));
    s.git(&["worktree", "add", "--quiet", "--detach", &dir.to_string_lossy(), from]);
    write(&dir.join(group).join("work"), &format!("done {group}\n"));
    write(&dir.join(group).join("mine"), "by hand\n");
    s.git_in(&dir, &["add", "--all"]);
    s.git_in(&dir, &["commit", "--quiet", "-m", "by hand"]);
    let id = s.git_in(&dir, &["rev-parse", "HEAD"]);
    s.git(&["worktree", "remove", "--force", &dir.to_string_lossy()]);
    id
}

fn in_the_product(s: &Sandbox, id: &str) {
    s.git(&["merge-base", "--is-ancestor", id, &s.integ()]);
    assert_eq!(s.git(&["show", &format!("{}:g1/mine", s.integ())]), "by hand");
}

fn started(point: &str, args: &[&str]) -> (Sandbox, Running) {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold(point);
    let run = s.start_as("a", &[&["run", "--resume"], args].concat());
    s.held(point);
    (s, run)
}

fn commit_before() -> &'static str {
    let (s, run) = started("agent.g2", &["--jobs", "1"]);
    // g1 was built; the person replaces g1's commit before it is looked at again: not before an
    // agent. So this scene has a session of its own.
    s.let_go("agent.g2");
    assert_eq!(run.end(), 0);
    let s = Sandbox::with_points();
    s.compiled(2);
    let mine = by_hand(&s, "main", "g1");
    s.git(&["update-ref", &s.build_ref("g1"), &mine]);
    s.run(0, &["run", "--resume"]);
    assert!(!s.home("prompt.g1").exists(), "no agent was asked");
    in_the_product(&s, &mine);
    s.assert_whole(&["g1", "g2"]);
    "it is judged as it is and lands; no agent is asked"
}

fn commit_during() -> &'static str {
    let (s, run) = started("half.g1", &[]);
    let mine = by_hand(&s, "main", "g1");
    s.git(&["update-ref", &s.build_ref("g1"), &mine]);
    s.let_go("half.g1");
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    in_the_product(&s, &mine);
    let attic = s.git(&["for-each-ref", "--format=%(refname)", "refs/otto/attic/"]);
    assert_eq!(attic.lines().count(), 1, "the agent's work is kept: {attic}");
    s.assert_whole(&["g1", "g2"]);
    "the person's commit is judged and lands; the agent's work is kept in the attic"
}

fn commit_after() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let mine = by_hand(&s, &s.build_ref("g1"), "g1");
    s.git(&["update-ref", &s.build_ref("g1"), &mine]);
    s.run(0, &["run", "--resume"]);
    in_the_product(&s, &mine);
    s.assert_whole(&["g1", "g2"]);
    "it is judged like any other and lands on top of the attempt"
}

/// g1 in, and a candidate of g2 under test.
fn under_test() -> (Sandbox, Running) {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.hold("both.g2");
    let run = s.start_as("a", &["run", "--resume"]);
    s.held("both.g2");
    (s, run)
}

fn commit_under_test() -> &'static str {
    let (s, run) = under_test();
    let mine = by_hand(&s, &s.build_ref("g2"), "g2");
    s.git(&["update-ref", &s.build_ref("g2"), &mine]);
    s.let_go("both.g2");
    let code = run.end();
    assert_eq!(s.git(&["rev-parse", &s.build_ref("g2")]), mine, "still theirs");
    let said = s.said("a");
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("by hand") && said.contains("--adopt"), "{said}");
    s.assert_landed_once(&["g1", "g2"]);
    "what was tested lands; the commit stays on its branch, and 77 says how to bring it in"
}

/// Where the person put the branch it stays, and 77 says how to go on.
fn refused(s: &Sandbox, run: Running, at: &str) -> String {
    s.let_go("both.g2");
    let code = run.end();
    let said = s.said("a");
    assert_eq!(code, 77, "{said}");
    assert_eq!(s.git(&["rev-parse", &s.integ()]), at, "still theirs");
    assert_eq!(s.landings(), ["g1"]);
    said
}

fn command_in(said: &str, start: &str) -> String {
    let at = said.find(start).unwrap_or_else(|| panic!("no '{start}' in: {said}"));
    said[at..].lines().next().expect("a line").trim().to_owned()
}

fn commit_on(s: &Sandbox, tip: &str) -> String {
    let tree = s.git(&["rev-parse", &format!("{tip}^{{tree}}")]);
    s.git(&["commit-tree", &tree, "-p", tip, "-m", "my word on it"])
}

fn integ_forward() -> &'static str {
    let (s, run) = under_test();
    let mine = commit_on(&s, &s.integ());
    s.git(&["update-ref", &s.integ(), &mine]);
    let said = refused(&s, run, &mine);
    s.shell(0, &command_in(&said, "otto merge"));
    s.run(0, &["run", "--resume"]);
    s.git(&["merge-base", "--is-ancestor", &mine, &s.integ()]);
    s.assert_whole(&["g1", "g2"]);
    "77; after `otto merge --adopt` the group is tested again on top of it, and lands"
}

fn integ_back() -> &'static str {
    let (s, run) = under_test();
    let main = s.git(&["rev-parse", "main"]);
    s.git(&["update-ref", &s.integ(), &main]);
    let said = refused(&s, run, &main);
    s.run(77, &["merge", "--session", "latest", "--adopt"]);
    s.shell(0, &command_in(&said, "git update-ref"));
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "77; it cannot be adopted, because a landing would be lost; put back, the run goes on"
}

fn integ_sideways() -> &'static str {
    let (s, run) = under_test();
    let aside = commit_on(&s, "main");
    s.git(&["update-ref", &s.integ(), &aside]);
    let said = refused(&s, run, &aside);
    s.run(77, &["merge", "--session", "latest", "--adopt"]);
    s.shell(0, &command_in(&said, "git update-ref"));
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "77; it cannot be adopted; put back, the run goes on"
}

fn integ_deleted() -> &'static str {
    let (s, run) = under_test();
    s.git(&["update-ref", "-d", &s.integ()]);
    s.let_go("both.g2");
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    s.assert_whole(&["g1", "g2"]);
    "it is made again by the landing: the journal knows what it was"
}

fn target_forward() -> &'static str {
    let (s, run) = started("agent.g1", &[]);
    s.write("NEWS.md", "Something new.\n");
    let theirs = s.commit("news");
    s.let_go("agent.g1");
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    let refused = s.run(1, &["land"]).stderr;
    assert_eq!(s.git(&["rev-parse", "main"]), theirs);
    s.shell(0, &command_in(&refused, "otto merge"));
    s.run(0, &["land"]);
    s.git(&["merge-base", "--is-ancestor", &theirs, "main"]);
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.run(0, &["verify", "--no-rerun"]);
    "the run passes; `otto land` refuses with the commands that bring it in, tested and audited"
}

fn build_checked_out() -> &'static str {
    let s = Sandbox::with_points();
    s.agent(&std::fs::read_to_string(s.at("agent.sh")).expect("an agent").replace(
        "mkdir -p \"$OTTO_GROUP\"; echo \"half",
        "n=$(cat \"$HOME/n\" 2>/dev/null || echo 0); echo $((n + 1)) >\"$HOME/n\"\nmkdir -p \"$OTTO_GROUP\"; echo \"half",
    ));
    s.compiled(1);
    let short = s.build_ref("g1").replace("refs/heads/", "");
    s.git(&["branch", &short, "main"]);
    s.hold("half.g1");
    let run = s.start_as("a", &["run", "--resume"]);
    s.held("half.g1");
    s.git(&["checkout", "--quiet", &short]);
    s.let_go("half.g1");
    assert_eq!(run.end(), 77, "{}", s.said("a"));
    assert_eq!(s.git(&["status", "--porcelain"]), "", "nothing moved under the checkout");
    s.shell(0, &command_in(&s.said("a"), "git -C"));
    s.run(0, &["run", "--resume"]);
    assert_eq!(std::fs::read_to_string(s.home("n")).expect("counted"), "1\n", "the work was kept");
    s.assert_whole(&["g1"]);
    "77 with the command that lets go of it; the work waits in its worktree"
}

fn integ_out() -> &'static str {
    let (s, run) = under_test();
    let at = s.git(&["rev-parse", &s.integ()]);
    s.git(&["checkout", "--quiet", &s.integ().replace("refs/heads/", "")]);
    let said = refused(&s, run, &at);
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.shell(0, &command_in(&said, "git -C"));
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "77 with the command that lets go of it; nothing is tested twice"
}

fn killed_then_status() -> &'static str {
    let (s, run) = started("agent.g1", &["--jobs", "1"]);
    let alive = s.run(1, &["status"]).stdout;
    assert!(alive.contains("at work") && alive.contains("building"), "{alive}");
    s.kill(run);
    let dead = s.run(1, &["status"]).stdout;
    assert!(dead.contains("\n  g1  stopped ") && !dead.contains("g1  building"), "{dead}");
    assert!(dead.contains("otto run --resume"), "{dead}");
    s.no_points();
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "what nobody builds any more is \"stopped\", with the command that goes on"
}
