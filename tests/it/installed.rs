//! `otto providers`: what is installed, also where it is broken.

use serde_json::Value;

use crate::harness::{Done, Sandbox};

/// A program `otto-provider-<name>` in `$HOME`.
fn provider(s: &Sandbox, name: &str, body: &str) {
    s.script(&s.home(&format!("otto-provider-{name}")), &format!("#!/bin/sh\n{body}\n"));
}

const GOOD: &str = r#"read -r settings; printf '%s' "$settings" >"$HOME/settings"
cat <<'END'
{"v": 1, "program": "/opt/agent", "version": "2.1\u001b[31m.329", "login": {"known": true, "how": "a key"},
 "can": {"resume": true, "cost": true, "turn_cap": true}, "later": "ignored"}
END"#;

fn broken(s: &Sandbox) {
    provider(s, "good", GOOD);
    provider(
        s,
        "away",
        r#"echo '{"v":1,"missing":"install the agent: apt install agent","login":{"known":false}}'"#,
    );
    provider(s, "garbage", "echo this is no description; echo '{\"v\":'");
    provider(s, "exits", "echo '{\"v\":1}'; exit 1");
    provider(s, "killed", "kill -9 $$");
    provider(s, "floods", r#"exec yes "$(printf '%04000d' 0)""#);
    provider(s, "mute", "exec </dev/null >/dev/null");
    provider(
        s,
        "hangs",
        r#"trap '' TERM; (setsid sh -c 'read -r x <"$HOME/never"' &); read -r x <"$HOME/never""#,
    );
    provider(s, "unasked", ": >\"$HOME/marks/asked\"; echo '{\"v\":1}'");
    // No program of ours to start: not executable, not a file.
    std::fs::write(s.home("otto-provider-plain"), "text").expect("written");
    std::fs::create_dir(s.home("otto-provider-folder")).expect("a folder");
    s.gate("never");
}

/// Those that say, or should: of somebody else's, only they are asked.
const ASKED: [&str; 8] = ["good", "away", "garbage", "exits", "killed", "floods", "mute", "hangs"];

fn listed(s: &Sandbox, code: i32, args: &str) -> Done {
    let ask: String =
        ASKED.iter().map(|name| format!(" -c providers.{name}.describe=true")).collect();
    s.shell(code, &format!("PATH=$HOME:$PATH otto providers --timeout 3{ask} {args}"))
}

fn row<'a>(text: &'a str, name: &str) -> &'a str {
    let start = format!("{name} ");
    text.lines().find(|l| l.starts_with(&start)).unwrap_or_else(|| panic!("no {name} in:\n{text}"))
}

#[test]
fn everything_installed_is_listed_whatever_it_does() {
    let s = Sandbox::project();
    broken(&s);
    let args =
        "--provider good -c providers.good.a=1 -c agents.fix.provider=garbage -c 'fallback=[mute]'";
    let text = listed(&s, 0, args).stdout;
    let good = row(&text, "good");
    assert!(good.contains("2.1.329") && good.contains("logged in"), "{good}");
    assert!(good.ends_with("spec build merge task"), "{good}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(
        text.contains("can      resume, cost, turn cap") && text.contains("agent    /opt/agent")
    );
    assert!(row(&text, "garbage").ends_with("fix"));
    assert!(row(&text, "mute").ends_with("fallback 1"));
    assert!(
        row(&text, "away").contains("not logged in") && text.contains("missing  install the agent")
    );
    for name in ["garbage", "exits", "killed", "floods", "mute", "hangs"] {
        assert!(row(&text, name).contains("does not say"), "{text}");
    }
    for why in
        ["is no description", "exits with 1", "signal 9", "far too much", "did not answer in 3 s"]
    {
        assert!(text.contains(why), "no '{why}' in:\n{text}");
    }
    for name in ["command", "replay"] {
        assert!(text.lines().any(|l| l.starts_with(name)), "ours too:\n{text}");
    }
    // One that may not know the question could take it for work.
    assert!(row(&text, "unasked").contains("does not say"), "{text}");
    assert!(text.contains("providers.unasked.describe: true"), "{text}");
    assert!(!s.home("marks/asked").exists(), "it was started");
    assert!(!text.contains("plain") && !text.contains("folder"), "{text}");
    assert_eq!(s.leftovers(), [0; 0], "what was asked is gone");
    let settings = std::fs::read_to_string(s.home("settings")).expect("it was asked");
    assert_eq!(settings, r#"{"a":1}"#, "without what is Otto's own");

    let json = listed(&s, 0, &format!("--json {args}")).stdout;
    let all: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let one = |name: &str| all.iter().find(|p| p["name"] == name).expect("listed");
    assert_eq!(one("good")["description"]["can"]["cost"], true);
    assert_eq!(one("hangs")["description"], Value::Null);
}

#[test]
fn a_role_without_its_provider_is_an_error_that_says_so() {
    let s = Sandbox::project();
    broken(&s);
    let text = listed(&s, 69, "-c agents.spec.provider=nowhere").stdout;
    assert!(
        row(&text, "nowhere").contains("not installed") && row(&text, "nowhere").ends_with("spec")
    );
    // It is installed, and its agent is not.
    listed(&s, 69, "--provider away");
    // One that does not say is used as it is.
    listed(&s, 0, "--provider garbage");
    listed(&s, 0, "--provider none");
    listed(&s, 2, "-c agents.bild.provider=good");
    // Before there is a project.
    let nowhere = Sandbox::new();
    let text = nowhere.run(69, &["providers", "--provider", "replay"]);
    assert!(text.stdout.contains("no recording is named"), "{}", text.stdout);
    assert!(row(&text.stdout, "replay").contains("spec build"), "{}", text.stdout);
    assert!(text.stderr.contains("not in a git repository"), "{}", text.stderr);
}

#[test]
fn where_only_otto_is_installed_it_has_its_own() {
    let s = Sandbox::project();
    let alone = s.at("alone");
    std::fs::create_dir(&alone).expect("a folder");
    std::fs::copy(crate::harness::bin_dir().join("otto"), alone.join("otto")).expect("copied");
    let text = s.shell(0, "PATH=/usr/bin:/bin ../alone/otto providers").stdout;
    assert!(row(&text, "command").ends_with("spec build fix merge task"), "{text}");
}
