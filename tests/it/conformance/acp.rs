//! Any agent of the Agent Client Protocol: the fake one, whose steps a scene prints.

use serde_json::{Value, json};

use super::adapter::{Adapter, Reports, Scene, Stops, Then, soon};
use super::behaviour::Behaviour::{self, *};

pub const ADAPTER: Adapter = Adapter {
    program: "provider-acp",
    settings: || {
        let fake = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes/acp_agent.py");
        json!({"argv": ["python3", fake, "AGENT", "load"]})
    },
    scene,
    cannot: &[(
        WaitsForALimitByItself,
        "the protocol has no word for it: the agent is just silent",
    )],
    reports: Reports { usage: true, cost: true, classes: true },
    stops: Stops::Line,
};

fn lines(steps: &[Value]) -> Vec<u8> {
    steps.iter().flat_map(|step| format!("{step}\n").into_bytes()).collect()
}

fn update(kind: &str, mut fields: Value) -> Value {
    fields["sessionUpdate"] = kind.into();
    json!({"update": fields})
}

fn text(words: &str) -> Value {
    update("agent_message_chunk", json!({"content": {"type": "text", "text": words}}))
}

fn cost(usd: f64) -> Value {
    let cost = json!({"amount": usd, "currency": "USD"});
    update("usage_update", json!({"used": 1, "size": 100, "cost": cost}))
}

fn ends(reason: &str) -> Value {
    let usage = json!({"totalTokens": 30, "inputTokens": 20, "outputTokens": 10});
    json!({"result": {"stopReason": reason, "usage": usage}})
}

/// What it does, between the beginning and a good end.
fn works_and(steps: &[Value]) -> Vec<Value> {
    let begin = [text("I did it."), cost(0.5)];
    begin.iter().chain(steps).cloned().chain([ends("end_turn")]).collect()
}

fn good(steps: &[Value]) -> Scene {
    Scene::prints(lines(&works_and(steps)))
}

fn fails(code: i32, message: &str) -> Scene {
    Scene::prints(lines(&[json!({"error": {"code": code, "message": message}})]))
}

fn tool(fields: Value) -> Vec<Value> {
    let mut call = json!({"toolCallId": "t", "title": "A tool", "kind": "edit"});
    let mut over = json!({"toolCallId": "t", "status": "completed"});
    call["rawInput"] = fields["input"].clone();
    over["content"] = fields["content"].clone();
    vec![update("tool_call", call), update("tool_call_update", over)]
}

fn scene(behaviour: Behaviour) -> Option<Scene> {
    let said = json!([{"type": "content", "content": {"type": "text", "text": "ok"}}]);
    let until_interrupted = |steps: &[Value]| {
        let last_words = lines(&[cost(0.25), ends("cancelled")]);
        Scene::prints(lines(steps)).then(Then::Waits { last_words, code: 0 })
    };
    Some(match behaviour {
        Works => good(&[]),
        UsesATool => good(&tool(json!({"input": {"command": "make"}, "content": said}))),
        ChangesAFile => {
            let diff = json!([{"type": "diff", "path": "a.txt", "newText": "x"}]);
            good(&tool(json!({"input": {"path": "a.txt"}, "content": diff})))
        }
        IsDenied => {
            let options = json!([{"optionId": "n", "name": "No", "kind": "reject_once"}]);
            let call =
                json!({"toolCallId": "t", "title": "A tool", "rawInput": {"path": "/etc/x"}});
            let params = json!({"toolCall": call, "options": options});
            good(&[json!({"ask": "session/request_permission", "params": params})])
        }
        RunsOutOfTurns => Scene::prints(lines(&[text("so far"), ends("max_turn_requests")])),
        RunsOutOfMoney => {
            let last_words = lines(&[ends("cancelled")]);
            Scene::prints(lines(&[cost(9.0)])).then(Then::WaitsByItself { last_words, code: 0 })
        }
        Answers => Scene::prints(lines(&[text("{\"ok\": true}"), ends("end_turn")])).answers(),
        AnswersNothing => good(&[]).answers(),
        AnswersOutsideTheSchema => {
            Scene::prints(lines(&[text("[{\"ok\": true}]"), ends("end_turn")])).answers()
        }
        Refuses => Scene::prints(lines(&[ends("refusal")])),
        IsUnauthorized => fails(-32603, "API Error: 401 invalid API key"),
        IsLimitedUntil => fails(-32603, &format!("usage limit reached|{}", soon())),
        IsLimited => fails(-32603, "429 Too Many Requests"),
        MeetsAServerError => fails(-32603, "Overloaded, try again later"),
        MeetsACutStream => fails(-32603, "stream disconnected before completion"),
        MeetsNobody => fails(-32603, "connect ECONNREFUSED 127.0.0.1:9"),
        HasTooMuchToRead => fails(-32603, "Prompt is too long"),
        HasNoSuchConversation => good(&[]).request(json!({"resume": "s-9"})),
        IsInterrupted => until_interrupted(&[text("at work")]),
        IsKilled => Scene::prints(lines(&[text("at work")])).then(Then::Dies),
        Floods => {
            let long = "x".repeat(10 << 20);
            let mut prints = lines(&[text(&long)]);
            prints.extend(format!("{long}\n").into_bytes());
            prints.extend(lines(&works_and(&[])));
            Scene::prints(prints)
        }
        PrintsInvalidUtf8 => {
            Scene::prints([b"\xff\xfe\n".to_vec(), lines(&works_and(&[]))].concat())
        }
        PrintsAnsi => {
            Scene::prints([b"\x1b[31mhot\x1b[0m\n".to_vec(), lines(&works_and(&[]))].concat())
        }
        AsksToLogIn => fails(-32000, "Authentication required"),
        DiesMidLine => Scene::prints("{\"update\": {\"sessionUpd").then(Then::Dies),
        EndsTwice => {
            let mut prints = lines(&works_and(&[]));
            prints.extend(lines(&[ends("end_turn")]));
            Scene::prints(prints)
        }
        EndsWithoutAWord => Scene::prints(""),
        IsSilentUntilTheDeadline => Scene::prints("").then(Then::Hangs),
        SaysWhatNobodyKnows => good(&[update("brand_new", json!({"a": 1}))]),
        IsNotThere => Scene::prints("").request(json!({"settings": {"argv": ["/no/such/agent"]}})),
        WaitsForALimitByItself => return None,
    })
}
