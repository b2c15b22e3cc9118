//! Secrets that agents and checks print are in no file that Otto writes.

use crate::harness::{Sandbox, Shape, write};

/// The value of a variable that is named as a secret.
const TOKEN: &str = "n0t-for-Anybody-5417";

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
    s.run(0, &["verify"]);
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
    // Its words lie beside its worktree while it works, hidden on the way there.
    crate::harness::until("its words", || {
        let logs = s.files_named("agent-stderr.log");
        let text = logs.iter().filter_map(|log| std::fs::read_to_string(log).ok());
        text.into_iter().find(|t| t.contains("private key hidden"))
    });
    assert_eq!(leaks(&s, &["project/otto_logs"]), [""; 0]);
    let words: Vec<String> =
        leaks(&s, &["cache"]).into_iter().filter(|l| l.contains("agent-stderr.log")).collect();
    assert_eq!(words, [""; 0]);
    s.open_gate("go");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(leaks(&s, &["project/otto_logs"]), [""; 0]);
}
