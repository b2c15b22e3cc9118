//! The one command that touches what is the user's.

use crate::harness::{Sandbox, Shape, Watched};

fn passed() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s
}

#[test]
fn a_target_that_moved_is_brought_in_tested_and_audited() {
    let s = passed();
    s.write("NEWS.md", "Something new.\n");
    let theirs = s.commit("news");
    let refused = s.run(1, &["land"]);
    assert!(refused.stderr.contains("--sync"), "{}", refused.stderr);
    assert_eq!(s.git(&["rev-parse", "main"]), theirs);
    s.run(0, &["merge", "--session", "latest", "--sync"]);
    // What was audited is not what would land now.
    let unaudited = s.run(1, &["land"]);
    assert!(unaudited.stderr.contains("verdict"), "{}", unaudited.stderr);
    s.run(0, &["audit", "--session", "latest"]);
    s.run(0, &["land"]);
    assert_eq!(s.git(&["rev-parse", "main"]), s.git(&["rev-parse", &s.integ()]));
    s.git(&["merge-base", "--is-ancestor", &theirs, "main"]);
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn nothing_of_the_users_is_overwritten() {
    let s = passed();
    s.write("README.md", "My words.\n");
    s.write("g1/work", "mine, untracked\n");
    s.write("notes", "in nobody's way\n");
    let before = Watched::of(&s);
    let refused = s.run(1, &["land"]).stderr;
    assert!(refused.contains("README.md") && refused.contains("g1/work"), "{refused}");
    assert!(!refused.contains("notes"), "{refused}");
    before.assert_same(&Watched::of(&s));
    s.git(&["checkout", "--quiet", "README.md"]);
    std::fs::remove_file(s.project.join("g1/work")).expect("moved away");
    s.run(0, &["land"]);
    assert_eq!(s.read("notes"), "in nobody's way\n");
    assert_eq!(s.read("g1/work"), "done g1\n");
    // A second time there is nothing to do.
    s.run(0, &["land"]);
}

#[test]
fn an_ignored_file_in_the_way_is_not_overwritten_either() {
    let s = Sandbox::project();
    s.write(".gitignore", "/g1\n");
    s.commit("ignore");
    s.write(".git/info/exclude", "");
    let spec = s.spec(&Shape::of(1));
    s.agent(r#"mkdir -p g1; echo "done g1" >g1/work; git add -f g1/work 2>/dev/null || :"#);
    // The group's only file is ignored: whatever becomes of it, it is said and nothing is lost.
    let run = s.otto(&["run", "--from-spec", &spec]);
    let code = run.get_output().status.code();
    assert!(code == Some(0) || code == Some(1), "{code:?}");
    s.write("g1/work", "mine\n");
    s.run(1, &["land"]);
    assert_eq!(s.read("g1/work"), "mine\n");
}

#[test]
fn a_target_that_is_not_checked_out_moves_alone() {
    let s = passed();
    s.git(&["switch", "--quiet", "-c", "mine"]);
    s.write("README.md", "My words.\n");
    let before = Watched::of(&s);
    s.run(0, &["land"]);
    assert_eq!(s.git(&["rev-parse", "main"]), s.git(&["rev-parse", &s.integ()]));
    // The branch moved; the checkout, its index and its HEAD did not.
    let moved = Watched::of(&s);
    s.git(&["update-ref", "refs/heads/main", "mine"]);
    before.assert_same(&Watched::of(&s));
    drop(moved);
}

#[test]
fn a_target_that_is_checked_out_in_another_worktree_is_updated_there() {
    let s = passed();
    s.git(&["switch", "--quiet", "-c", "mine"]);
    let other = s.at("other");
    s.git(&["worktree", "add", "--quiet", &other.to_string_lossy(), "main"]);
    s.run(0, &["land"]);
    assert_eq!(s.git_in(&other, &["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(other.join("g2/work")).expect("landed"), "done g2\n");
    assert!(!s.project.join("g2").exists());
}

#[test]
fn what_was_reviewed_is_what_lands() {
    let s = passed();
    let tip = s.git(&["rev-parse", &s.integ()]);
    let main = s.git(&["rev-parse", "main"]);
    let wrong = s.run(1, &["land", "--expect-tip", &main]);
    assert!(wrong.stderr.contains(&tip), "{}", wrong.stderr);
    s.run(1, &["land", "--expect-target", &tip]);
    assert_eq!(s.git(&["rev-parse", "main"]), main);
    s.run(0, &["land", "--expect-tip", &tip, "--expect-target", &main]);
}

#[test]
fn less_than_passed_lands_only_by_name() {
    let s = Sandbox::project();
    s.agent(
        r#"[ "$OTTO_GROUP" != g1 ] || exit 0
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(1, &["run", "--from-spec", &spec]);
    s.run(1, &["land"]);
    s.run(1, &["land", "--accept", "unverified"]);
    s.run(0, &["land", "--accept", "partial"]);
    let landed = &s.events("land.started")[0]["data"];
    assert_eq!(landed["accepted"], "partial");
    assert_eq!(landed["by"], "user:tester");
    assert_eq!(s.read("g2/work"), "done g2\n");
}
