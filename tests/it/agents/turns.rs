//! Turns that go well, and the limits of what an agent may do in them.

use serde_json::{Value, json};

use super::turn::{BOTH, Stage, Vendor};

/// Two turns of the model: some work, and a word about it.
fn work() -> Value {
    json!([
        {"calls": [{"write": {"path": "g1/work", "content": "done g1\n"}}],
         "usage": {"fresh": 50, "cached": 20, "output": 10, "reasoning": 0}},
        {"text": "It is done.", "usage": {"fresh": 60, "cached": 40, "output": 5, "reasoning": 0}}])
}

#[test]
fn a_file_is_written_and_what_it_took_is_reported() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let played = stage.play(&work(), json!({"model": "some-model"}));
        let story = stage.story(&played);
        assert_eq!((played.code, played.reason(), played.class()), (0, "end", "none"), "{story}");
        assert_eq!(stage.s.read("g1/work"), "done g1\n");
        assert!(!played.conversation().is_empty());
        let version = &played.one("started")["version"];
        assert!(version.is_string(), "{story}");
        assert_eq!(played.one("text")["text"], "It is done.");
        let change = played.one("file_change");
        assert_eq!(
            (&change["path"], &change["kind"]),
            (&json!("g1/work"), &json!("added")),
            "{story}"
        );
        // The cached tokens are told apart from the others, for both.
        assert_eq!(played.used("input"), Some(110), "{story}");
        assert_eq!(played.used("cached_input"), Some(60), "{story}");
        assert_eq!(played.used("output"), Some(15), "{story}");
        let costs = played.all("cost").len();
        assert_eq!(costs > 0, vendor == Vendor::Claude, "only one of them tells: {story}");
        let asked = stage.asked();
        assert!(asked.iter().all(|r| r["model"] == "some-model"), "{story}");
        assert_eq!(asked[0]["key"] == "x-api-key", vendor == Vendor::Claude, "{story}");
        // Nothing but the work is in the person's repository.
        assert_eq!(stage.s.git(&["status", "--porcelain", "--untracked-files=all"]), "?? g1/work");
    }
}

#[test]
fn what_it_may_not_do_is_denied_and_it_goes_on() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        // One asks and nobody answers; the other's own sandbox keeps git's folder as it is.
        let forbidden = match vendor {
            Vendor::Claude => json!({"tool": {"name": "WebFetch",
                "input": {"url": "http://127.0.0.1:9/", "prompt": "read"}}}),
            Vendor::Codex => json!({"sh": {"command": "echo x >.git/mine"}}),
        };
        let played = stage
            .play(&json!([{"calls": [forbidden]}, {"text": "I was not allowed to."}]), json!({}));
        let story = stage.story(&played);
        assert_eq!((played.code, played.reason()), (0, "end"), "{story}");
        assert!(!stage.s.project.join(".git/mine").exists(), "{story}");
        let told = stage.asked()[1]["results"].to_string().to_lowercase();
        match vendor {
            Vendor::Claude => {
                assert_eq!(played.one("denied")["tool"], "WebFetch", "{story}");
                assert!(told.contains("permission"), "{told}");
            }
            Vendor::Codex => assert!(told.contains("read-only"), "{told}"),
        }
    }
}

#[test]
fn a_conversation_goes_on_and_a_fork_leaves_it_as_it_was() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let say = |text: &str| json!([{"text": text, "usage": {"fresh": 50, "output": 10}}]);
        let first = stage.play(&say("first"), json!({}));
        let id = first.conversation();
        let next = |text: &str, fork: bool| {
            stage.play(&say(text), json!({"resume": id, "fork": fork, "attempt": 2}))
        };
        let again = next("again", false);
        assert_eq!(
            (again.reason(), again.conversation()),
            ("end", id.clone()),
            "{}",
            stage.story(&again)
        );
        let forked = next("beside", true);
        assert_eq!(forked.reason(), "end", "{}", stage.story(&forked));
        assert_ne!(forked.conversation(), id, "{vendor:?}");
        let third = next("third", false);
        // What the model had said before, each time: the fork is not part of the first.
        let turns: Vec<_> = stage.asked().iter().map(|r| r["turns"].clone()).collect();
        assert_eq!(turns, [0, 1, 2, 2], "{}", stage.story(&third));
        for played in [&first, &again, &forked, &third] {
            let used = (played.used("input"), played.used("output"));
            assert_eq!(used, (Some(50), Some(10)), "what it took since: {}", stage.story(played));
        }
        let unknown = "00000000-0000-4000-8000-000000000000";
        let gone = stage.play(&say("never"), json!({"resume": unknown}));
        assert_ne!(gone.class(), "none", "{}", stage.story(&gone));
        assert_eq!(
            stage.asked().len(),
            4,
            "nothing was asked for a conversation that is not there"
        );
    }
}

#[test]
fn its_own_cap_on_turns_and_money_ends_it() {
    let Some(stage) = Stage::new(Vendor::Claude) else { return };
    let played = stage.play(&work(), json!({"max_turns": 1}));
    assert_eq!(
        (played.reason(), played.class()),
        ("max_turns", "none"),
        "{}",
        stage.story(&played)
    );
    assert_eq!(stage.s.read("g1/work"), "done g1\n", "the tree is judged");
    assert_eq!(played.used("output"), Some(10));

    let Some(stage) = Stage::new(Vendor::Claude) else { return };
    let dear = json!([
        {"calls": [{"sh": {"command": "echo x >never"}}], "usage": {"fresh": 900_000, "output": 9_000}},
        {"text": "too late"}]);
    let played = stage.play(&dear, json!({"budget_usd": 0.01}));
    assert_eq!((played.reason(), played.class()), ("budget", "none"), "{}", stage.story(&played));
    assert!(played.one("cost")["usd"].as_f64().is_some_and(|usd| usd > 0.01), "{played:?}");
    assert!(!stage.s.project.join("never").exists());
    assert_eq!(stage.asked().len(), 1);
}

#[test]
fn a_long_answer_in_pieces_arrives_whole() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let long = json!([{"text": "begin ", "pad": 300_000, "pieces": 40}]);
        let played = stage.play(&long, json!({}));
        assert_eq!(played.reason(), "end", "{vendor:?} {} {}", played.code, played.class());
        let text = played.one("text")["text"].as_str().expect("a text");
        assert!(text.starts_with("begin xxx"), "{}", &text[..20]);
    }
}
