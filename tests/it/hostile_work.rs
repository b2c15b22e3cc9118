//! Work that is made to be opened, staged, prepared or copied by Otto itself, outside of every
//! sandbox: none of it runs, and nothing outside of the worktree is written or waited for.

use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::{GOOD, Sandbox, Shape, write};

/// The strongest tier that works here: what Otto does itself is the same at each.
fn tier() -> String {
    format!("sandbox.tier={}", working().last().expect("worktree always works"))
}

#[test]
fn a_repository_inside_runs_nothing_and_its_files_are_work() {
    let s = Sandbox::project();
    let ran = s.at("ran");
    // The same commit each time, so that a second attempt begins where the index knows it.
    s.agent(&format!(
        r#"mkdir -p g1; echo "attempt $OTTO_ATTEMPT" >g1/work; rm -rf g1/inner; mkdir g1/inner; cd g1/inner
git init -q .; echo 1 >f; git add f
GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z \
    git -c user.name=a -c user.email=a@b commit -qm y
echo '{objects}' >.git/objects/info/alternates
printf '#!/bin/sh\necho ran >>"{ran}"\ncat\n' >.git/evil.sh; chmod +x .git/evil.sh
git config filter.x.clean "$PWD/.git/evil.sh"; git config core.fsmonitor "$PWD/.git/evil.sh"
mkdir -p .git/info; echo '* filter=x' >.git/info/attributes; touch -d 2020-01-01 f
[ "$OTTO_ATTEMPT" -lt 2 ] || echo 'done g1' >../work"#,
        objects = s.project.join(".git/objects").display(),
        ran = ran.display(),
    ));
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec, "-c", "attempts=3", "-c", &tier()]);
    assert!(!ran.exists(), "a program of the agent ran outside");
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.git(&["show", &format!("{}:g1/inner/f", s.integ())]), "1");
    let end = &s.events("group.attempt.finished")[0]["data"];
    assert_eq!(end["left_out"], json!(["g1/inner/.git"]), "{end}");
}

#[test]
fn folders_as_deep_as_they_like_end_the_attempt_and_not_the_run() {
    let s = Sandbox::project();
    s.agent(&format!(
        "{GOOD}\n[ \"$OTTO_ATTEMPT\" -gt 1 ] || perl -e 'for (1..6000) {{ mkdir \"d\"; chdir \"d\" or die }}'"
    ));
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec, "-c", &tier()]);
    s.assert_landed_once(&["g1"]);
}

/// A project whose check runs what preparation made.
fn prepared(s: &Sandbox, step: &Value) -> String {
    s.write("otto.yaml", &format!("{}prepare: {}\n", s.read("otto.yaml"), json!([step])));
    s.script(
        &s.project.join("prep.sh"),
        "#!/bin/sh\nmkdir -p g1/tools\ncp tests/check.sh g1/tools/judge\n\
         [ ! -f g1/install ] || sh g1/install\n",
    );
    s.write("g1/lock", "lock 0\n");
    s.commit("with preparation");
    s.spec(&Shape::of(1).check("g1", &["sh", "g1/tools/judge", "g1"]))
}

/// A second check of the group.
fn also(spec: &str, check: Value) {
    let text = std::fs::read_to_string(spec).expect("a spec");
    let mut shape: Value = serde_json::from_str(&text).expect("JSON");
    shape["groups"][0]["checks"].as_array_mut().expect("checks").push(check);
    std::fs::write(spec, shape.to_string()).expect("written");
}

fn step() -> Value {
    json!({"argv": ["./prep.sh"], "inputs": ["g1/lock"], "outputs": ["g1/tools"]})
}

#[test]
fn what_a_rejected_attempt_prepared_is_in_no_other_tree() {
    let s = Sandbox::project();
    // First a judge that is bought, in a tree that is refused; then the same lock, without a trace.
    s.agent(
        r#"echo 'lock 1' >g1/lock
if [ "$OTTO_ATTEMPT" = 1 ]; then
    echo 'printf "echo 1..1\necho ok 1 - always\n" >g1/tools/judge' >g1/install; echo x >outside
else
    rm -f g1/install outside; echo 'nothing is done' >g1/work
fi"#,
    );
    let spec = prepared(&s, &step());
    s.run(1, &["run", "--from-spec", &spec, "-c", "attempts=2", "-c", &tier()]);
    let ends: Vec<_> = s.events("group.attempt.finished");
    assert_eq!(ends[0]["data"]["outcome"], "violation");
    assert_eq!(ends[1]["data"]["outcome"], "checks_failed", "{}", ends[1]);
}

#[test]
fn the_same_with_the_bought_judge_checked_and_red_for_another_reason() {
    let s = Sandbox::project();
    s.agent(
        r#"echo 'lock 1' >g1/lock
if [ "$OTTO_ATTEMPT" = 1 ]; then
    echo 'printf "echo 1..1\necho ok 1 - always\n" >g1/tools/judge' >g1/install
else
    rm -f g1/install; echo 'nothing is done' >g1/work
fi"#,
    );
    let spec = prepared(&s, &step());
    // Red as long as the install script is there.
    let lint = json!({"id": "lint", "kind": "repo_test", "purpose": "regression", "features": ["f-g1"],
        "argv": ["sh", "-c", "echo 1..1; [ ! -f g1/install ] || { echo not ok 1; exit 1; }; echo ok 1"]});
    also(&spec, lint);
    s.run(1, &["run", "--from-spec", &spec, "-c", "attempts=2", "-c", &tier()]);
    let ends: Vec<_> = s.events("group.attempt.finished");
    for end in &ends {
        assert_eq!(end["data"]["outcome"], "checks_failed", "{end}");
    }
    assert_eq!(ends.len(), 2);
}

#[test]
fn preparation_is_copied_through_no_link() {
    let s = Sandbox::project();
    let victim = s.at("victim");
    std::fs::create_dir(&victim).expect("made");
    s.agent(&format!(
        "{GOOD}\necho 'lock 1' >g1/lock\nln -sfn tools/evil g1/app\n\
         echo 'ln -sfn {} g1/tools/evil; rm g1/app; mkdir -p g1/app/inner; echo payload >g1/app/inner/file' >g1/install",
        victim.display()
    ));
    let both = json!({"argv": ["./prep.sh"], "inputs": ["g1/lock"], "outputs": ["g1/tools", "g1/app/inner"]});
    let spec = prepared(&s, &both);
    // Each check has a worktree of its own: the second one gets what the first one's preparation made.
    also(
        &spec,
        json!({"id": "again", "kind": "repo_test", "features": ["f-g1"],
               "argv": ["sh", "g1/tools/judge", "g1"]}),
    );
    let done =
        s.finish(&mut s.command(&["run", "--from-spec", &spec, "-c", "attempts=1", "-c", &tier()]));
    let left: Vec<_> = std::fs::read_dir(&victim).expect("listed").flatten().collect();
    assert!(left.is_empty(), "{left:?} {}", done.stderr);
    assert_eq!(done.code, 1, "{}", done.stderr);
}

#[test]
fn what_was_prepared_at_a_lower_tier_is_not_used_at_a_higher_one() {
    let Some(high) = working().into_iter().rev().find(|t| *t != "worktree") else { return };
    let s = Sandbox::project();
    s.agent(&format!("{GOOD}\ncat g1/tools/loot >>g1/work 2>/dev/null || true"));
    let spec = prepared(&s, &step());
    let secret = s.home("secret");
    std::fs::write(&secret, "do-not-tell").expect("written");
    let text = format!("{}cp '{}' g1/tools/loot || true\n", s.read("prep.sh"), secret.display());
    s.script(&s.project.join("prep.sh"), &text);
    s.commit("a step that takes what it can");
    s.run(0, &["run", "--from-spec", &spec, "-c", "sandbox.tier=worktree"]);
    let told =
        |s: &Sandbox| s.git(&["show", &format!("{}:g1/work", s.integ())]).contains("do-not-tell");
    assert!(told(&s), "the control: nothing stops it there");
    let tier = format!("sandbox.tier={high}");
    s.run(0, &["run", "--from-spec", &spec, "-c", &tier, "-c", &format!("min_sandbox={high}")]);
    assert!(!told(&s), "{high}");
}

#[test]
fn an_agent_without_a_network_gets_none_by_preparation() {
    let Some(high) = working().into_iter().rev().find(|t| *t != "worktree") else { return };
    let s = Sandbox::project();
    s.agent(&format!(
        "{GOOD}\necho 'lock 1' >g1/lock\necho 'echo reached >>g1/tools/net' >g1/install"
    ));
    let mut net = step();
    net["network"] = json!(true);
    let spec = prepared(&s, &net);
    let tier = format!("sandbox.tier={high}");
    let run = ["run", "--from-spec", &spec, "-c", "attempts=1", "-c", &tier];
    s.run(1, &[&run[..], &["-c", "sandbox.network.build=off"]].concat());
    let checks = s.events("group.check.finished");
    let why = checks.last().expect("a check").to_string();
    assert!(why.contains("prepare_failed") && why.contains("network"), "{why}");
    s.run(0, &run);
}

#[test]
fn what_a_network_step_fetches_is_not_put_among_the_persons_packages() {
    let Some(high) = working().into_iter().rev().find(|t| *t != "worktree") else { return };
    let s = Sandbox::project();
    let theirs = s.home(".cargo/registry/src/serde");
    std::fs::create_dir_all(&theirs).expect("made");
    let mut net = step();
    net["network"] = json!(true);
    let spec = prepared(&s, &net);
    let text = format!(
        "{}echo '// backdoor' >'{}/build.rs' || true\nmkdir -p \"$CARGO_HOME/registry\"; echo crate >\"$CARGO_HOME/registry/fetched\"\n",
        s.read("prep.sh"),
        theirs.display()
    );
    s.script(&s.project.join("prep.sh"), &text);
    s.write(
        "tests/check.sh",
        &format!(
            "grep -q crate \"$CARGO_HOME/registry/fetched\" || exit 9\n{}",
            s.read("tests/check.sh")
        ),
    );
    s.commit("a step that fetches");
    s.run(0, &["run", "--from-spec", &spec, "-c", &format!("sandbox.tier={high}")]);
    assert!(!theirs.join("build.rs").exists(), "{high}");
}

#[test]
fn an_agent_with_the_network_fetches_packages_into_homes_of_its_own() {
    for high in working().into_iter().filter(|t| *t != "worktree") {
        let s = Sandbox::project();
        let theirs = s.home(".cargo");
        write(&theirs.join("config.toml"), "# mirrors");
        write(&theirs.join("registry/src/serde/build.rs"), "fn main() {}");
        // What the first attempt fetched is there for the second one.
        s.agent(
            r#"mkdir -p g1 "$CARGO_HOME/registry" "$GOMODCACHE"
cat "$CARGO_HOME/config.toml" >>g1/notes
[ ! -f "$CARGO_HOME/registry/crate" ] || echo 'done g1' >g1/work
echo crate >"$CARGO_HOME/registry/crate"; echo module >"$GOMODCACHE/module"
"#,
        );
        let text = format!(
            "echo '// backdoor' >>'{}' || true\n",
            theirs.join("registry/src/serde/build.rs").display()
        );
        let agent = std::fs::read_to_string(s.at("agent.sh")).expect("an agent");
        s.script(&s.at("agent.sh"), &format!("{agent}\n{text}"));
        let spec = s.spec(&Shape::of(1));
        s.run(0, &["run", "--from-spec", &spec, "-c", &format!("sandbox.tier={high}")]);
        s.assert_landed_once(&["g1"]);
        assert_eq!(s.git(&["show", &format!("{}:g1/notes", s.integ())]), "# mirrors# mirrors");
        let kept = std::fs::read_to_string(theirs.join("registry/src/serde/build.rs"));
        assert_eq!(kept.expect("it is there"), "fn main() {}", "{high}");
        assert!(!theirs.join("registry/crate").exists(), "{high}");
    }
}

#[test]
fn what_was_fetched_is_found_by_later_steps_and_by_agents_without_the_network() {
    for high in working().into_iter().filter(|t| *t != "worktree") {
        let s = Sandbox::project();
        s.script(&s.project.join("fetch.sh"), "#!/bin/sh\necho crate >\"$CARGO_HOME/fetched\"\n");
        s.script(
            &s.project.join("make.sh"),
            "#!/bin/sh\nmkdir -p g1/tools; cp \"$CARGO_HOME/fetched\" g1/tools/made\n",
        );
        let steps = json!([{"argv": ["./fetch.sh"], "network": true},
            {"argv": ["./make.sh"], "outputs": ["g1/tools"]}]);
        s.write("otto.yaml", &format!("{}prepare: {steps}\n", s.read("otto.yaml")));
        s.commit("two steps");
        // Twice: what is kept is found as well.
        s.agent(
            r#"grep -q crate "$CARGO_HOME/fetched" && grep -q crate g1/tools/made || exit 1
echo x >"$CARGO_HOME/fetched" 2>/dev/null && exit 1
[ "$OTTO_ATTEMPT" -lt 2 ] || echo 'done g1' >g1/work; echo "$OTTO_ATTEMPT" >g1/notes"#,
        );
        let spec = s.spec(&Shape::of(1));
        let tier = format!("sandbox.tier={high}");
        let off = ["-c", "sandbox.network.build=off"];
        s.run(0, &[&["run", "--from-spec", &spec, "-c", &tier][..], &off].concat());
        s.assert_landed_once(&["g1"]);
    }
}
