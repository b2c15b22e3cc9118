//! What a person reads in the terminal when something failed: what, why, and what to do next.

use serde_json::json;

use crate::harness::{Sandbox, Shape, until, write};
use crate::patience::{provider, run};

/// `g1` fails while `$HOME/broken` is there.
const SOMETIMES: &str = r#"mkdir -p "$OTTO_GROUP"
if [ "$OTTO_GROUP" = g1 ] && [ -f "$HOME/broken" ]; then echo "wrong $OTTO_ATTEMPT" >g1/work; exit 0; fi
echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

/// The first command that is offered and begins so, without why.
fn offered(text: &str, begins: &str) -> Vec<String> {
    let next = text.split_once("\nnext\n").expect("there is something to do").1;
    let line = next.lines().map(str::trim).find(|l| l.starts_with(begins));
    let line = line.unwrap_or_else(|| panic!("'{begins}' is not offered: {text}"));
    let command = line.split("  ").next().expect("a command");
    command.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn a_failed_run_says_what_failed_and_what_gives_it_another_try() {
    let s = Sandbox::project();
    s.agent(SOMETIMES);
    std::fs::write(s.home("broken"), "").expect("written");
    let spec = s.spec(&Shape::of(2));
    let done = s.run(1, &["run", "--from-spec", &spec, "-c", "attempts=2"]);
    let sid = s.session();
    let status = s.run(1, &["status"]).stdout;
    let log = s.run(0, &["log"]).stdout;
    // Which check, and what it said: while it runs, at its end, and afterwards.
    let red = "checks failed: g1-tests (";
    for (name, text) in [("the lines of the run", &done.stderr), ("log", &log)] {
        assert!(text.contains(&format!("attempt 1: {red}")), "{name}: {text}");
    }
    for (name, text) in [("the end of the run", &done.stdout), ("status", &status), ("log", &log)] {
        assert!(text.contains(red), "{name}: {text}");
    }
    assert!(status.contains(&format!("without passing; the last: {red}")), "{status}");

    // A resume alone repeats the verdict; what is offered does not.
    let started = |s: &Sandbox| s.events("group.attempt.started").len();
    let before = started(&s);
    let plain = s.run(1, &["run", "--resume", &sid]);
    assert_eq!(started(&s), before, "{}", plain.stderr);
    for text in [&done.stdout, &status] {
        assert_eq!(
            offered(text, "otto run --resume"),
            ["run", "--resume", &sid, "-c", "attempts=2"],
            "{text}"
        );
    }
    let look = offered(&status, "otto log");
    let look = s.run(0, &look.iter().map(String::as_str).collect::<Vec<_>>()).stdout;
    assert!(look.contains("check g1-tests on the attempt") && !look.contains("g2"), "{look}");

    // Without a name nothing is open, and the way back has the name.
    let refused = s.run(1, &["run", "--resume"]);
    let way = format!("otto run --resume {sid} -c attempts=2");
    assert!(refused.stderr.contains(&way), "{}", refused.stderr);
    std::fs::remove_file(s.home("broken")).expect("mended");
    let again = offered(&status, "otto run --resume");
    let done = s.run(0, &again.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!done.stdout.contains("attempts="), "{}", done.stdout);
    s.assert_landed_once(&["g1", "g2"]);
}

#[test]
fn a_group_over_its_budget_is_offered_more_of_it() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(&s, "dear", "say '{\"event\":\"cost\",\"usd\":3}'\nwhile :; do sleep 0.02; done");
    let flags = "--from-spec ../spec.json --provider dear -c group_budget_usd=1";
    let done = run(&s, 1, flags);
    let again = offered(&done.stdout, "otto run --resume");
    assert_eq!(again[3..], ["-c", "group_budget_usd=6.00"], "{}", done.stdout);
    provider(&s, "dear", "work");
    run(&s, 0, &again[1..].join(" "));
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_red_candidate_names_its_check() {
    let s = Sandbox::project();
    // Each is good alone.
    s.on_check(
        r#"if [ -f g1/work ] && [ -f g2/work ] && [ ! -f mended ]; then
    echo 1..1; echo "not ok 1 - they do not go together"; exit 1; fi"#,
    );
    s.agent(
        r#"[ ! -f g1/work ] && [ ! -f g2/work ] || : >mended
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(2).shared(&["mended"]));
    s.run(0, &["run", "--from-spec", &spec, "--jobs", "2"]);
    let log = s.run(0, &["log"]).stdout;
    let line = log.lines().find(|l| l.contains("back to its builder")).expect("one of them");
    assert!(line.contains("red when merged: g") && line.contains("-tests ("), "{line}");
}

/// An audit that fails with the role `fix` switched off.
fn nobody_repairs() -> (Sandbox, String) {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"; echo no >g1/said
if [ "$OTTO_ROLE" = fix ]; then echo yes >g1/said; fi"#,
    );
    let held_out = json!({"v": 1, "id": "says", "title": "says", "features": ["f-g1"],
        "severity": "critical", "check": {"id": "says", "kind": "cli_probe",
        "argv": ["cat", "g1/said"], "stdout": {"equals": "yes\n"}}});
    write(&s.project.join(".git/otto/scenarios/says.json"), &held_out.to_string());
    let spec = s.spec(&Shape::of(1));
    (s, spec)
}

#[test]
fn a_run_in_which_nobody_repairs_ends_with_a_verdict() {
    let (s, spec) = nobody_repairs();
    let done = s.run(1, &["run", "--from-spec", &spec, "-c", "agents.fix.provider=none"]);
    assert!(done.stdout.contains("says: Failed in the audit"), "{}", done.stdout);
    assert_eq!(s.events("run.finished").len(), 1);
    assert_eq!(s.events("repair.started").len() + s.events("pilot.asked").len(), 0);
    assert_eq!(s.events("audit.started").len(), 1);
    // By hand it says so, and nothing is left to resume.
    let by_hand = s.run(1, &["repair"]);
    assert!(by_hand.stderr.contains("no agent has the role 'fix'"), "{}", by_hand.stderr);
    s.run(1, &["run", "--resume"]);
    let mut again = offered(&done.stdout, "otto run --resume");
    assert_eq!(again.pop().as_deref(), Some("agents.fix.provider=NAME"));
    again.push("agents.fix.provider=command".into());
    s.run(0, &again.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(s.events("repair.finished").len(), 1);
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn a_repair_that_was_begun_ends_when_its_role_is_switched_off() {
    let (s, spec) = nobody_repairs();
    s.agent(
        r#"if [ "$OTTO_ROLE" = fix ]; then : >"$HOME/marks/fix"; read -r go <"$HOME/gate"; fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"; echo no >g1/said"#,
    );
    s.gate("gate");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("fix");
    run.kill();
    until("the end of everything that it started", || s.leftovers().is_empty().then_some(()));
    let resumed = s.run(1, &["run", "--resume", "-c", "agents.fix.provider=none"]);
    assert!(resumed.stdout.contains("1 of 1 group landed"), "{}", resumed.stdout);
    assert_eq!(s.events("repair.finished").len(), 1);
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn the_time_of_a_run_is_that_of_its_work() {
    let s = Sandbox::project();
    s.agent(SOMETIMES);
    std::fs::write(s.home("broken"), "").expect("written");
    let spec = s.spec(&Shape::of(1));
    let at = |shift: i64, args: &[&str]| {
        write(&s.at("shift"), &shift.to_string());
        let mut command = s.command(args);
        s.finish(command.env("OTTO_CLOCK_SHIFT", s.at("shift")))
    };
    assert_eq!(at(0, &["run", "--from-spec", &spec]).code, 1);
    std::fs::remove_file(s.home("broken")).expect("mended");
    let done = at(7200, &["run", "--resume", &s.session(), "-c", "attempts=3"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let line = done.stdout.lines().find(|l| l.starts_with("passed: ")).expect("the last line");
    assert!(line.ends_with('s'), "no hours: {line}");
}
