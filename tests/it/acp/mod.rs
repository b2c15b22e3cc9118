//! `otto-provider-acp` with an agent that is told by a script what to say (`tests/fakes`): what it
//! asks of Otto, and what it gets.

mod play;

use serde_json::{Value, json};

use self::play::{Play, argv, ask, end, say, text};
use crate::harness::{Sandbox, Shape, write};

const OPTIONS: &str = r#"[{"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "once", "name": "Once", "kind": "allow_once"},
    {"optionId": "no", "name": "No", "kind": "reject_once"}]"#;

fn permission(call: Value) -> Value {
    let options: Value = serde_json::from_str(OPTIONS).expect("options");
    ask("session/request_permission", json!({"toolCall": call, "options": options}))
}

#[test]
fn what_an_agent_says_and_does_becomes_events() {
    let turn = Play::new(&[
        json!({"update": {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "Hm"}}}),
        json!({"update": {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "mm."}}}),
        text("I wri"),
        text("te it."),
        json!({"update": {"sessionUpdate": "tool_call", "toolCallId": "t1", "title": "Write a.txt",
            "kind": "edit", "status": "pending", "rawInput": {}}}),
        json!({"update": {"sessionUpdate": "tool_call_update", "toolCallId": "t1", "rawInput": {"path": "a.txt"}}}),
        json!({"update": {"sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": "completed",
            "content": [{"type": "content", "content": {"type": "text", "text": "written"}},
                {"type": "diff", "path": "a.txt", "oldText": null, "newText": "x"}]}}),
        json!({"update": {"sessionUpdate": "usage_update", "used": 10, "size": 100, "cost": {"amount": 0.25, "currency": "USD"}}}),
        json!({"update": {"sessionUpdate": "usage_update", "used": 20, "size": 100, "cost": {"amount": 0.75, "currency": "USD"}}}),
        json!({"update": {"sessionUpdate": "something_new", "detail": 7}}),
        json!("a line of a library"),
        text("Done."),
        json!({"result": {"stopReason": "end_turn", "usage": {"totalTokens": 40, "inputTokens": 10,
            "outputTokens": 5, "cachedReadTokens": 20, "cachedWriteTokens": 5}}}),
    ])
    .run();
    let kinds: Vec<&str> = turn.events.iter().filter_map(|e| e["event"].as_str()).collect();
    let wanted =
        "started thinking text tool_call file_change tool_result cost cost raw raw text usage done";
    assert_eq!(kinds.join(" "), wanted);
    assert_eq!(turn.all("started")[0]["provider_session"], "s-1");
    assert_eq!(turn.all("started")[0]["version"], "fake 9.8.7");
    let texts: Vec<&str> = turn.all("text").iter().filter_map(|e| e["text"].as_str()).collect();
    assert_eq!(texts, ["I write it.", "Done."]);
    assert_eq!(turn.all("thinking")[0]["text"], "Hmmm.");
    assert_eq!(turn.all("tool_call")[0]["input"], json!({"path": "a.txt"}));
    assert_eq!(turn.all("file_change")[0]["path"], "a.txt");
    assert_eq!(turn.all("file_change")[0]["kind"], "added");
    assert_eq!(turn.all("tool_result")[0]["output"], "written");
    let costs: Vec<f64> = turn.all("cost").iter().filter_map(|e| e["usd"].as_f64()).collect();
    assert_eq!(costs, [0.25, 0.5], "what came since the one before");
    let usage = turn.all("usage")[0];
    assert_eq!((&usage["input"], &usage["cached_input"]), (&json!(15), &json!(20)));
    assert!(turn.all("raw")[0].to_string().contains("something_new"));
    assert_eq!((turn.end(), turn.code), (("end", None), Some(0)));
}

#[test]
fn input_is_without_what_came_from_the_cache_however_the_agent_counts() {
    // All tokens, input, output, read from the cache, written to it, thoughts.
    for ([total, input, output, read, written, thought], wanted) in [
        ([40, 10, 5, 20, 5, 0], 15),
        // The cache is in the input already.
        ([40, 35, 5, 20, 5, 0], 15),
        ([47, 35, 5, 20, 5, 7], 15),
        ([15, 10, 5, 0, 0, 0], 10),
    ] {
        let turn = Play::new(&[json!({"result": {"stopReason": "end_turn", "usage": {
            "totalTokens": total, "inputTokens": input, "outputTokens": output,
            "cachedReadTokens": read, "cachedWriteTokens": written, "thoughtTokens": thought}}})])
        .run();
        assert_eq!(turn.all("usage")[0]["input"], wanted, "{total} {input}");
    }
}

#[test]
fn a_tool_may_work_inside_of_the_worktree_and_nowhere_else() {
    let play = Play::new(&[]);
    let place = |p: &str| play.s.project.join(p).to_string_lossy().into_owned();
    std::os::unix::fs::symlink(play.s.at("home"), play.s.project.join("way-out")).expect("a link");
    let cases = [
        (true, json!({"kind": "edit", "rawInput": {"file_path": place("src/a.txt")}})),
        (true, json!({"kind": "edit", "locations": [{"path": place("b.txt")}]})),
        (true, json!({"kind": "execute", "rawInput": {"command": "make -C src test >/dev/null"}})),
        (
            true,
            json!({"kind": "execute", "rawInput": {"command": ["/bin/sh", "-c", "ls src"], "cwd": place("")}}),
        ),
        (false, json!({"kind": "edit", "rawInput": {"file_path": "/etc/passwd"}})),
        (false, json!({"kind": "edit", "rawInput": {"file_path": place("../escaped")}})),
        (false, json!({"kind": "edit", "rawInput": {"file_path": place("way-out/x")}})),
        (false, json!({"kind": "edit", "rawInput": {"file_path": place(".git")}})),
        (
            false,
            json!({"kind": "edit", "locations": [{"path": place("a.txt")}, {"path": "/tmp/b"}]}),
        ),
        (false, json!({"kind": "edit", "rawInput": {"changes": {"/home/x": {}}}})),
        (
            false,
            json!({"kind": "edit", "content": [{"type": "diff", "path": "/x", "newText": ""}]}),
        ),
        (false, json!({"kind": "execute", "rawInput": {"command": "rm -rf ~/work"}})),
        (false, json!({"kind": "execute", "rawInput": {"command": "cat ../../other/secret"}})),
        (false, json!({"kind": "execute", "rawInput": {"command": "ls", "cwd": "/home"}})),
    ];
    let mut script = "#!/bin/sh\ncat >/dev/null\n".to_owned();
    for (n, (_, call)) in cases.iter().enumerate() {
        let mut call = call.clone();
        call["toolCallId"] = json!(format!("t{n}"));
        call["title"] = json!("A tool");
        script.push_str(&say(&permission(call)));
    }
    play.s.script(&play.s.at("script"), &format!("{script}{}", say(&end())));
    let play = play.with("max_turns", 100);
    let turn = play.run();
    assert_eq!(turn.end(), ("end", None));
    let chosen: Vec<&Value> =
        turn.answers().iter().map(|a| &a["result"]["outcome"]["optionId"]).collect();
    for ((allowed, call), chosen) in cases.iter().zip(&chosen) {
        // The narrowest option, whatever the order.
        assert_eq!(**chosen, if *allowed { "once" } else { "no" }, "{call}");
    }
    let refused = cases.iter().filter(|(allowed, _)| !allowed).count();
    assert_eq!(turn.all("denied").len(), refused);
    assert_eq!(turn.all("tool_call").len(), cases.len(), "each is told before it is decided");
}

#[test]
fn no_network_is_no_fetching() {
    let call = json!({"toolCallId": "t", "title": "Fetch", "kind": "fetch", "rawInput": {"url": "http://x"}});
    for (network, answer) in [("off", "no"), ("on", "once")] {
        let play = Play::new(&[permission(call.clone()), end()])
            .with("sandbox", json!({"tier": "worktree", "network": network}));
        assert_eq!(play.run().answers()[0]["result"]["outcome"]["optionId"], answer);
    }
}

#[test]
fn files_are_read_and_written_for_the_agent_inside_of_the_worktree_only() {
    let play = Play::new(&[]);
    let s = &play.s;
    let place = |p: &str| s.project.join(p).to_string_lossy().into_owned();
    write(&s.at("secret"), "a secret");
    s.write("old.txt", "one\ntwo\nthree\n");
    s.write(".git", "gitdir: elsewhere\n");
    std::os::unix::fs::symlink("../secret", s.project.join("link")).expect("a link");
    std::os::unix::fs::symlink("..", s.project.join("up")).expect("a link");
    std::fs::hard_link(s.at("secret"), s.project.join("hard")).expect("a link");
    let read = |path: String| ask("fs/read_text_file", json!({"path": path}));
    let put = |path: String| ask("fs/write_text_file", json!({"path": path, "content": "new\n"}));
    let outside = s.at("secret").to_string_lossy().into_owned();
    let steps = [
        (read(place("old.txt")), json!("one\ntwo\nthree\n")),
        (
            ask("fs/read_text_file", json!({"path": place("old.txt"), "line": 2, "limit": 1})),
            json!("two\n"),
        ),
        (read(place("missing.txt")), json!(-32002)),
        (put(place("a/b/new.txt")), json!(null)),
        (put(place("old.txt")), json!(null)),
        (read(outside.clone()), json!(-32602)),
        (read(place("link")), json!(-32602)),
        (read(place("up/secret")), json!(-32602)),
        (read(place("../secret")), json!(-32602)),
        (put(outside.clone()), json!(-32602)),
        (put(place("link")), json!(-32602)),
        (put(place("up/secret")), json!(-32602)),
        (put(place("up/made/new")), json!(-32602)),
        (put(place(".git")), json!(-32602)),
        (put(place("hard")), json!(-32603)),
        (put(place("a")), json!(-32603)),
    ];
    let mut script = "#!/bin/sh\ncat >/dev/null\n".to_owned();
    steps.iter().for_each(|(step, _)| script.push_str(&say(step)));
    s.script(&s.at("script"), &format!("{script}{}", say(&end())));
    let turn = play.run();
    assert_eq!(turn.end(), ("end", None));
    for ((step, wanted), answer) in steps.iter().zip(turn.answers()) {
        let found = match wanted {
            Value::Number(_) => &answer["error"]["code"],
            Value::String(_) => &answer["result"]["content"],
            _ => &answer["error"],
        };
        assert_eq!(found, wanted, "{step}: {answer}");
    }
    // In the words by which agents know that a file is not there.
    let missing = &turn.answers()[2]["error"]["message"];
    assert!(missing.as_str().is_some_and(|m| m.starts_with("Resource not found")), "{missing}");
    assert_eq!(std::fs::read_to_string(&outside).expect("it is there"), "a secret");
    assert!(!s.at("made").exists());
    assert_eq!((s.read("a/b/new.txt"), s.read("old.txt")), ("new\n".into(), "new\n".into()));
    let changed: Vec<(&Value, &Value)> =
        turn.all("file_change").iter().map(|e| (&e["path"], &e["kind"])).collect();
    assert_eq!(
        format!("{changed:?}"),
        r#"[(String("a/b/new.txt"), String("added")), (String("old.txt"), String("modified"))]"#
    );
    assert_eq!(turn.all("denied").len(), 9);
    // No terminal was offered.
    let offered = &turn.asked("initialize")[0]["params"]["clientCapabilities"];
    assert_eq!(
        (&offered["terminal"], &offered["fs"]["writeTextFile"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn a_stop_line_cancels_the_prompt_and_what_was_used_is_told() {
    let play = at_work_until_cancelled();
    let turn = play.run_and(|stdin| {
        play.s.mark("said");
        writeln!(stdin, "{}", json!({"stop": "enough"})).expect("written");
    });
    assert_eq!(turn.end(), ("interrupted", Some("interrupted")));
    assert_eq!(turn.asked("session/cancel").len(), 1);
    assert_eq!(turn.all("usage")[0]["output"], 2);
    assert_eq!(turn.all("text")[0]["text"], "at work");
}

/// Says that it works, and at a cancellation what it has used.
fn at_work_until_cancelled() -> Play {
    let cancelled = say(&json!({"result": {"stopReason": "cancelled",
        "usage": {"totalTokens": 3, "inputTokens": 1, "outputTokens": 2}}}));
    Play::script(&format!(
        "trap '{}exit 0' INT\n{}: >\"$HOME/marks/said\"\nmkfifo \"$HOME/never\"\ncat \"$HOME/never\" &\nwait\n",
        cancelled.replace('\'', r"'\''"),
        say(&text("at work")),
    ))
}

#[test]
fn a_signal_and_the_deadline_cancel_the_prompt_too() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let play = at_work_until_cancelled();
        let turn = play.run_with(|pid, _| {
            play.s.mark("said");
            // SAFETY: the child is ours and was not waited for.
            assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
        });
        assert_eq!(turn.end(), ("interrupted", Some("interrupted")));
        assert_eq!(turn.asked("session/cancel").len(), 1, "signal {signal}");
        assert_eq!(turn.all("usage")[0]["output"], 2);
    }
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5)).to_string();
    let turn = at_work_until_cancelled().with("deadline", soon).run();
    assert_eq!(turn.end(), ("timed out", Some("interrupted")));
    assert_eq!(turn.asked("session/cancel").len(), 1);
    assert_eq!(turn.all("usage")[0]["output"], 2);
}

#[test]
fn what_a_stopped_agent_used_reaches_the_journal() {
    let s = Sandbox::project();
    let script = at_work_until_cancelled().script_text();
    s.script(&s.at("script"), &script);
    let spec = s.spec(&Shape::of(1));
    let acp = format!("providers.acp={}", json!({"argv": argv(&s, &[])}));
    let line = format!("exec otto run --from-spec {spec} --provider acp -c '{acp}'");
    let run = s.start_shell("run", &line);
    s.mark("said");
    run.signal(libc::SIGINT);
    assert_eq!(run.end(), 130, "{}", s.said("run"));
    let spent = s.events("budget.spent");
    assert_eq!(spent.last().expect("a bill")["data"]["usage"]["output"], 2, "{spent:?}");
}

#[test]
fn an_agent_that_does_not_stop_is_ended() {
    let play = Play::script(
        "trap '' INT\n: >\"$HOME/marks/said\"\nmkfifo \"$HOME/never\"\ncat \"$HOME/never\"\n",
    );
    let turn = play.run_and(|stdin| {
        play.s.mark("said");
        writeln!(stdin, "{}", json!({"stop": "enough"})).expect("written");
    });
    assert_eq!(turn.end(), ("interrupted", Some("interrupted")));
    assert_eq!(turn.all("usage").len(), 0, "it is not known, and not 0");
}

#[test]
fn caps_on_turns_and_money_end_the_turn() {
    let call = |n: u32| {
        json!({"update": {"sessionUpdate": "tool_call", "toolCallId": format!("t{n}"),
            "title": "A tool", "rawInput": {"n": n}}})
    };
    let wait = "trap 'exit 0' INT\nmkfifo \"$HOME/never\"\ncat \"$HOME/never\" &\nwait\n";
    let calls: String = (0..3).map(|n| say(&call(n))).collect();
    let play = Play::script(&format!("{calls}{wait}")).with("max_turns", 2);
    let turn = play.run();
    assert_eq!(turn.end(), ("max_turns", None));
    assert_eq!(turn.asked("session/cancel").len(), 1);
    let cost = say(&json!({"update": {"sessionUpdate": "usage_update", "used": 1, "size": 2,
        "cost": {"amount": 2.0, "currency": "USD"}}}));
    let turn = Play::script(&format!("{cost}{wait}")).with("budget_usd", 1.5).run();
    assert_eq!(turn.end(), ("budget", None));
}

#[test]
fn an_earlier_conversation_goes_on() {
    for (option, method) in [("load", "session/load"), ("resume", "session/resume")] {
        let usage = json!({"update": {"sessionUpdate": "usage_update", "used": 1, "size": 2,
            "cost": {"amount": 1.5, "currency": "USD"}}});
        let play = Play::new(&[usage, text("more"), end()]).options(&[option]);
        write(&play.s.at("state/otto-usage/s-1.json"), "{\"usd\": 1.0}");
        let turn = play.with("resume", "s-1").run();
        assert_eq!(turn.end(), ("end", None));
        assert_eq!((turn.asked(method).len(), turn.asked("session/new").len()), (1, 0));
        assert_eq!(turn.all("text").len(), 1, "what was said before is not said again");
        assert_eq!(turn.all("cost")[0]["usd"], 0.5, "only what this turn added");
    }
    // An agent that counts from the start of its process.
    let spent = |usd: f64| {
        json!({"update": {"sessionUpdate": "usage_update", "used": 1, "size": 2,
            "cost": {"amount": usd, "currency": "USD"}}})
    };
    let play = Play::new(&[spent(0.25), spent(1.5), end()]).options(&["load"]);
    write(&play.s.at("state/otto-usage/s-1.json"), "{\"usd\": 1.0}");
    let play = play.with("resume", "s-1");
    let turn = play.run();
    let costs: Vec<f64> = turn.all("cost").iter().filter_map(|e| e["usd"].as_f64()).collect();
    assert_eq!(costs, [0.25, 1.25]);
    let kept = std::fs::read_to_string(play.s.at("state/otto-usage/s-1.json")).expect("kept");
    assert!(kept.contains("2.5"), "{kept}");
    // One that counts the conversation, and first says what is known: nothing new.
    let play = Play::new(&[spent(0.3), spent(0.55), spent(0.55), end()]).options(&["load"]);
    write(&play.s.at("state/otto-usage/s-1.json"), "{\"usd\": 0.30000000000000004}");
    let play = play.with("resume", "s-1").with("budget_usd", 0.5);
    let turn = play.run();
    let costs: Vec<f64> = turn.all("cost").iter().filter_map(|e| e["usd"].as_f64()).collect();
    assert_eq!(costs.len(), 1, "{costs:?}");
    assert!((costs[0] - 0.25).abs() < 1e-9, "{costs:?}");
    assert_eq!(turn.end(), ("end", None));
    let said = |play: Play| {
        let turn = play.run();
        assert_eq!(turn.end(), ("error", Some("bad_request")));
        turn.all("error")[0]["message"].as_str().expect("a message").to_owned()
    };
    for options in [&[][..], &["load"], &["resume"]] {
        let message = said(Play::new(&[end()]).options(options).with("resume", "s-9"));
        assert!(message.starts_with("no such conversation: s-9"), "{message}");
    }
    let message =
        said(Play::new(&[end()]).options(&["load"]).with("resume", "s-1").with("fork", true));
    assert!(message.starts_with("no such conversation: s-1"), "{message}");
}

#[test]
fn a_log_in_is_asked_for_by_its_name() {
    let turn = Play::new(&[end()]).options(&["auth"]).run();
    assert_eq!((turn.end(), turn.code), (("error", Some("auth")), Some(77)));
    let message = turn.all("error")[0]["message"].to_string();
    assert!(message.contains("auth_method") && message.contains("key (By a key)"), "{message}");
    let turn = Play::new(&[end()]).options(&["auth"]).setting("auth_method", "key").run();
    assert_eq!(turn.end(), ("end", None));
    let turn = Play::new(&[end()]).options(&["auth"]).setting("auth_method", "other").run();
    assert_eq!(turn.end(), ("error", Some("auth")));
}

#[test]
fn an_answer_is_the_last_object_of_the_last_message() {
    let play = |steps: &[Value]| {
        let play = Play::new(steps).with("role", "task");
        write(&play.s.at("turn/schema.json"), r#"{"type": "object"}"#);
        let schema = play.s.at("turn/schema.json").to_string_lossy().into_owned();
        play.with("schema_file", schema)
    };
    let tool = json!({"update": {"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Look",
        "rawInput": {"a": 1}}});
    let good = play(&[
        text("{\"draft\": 1}"),
        tool.clone(),
        text("Here:\n{\"ok\""),
        text(": true}\n"),
        end(),
    ]);
    let turn = good.run();
    assert_eq!(turn.end(), ("end", None));
    assert_eq!(turn.events.last().expect("done")["structured"], json!({"ok": true}));
    let prompt = std::fs::read_to_string(good.s.home("prompt")).expect("a prompt");
    assert!(prompt.starts_with("Do it.\n") && prompt.contains(r#"{"type":"object"}"#), "{prompt}");
    let turn = play(&[text("{\"draft\": 1}"), tool, text("I am done."), end()]).run();
    assert_eq!(turn.end(), ("error", Some("unknown")));
    assert!(turn.events.last().expect("done")["structured"].is_null());
}

#[test]
fn agents_that_are_no_good() {
    // Another version of the protocol.
    assert_eq!(
        Play::new(&[end()]).options(&["version=9"]).run().end(),
        ("error", Some("bad_request"))
    );
    // A key that nobody knows.
    let turn = Play::new(&[end()]).setting("argvv", "x").run();
    assert_eq!(turn.end(), ("error", Some("bad_request")));
    assert!(turn.all("error")[0]["message"].to_string().contains("did you mean `argv`"));
    // Something that is no agent at all: it prints and ends.
    let play = Play::new(&[]);
    let argv = json!(["sh", "-c", "echo 'usage: not an agent' >&2; exit 2"]);
    let turn = play.setting("argv", argv).run();
    assert_eq!(turn.end(), ("error", Some("unknown")));
    let message = turn.all("error")[0]["message"].to_string();
    assert!(message.contains("exit 2") && message.contains("not an agent"), "{message}");
    // It reads nothing and says nothing until the deadline.
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500)).to_string();
    let play = Play::new(&[]).with("deadline", soon);
    s_waits(&play);
    assert_eq!(play.run().end(), ("timed out", Some("interrupted")));
}

/// An agent that never answers.
fn s_waits(play: &Play) {
    play.s.gate("never");
    play.s.script(&play.s.at("script"), "#!/bin/sh\nread -r x <\"$HOME/never\"\n");
}

#[test]
fn what_it_says_of_itself() {
    let s = Sandbox::new();
    let ask = |settings: &str, code: i32| -> Value {
        let done = s.shell(code, &format!("echo '{settings}' | otto provider-acp --describe"));
        serde_json::from_str(&done.stdout).expect("JSON")
    };
    let said = ask(
        r#"{"argv": ["sh", "x"], "env": ["SOME_KEY"], "hosts": ["model:443"], "read": ["/opt/agent"]}"#,
        0,
    );
    assert!(said["program"].as_str().is_some_and(|p| p.ends_with("/sh")), "{said}");
    assert_eq!((&said["can"]["resume"], &said["can"]["fork"]), (&json!(true), &json!(false)));
    assert_eq!(said["needs"]["hosts"], json!(["model:443"]));
    assert_eq!(said["needs"]["env"], json!(["SOME_KEY"]));
    assert!(said["needs"]["read"].to_string().contains("/opt/agent"));
    assert!(ask(r#"{"argv": ["no-such-agent"]}"#, 0)["missing"].is_string());
    assert!(ask("{}", 0)["missing"].is_string());
}

#[test]
fn a_run_lands_what_such_an_agent_made() {
    let s = Sandbox::project();
    let put = ask("fs/write_text_file", json!({"path": "g1/work", "content": "done g1\n"}));
    let script = [put, text("The work of g1 is there."), end()].iter().map(say).collect::<String>();
    s.script(&s.at("script"), &format!("#!/bin/sh\ncat >/dev/null\n{script}"));
    let fakes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes");
    let settings = json!({"argv": argv(&s, &[]), "read": [fakes, s.at("script")]});
    let spec = s.spec(&Shape::of(1));
    let acp = format!("providers.acp={settings}");
    s.run(0, &["run", "--from-spec", &spec, "--provider", "acp", "-c", &acp]);
    s.assert_landed_once(&["g1"]);
    let log = s.session_dir().join("build/g1/attempt-01/narrative.log");
    let log = std::fs::read_to_string(log).expect("a narrative");
    assert!(log.contains("The work of g1 is there.") && log.contains("g1/work"), "{log}");
}
