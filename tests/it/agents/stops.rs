//! Turns that are ended from outside: by a line, by a signal, by a kill. Nothing of them goes on.

use serde_json::{Value, json};

use super::turn::{BOTH, Played, Stage, Turn, Vendor};
use crate::harness::until;

/// Work, and then a command that never ends by itself; its processes are in a session of their own.
fn work_and_hang(stage: &Stage) -> Value {
    stage.s.gate("never");
    let (mark, gate) = (stage.s.home("marks/in-tool"), stage.s.home("never"));
    let hang = format!(": >'{}'; read -r x <'{}'; echo late >late", mark.display(), gate.display());
    json!([
        {"calls": [{"write": {"path": "g1/work", "content": "done g1\n"}}],
         "usage": {"fresh": 50, "output": 10}},
        {"calls": [{"sh": {"command": hang}}], "usage": {"fresh": 60, "output": 20}},
        {"text": "never"}])
}

/// As if something outside contained it: its own sandbox would not let it write a mark.
fn contained() -> Value {
    json!({"sandbox": {"tier": "bwrap", "network": "off"}})
}

fn begin(stage: &Stage) -> Turn {
    let turn = stage.turn(&work_and_hang(stage), contained());
    stage.s.mark("in-tool");
    turn
}

fn assert_over(stage: &Stage, played: &Played) {
    assert_eq!(stage.s.leftovers(), [0; 0], "{}", stage.story(played));
    assert_eq!(stage.s.read("g1/work"), "done g1\n", "what was done stays");
    assert!(!stage.s.project.join("late").exists(), "and nothing comes after the end");
}

#[test]
fn a_line_stops_it_and_what_it_took_is_reported() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let mut turn = begin(&stage);
        turn.stop();
        let played = turn.end();
        let story = stage.story(&played);
        assert_eq!((played.class(), played.reason()), ("interrupted", "interrupted"), "{story}");
        assert_over(&stage, &played);
        match vendor {
            Vendor::Claude => assert_eq!(played.used("output"), Some(30), "{story}"),
            // It says what it took at the end of a turn only, and says nothing when stopped.
            Vendor::Codex => {}
        }
    }
}

#[test]
fn a_line_stops_it_while_the_model_thinks() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let (mark, never) = (stage.s.home("marks/asked"), stage.s.home("never"));
        let mut turn = stage.turn(&json!([{"text": "x", "mark": mark, "until": never}]), json!({}));
        stage.s.mark("asked");
        turn.stop();
        let played = turn.end();
        assert_eq!(played.class(), "interrupted", "{}", stage.story(&played));
        assert_eq!(stage.s.leftovers(), [0; 0]);
        until("the model's word for it", || stage.asked().first().cloned());
        assert_eq!(stage.asked()[0]["answer"], "gone", "the request ended with the agent");
    }
}

#[test]
fn a_signal_to_the_provider_stops_it() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let turn = begin(&stage);
        // SAFETY: a signal to a child that was not waited for.
        assert_eq!(unsafe { libc::kill(turn.pid(), libc::SIGTERM) }, 0);
        let played = turn.end();
        assert_eq!(played.class(), "interrupted", "{}", stage.story(&played));
        assert_over(&stage, &played);
    }
}

#[test]
fn an_agent_that_is_killed_leaves_nothing_and_its_tree() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let turn = begin(&stage);
        // SAFETY: a signal to a process of this sandbox.
        assert_eq!(unsafe { libc::kill(stage.agent_process(), libc::SIGKILL) }, 0);
        let played = turn.end();
        let story = stage.story(&played);
        assert_ne!((played.class(), played.code), ("none", 0), "{story}");
        assert_eq!(played.used("output"), None, "unknown is not 0: {story}");
        assert_over(&stage, &played);
    }
}

#[test]
fn a_deadline_ends_it() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let mut fields = contained();
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
        fields["deadline"] = json!(soon.to_string());
        let played = stage.play(&work_and_hang(&stage), fields);
        let story = stage.story(&played);
        assert_eq!((played.class(), played.reason()), ("interrupted", "timed out"), "{story}");
    }
}

#[test]
fn a_conversation_goes_on_after_a_stop() {
    for vendor in BOTH {
        let Some(stage) = Stage::new(vendor) else { return };
        let mut turn = begin(&stage);
        turn.stop();
        let id = turn.end().conversation();
        let again = stage.play(&json!([{"text": "where was I"}]), json!({"resume": id}));
        let story = stage.story(&again);
        assert_eq!((again.reason(), again.conversation()), ("end", id), "{story}");
        assert!(stage.asked().last().expect("asked")["turns"].as_u64() >= Some(2), "{story}");
    }
}
