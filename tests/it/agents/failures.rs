//! Everything that can go wrong between an agent and its model, and which class of error it is.

use serde_json::{Value, json};

use super::turn::{BOTH, Stage, Vendor};

/// What happens to every request, and the class that it must be for each vendor.
struct Case {
    how: Value,
    claude: &'static str,
    codex: &'static str,
}

fn status(code: u16, more: Value) -> Value {
    let mut status = json!({"code": code});
    for (name, value) in more.as_object().into_iter().flatten() {
        status[name] = value.clone();
    }
    json!({"status": status})
}

fn fails(how: &Value) -> Value {
    json!([{"text": "never", "fail": [{"how": how}]}])
}

#[test]
fn each_failure_of_the_model_has_its_class_with_claude() {
    each_failure_has_its_class(Vendor::Claude);
}

#[test]
fn each_failure_of_the_model_has_its_class_with_codex() {
    each_failure_has_its_class(Vendor::Codex);
}

fn each_failure_has_its_class(vendor: Vendor) {
    let same = |how: Value, class| Case { how, claude: class, codex: class };
    let cases = [
        same(status(401, json!({})), "auth"),
        same(status(403, json!({})), "auth"),
        same(status(500, json!({})), "overloaded"),
        same(status(429, json!({})), "rate_limit"),
        same(json!("cut"), "network"),
        same(json!("close"), "network"),
        Case {
            how: status(529, json!({"message": "Overloaded"})),
            claude: "overloaded",
            codex: "overloaded",
        },
        Case {
            how: status(
                400,
                json!({"message": "prompt is too long: 250000 tokens > 200000 maximum"}),
            ),
            claude: "context_length",
            codex: "none",
        },
        Case {
            how: status(400, json!({"message": "Your credit balance is too low to use this."})),
            claude: "quota",
            codex: "none",
        },
        Case {
            how: status(429, json!({"kind": "insufficient_quota", "message": "no more"})),
            claude: "none",
            codex: "quota",
        },
        Case {
            how: json!({"event": {"kind": "context_length_exceeded", "message": "too long"}}),
            claude: "none",
            codex: "context_length",
        },
    ];
    for case in &cases {
        let class = if vendor == Vendor::Claude { case.claude } else { case.codex };
        if class == "none" {
            continue;
        }
        let Some(stage) = Stage::new(vendor) else { return };
        let played = stage.play(&fails(&case.how), json!({}));
        let story = stage.story(&played);
        assert_eq!(played.class(), class, "{}: {story}", case.how);
        assert_eq!(played.reason(), "error", "{}: {story}", case.how);
        assert_ne!(played.code, 0, "{story}");
        // What is not known is not 0; the begin of a stream that was cut may say something.
        let partly = case.how == "cut" && vendor == Vendor::Claude;
        assert!(partly || played.used("input").is_none(), "{}: {story}", case.how);
        // The agent does not spend the night on trying again: that is Otto's.
        assert!(stage.asked().len() <= 4, "{story}");
    }
}

#[test]
fn nobody_listens() {
    for vendor in BOTH {
        let Some(mut stage) = Stage::new(vendor) else { return };
        // A port that was ours a moment ago.
        stage.url = super::model().url();
        let played = stage.play(&fails(&json!("close")), json!({}));
        let story = stage.story(&played);
        assert_eq!((played.class(), played.reason()), ("network", "error"), "{story}");
        assert_eq!(stage.asked().len(), 0);
    }
}

/// It says how long it waits before it tries again, and that is the model's word; a very long time
/// it does not even wait, and does not say.
#[test]
fn a_limit_with_a_time_says_the_time_and_does_not_wait_for_it() {
    for (seconds, is_said) in [(20, true), (3000, false)] {
        let Some(stage) = Stage::new(Vendor::Claude) else { return };
        let before = jiff::Timestamp::now();
        let played = stage.play(&fails(&status(429, json!({"retry_after": seconds}))), json!({}));
        let story = stage.story(&played);
        assert_eq!(played.class(), "rate_limit", "{story}");
        assert_eq!(stage.asked().len(), 1, "{story}");
        let until = played.one("rate_limited")["until"].as_str();
        let until = until.map(|t| t.parse::<jiff::Timestamp>().expect("a time"));
        assert_eq!(until.is_some(), is_said, "{story}");
        // A slow machine makes it later, and nothing makes it earlier.
        assert!(until.is_none_or(|t| t.duration_since(before).as_secs() >= seconds - 1), "{story}");
    }
}

#[test]
fn a_short_trouble_is_got_over() {
    let limit = status(429, json!({"retry_after": 1}));
    let trouble = status(500, json!({}));
    // One of them never waits at a limit: that is Otto's to do.
    for (vendor, how) in
        [(Vendor::Claude, &limit), (Vendor::Claude, &trouble), (Vendor::Codex, &trouble)]
    {
        let Some(stage) = Stage::new(vendor) else { return };
        let steps = json!([{"text": "at last", "fail": [{"how": how, "times": 1}]}]);
        let played = stage.play(&steps, json!({}));
        let story = stage.story(&played);
        assert_eq!((played.reason(), played.class()), ("end", "none"), "{story}");
        assert_eq!(played.one("text")["text"], "at last", "{story}");
        let answers: Vec<_> = stage.asked().iter().map(|r| r["answer"].clone()).collect();
        assert_eq!(
            answers,
            [json!(format!("status {}", how["status"]["code"])), json!("step")],
            "{story}"
        );
    }
}

#[test]
fn a_key_that_is_not_there_is_an_account_that_does_not_work() {
    let Some(stage) = Stage::new(Vendor::Codex) else { return };
    let Some(agents) = super::agents() else { return };
    let mut settings = Vendor::Codex.settings(&agents, &stage.url);
    settings["env_key"] = json!("OTTO_TEST_NO_SUCH_KEY");
    let played = stage.play(&json!([{"text": "never"}]), json!({"settings": settings}));
    assert_eq!((played.class(), played.code), ("auth", 77), "{}", stage.story(&played));
    assert_eq!(stage.asked().len(), 0);
}
