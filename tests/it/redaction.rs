//! Secrets that agents and checks print are in no file that Otto writes.

use crate::harness::{Sandbox, Shape, write};

/// The value of a variable that is named as a secret.
const TOKEN: &str = "n0t-for-Anybody-5417";

/// Has no shape: only a name beside it says what it is.
const FIELD: &str = "q8Zr2LmX0vTb7NcYw4";

/// What is planted: a known value, a token, a private key. Put together here, so that no scanner
/// takes this file for a leak.
fn planted() -> Vec<String> {
    let body = "MIIEq0Zx8kTgV3nLw2RdHs7JfYb5CaPm1Xo9uEiQ4tG6yBvK";
    vec![
        TOKEN.to_owned(),
        format!("{}{}", "ghp", "_Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4FgH7j"),
        format!(
            "-----BEGIN RSA {k}-----\n{body}{body}\n{body}q9==\n-----END RSA {k}-----",
            k = "PRIVATE KEY"
        ),
    ]
}

/// Files below the folders that hold a piece of a secret, with the piece.
fn leaks(s: &Sandbox, places: &[&str]) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in planted().iter().flat_map(|p| p.lines()).filter(|l| !l.starts_with("---")) {
        pieces.extend((0..line.len() - 11).step_by(4).map(|at| line[at..at + 12].to_owned()));
    }
    let mut found = Vec::new();
    for file in s.files_named("") {
        let place = file.strip_prefix(&*s.at("").to_string_lossy()).expect("below");
        if !places.iter().any(|p| place.starts_with(p)) {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
        let has = pieces.iter().find(|p| text.contains(*p));
        found.extend(has.map(|piece| format!("{place}: {piece}")));
    }
    found
}

/// Prints each secret in two writes, cut in its middle, and flushed in between.
fn plant(s: &Sandbox) {
    let python = r#"import os, sys
out = os.fdopen(int(sys.argv[1]), "wb", 0)
for path in sorted(os.listdir(os.path.expanduser("~/planted"))):
    secret = open(os.path.expanduser("~/planted/" + path), "rb").read()
    at = len(secret) // 3
    out.write(b"here it is: " + secret[:at])
    out.write(secret[at:])
    out.write(b"\n")
"#;
    write(&s.home("plant.py"), python);
    for (n, secret) in planted().iter().enumerate() {
        write(&s.home(&format!("planted/{n}")), secret);
    }
}

#[test]
fn what_agents_and_checks_print_is_kept_without_secrets() {
    let s = Sandbox::project();
    plant(&s);
    // The first attempt does nothing that counts, and writes a secret into its work.
    s.agent(
        r#"python3 "$HOME/plant.py" 1; python3 "$HOME/plant.py" 2
mkdir -p "$OTTO_GROUP"
cat "$HOME"/planted/1 >"$OTTO_GROUP/notes"
if [ -f "$HOME/second" ]; then echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"; rm "$OTTO_GROUP/notes"; fi
touch "$HOME/second""#,
    );
    s.on_check(r#"python3 "$HOME/plant.py" 1; python3 "$HOME/plant.py" 2"#);
    let spec = s.spec(&Shape::of(1));
    s.shell(
        0,
        &format!(
            "MY_TOKEN={TOKEN} otto run --from-spec '{spec}' -c 'secrets=[MY_TOKEN]' --record ../recording"
        ),
    );
    assert_eq!(leaks(&s, &["project/otto_logs", "recording"]), [""; 0]);
    // The places where they would have been.
    let dir = s.session_dir();
    for name in
        ["messages.jsonl", "narrative.log", "stderr.log", "agent-stderr.log", "changes.patch"]
    {
        let path = dir.join("build/g1/attempt-01").join(name);
        let text = std::fs::read_to_string(path).expect(name);
        assert!(text.contains("[github token hidden]"), "{name}: {text}");
        if name != "changes.patch" {
            assert!(text.contains("[MY_TOKEN hidden]"), "{name}: {text}");
            assert!(text.contains("[private key hidden]"), "{name}: {text}");
        }
    }
    let evidence = s.shell(0, "cat otto_logs/sessions/*/evidence/*").stdout;
    for name in ["github token", "MY_TOKEN", "private key"] {
        assert!(evidence.contains(&format!("[{name} hidden]")), "{evidence}");
    }
    for name in ["proof-packet.json", "proof-packet.html"] {
        let text = std::fs::read_to_string(dir.join(name)).expect(name);
        assert!(text.contains("hidden]"), "{name} shows what was captured");
    }
    for file in ["messages.jsonl", "request.json"] {
        let text = std::fs::read_to_string(dir.join("build/g1/attempt-01").join(file)).expect(file);
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        assert!(values.all(|v| v.is_ok()), "{file} is still JSON");
    }
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn nothing_is_there_while_the_agent_still_works() {
    let s = Sandbox::project();
    plant(&s);
    s.gate("go");
    s.agent(
        r#"python3 "$HOME/plant.py" 1; python3 "$HOME/plant.py" 2
touch "$HOME/marks/said"; read -r x <"$HOME/go"
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(1));
    let mut command = s.command(&["run", "--from-spec", &spec, "-c", "secrets=[MY_TOKEN]"]);
    command.env("MY_TOKEN", TOKEN);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("otto starts");
    s.mark("said");
    // Where agent and Otto exchange files; from there it comes to the turn's folder.
    crate::harness::until("its words", || {
        let logs = s.files_named("agent-stderr.log");
        let said = std::fs::read_to_string(logs.first()?).ok()?;
        said.contains("private key hidden").then(|| assert_eq!(leaks(&s, &["cache"]), [""; 0]))
    });
    assert_eq!(leaks(&s, &["project/otto_logs"]), [""; 0]);
    s.open_gate("go");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(leaks(&s, &["project/otto_logs"]), [""; 0]);
}

/// What a provider says in events, between others, in fields, and in names of files; and what is
/// asked of it.
#[test]
fn what_providers_report_is_kept_without_secrets() {
    let s = Sandbox::project();
    plant(&s);
    write(&s.home("planted/field"), FIELD);
    let python = r#"import json, os, sys
request = json.loads(sys.stdin.readline())
def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)
def planted(name):
    return open(os.path.expanduser("~/planted/" + name)).read()
token, field = planted("1"), planted("field")
say("started", provider_session=token, version=token, model="m " + planted("0"))
say("text", text="split " + token[:21])
say("usage", output=1)
say("rate_limited", until=None)
say("cost", usd=0.25)
say("text", text=token[21:] + " end")
say("tool_call", name="sh", input={"api_key": field, "deep": [{"password": [field]}], "n": "12"})
say("surprise", secret=field)
os.makedirs("g1/" + token, exist_ok=True)
open("g1/work", "w").write("done g1\n")
open("g1/" + token + "/file", "w").write("mine\n")
if request["attempt"] == 1:
    open("not-mine-" + token, "w").write("not mine\n")
elif os.path.exists("not-mine-" + token):
    os.remove("not-mine-" + token)
say("done", reason="end", structured={"access_token": field})
"#;
    s.script(&s.home("otto-provider-foo"), &format!("#!/usr/bin/env python3\n{python}"));
    let spec = s.spec(&Shape::of(1));
    s.shell(
        0,
        &format!(
            "export MY_TOKEN={TOKEN} PATH=\"$HOME:$PATH\"; otto run --from-spec '{spec}' --provider foo -c 'secrets=[MY_TOKEN]'"
        ),
    );
    assert_eq!(leaks(&s, &["project/otto_logs"]), [""; 0]);
    let logs = s.at("project/otto_logs");
    let left = s.shell(1, &format!("grep -rl {FIELD} '{}'", logs.display()));
    assert_eq!(left.stdout, "");

    let dir = s.session_dir().join("build/g1/attempt-01");
    let text = std::fs::read_to_string(dir.join("messages.jsonl")).expect("messages");
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["m"].clone())
        .collect();
    let names: Vec<&str> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    assert_eq!(
        names,
        ["started", "text", "usage", "rate_limited", "cost", "text", "tool_call", "raw", "done"],
        "none is lost, in their order"
    );
    assert_eq!(events[0]["provider_session"], serde_json::Value::Null);
    assert_eq!(events[0]["model"], "m [MY_TOKEN hidden]");
    assert_eq!(events[1]["text"], "split [github token hidden]");
    assert_eq!(events[5]["text"], " end");
    let hidden = "[assigned secret hidden]";
    assert_eq!(
        events[6]["input"],
        serde_json::json!({"api_key": hidden, "deep": [{"password": [hidden]}], "n": "12"})
    );
    assert_eq!(events[8]["structured"]["access_token"], hidden);
    // It was refused for the file that is not its own, which is told without the name's secret.
    let outcome = std::fs::read_to_string(dir.join("outcome.json")).expect("outcome");
    assert!(outcome.contains("not-mine-[github token hidden]"), "{outcome}");
    let proof = std::fs::read_to_string(s.session_dir().join("proof-packet.json")).expect("proof");
    assert!(proof.contains("g1/[github token hidden]/file"), "{proof}");
    s.run(0, &["verify", "--no-rerun"]);
}

/// Settings are kept as they are, since a resume needs them: a secret is refused before it is there.
#[test]
fn a_secret_in_a_setting_is_refused_before_anything_is_written() {
    let s = Sandbox::project();
    s.agent(crate::harness::GOOD);
    let spec = s.spec(&Shape::of(1));
    let run = |code: i32, set: &str| {
        s.shell(code, &format!("MY_TOKEN={TOKEN} otto run --from-spec '{spec}' {set}"))
    };
    for (set, place) in [
        (&format!("-c providers.command.api_key={FIELD}"), "providers.command.api_key"),
        (&format!("-c providers.command.argv='[./agent.sh, {TOKEN}]'"), "providers.command.argv.1"),
        (&format!("-c model={TOKEN}"), "model"),
    ] {
        let refused = run(2, set);
        assert!(refused.stderr.contains(&format!("'{place}' holds a secret")), "{refused:?}");
        assert!(refused.stderr.contains("`secrets:`"), "says what to do: {refused:?}");
        assert!(!refused.stderr.contains(FIELD) && !refused.stderr.contains(TOKEN));
        assert!(!s.at("project/otto_logs/sessions").exists(), "nothing is written");
    }
    run(0, "-c providers.command.token_count=12");
    let refused = s.shell(
        2,
        &format!("otto run --resume latest -c providers.command.password={FIELD} 2>&1 >/dev/null; code=$?; ! grep -rq {FIELD} otto_logs || exit 99; exit $code"),
    );
    assert_eq!(refused.stdout.matches("holds a secret").count(), 1, "{refused:?}");
}
