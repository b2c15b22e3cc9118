//! Answers with data: what counts is what follows the schema, whatever the agent says of it.

use serde_json::{Value, json};

use super::turn::{BOTH, Stage, Vendor};
use crate::harness::write;

fn asks(stage: &Stage) -> Value {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["colour"],
        "properties": {"colour": {"type": "string", "enum": ["red", "green"]}}});
    write(&stage.s.at("turn/schema.json"), &schema.to_string());
    json!({"role": "certifier", "group": null, "schema_file": stage.s.at("turn/schema.json")})
}

#[test]
fn an_answer_that_follows_the_schema_is_taken() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let played = stage.play(&json!([{"answer": {"colour": "green"}}]), asks(&stage));
        let story = stage.story(&played);
        assert_eq!((played.reason(), played.code), ("end", 0), "{story}");
        assert_eq!(played.one("done")["structured"], json!({"colour": "green"}), "{story}");
    }
}

#[test]
fn an_answer_that_does_not_is_refused_by_whoever_knows_the_schema() {
    let Some(stage) = Stage::new(Vendor::Claude) else { return };
    // It asks its model again, and gives up at last.
    let wrong = json!({"answer": {"colour": "blue"}});
    let played = stage.play(&vec![wrong.clone(); 6].into(), asks(&stage));
    let story = stage.story(&played);
    assert_eq!((played.class(), played.reason()), ("unknown", "error"), "{story}");
    assert!(played.one("done")["structured"].is_null(), "{story}");
    assert!(stage.asked().len() > 1, "{story}");

    // The other checks nothing and hands on what came: the step that asked is strict, see `runs`.
    let Some(stage) = Stage::new(Vendor::Codex) else { return };
    let played = stage.play(&json!([wrong]), asks(&stage));
    assert_eq!(
        played.one("done")["structured"],
        json!({"colour": "blue"}),
        "{}",
        stage.story(&played)
    );
}

#[test]
fn words_are_no_answer() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let steps = json!([{"text": "It is green, I am sure."}, {"text": "As I said: green."}]);
        let played = stage.play(&steps, asks(&stage));
        let story = stage.story(&played);
        assert_ne!(played.class(), "none", "{story}");
        assert!(played.one("done")["structured"].is_null(), "{story}");
        assert_ne!(played.code, 0, "{story}");
    }
}

#[test]
fn an_agent_that_is_told_its_mistake_answers_better() {
    let Some(stage) = Stage::new(Vendor::Claude) else { return };
    let steps = json!([{"answer": {"colour": "blue"}}, {"answer": {"colour": "red"}}]);
    let played = stage.play(&steps, asks(&stage));
    let story = stage.story(&played);
    assert_eq!(played.one("done")["structured"], json!({"colour": "red"}), "{story}");
    let told = stage.asked()[1]["results"].to_string();
    assert!(told.contains("schema"), "{told}");
}
