//! The Codex CLI, as it was recorded.

use serde_json::{Value, json};

use super::adapter::{
    Adapter, Reports, Scene, Stops, Then, WORKDIR, capture, changed, flood, lines, with_inside,
};
use super::behaviour::Behaviour::{self, *};

pub const ADAPTER: Adapter = Adapter {
    program: "provider-codex",
    settings: || json!({"program": "AGENT"}),
    scene,
    cannot: &[
        (RunsOutOfTurns, "it has no cap on turns; Otto counts its calls"),
        (RunsOutOfMoney, "it reports no money and has no cap on it"),
    ],
    reports: Reports { usage: true, cost: false, classes: true },
    stops: Stops::Line,
};

/// A turn that failed: what was recorded for a bad key, with other words.
fn failed(words: &str) -> Scene {
    let recorded =
        "exceeded retry limit, last status: 429 Too Many Requests, request id: req_fake_126";
    Scene::prints(changed("codex_o429", &[(recorded, words)])).exits(1)
}

/// A turn whose last message is this.
fn says(message: &str) -> Scene {
    let quoted = Value::from(message).to_string();
    Scene::prints(changed("codex_x3", &[("\"text\":\"done\"", &format!("\"text\":{quoted}"))]))
}

fn works_and(inside: &[u8]) -> Scene {
    Scene::prints(with_inside(&capture("codex_x2"), inside))
}

fn scene(behaviour: Behaviour) -> Option<Scene> {
    let command = |text: &str| -> Value {
        json!({"type": "item.completed", "item": {"id": "i", "type": "command_execution",
            "command": "cat", "aggregated_output": text, "exit_code": 0, "status": "completed"}})
    };
    Some(match behaviour {
        // An `error` item comes before it begins, and is none.
        Works => Scene::prints(capture("codex_x3")),
        UsesATool => Scene::prints(capture("codex_x2")),
        ChangesAFile => Scene::prints(changed(
            "codex_x5",
            &[("/w/x5", WORKDIR)],
        )),
        IsDenied => works_and(
            format!(
                "{}\n",
                json!({"type": "item.completed", "item": {"id": "d", "type": "command_execution",
                    "command": "rm -rf /", "aggregated_output": "", "exit_code": null,
                    "status": "declined"}})
            )
            .as_bytes(),
        ),
        RunsOutOfTurns | RunsOutOfMoney => return None,
        Answers => says("{\"ok\":true}").answers(),
        AnswersNothing => Scene::prints(lines(&capture("codex_x3"), ..3))
            .answers()
            .exits(0),
        AnswersOutsideTheSchema => says("not json").answers(),
        Refuses => failed("Incomplete response returned, reason: content_filter"),
        IsUnauthorized => Scene::prints(capture("codex_o401")).exits(1),
        IsLimitedUntil => failed("You’ve hit your usage limit. Try again in 2 hours 5 minutes."),
        IsLimited => Scene::prints(capture("codex_o429")).exits(1),
        WaitsForALimitByItself => Scene::prints(lines(&capture("codex_o429once"), ..4))
            .then(Then::WaitsByItself { last_words: Vec::new(), code: 1 }),
        MeetsAServerError => Scene::prints(capture("codex_o500")).exits(1),
        MeetsACutStream => failed("stream disconnected before completion: closed"),
        MeetsNobody => failed("Connection failed: error sending request"),
        HasTooMuchToRead => failed("Your input exceeds the context window of this model."),
        HasNoSuchConversation => Scene::prints("")
            .stderr("Error: thread/resume failed: no rollout found for thread id gone (code -32600)\n")
            .request(json!({"resume": "gone"}))
            .exits(1),
        // It says nothing more.
        IsInterrupted => Scene::prints(capture("codex_xi2"))
            .then(Then::Waits { last_words: Vec::new(), code: 1 }),
        IsKilled => Scene::prints(capture("codex_xs2")).then(Then::Dies),
        Floods => works_and(&flood(command)),
        PrintsInvalidUtf8 => works_and(b"\xff\xfe{no\n{\"type\":\"new\",\"x\":\"\xf0\x28\"}\n"),
        PrintsAnsi => works_and(b"\x1b[31mwarning\x1b[0m: \x1b]0;title\x07\n\x1b[2J\n"),
        AsksToLogIn => {
            Scene::prints("").stderr("Not logged in. Run `codex login` first.\n").exits(1)
        }
        DiesMidLine => {
            let all = capture("codex_x2");
            Scene::prints(&all[..all.len() - 20]).then(Then::Dies)
        }
        EndsTwice => {
            let all = capture("codex_x2");
            let last = lines(&all, 11..);
            Scene::prints([all, last].concat())
        }
        EndsWithoutAWord => Scene::prints(lines(&capture("codex_x2"), ..3)),
        IsSilentUntilTheDeadline => Scene::prints("").then(Then::Hangs),
        SaysWhatNobodyKnows => works_and(
            b"{\"type\":\"brand_new\",\"x\":1}\n{\"no\":\"type\"}\n[1]\n{\"type\":\"item.completed\",\"item\":{\"type\":\"new\"}}\n",
        ),
        IsNotThere => {
            Scene::prints("").request(json!({"settings": {"program": "/no/such/codex"}}))
        }
    })
}
