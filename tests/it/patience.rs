//! Limits of providers, and of money: who stands in, when the run goes on, what is told again, and
//! where it stops.

use serde_json::Value;

use crate::harness::{Done, Sandbox, Shape, write};

/// `otto-provider-<name>`: gets the request in `$request` and says events with `say`. A turn that
/// works ends in `work`.
pub fn provider(s: &Sandbox, name: &str, body: &str) {
    let text = format!(
        r#"#!/bin/sh
read -r request
echo "$request" >>"$HOME/asked-{name}"
group=$(echo "$request" | sed 's/.*"group":"\([^"]*\)".*/\1/')
say() {{ echo "$1"; }}
work() {{ mkdir -p "$group"; echo "done $group" >"$group/work"; say '{{"event":"done","reason":"end"}}'; exit; }}
{body}
"#
    );
    s.script(&s.at("home").join(format!("otto-provider-{name}")), &text);
}

pub fn line(args: &str) -> String {
    format!("export PATH=\"$HOME:$PATH\"; exec otto run {args}")
}

pub fn run(s: &Sandbox, code: i32, args: &str) -> Done {
    s.shell(code, &line(args))
}

/// What a provider was asked, turn by turn.
pub fn asked(s: &Sandbox, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(s.home(&format!("asked-{name}"))).unwrap_or_default();
    text.lines().map(|l| serde_json::from_str(l).expect("a request")).collect()
}

/// Busy until `$HOME/open` is there; the time that it names is on the first line of `$HOME/until`.
const BUSY: &str = r#"say '{"event":"started","provider_session":"c1"}'
[ -f "$HOME/open" ] && work
say "{\"event\":\"rate_limited\",\"until\":\"$(cat "$HOME/until")\"}"
say '{"event":"error","class":"rate_limit","message":"slow down"}'
say '{"event":"done","reason":"error"}'"#;

fn busy_until(s: &Sandbox, until: &str) {
    s.spec(&Shape::of(1));
    provider(s, "busy", BUSY);
    write(&s.home("until"), until);
}

fn from_now(seconds: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds)).to_string()
}

#[test]
fn the_next_provider_takes_over_under_the_same_contract() {
    let s = Sandbox::project();
    busy_until(&s, "2126-11-20T10:30:00Z");
    provider(&s, "spare", "work");
    let args = "--from-spec ../spec.json --provider busy -c 'fallback=[spare]' \
                --model big -c providers.spare.model=small";
    run(&s, 0, args);
    s.assert_landed_once(&["g1"]);
    let who: Vec<String> = s
        .events("group.attempt.started")
        .iter()
        .map(|e| e["data"]["provider"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(who, ["busy", "spare"]);
    assert_eq!(asked(&s, "busy")[0]["model"], "big");
    assert_eq!(asked(&s, "spare")[0]["model"], "small", "models are named by their provider");
    let status = s.run(0, &["status"]).stdout;
    assert!(status.contains("waits   for busy until 2126-11-20T10:30:00Z"), "{status}");
}

/// A program that does the work of g1 and prints what the agent of that name once printed. What it
/// was called with is kept.
fn vendor(s: &Sandbox, name: &str, transcript: &str) -> String {
    let file =
        format!("{}/tests/fixtures/transcripts/{transcript}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let at = s.at(name);
    s.script(
        &at,
        &format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 9.8.7; exit; }}\necho \"$@\" >>'{}'\n\
             cat >/dev/null\nmkdir -p g1; echo 'done g1' >g1/work\ncat '{file}'\n",
            s.at("called").display()
        ),
    );
    at.to_string_lossy().into_owned()
}

#[test]
fn the_stand_in_of_every_vendor_gets_its_own_model_and_its_tokens_a_price() {
    for (name, transcript, model, money) in [
        ("codex", "codex_x3", "-m small", Some(400.0)),
        ("claude", "claude_bash1", "--model small", None),
    ] {
        let s = Sandbox::project();
        busy_until(&s, "2126-11-20T10:30:00Z");
        let program = vendor(&s, name, transcript);
        let args = format!(
            "--from-spec ../spec.json --provider busy -c 'fallback=[{name}]' --model big \
             -c 'providers.{name}={{program: \"{program}\", model: small, effort: low}}' \
             -c 'prices={{small: {{as_of: \"2026-11-20\", input: 1000000, cached_input: 0, output: 0}}}}'"
        );
        run(&s, 0, &args);
        s.assert_landed_once(&["g1"]);
        let called = std::fs::read_to_string(s.at("called")).expect("it was called");
        assert!(called.contains(model) && called.contains("low"), "{called}");
        let spent = s.events("budget.spent");
        let usage = &spent.last().expect("of the stand-in")["data"]["usage"];
        assert_eq!(usage["estimated_usd"].as_f64(), money, "{usage}");
    }
}

#[test]
fn without_a_configured_model_the_price_is_the_one_of_the_model_that_was_named() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(
        &s,
        "names",
        r#"say '{"event":"started","model":"m-7"}'
say '{"event":"usage","input":1000000,"output":0}'
work"#,
    );
    let prices = "-c 'prices={m-*: {as_of: \"2026-11-20\", input: 3, output: 4}}' --budget 50";
    run(&s, 0, &format!("--from-spec ../spec.json --provider names {prices}"));
    let spent = s.events("budget.spent");
    let money: f64 =
        spent.iter().filter_map(|e| e["data"]["usage"]["estimated_usd"].as_f64()).sum();
    assert_eq!(money, 3.0, "{spent:?}");
}

#[test]
fn a_run_waits_by_itself_and_goes_on_in_the_same_conversation() {
    let s = Sandbox::project();
    busy_until(&s, &from_now(1));
    let opens = r#"[ "$(wc -l <"$HOME/asked-busy")" -lt 2 ] || touch "$HOME/open""#;
    provider(&s, "busy", &format!("{opens}\n{BUSY}"));
    run(&s, 0, "--from-spec ../spec.json --provider busy");
    s.assert_landed_once(&["g1"]);
    let asked = asked(&s, "busy");
    assert_eq!(asked.len(), 2);
    assert_eq!((&asked[0]["resume"], &asked[1]["resume"]), (&Value::Null, &"c1".into()));
    assert_eq!(asked[0]["state_dir"], asked[1]["state_dir"], "where the conversation is kept");
    assert_eq!(s.events("provider.woken").len(), 1);
    assert_eq!(s.events("group.attempt.finished")[1]["data"]["conversation"]["rung"], "resumed");
}

#[test]
fn a_wait_beyond_the_patience_ends_with_its_time() {
    let s = Sandbox::project();
    busy_until(&s, &from_now(3600));
    let ended = run(&s, 75, "--from-spec ../spec.json --provider busy -c patience_seconds=60");
    assert!(ended.stderr.contains("retry at: "), "{}", ended.stderr);
    // A step by hand does not ask before the time has come either.
    let again = s.shell(75, "PATH=$HOME:$PATH otto build-group --all --session latest");
    assert!(again.stderr.contains("otto wake"), "{}", again.stderr);
    assert_eq!(asked(&s, "busy").len(), 1);
}

#[test]
fn a_person_wakes_a_run_that_waits() {
    let s = Sandbox::project();
    busy_until(&s, &from_now(3600));
    let waits = s.start_shell("waits", &line("--from-spec ../spec.json --provider busy"));
    s.wait_for("provider.waiting", 1);
    write(&s.home("open"), "");
    let woken = s.run(0, &["wake"]);
    assert!(woken.stdout.contains("busy"), "{}", woken.stdout);
    assert_eq!(waits.end(), 0, "{}", s.said("waits"));
    s.assert_landed_once(&["g1"]);
    s.run(1, &["wake"]);
}

#[test]
fn a_person_cancels_the_wake_up_and_a_kill_does_not_forget_it() {
    let s = Sandbox::project();
    busy_until(&s, &from_now(3600));
    let waits = s.start_shell("waits", &line("--from-spec ../spec.json --provider busy"));
    s.wait_for("provider.waiting", 1);
    s.run(0, &["wake", "--cancel"]);
    assert_eq!(waits.end(), 77, "{}", s.said("waits"));
    assert!(s.run(1, &["status"]).stdout.contains("waits   for busy"));
    write(&s.home("open"), "");
    run(&s, 0, "--resume");
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_conversation_that_cannot_be_resumed_is_copied_then_begun_anew() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    // The first turn does not do the work; every resume of it fails.
    provider(
        &s,
        "forgets",
        r#"case $request in
*'"resume":null'*) ;;
*) say '{"event":"error","class":"bad_request","message":"no such conversation: c1"}'; say '{"event":"done","reason":"error"}'; exit ;;
esac
say '{"event":"started","provider_session":"c1"}'
[ -f "$HOME/second" ] && work
touch "$HOME/second"; mkdir -p "$group"; echo wrong >"$group/work"; say '{"event":"text","text":"done"}'
say '{"event":"done","reason":"end"}'"#,
    );
    run(&s, 0, "--from-spec ../spec.json --provider forgets");
    s.assert_landed_once(&["g1"]);
    let asked = asked(&s, "forgets");
    let how: Vec<(bool, bool)> =
        asked.iter().map(|r| (!r["resume"].is_null(), r["fork"] == true)).collect();
    assert_eq!(how, [(false, false), (true, false), (true, true), (false, false)]);
    assert_eq!(s.events("group.attempt.started").len(), 2, "it cost no attempt");
    for kept in ["resumed-messages.jsonl", "forked-messages.jsonl", "messages.jsonl"] {
        assert!(s.session_dir().join("build/g1/attempt-02").join(kept).exists(), "{kept}");
    }
}

/// Says what it costs, step by step, and traps the signal that asks it to leave.
const DEAR: &str = r#"say '{"event":"started","provider_session":"c1"}'
trap 'say "{\"event\":\"cost\",\"usd\":0.25}"; say "{\"event\":\"done\",\"reason\":\"interrupted\"}"; exit' INT
say '{"event":"cost","usd":0.5}'
say '{"event":"cost","usd":0.75}'
[ -f "$HOME/open" ] || { while :; do sleep 0.02; done; }
work"#;

#[test]
fn a_budget_ends_the_turn_keeps_the_bill_and_waits_for_a_person() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(&s, "dear", DEAR);
    let ended = run(&s, 77, "--from-spec ../spec.json --provider dear --budget 1");
    assert!(ended.stderr.contains("1.50 of 1.00 USD"), "{}", ended.stderr);
    let end = &s.events("group.attempt.finished")[0]["data"];
    assert_eq!(end["turn"], "over the cap on money");
    write(&s.home("open"), "");
    run(&s, 0, "--resume --budget 10");
    s.assert_landed_once(&["g1"]);
    let usage: Value = serde_json::from_str(
        &std::fs::read_to_string(s.session_dir().join("usage.json")).expect("there"),
    )
    .expect("JSON");
    assert_eq!(usage["groups"]["g1"]["cost_usd"], 2.75);
    assert_eq!(usage["roles"]["build"]["output"], Value::Null, "not reported is not 0");
    assert_eq!(usage["landed_groups"], 1);
}

#[test]
fn groups_share_the_budget_while_they_are_built() {
    let s = Sandbox::project();
    s.spec(&Shape::of(2));
    // Together they are over. One of them may have said its last word before: it is stopped too.
    provider(
        &s,
        "pair",
        r#"trap 'say "{\"event\":\"done\",\"reason\":\"interrupted\"}"; exit' INT
say '{"event":"cost","usd":0.6}'
while :; do sleep 0.02; done"#,
    );
    let ended = run(&s, 77, "--from-spec ../spec.json --provider pair --budget 1 --jobs 2");
    assert!(ended.stderr.contains("money budget is spent"), "{}", ended.stderr);
    assert_eq!(s.events("group.failed").len(), 0, "it is nobody's failure");
}

#[test]
fn a_group_over_its_own_budget_fails_alone() {
    let s = Sandbox::project();
    s.spec(&Shape::of(2));
    provider(
        &s,
        "one-is-dear",
        r#"[ "$group" = g2 ] && work
say '{"event":"cost","usd":3}'
while :; do sleep 0.02; done"#,
    );
    run(&s, 1, "--from-spec ../spec.json --provider one-is-dear -c group_budget_usd=1");
    s.assert_landed_once(&["g2"]);
    let reason = s.events("group.failed")[0]["data"]["reason"].to_string();
    assert!(reason.contains("3.00 of 1.00 USD"), "{reason}");
}

#[test]
fn tokens_without_a_price_are_estimated_by_the_table_and_marked() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(&s, "tokens", "say '{\"event\":\"usage\",\"input\":1000000,\"output\":500000}'\nwork");
    let prices = "-c 'prices={m*: {as_of: \"2026-11-20\", input: 1, output: 4}}' --model m1";
    run(&s, 0, &format!("--from-spec ../spec.json --provider tokens {prices}"));
    let page = std::fs::read_to_string(s.session_dir().join("proof-packet.html")).expect("a page");
    assert!(page.contains("(estimated)") && page.contains("For each group that landed"));
    let usage = std::fs::read_to_string(s.session_dir().join("usage.json")).expect("there");
    let usage: Value = serde_json::from_str(&usage).expect("JSON");
    assert_eq!(usage["roles"]["build"]["estimated_usd"], 3.0);
    assert_eq!(usage["roles"]["build"]["cost_usd"], Value::Null);
}

#[test]
fn an_agent_over_its_turns_is_ended_and_its_tree_judged() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(
        &s,
        "busybody",
        r#"mkdir -p "$group"; echo "done $group" >"$group/work"
n=0; while [ $n -lt 9 ]; do n=$((n+1)); say '{"event":"tool_call","name":"sh"}'; done
while :; do sleep 0.02; done"#,
    );
    run(&s, 0, "--from-spec ../spec.json --provider busybody --max-turns 5");
    let end = &s.events("group.attempt.finished")[0]["data"];
    assert_eq!(
        (&end["turn"], &end["outcome"]),
        (&"over the cap on turns".into(), &"passing".into())
    );
}
