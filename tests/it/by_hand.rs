//! What a person, or a git of theirs, does to the repository while Otto works in it: respected, or
//! refused with a reason and a way on, and never overwritten.

use std::path::PathBuf;

use crate::harness::{Running, Sandbox, Scene, Watched, play, until, write};

const GIT: &[Scene] = &[
    ("`git gc --prune=now`, `worktree prune` and `pack-refs --all` while agents work", gc_agent),
    ("the same while an attempt is checked", gc_check),
    ("the same while a candidate is checked", gc_candidate),
    ("the same after an attempt's commit is made and before its branch has it", gc_commit),
    ("the same after a landing is announced and before the branch moves", gc_landing),
    ("`git commit`, `stash` and `checkout` in the checkout while a run goes on", daily_work),
    ("`packed-refs.lock` of a killed git", packed_refs_lock),
    ("a ref's `.lock` of a killed git", ref_lock),
    ("`index.lock` of a killed git in the checkout that `otto land` updates", index_lock),
];

const WORKTREES: &[Scene] = &[
    ("the folder of a worktree, while its agent works", rm_slot_agent),
    ("the same, and another agent gets a new folder of that name", rm_slot_reused),
    ("the folder of a worktree, while a check runs there", rm_slot_check),
    ("`.git/worktrees/NAME`, while its agent works", rm_admin),
    ("all worktrees and the whole cache, while nobody works", rm_cache),
    ("`otto_logs/latest`", rm_latest),
    ("the proof", rm_proof),
    ("the evidence", rm_evidence),
];

#[test]
fn gits_of_a_person() {
    play("gits-of-a-person", ["what is done", "what happens"], GIT);
}

#[test]
fn things_that_are_deleted() {
    play("things-that-are-deleted", ["what is deleted", "what happens"], WORKTREES);
}

fn housekeeping(s: &Sandbox) {
    s.git(&["reflog", "expire", "--expire=now", "--all"]);
    s.git(&["gc", "--quiet", "--prune=now"]);
    s.git(&["worktree", "prune", "--expire=now"]);
    s.git(&["pack-refs", "--all"]);
}

/// A run of two groups that waits at a point.
fn held_at(point: &str) -> (Sandbox, Running) {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold(point);
    let run = s.start_as("a", &["run", "--resume"]);
    s.held(point);
    (s, run)
}

fn goes_on(s: &Sandbox, run: Running, point: &str) {
    s.let_go(point);
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    s.assert_whole(&["g1", "g2"]);
}

fn gc_agent() -> &'static str {
    let (s, run) = held_at("half.g1");
    // `--prune=now` takes what somebody has written and not named yet: nobody else may be at it.
    s.wait_for("merge.landed", 1);
    housekeeping(&s);
    goes_on(&s, run, "half.g1");
    "nothing"
}

fn gc_check() -> &'static str {
    let (s, run) = held_at("check.g1");
    s.wait_for("merge.landed", 1);
    housekeeping(&s);
    goes_on(&s, run, "check.g1");
    "nothing"
}

fn gc_candidate() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.hold("both.g2");
    let run = s.start_as("a", &["run", "--resume"]);
    s.held("both.g2");
    housekeeping(&s);
    goes_on(&s, run, "both.g2");
    "nothing"
}

/// Holds the lock under which refs move, as another process would.
fn hold_refs(s: &Sandbox) -> std::fs::File {
    let path = s.project.join("otto_logs/locks/refs.lock");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("opened");
    file.lock().expect("its lock");
    file
}

/// Whether a step waits for that lock.
fn waits_for_refs(s: &Sandbox) -> bool {
    s.leftovers().iter().any(|pid| {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.into_iter().any(|task| {
            let call = std::fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
            call.split(' ').next() == Some(&libc::SYS_flock.to_string())
        })
    })
}

fn gc_commit() -> &'static str {
    let (s, run) = held_at("half.g1");
    s.wait_for("merge.landed", 1);
    let refs = hold_refs(&s);
    s.let_go("half.g1");
    until("the commit waits for its branch", || waits_for_refs(&s).then_some(()));
    housekeeping(&s);
    drop(refs);
    assert_eq!(run.end(), 75, "{}", s.said("a"));
    assert!(s.said("a").contains("gc --prune=now"), "{}", s.said("a"));
    s.run(0, &["run", "--resume"]);
    assert_eq!(s.events("group.attempt.started").len(), 2, "the work was kept");
    s.assert_whole(&["g1", "g2"]);
    "75; the work is still in its worktree and is committed again on resume"
}

fn gc_landing() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.hold("both.g2");
    let run = s.start_as("a", &["run", "--resume"]);
    s.held("both.g2");
    let refs = hold_refs(&s);
    s.let_go("both.g2");
    until("the landing waits", || waits_for_refs(&s).then_some(()));
    housekeeping(&s);
    drop(refs);
    assert_eq!(run.end(), 75, "{}", s.said("a"));
    s.run(0, &["run", "--resume"]);
    assert_eq!(s.events("merge.refused").len(), 1, "the announced one is taken back");
    s.assert_whole(&["g1", "g2"]);
    "75: the branch never names what is gone; on resume it is made again and lands"
}

fn daily_work() -> &'static str {
    let (s, run) = held_at("agent.g1");
    s.write("NEWS.md", "Something new.\n");
    s.commit("news");
    s.write("README.md", "Mine, half done.\n");
    s.git(&["stash", "--quiet"]);
    s.git(&["checkout", "--quiet", "-b", "side"]);
    let before = Watched::of(&s);
    s.let_go("agent.g1");
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    before.assert_same(&Watched::of(&s));
    s.git(&["stash", "pop", "--quiet"]);
    assert_eq!(s.read("README.md"), "Mine, half done.\n");
    s.assert_whole(&["g1", "g2"]);
    "nothing: the run keeps to the base that it started from, and touches none of it"
}

fn packed_refs_lock() -> &'static str {
    let (s, run) = held_at("agent.g1");
    s.wait_for("merge.landed", 1);
    let lock = s.project.join(".git/packed-refs.lock");
    write(&lock, "");
    s.let_go("agent.g1");
    assert_eq!(run.end(), 75, "{}", s.said("a"));
    assert!(s.said("a").contains("packed-refs.lock' is there"), "{}", s.said("a"));
    obeys_the_hint(&s, &s.said("a"));
    assert!(!lock.exists());
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "75 with its path and what to do; never removed by Otto"
}

/// The command at the end of the hint.
fn obeys_the_hint(s: &Sandbox, said: &str) {
    let at = said.find(": rm ").unwrap_or_else(|| panic!("no way on: {said}"));
    let line = said[at + 2..].lines().next().expect("a line");
    s.shell(0, line);
}

fn ref_lock() -> &'static str {
    let (s, run) = held_at("agent.g1");
    write(&s.project.join(".git").join(format!("{}.lock", s.build_ref("g1"))), "");
    s.let_go("agent.g1");
    assert_eq!(run.end(), 75, "{}", s.said("a"));
    obeys_the_hint(&s, &s.said("a"));
    s.run(0, &["run", "--resume"]);
    assert_eq!(s.events("group.attempt.started").len(), 2, "the work was kept");
    s.assert_whole(&["g1", "g2"]);
    "75 with its path and what to do; after a minute it counts as left over and is removed"
}

fn index_lock() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(1);
    s.run(0, &["run", "--resume"]);
    let lock = s.project.join(".git/index.lock");
    write(&lock, "");
    let before = Watched::of(&s);
    let refused = s.run(75, &["land"]).stderr;
    assert!(refused.contains("index.lock' is there"), "{refused}");
    before.assert_same(&Watched::of(&s));
    assert_eq!(s.events("land.started").len(), 0);
    obeys_the_hint(&s, &refused);
    s.run(0, &["land"]);
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.assert_whole(&["g1"]);
    "75 with its path and what to do; nothing is announced or touched"
}

/// Folders of the pool.
fn slots(s: &Sandbox) -> Vec<PathBuf> {
    let pool = until("a worktree", || {
        let projects = std::fs::read_dir(s.at("cache/otto")).ok()?;
        projects.flatten().map(|p| p.path().join("worktrees")).find(|p| p.is_dir())
    });
    let all = std::fs::read_dir(pool).expect("a pool").flatten();
    all.map(|slot| slot.path()).collect()
}

/// The slot in which the group's attempt works.
fn slot_of(s: &Sandbox, group: &str) -> PathBuf {
    let leased = s.events("worktree.leased");
    let event = leased.iter().find(|e| e["group"] == group).expect("leased");
    let slot = event["data"]["slot"].as_str().expect("a name");
    slots(s).into_iter().find(|p| p.ends_with(slot)).expect("a slot")
}

fn rm_slot_agent() -> &'static str {
    let (s, run) = held_at("agent.g1");
    s.wait_for("merge.landed", 1);
    std::fs::remove_dir_all(slot_of(&s, "g1")).expect("removed");
    goes_on(&s, run, "agent.g1");
    let why = &s.events("group.attempt.finished");
    let why = why.iter().find(|e| e["data"]["outcome"] == "violation").expect("judged");
    assert!(why.to_string().contains("the working folder was removed"), "{why}");
    "the attempt is judged by what is there, nothing, and the next one lands"
}

fn rm_slot_reused() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("agent.g1");
    s.hold("half.g2");
    let run = s.start_as("a", &["run", "--resume", "--jobs", "1"]);
    s.held("agent.g1");
    let slot = slot_of(&s, "g1");
    std::fs::remove_dir_all(&slot).expect("removed");
    let other = s.start_as("b", &["build-group", "--session", "latest", "--group", "g2"]);
    s.held("half.g2");
    assert_eq!(slot_of(&s, "g2"), slot, "the name is used again");
    s.let_go("agent.g1");
    s.wait_for("group.attempt.finished", 1);
    let ends = s.events("group.attempt.finished");
    assert!(ends[0].to_string().contains("the working folder was removed"), "{}", ends[0]);
    assert!(slot.join("owner.json").exists(), "the other's work is still known");
    s.let_go("half.g2");
    assert_eq!(other.end(), 0, "{}", s.said("b"));
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    s.assert_whole(&["g1", "g2"]);
    "neither judges what is the other's"
}

fn rm_slot_check() -> &'static str {
    let (s, run) = held_at("check.g1");
    s.wait_for("merge.landed", 1);
    for slot in slots(&s) {
        drop(std::fs::remove_dir_all(slot));
    }
    s.let_go("check.g1");
    assert_eq!(run.end(), 75, "{}", s.said("a"));
    assert!(s.said("a").contains("was removed while a check ran there"), "{}", s.said("a"));
    let judged = s.events("group.attempt.finished");
    assert!(judged.iter().all(|e| e["data"]["outcome"] == "passing"), "{judged:?}");
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "75: nothing was judged there; resumed, it passes"
}

fn rm_admin() -> &'static str {
    let (s, run) = held_at("half.g1");
    s.wait_for("merge.landed", 1);
    std::fs::remove_dir_all(s.project.join(".git/worktrees")).expect("removed");
    s.let_go("half.g1");
    let code = run.end();
    s.command(&["run", "--resume", &s.session()]).status().expect("otto");
    s.assert_whole(&["g1", "g2"]);
    assert!(code == 0 || code == 78, "{code}: {}", s.said("a"));
    "the worktree is made again, and the run passes or can be resumed"
}

fn rm_cache() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--group", "g1"]);
    std::fs::remove_dir_all(s.at("cache")).expect("removed");
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "they are made again"
}

fn passed() -> Sandbox {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["run", "--resume"]);
    s
}

fn rm_latest() -> &'static str {
    let s = passed();
    let id = s.session();
    std::fs::remove_file(s.project.join("otto_logs/latest")).expect("removed");
    let plain = s.command(&["status"]).output().expect("otto");
    assert!(matches!(plain.status.code(), Some(0 | 2)), "{plain:?}");
    s.run(0, &["verify", "--no-rerun", &id]);
    s.run(0, &["run", "--resume", &id]);
    "the session is still found by its id"
}

fn rm_proof() -> &'static str {
    let s = passed();
    let dir = s.session_dir();
    let packet = std::fs::read(dir.join("proof-packet.json")).expect("a proof");
    for name in ["proof-packet.json", "proof-packet.html", "summary.json", "manifest.json"] {
        std::fs::remove_file(dir.join(name)).expect("removed");
    }
    s.run(0, &["render"]);
    assert_eq!(std::fs::read(dir.join("proof-packet.json")).expect("a proof"), packet);
    s.assert_whole(&["g1", "g2"]);
    "it is derived again, the same byte for byte"
}

fn rm_evidence() -> &'static str {
    let s = passed();
    std::fs::remove_dir_all(s.session_dir().join("evidence")).expect("removed");
    let said = s.run(65, &["verify"]);
    assert!(format!("{}{}", said.stdout, said.stderr).contains("evidence"), "{said:?}");
    s.run(1, &["land"]);
    let again = s.run(65, &["verify"]);
    assert_eq!(again.stdout, said.stdout, "nothing is made up");
    "`otto verify` says 65 and names what is missing; nothing lands; nothing is made up"
}
