//! A run that is stopped at any moment goes on where it was: the same landings, none twice, the
//! chain whole.

use crate::harness::{Running, Sandbox, Shape, until};

/// Waits at a gate while `$HOME/block` names its group, then does its part.
const WAITS: &str = r#"if grep -qx "$OTTO_GROUP" "$HOME/block" 2>/dev/null; then
    : >"$HOME/marks/$OTTO_GROUP"
    read -r go <"$HOME/gate"
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

fn project(block: &str) -> (Sandbox, String) {
    let s = Sandbox::project();
    s.agent(WAITS);
    s.gate("gate");
    std::fs::write(s.home("block"), block).expect("written");
    let spec = s.spec(&Shape::of(3).needs("g3", &["g1"]));
    (s, spec)
}

/// SIGKILL, and everything that it started goes with it.
fn kill(s: &Sandbox, run: Running) {
    run.kill();
    until("the end of everything that it started", || s.leftovers().is_empty().then_some(()));
}

fn resumes_to_the_same(s: &Sandbox) {
    drop(std::fs::remove_file(s.home("block")));
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1", "g2", "g3"]);
    let tree = s.git(&["ls-tree", "-r", "--name-only", &s.integ()]);
    assert_eq!(tree, "README.md\ng1/work\ng2/work\ng3/work\notto.yaml\ntests/check.sh");
    assert_eq!(s.story().len(), 4);
    assert_eq!(s.leftovers(), [0; 0]);
    // Nothing is left to do, and nothing is done again.
    assert_eq!(s.run(1, &["run", "--resume"]).stdout, "");
}

#[test]
fn killed_while_an_agent_works() {
    let (s, spec) = project("g1\n");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("g1");
    kill(&s, run);
    resumes_to_the_same(&s);
}

#[test]
fn killed_after_an_agent_has_written_half() {
    let (s, spec) = project("");
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "half $OTTO_GROUP" >"$OTTO_GROUP/work"
if [ -f "$HOME/block" ]; then : >"$HOME/marks/half"; read -r go <"$HOME/gate"; fi
echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("half");
    kill(&s, run);
    resumes_to_the_same(&s);
    // What the stopped attempt left was kept, and not held against the agent.
    let ends = s.events("group.attempt.finished");
    let kept = |e: &serde_json::Value| {
        e["data"]["outcome"] == "interrupted" && e["data"]["commit"].is_string()
    };
    assert!(ends.iter().any(kept), "{ends:?}");
}

#[test]
fn killed_while_an_attempt_is_checked() {
    let (s, spec) = project("check\n");
    s.on_check(
        r#"if [ -f "$HOME/block" ] && [ -f "$1/work" ]; then : >"$HOME/marks/check.$1"; read -r go <"$HOME/gate"; fi"#,
    );
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("check.g1");
    s.mark("check.g2");
    kill(&s, run);
    resumes_to_the_same(&s);
    assert_eq!(s.events("group.attempt.started").len(), 3, "no work is done twice");
}

#[test]
fn killed_while_a_candidate_is_checked() {
    let (s, spec) = project("check\n");
    s.on_check(
        r#"if [ -f "$HOME/block" ] && [ -f g1/work ] && [ -f g2/work ]; then : >"$HOME/marks/check"; read -r go <"$HOME/gate"; fi"#,
    );
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("check");
    kill(&s, run);
    assert_eq!(s.landings().len(), 1);
    resumes_to_the_same(&s);
}

#[test]
fn killed_after_a_landing() {
    let (s, spec) = project("g2\n");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("g2");
    s.wait_for("merge.landed", 1);
    kill(&s, run);
    resumes_to_the_same(&s);
}

/// Wherever the journal ends, the rest of the run is the same.
#[test]
fn killed_at_any_event() {
    for events in [2, 5, 8, 11, 14, 17, 20, 23, 26] {
        let (s, spec) = project("");
        let mut run = s.start(&["run", "--from-spec", &spec]);
        let there = || s.project.join("otto_logs/latest").exists();
        until("an event", || {
            (run.has_ended() || (there() && s.journal().len() >= events)).then_some(())
        });
        kill(&s, run);
        let finished = s.events("run.finished").len();
        assert_eq!(finished, 0, "{events} events come before the end");
        resumes_to_the_same(&s);
    }
}

#[test]
fn a_step_that_is_killed_is_taken_up_again() {
    let (s, spec) = project("g1\n");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("g1");
    s.wait_for("merge.landed", 1);
    for program in ["otto-merge", "otto-build-group"] {
        let pid = s.process(program);
        // SAFETY: a signal to a program that this test's run started.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    }
    assert_eq!(run.end(), 75);
    assert!(s.stderr().contains("otto run --resume"), "{}", s.stderr());
    resumes_to_the_same(&s);
}

#[test]
fn a_signal_stops_a_run_that_can_be_resumed() {
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        let (s, spec) = project("g1\ng2\n");
        let run = s.start(&["run", "--from-spec", &spec]);
        s.mark("g1");
        run.signal(signal);
        assert_eq!(run.end(), code);
        assert!(s.stderr().contains("otto run --resume"), "{}", s.stderr());
        assert_eq!(s.leftovers(), [0; 0], "nothing of it runs on");
        assert!(s.run(1, &["status"]).stdout.contains("paused"));
        resumes_to_the_same(&s);
    }
}

#[test]
fn one_run_works_on_a_session_at_a_time() {
    let (s, spec) = project("g1\n");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("g1");
    s.wait_for("merge.landed", 1);
    let before = s.journal().len();
    let busy = s.run(75, &["run", "--resume"]);
    assert!(busy.stderr.contains("pid "), "{}", busy.stderr);
    assert_eq!(s.journal().len(), before, "the second run wrote nothing");
    // Nor does a step by hand take over what the run holds.
    let busy = s.run(75, &["merge", "--session", "latest"]);
    assert!(busy.stderr.contains("otto-merge"), "{}", busy.stderr);
    let busy = s.run(75, &["build-group", "--session", "latest", "--group", "g1"]);
    assert!(busy.stderr.contains("g1"), "{}", busy.stderr);
    s.open_gate("gate");
    assert_eq!(run.end(), 0, "{}", s.stderr());
    s.assert_landed_once(&["g1", "g2", "g3"]);
}

#[test]
fn what_resume_means_is_never_guessed() {
    let s = Sandbox::project();
    s.run(1, &["run", "--resume"]);
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let first = s.session();
    s.run(2, &["run", "something else", "--resume"]);
    s.run(2, &["run", "--resume", &first, "--target", "main"]);
    s.run(0, &["compile", "--from-spec", &spec]);
    let several = s.run(2, &["run", "--resume"]);
    assert!(several.stderr.contains(&first), "{}", several.stderr);
    s.run(0, &["run", "--resume", &first, "--jobs", "1"]);
    assert_ne!(s.session(), first);
    s.run(0, &["abort", &first, "--reason", "not wanted"]);
}
