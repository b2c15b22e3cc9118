//! Recordings played into git worktrees.

use serde_json::json;

use super::run;
use super::turn::Turn as Recorded;
use crate::agent::{ErrorClass, Event};
use crate::base::{Exit, Sha256};
use crate::process::{Capture, Command, base_env};
use crate::provider::testing::{Bench, Turn};

const PATCH: &str = "\
diff --git a/greet.txt b/greet.txt
index 1d9b6b4..67c40fb 100644
--- a/greet.txt
+++ b/greet.txt
@@ -1,2 +1,2 @@
 hello
-wrold
+world
diff --git a/new file.txt b/new file.txt
new file mode 100755
index 0000000..3b18e51
--- /dev/null
+++ b/new file.txt
@@ -0,0 +1 @@
+hello world
diff --git a/old.txt b/old.txt
deleted file mode 100644
index 3367afd..0000000
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-old
";

fn play(bench: &Bench) -> Turn {
    bench.run(|input, output| run(input, output))
}

fn sh(bench: &Bench, script: &str) {
    let capture = Capture::Merged(bench.path("sh.log"));
    let done = Command::new(["sh", "-ec", script], &bench.path("work"), base_env())
        .run(capture)
        .expect("runs");
    assert!(done.success(), "{}", bench.read("sh.log"));
}

/// A worktree with two files, and an empty recording.
fn bench(role: &str, group: Option<&str>) -> Bench {
    let mut bench = Bench::new(role, json!({}));
    bench.request["group"] = json!(group);
    bench.request["settings"]["dir"] = json!(bench.path("recording"));
    // By hand: without a list of its turns.
    bench.write("recording/about.txt", "made for a test\n");
    bench.write("work/greet.txt", "hello\nwrold\n");
    bench.write("work/old.txt", "old\n");
    sh(&bench, "git init -q; git add .");
    bench
}

#[test]
fn a_turn_changes_files_talks_and_tells_what_it_used() {
    let bench = bench("build", Some("greeting"));
    let at = |name: &str| format!("recording/build/greeting/01/{name}");
    bench.write(&at("changes.patch"), PATCH);
    bench.write(&at("narrative.txt"), "I found a typo.\n\nIt is gone.\n");
    bench.write(&at("usage.json"), "{\"input\": 10, \"output\": 5, \"usd\": 0.25}");
    bench.write(&at("files.txt"), "scratch/notes\n");
    let turn = play(&bench);
    assert_eq!((turn.exit, turn.reason(), turn.error()), (Exit::YES, "end", None));
    assert_eq!(turn.texts(), ["I found a typo.", "It is gone."]);
    let change =
        |path: &str, kind: &str| Event::FileChange { path: path.into(), kind: kind.into() };
    for event in [
        change("greet.txt", "modified"),
        change("new file.txt", "added"),
        change("old.txt", "deleted"),
        change("scratch/notes", ""),
        Event::Usage { input: Some(10), cached_input: None, output: Some(5), reasoning: None },
        Event::Cost { usd: 0.25 },
    ] {
        assert!(turn.events.contains(&event), "{event:?} in {:?}", turn.events);
    }
    assert_eq!(bench.read("work/greet.txt"), "hello\nworld\n");
    assert_eq!(bench.read("work/new file.txt"), "hello world\n");
    assert!(!bench.path("work/old.txt").exists());
}

#[test]
fn a_listed_turn_is_played_as_it_was_recorded_or_not_at_all() {
    let bench = bench("build", Some("greeting"));
    bench.write("recording/build/greeting/01/changes.patch", PATCH);
    let list = |hash: Sha256| {
        let turn = json!({"role": "build", "group": "greeting", "number": 1, "patch_sha256": hash});
        json!({"v": 1, "session": "s", "turns": [turn]}).to_string()
    };
    for list in [list(Sha256::of(b"another patch")), "{}".into(), list(Sha256::ZERO) + "x"] {
        bench.write("recording/recording.json", &list);
        let said = play(&bench);
        assert!(
            said.error().is_some_and(|(_, e)| e.contains("recording.json")),
            "{:?}",
            said.error()
        );
        assert_eq!(bench.read("work/greet.txt"), "hello\nwrold\n");
    }
    bench.write("recording/recording.json", list(Sha256::of(PATCH.as_bytes())));
    assert_eq!(play(&bench).error(), None);
}

#[test]
fn an_answer_is_given_as_it_was_recorded() {
    let bench = bench("spec", None);
    bench.write("recording/spec/_/01/answer.json", "{\"v\": 1}");
    assert_eq!(play(&bench).structured(), Some(&json!({"v": 1})));
}

#[test]
fn a_patch_applies_outside_of_a_repository_and_below_another_one() {
    let bench = bench("build", Some("greeting"));
    bench.write("recording/build/greeting/01/changes.patch", PATCH);
    sh(&bench, "rm -rf .git; git init -q ..");
    assert_eq!(play(&bench).error(), None);
    assert_eq!(bench.read("work/greet.txt"), "hello\nworld\n");
}

#[test]
fn a_patch_that_does_not_apply_changes_nothing() {
    let bench = bench("build", Some("greeting"));
    bench.write("recording/build/greeting/01/changes.patch", PATCH);
    bench.write("recording/build/greeting/01/narrative.txt", "Done.\n");
    bench.write("work/old.txt", "older\n");
    let turn = play(&bench);
    turn.refused(
        ErrorClass::BadRequest,
        "the recorded patch does not apply: patch failed: old.txt:1",
    );
    assert_eq!(turn.texts(), Vec::<&str>::new());
    assert_eq!(bench.read("work/greet.txt"), "hello\nwrold\n");

    bench.write("recording/build/greeting/01/changes.patch", "what?\n");
    play(&bench).refused(ErrorClass::BadRequest, "the recorded patch does not apply");
}

#[test]
fn a_turn_that_is_not_there_is_named() {
    let mut bench = bench("build", Some("greeting"));
    bench.request["attempt"] = json!(2);
    play(&bench).refused(ErrorClass::BadRequest, "the recording has no turn build/greeting/02");
    bench.request["group"] = json!(null);
    play(&bench).refused(ErrorClass::BadRequest, "the recording has no turn build/_/02");
    bench.request["group"] = json!("../..");
    play(&bench).refused(ErrorClass::BadRequest, "not a group id");
    bench.request["settings"]["dir"] = json!("nowhere");
    play(&bench).refused(ErrorClass::BadRequest, "there is no recording at");
    bench.request["settings"] = json!({});
    play(&bench).refused(ErrorClass::BadRequest, "providers: {replay: {dir:");
}

#[test]
fn a_turn_without_files_says_and_does_nothing() {
    let bench = bench("build", Some("greeting"));
    bench.write("recording/build/greeting/01/changes.patch", "");
    let turn = play(&bench);
    assert_eq!((turn.events.len(), turn.reason()), (2, "end"));
}

#[test]
fn damaged_data_is_refused() {
    let bench = bench("spec", None);
    bench.write("recording/spec/_/01/usage.json", "{\"input\": \"many\"}");
    play(&bench).refused(ErrorClass::BadRequest, "usage.json' cannot be used");
}

#[test]
fn a_delay_takes_its_time_and_ends_at_the_deadline() {
    let mut bench = bench("build", Some("greeting"));
    bench.write("recording/build/greeting/01/narrative.txt", "one\ntwo\nthree\n");
    bench.request["settings"]["delay_ms"] = json!(120);
    let begun = std::time::Instant::now();
    assert_eq!(play(&bench).texts(), ["one", "two", "three"]);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(120));

    bench.request["settings"]["delay_ms"] = json!(600_000);
    bench.request["deadline"] = json!(jiff::Timestamp::now().to_string());
    assert_eq!(play(&bench).reason(), "timed out");
    bench.request["settings"]["delay_ms"] = json!("slow");
    play(&bench).refused(ErrorClass::BadRequest, "`delay_ms` must be a whole number");
}

#[test]
fn every_turn_of_the_demo_is_well_formed() {
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/demo/recording");
    let mut turns = 0;
    for role in crate::disk::subdirs(&demo).expect("roles") {
        serde_json::from_value::<crate::session::config::Role>(json!(role)).expect("a role");
        for group in crate::disk::subdirs(&demo.join(&role)).expect("groups") {
            assert!(group == "_" || crate::base::ids::is_group_id(&group), "{group}");
            let names = crate::disk::subdirs(&demo.join(&role).join(&group)).expect("turns");
            for (at, name) in names.iter().enumerate() {
                let place = format!("{role}/{group}/{name}");
                assert_eq!(*name, format!("{:02}", at + 1), "{place} follows on");
                let turn = Recorded::read(&demo.join(&place)).expect(&place);
                assert!(!turn.narrative.is_empty(), "{place} says something");
                assert!(!turn.usage_events().is_empty(), "{place} used something");
                let answers = role == "spec" || role == "certifier";
                assert_eq!(turn.answer.is_some_and(|a| a.is_object()), answers, "{place}");
                assert_eq!(turn.patch.is_some(), !answers, "{place}");
                if let Some(patch) = turn.patch {
                    let bench = Bench::new("build", json!({}));
                    let request = serde_json::from_value(bench.request.clone()).expect("request");
                    let paths = super::patch::list(&request, &patch).expect(&place);
                    assert!(!paths.is_empty(), "{place}");
                }
                turns += 1;
            }
        }
    }
    assert!(turns >= 9, "{turns}");
}
