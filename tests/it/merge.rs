//! The queue: conflicts, work by hand, and refs that a person moved.

use crate::harness::{Sandbox, Shape};

/// Two groups that write the same new file in different ways.
fn conflicting() -> Sandbox {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
if [ "$OTTO_ROLE" = merge ]; then
    cp "$OTTO_PROMPT_FILE" "$HOME/told"
    cp shared.txt "$HOME/found"
    echo "$OTTO_GROUP" >>shared.txt
else
    echo "$OTTO_GROUP" >shared.txt
fi"#,
    );
    s.spec(&Shape::of(2).shared(&["shared.txt"]));
    s
}

fn assert_resolved(s: &Sandbox) {
    s.assert_landed_once(&["g1", "g2"]);
    let conflicts = s.events("merge.conflict");
    assert_eq!(conflicts.len(), 1);
    let loser = conflicts[0]["group"].as_str().expect("a group").to_owned();
    assert_eq!(conflicts[0]["data"]["conflicts"][0]["path"], "shared.txt");
    let winner = if loser == "g1" { "g2" } else { "g1" };
    assert_eq!(s.landings(), [winner, &loser]);
    let both = s.git(&["show", &format!("{}:shared.txt", s.integ())]);
    assert_eq!(both, format!("{winner}\n{loser}"), "nothing of the other is lost");
    // Its builder was told what conflicts, and stood on the product as it was.
    let told = std::fs::read_to_string(s.home("told")).expect("a turn of the role merge");
    assert!(told.contains("- shared.txt: "), "{told}");
    assert_eq!(std::fs::read_to_string(s.home("found")).expect("found"), format!("{winner}\n"));
    let dir = s.session_dir().join("merge").join(&loser).join("attempt-01");
    assert!(dir.join("conflicts.json").exists());
    assert_eq!(
        std::fs::read_to_string(dir.join("ours/shared.txt")).expect("kept"),
        format!("{winner}\n")
    );
}

#[test]
fn a_conflict_goes_back_to_its_builder_and_lands_after() {
    let s = conflicting();
    s.run(0, &["run", "--from-spec", "../spec.json"]);
    assert_resolved(&s);
}

#[test]
fn the_queue_by_hand_calls_the_builder_itself() {
    let s = conflicting();
    s.run(0, &["compile", "--from-spec", "../spec.json"]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.run(0, &["merge", "--session", "latest"]);
    assert_resolved(&s);
}

#[test]
fn without_repair_a_conflict_is_only_reported() {
    let s = conflicting();
    s.run(0, &["compile", "--from-spec", "../spec.json"]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let done = s.run(1, &["merge", "--session", "latest", "--no-repair"]);
    assert!(done.stdout.contains("conflict in shared.txt"), "{}", done.stdout);
    assert_eq!(s.landings().len(), 1);
    assert!(!s.home("told").exists(), "no agent was asked");
}

#[test]
fn a_conflict_that_is_never_resolved_ends() {
    let s = conflicting();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_ROLE" = merge ] || echo "$OTTO_GROUP" >shared.txt
[ "$OTTO_ROLE" != merge ] || rm -r "$OTTO_GROUP""#,
    );
    s.run(1, &["run", "--from-spec", "../spec.json"]);
    assert_eq!(s.landings().len(), 1);
    assert_eq!(s.events("group.failed").len(), 1);
}

/// Green alone, red together: the candidate is what is tested.
#[test]
fn two_groups_that_pass_alone_and_not_together_do_not_both_land() {
    let s = Sandbox::project();
    s.write(
        "tests/alone.sh",
        "echo 1..1\nif [ -f \"$1/work\" ] && [ ! -f g1/work -o ! -f g2/work ]; then echo 'ok 1'; else echo 'not ok 1'; exit 1; fi\n",
    );
    s.commit("a check");
    let shape = Shape::of(2)
        .check("g1", &["sh", "tests/alone.sh", "g1"])
        .check("g2", &["sh", "tests/alone.sh", "g2"]);
    let spec = s.spec(&shape);
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.run(1, &["merge", "--session", "latest"]);
    assert_eq!(s.landings(), ["g1"]);
    assert!(!s.events("merge.refused").is_empty());
    assert_eq!(s.git(&["diff", "--name-only", "main", &s.integ()]), "g1/work");
}

#[test]
fn work_that_is_there_already_is_redundant() {
    let s = Sandbox::project();
    s.agent(r#"mkdir -p all; echo "done all" >all/work"#);
    let shape = Shape::of(2)
        .shared(&["all/**"])
        .check("g1", &["sh", "tests/check.sh", "all"])
        .check("g2", &["sh", "tests/check.sh", "all"]);
    let spec = s.spec(&shape);
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.run(0, &["merge", "--session", "latest"]);
    assert_eq!(s.landings(), ["g1"]);
    let redundant = s.events("merge.redundant");
    assert_eq!(redundant.len(), 1);
    assert_eq!(redundant[0]["data"]["held_by"], s.git(&["rev-parse", &s.integ()]));
}

/// A person's worktree with a build branch of the newest session.
fn by_hand(s: &Sandbox, group: &str, file: &str) {
    let dir = s.at("mine");
    let branch = s.build_ref(group).replace("refs/heads/", "");
    s.git(&["worktree", "add", "--quiet", "-b", &branch, &dir.to_string_lossy(), "main"]);
    crate::harness::write(&dir.join(file), "done g1\n");
    s.git_in(&dir, &["add", "--all"]);
    s.git_in(&dir, &["commit", "--quiet", "-m", "by hand"]);
}

#[test]
fn a_commit_by_hand_is_judged_and_lands() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    by_hand(&s, "g1", "g1/work");
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.events("group.attempt.started")[0]["data"]["role"], "manual");
    assert!(s.git(&["log", "--format=%s", &s.integ()]).contains("by hand"));
}

#[test]
fn a_commit_by_hand_has_no_other_rights() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    by_hand(&s, "g1", "README.md");
    s.run(1, &["merge", "--session", "latest"]);
    assert_eq!(s.landings(), [""; 0]);
    assert_eq!(s.events("group.attempt.finished")[0]["data"]["outcome"], "violation");
    // It ends the agent's attempts, until somebody asks for them.
    s.run(1, &["build-group", "--session", "latest", "--all"]);
    assert_eq!(s.events("group.attempt.started").len(), 1);
}

/// A session with g1 landed and g2 passing.
fn half_way() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--group", "g1"]);
    s.run(1, &["merge", "--session", "latest"]);
    s.run(0, &["build-group", "--session", "latest", "--group", "g2"]);
    s
}

/// A hint names commands; this is the one that begins so.
fn command_in(hint: &str, start: &str) -> String {
    let at = hint.find(start).unwrap_or_else(|| panic!("no '{start}' in: {hint}"));
    hint[at..].lines().next().expect("a line").trim().to_owned()
}

#[test]
fn a_branch_that_somebody_moved_is_never_repaired_silently() {
    let s = half_way();
    s.git(&["update-ref", &s.integ(), "main"]);
    let refused = s.run(77, &["merge", "--session", "latest"]).stderr;
    command_in(&refused, "otto merge");
    let back = command_in(&refused, "git update-ref");
    assert_eq!(s.git(&["rev-parse", &s.integ()]), s.git(&["rev-parse", "main"]), "still theirs");
    // Going back would lose a landing, so that cannot be adopted.
    s.run(77, &["merge", "--session", "latest", "--adopt"]);
    s.shell(0, &back);
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1", "g2"]);
}

#[test]
fn a_branch_that_somebody_moved_on_can_be_adopted() {
    let s = half_way();
    let tip = s.git(&["rev-parse", &s.integ()]);
    let tree = s.git(&["rev-parse", &format!("{tip}^{{tree}}")]);
    let own = s.git(&["commit-tree", &tree, "-p", &tip, "-m", "my word on it"]);
    s.git(&["update-ref", &s.integ(), &own]);
    let refused = s.run(77, &["merge", "--session", "latest"]).stderr;
    s.shell(0, &command_in(&refused, "otto merge"));
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1", "g2"]);
    assert_eq!(s.story()[1], "my word on it");
}

#[test]
fn a_branch_that_is_gone_is_made_again() {
    let s = half_way();
    let tip = s.git(&["rev-parse", &s.integ()]);
    s.git(&["update-ref", "-d", &s.integ()]);
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1", "g2"]);
    s.git(&["merge-base", "--is-ancestor", &tip, &s.integ()]);
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_is_not_moved() {
    let s = half_way();
    let look = s.at("look here");
    let short = s.integ().replace("refs/heads/", "");
    s.git(&["worktree", "add", "--quiet", &look.to_string_lossy(), &short]);
    let before = s.git(&["rev-parse", &s.integ()]);
    let refused = s.run(77, &["merge", "--session", "latest"]).stderr;
    assert!(refused.contains(&*look.to_string_lossy()), "{refused}");
    assert_eq!(s.git(&["rev-parse", &s.integ()]), before);
    assert_eq!(s.git_in(&look, &["status", "--porcelain"]), "");
    s.shell(0, &command_in(&refused, "git -C"));
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1", "g2"]);
}

/// What was the group's to write when it was built, and is not any more when it is merged.
#[test]
fn work_that_a_new_spec_does_not_allow_any_more_goes_back_and_is_told_why() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p g1; echo "done g1" >g1/work
if [ "$OTTO_ATTEMPT" = 1 ]; then echo x >shared.txt; else
    cp "$OTTO_PROMPT_FILE" "$HOME/told"; rm -f shared.txt
fi"#,
    );
    let spec = s.spec(&Shape::of(1).shared(&["shared.txt"]));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let text = s.run(0, &["spec", "show", "--json"]).stdout;
    let mut changed: serde_json::Value = serde_json::from_str(&text).expect("a spec");
    changed["shared_scaffold"] = serde_json::json!([]);
    s.write("../changed.json", &changed.to_string());
    s.run(0, &["spec", "amend", "--reason", "it is nobody's", "--file", "../changed.json"]);
    // What passed by the spec as it was is not merged.
    s.run(1, &["merge", "--session", "latest"]);
    assert_eq!(s.events("group.invalidated")[0]["data"]["reason"], "spec_changed");
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.run(0, &["merge", "--session", "latest"]);
    let told = std::fs::read_to_string(s.home("told")).expect("a second attempt");
    assert!(told.contains("- shared.txt: it is outside the paths"), "{told}");
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.git(&["diff", "--name-only", "main", &s.integ()]), "g1/work");
}
