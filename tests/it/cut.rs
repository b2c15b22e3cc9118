//! Turns that are ended before their agent was ready: by a limit, by a person, by the money of
//! others. What is there is kept, nothing is held against the agent, and nobody takes a silence of
//! our making for an answer.

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};
use crate::patience::{asked, line, provider, run};

#[test]
fn limits_in_the_middle_of_work_are_no_attempts() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    // Each turn gets a little further before it meets the next limit.
    provider(
        &s,
        "slow",
        r#"n=$(wc -l <"$HOME/asked-slow"); mkdir -p g1; echo "line $n" >>g1/notes
[ "$n" -lt 4 ] || work
say '{"event":"text","text":"at work"}'
say "{\"event\":\"rate_limited\",\"until\":\"$(date -u -d '+1 sec' +%Y-%m-%dT%H:%M:%SZ)\"}"
say '{"event":"error","class":"quota","message":"usage limit reached"}'
say '{"event":"done","reason":"error"}'"#,
    );
    run(&s, 0, "--from-spec ../spec.json --provider slow -c attempts=1");
    s.assert_landed_once(&["g1"]);
    let notes = s.git(&["show", &format!("{}:g1/notes", s.integ())]);
    assert_eq!(notes, "line 1\nline 2\nline 3\nline 4", "each went on where the last one was");
    let ends = s.events("group.attempt.finished");
    let outcomes: Vec<&Value> = ends.iter().map(|e| &e["data"]["outcome"]).collect();
    assert_eq!(outcomes, ["interrupted", "interrupted", "interrupted", "passing"]);
}

#[test]
fn a_certifier_that_was_stopped_is_asked_again() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(&s, "builds", "work");
    provider(
        &s,
        "judges",
        r#"[ "$(wc -l <"$HOME/asked-judges")" -gt 1 ] || { : >"$HOME/marks/judging"; exec sleep 600; }
say '{"event":"done","reason":"end","structured":{"features":[{"id":"f-g1","verdict":"passed"}]}}'"#,
    );
    let args = "--from-spec ../spec.json --build-provider builds --certifier-provider judges";
    let first = s.start_shell("first", &line(args));
    s.mark("judging");
    first.signal(libc::SIGINT);
    assert_eq!(first.end(), 130, "{}", s.said("first"));
    assert!(s.events("audit.finished").is_empty(), "it is not over");
    run(&s, 0, "--resume");
    assert_eq!(asked(&s, "judges").len(), 2);
    let audits = s.events("audit.finished");
    assert_eq!(audits.len(), 1);
    assert!(audits[0].to_string().contains("asked"), "{}", audits[0]);
}

#[test]
fn silent_turns_end_when_the_others_have_spent_what_tokens_seem_to_cost() {
    let s = Sandbox::project();
    s.spec(&Shape::of(3));
    provider(
        &s,
        "tokens",
        r#"if [ -f "$HOME/cheap" ]; then work; fi
for i in 1 2 3 4; do say '{"event":"usage","input":0,"output":100000}'; done
exec sleep 600"#,
    );
    let prices = "-c 'prices={m: {as_of: \"2026-11-20\", input: 1, output: 1}}' --model m";
    let ended = run(
        &s,
        77,
        &format!("--from-spec ../spec.json --provider tokens -j 3 --budget 1 {prices}"),
    );
    // Each has spent 0.40 only: together it is too much.
    assert!(ended.stderr.contains("1.20 of 1.00"), "{}", ended.stderr);
    // It was nobody's fault.
    write(&s.home("cheap"), "");
    run(&s, 0, "--resume --budget 5 -c attempts=1");
    s.assert_landed_once(&["g1", "g2", "g3"]);
}

#[test]
fn an_agent_is_told_what_was_amended() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    provider(
        &s,
        "talks",
        r#"say '{"event":"started","provider_session":"c1"}'
n=$(wc -l <"$HOME/asked-talks")
cp "$(echo "$request" | sed 's/.*"prompt_file":"\([^"]*\)".*/\1/')" "$HOME/prompt-$n"
[ "$n" -lt 3 ] || work
mkdir -p g1; echo "$n" >g1/notes; say '{"event":"done","reason":"end"}'"#,
    );
    run(&s, 1, "--from-spec ../spec.json --provider talks -c attempts=2");
    let turns = asked(&s, "talks");
    assert_eq!(turns[1]["resume"], "c1", "within one contract the conversation goes on");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    let mut changed: Value = serde_json::from_str(&text).expect("JSON");
    changed["groups"][0]["title"] = json!("A title that nobody was told");
    write(&s.at("changed.json"), &changed.to_string());
    s.run(0, &["spec", "amend", "--reason", "better", "--file", "../changed.json"]);
    run(&s, 0, "--resume -c attempts=3");
    assert_eq!(asked(&s, "talks")[2]["resume"], Value::Null);
    let prompt = std::fs::read_to_string(s.home("prompt-3")).expect("a prompt");
    assert!(prompt.contains("A title that nobody was told"), "{prompt}");
}
