//! Claude Code, as it was recorded.

use serde_json::{Value, json};

use super::adapter::{
    Adapter, Reports, Scene, Stops, Then, WORKDIR, capture, changed, flood, lines, soon,
    with_inside,
};
use super::behaviour::Behaviour::{self, *};

pub const ADAPTER: Adapter = Adapter {
    program: "provider-claude",
    settings: || json!({"program": "AGENT"}),
    scene,
    cannot: &[],
    reports: Reports { usage: true, cost: true, classes: true },
    stops: Stops::Line,
};

/// A request that failed: what was recorded for a bad key, with other words.
fn failed(words: &str, kind: &str, status: &str) -> Scene {
    let prints = changed(
        "claude_e401",
        &[
            ("Invalid API key · Fix external API key", words),
            ("authentication_failed", kind),
            ("\"api_error_status\":401", &format!("\"api_error_status\":{status}")),
            ("\"error_status\":401", &format!("\"error_status\":{status}")),
        ],
    );
    Scene::prints(prints).exits(1)
}

fn works_and(inside: &[u8]) -> Scene {
    Scene::prints(with_inside(&capture("claude_c2"), inside))
}

fn scene(behaviour: Behaviour) -> Option<Scene> {
    let says = |text: &str| -> Value {
        json!({"type": "user", "session_id": "s", "tool_use_result": {"stdout": text},
            "message": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]}})
    };
    Some(match behaviour {
        Works => Scene::prints(capture("claude_old197")),
        UsesATool => Scene::prints(capture("claude_bash1")),
        // As if it had worked in the folder of the test.
        ChangesAFile => Scene::prints(changed("claude_c2", &[("/w/c1", WORKDIR)])),
        IsDenied => Scene::prints(capture("claude_perm1")),
        RunsOutOfTurns => Scene::prints(capture("claude_maxturns")).exits(1),
        RunsOutOfMoney => Scene::prints(capture("claude_budget")).exits(1),
        Answers => Scene::prints(capture("claude_schema1")).answers(),
        AnswersNothing => Scene::prints(capture("claude_schema3")).answers(),
        AnswersOutsideTheSchema => Scene::prints(capture("claude_schema5")).answers().exits(1),
        Refuses => {
            let words = "API Error: safeguards flagged this message";
            let prints = changed(
                "claude_e401",
                &[
                    ("Invalid API key · Fix external API key", words),
                    ("\"stop_reason\":\"stop_sequence\"", "\"stop_reason\":\"refusal\""),
                    ("\"api_error_status\":401", "\"api_error_status\":null"),
                ],
            );
            Scene::prints(prints).exits(1)
        }
        IsUnauthorized => Scene::prints(capture("claude_e401")).exits(1),
        IsLimitedUntil => {
            let words = format!("Claude AI usage limit reached|{}", soon());
            failed(&words, "rate_limit", "429")
        }
        IsLimited => failed("API Error: Request rejected (429) · slow", "rate_limit", "429"),
        WaitsForALimitByItself => {
            let retry = changed("claude_e429ra", &[("\"retry_delay_ms\":3371", "\"retry_delay_ms\":3600000")]);
            Scene::prints(lines(&retry, ..2)).then(Then::WaitsByItself {
                last_words: lines(&capture("claude_csigint"), 4..),
                code: 0,
            })
        }
        MeetsAServerError => failed("API Error: 500 oops", "server_error", "500"),
        MeetsACutStream => Scene::prints(capture("claude_cutm")).exits(1),
        MeetsNobody => failed("API Error: Connection refused", "unknown", "null"),
        HasTooMuchToRead => failed("Prompt is too long", "invalid_request", "400"),
        HasNoSuchConversation => Scene::prints(
            json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
                "session_id": "gone", "num_turns": 0, "total_cost_usd": 0,
                "errors": ["No conversation found with session ID: gone"]})
            .to_string(),
        )
        .stderr("No conversation found with session ID: gone\n")
        .request(json!({"resume": "gone"}))
        .exits(1),
        IsInterrupted => {
            let all = capture("claude_csigint");
            Scene::prints(lines(&all, ..2))
                .then(Then::Waits { last_words: lines(&all, 2..), code: 0 })
        }
        IsKilled => Scene::prints(capture("claude_csigterm")).then(Then::Dies),
        Floods => works_and(&flood(says)),
        PrintsInvalidUtf8 => works_and(b"\xff\xfe{no\n{\"type\":\"system\",\"x\":\"\xf0\x28\"}\n"),
        PrintsAnsi => works_and(b"\x1b[31mwarning\x1b[0m: \x1b]0;title\x07\n\x1b[2J\n"),
        AsksToLogIn => Scene::prints("Not logged in · Please run /login\n").exits(1),
        DiesMidLine => {
            let all = capture("claude_c2");
            Scene::prints(&all[..all.len() - 200]).then(Then::Dies)
        }
        EndsTwice => Scene::prints(capture("claude_bg")),
        EndsWithoutAWord => Scene::prints(lines(&capture("claude_c2"), ..3)),
        IsSilentUntilTheDeadline => Scene::prints("").then(Then::Hangs),
        SaysWhatNobodyKnows => works_and(
            b"{\"type\":\"brand_new\",\"x\":1}\n{\"no\":\"type\"}\n[1]\n{\"type\":\"system\",\"subtype\":\"new\"}\n",
        ),
        IsNotThere => {
            Scene::prints("").request(json!({"settings": {"program": "/no/such/claude"}}))
        }
    })
}
