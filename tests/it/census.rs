//! The patch census: everything that attempts handed in is somewhere, and a run that lost some of
//! it does not end as if nothing had happened.

use serde_json::{Value, json};

use crate::harness::{Done, Sandbox, Shape};

/// One group whose agent never gets it right, beside one that does.
fn half_done() -> Sandbox {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"
if [ "$OTTO_GROUP" = g1 ]; then echo "done g1" >g1/work; else echo "try" >>g2/work; fi"#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(1, &["run", "--from-spec", &spec, "--quiet"]);
    s
}

fn patches(done: &Done) -> Value {
    let all: Value = serde_json::from_str(&done.stdout).expect("JSON");
    all["patches"].clone()
}

#[test]
fn a_run_accounts_for_every_attempt() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "part of $OTTO_GROUP" >>"$OTTO_GROUP/notes"
if [ "$OTTO_GROUP" = g1 ] && [ ! -f "$HOME/again" ]; then touch "$HOME/again"; exit 0; fi
echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec, "--quiet"]);
    let told = s.run(0, &["verify", "--no-rerun"]).stdout;
    let line = "ok   patches: 3 submitted = 3 landed + 0 redundant + 0 attic + 0 open \
                (1 replaced by a later attempt)";
    assert!(told.contains(line), "{told}");
    let counts = json!({"submitted": 3, "landed": 3, "redundant": 0, "attic": 0, "open": 0,
                        "missing": 0, "replaced": 1});
    assert_eq!(patches(&s.run(0, &["verify", "--no-rerun", "--json"])), counts);
}

#[test]
fn work_that_no_branch_holds_any_more_is_kept() {
    let s = half_done();
    let head = s.git(&["rev-parse", &s.build_ref("g2")]);
    let open =
        patches(&s.run(0, &["verify", "--no-rerun", "--json"]))["open"].as_u64().expect("a number");
    assert!(open > 0);
    s.git(&["update-ref", "-d", &s.build_ref("g2")]);
    let told = s.run(65, &["verify"]).stdout;
    assert!(told.contains(&format!("no branch holds {head}")), "{told}");
    s.run(1, &["run", "--resume", &s.session(), "--quiet"]);
    let now = patches(&s.run(0, &["verify", "--no-rerun", "--json"]));
    assert_eq!((&now["attic"], &now["open"]), (&json!(open), &json!(0)));
    let kept = s.git(&["for-each-ref", "--format=%(objectname)", "refs/otto/attic"]);
    assert!(kept.lines().any(|l| l == head), "{kept}");
}

#[test]
fn work_that_is_gone_is_said_aloud() {
    let s = half_done();
    let head = s.git(&["rev-parse", &s.build_ref("g2")]);
    s.git(&["update-ref", "-d", &s.build_ref("g2")]);
    // Worktrees of the pool hold what they were last at.
    std::fs::remove_dir_all(s.at("cache")).expect("a cache");
    s.git(&["worktree", "prune"]);
    s.git(&["reflog", "expire", "--expire=now", "--all"]);
    s.git(&["gc", "--quiet", "--prune=now"]);
    let told = s.run(65, &["verify"]).stdout;
    assert!(told.contains(&format!("work is missing: {head}")), "{told}");
    let told = s.run(70, &["run", "--resume", &s.session(), "--quiet"]).stderr;
    assert!(told.contains("of group 'g2'") && told.contains("changes.patch"), "{told}");
    // There is a way out, and it says it too.
    let told = s.run(70, &["abort", &s.session()]).stderr;
    assert!(told.contains("work is missing"), "{told}");
    s.run(1, &["abort", &s.session()]);
}
