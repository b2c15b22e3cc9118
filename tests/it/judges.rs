//! Those who judge the product: what they are shown, what they may do, and what their word does.

use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::{Done, Sandbox, Shape, write};

/// What builders do; a fix makes `g1/extra`.
const BUILDER: &str = r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_ROLE" != fix ] || echo extra >g1/extra"#;

/// A project whose certifier is this script. It has `$hash`, evidence that may be cited, `answer`,
/// which hands in what follows, and `told TEXT`, whether the prompt has it.
fn judged_by(body: &str) -> Sandbox {
    let s = Sandbox::project();
    certifier(&s, BUILDER, body);
    s
}

fn certifier(s: &Sandbox, builder: &str, body: &str) {
    s.agent(&format!(
        r#"if [ "$OTTO_ROLE" = certifier ]; then
hash=$(grep -o 'sha256:[0-9a-f]*' "$OTTO_PROMPT_FILE" | head -n 1)
answer() {{ printf '%s' "$1" >"$OTTO_OUTPUT"; exit 0; }}
told() {{ grep -qF -- "$1" "$OTTO_PROMPT_FILE"; }}
cp "$OTTO_PROMPT_FILE" "$HOME/judge.$OTTO_ATTEMPT" 2>/dev/null || true
{body}
fi
{builder}"#
    ));
}

/// `run` with that certifier, to the end.
fn run(s: &Sandbox, code: i32, groups: usize, more: &[&str]) -> Done {
    let spec = s.spec(&Shape::of(groups));
    let mut args = vec!["run", "--from-spec", &spec, "-c", "agents.certifier.provider=command"];
    args.extend(more);
    s.run(code, &args)
}

/// The certifier of the newest audit.
fn asked(s: &Sandbox) -> Value {
    s.events("audit.finished").pop().expect("an audit")["data"]["certifier"].clone()
}

fn packet(s: &Sandbox) -> Value {
    let path = s.session_dir().join("proof-packet.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("a proof")).expect("JSON")
}

fn not_verified(s: &Sandbox) -> String {
    packet(s)["not_verified"].to_string()
}

fn prompt(s: &Sandbox, n: u32) -> String {
    std::fs::read_to_string(s.home(&format!("judge.{n}"))).expect("it was asked")
}

/// A passing word about every feature.
const PASSED: &str =
    r#"answer '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"]}]}'"#;

#[test]
fn an_honest_judge_is_asked_once_and_its_words_are_kept() {
    let s = judged_by(PASSED);
    run(&s, 0, 1, &[]);
    let words = &asked(&s)["asked"];
    assert_eq!(words["features"][0]["word"], "passed", "{words}");
    assert_eq!((&words["struck"], &words["turns"]), (&json!(0), &json!(1)));
    assert_eq!(s.events("audit.started")[0]["data"]["mode"], "standard");
    let prompt = prompt(&s, 1);
    assert!(prompt.contains("the work of g1 is there") && !prompt.contains("{{"), "{prompt}");
    assert!(not_verified(&s).contains("Nobody attacked the product"), "{}", not_verified(&s));
}

#[test]
fn a_judge_that_lies_makes_nothing_passed() {
    let s = judged_by(PASSED);
    let scenario = json!({"v": 1, "id": "extra", "title": "The extra is there",
        "features": ["f-g1"], "severity": "critical",
        "check": {"id": "extra", "kind": "cli_probe", "argv": ["cat", "g1/never"], "exit": 0}});
    write(&s.project.join(".git/otto/scenarios/extra.json"), &scenario.to_string());
    run(&s, 1, 1, &[]);
    assert_eq!(asked(&s)["asked"]["features"][0]["word"], "passed");
    assert_eq!(packet(&s)["verdict"]["word"], "failed");
    s.run(1, &["land"]);
}

#[test]
fn a_word_without_evidence_is_none() {
    let s = judged_by(r#"answer '{"features": [{"id": "f-g1", "verdict": "passed"}]}'"#);
    run(&s, 0, 1, &[]);
    assert_eq!(asked(&s)["asked"]["features"][0]["word"], "nothing");
    assert!(not_verified(&s).contains("cites no evidence that stands"), "{}", not_verified(&s));
}

#[test]
fn a_forged_citation_is_struck_and_said() {
    let forged = format!("sha256:{}", "ab".repeat(32));
    let s = judged_by(&format!(
        r#"answer '{{"features": [{{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'", "{forged}"]}}]}}'"#
    ));
    run(&s, 0, 1, &[]);
    let words = &asked(&s)["asked"];
    assert_eq!(words["struck"], 1);
    assert_eq!(words["citations"], json!([{"cited": forged, "by": "feature f-g1"}]));
    assert_eq!(words["features"][0]["word"], "passed", "the other one stands");
    assert!(not_verified(&s).contains(&forged), "{}", not_verified(&s));
    let told = std::fs::read_to_string(s.session_dir().join("steps/audit.log")).expect("a log");
    assert!(told.contains("1 citation of the certifier struck"), "{told}");
}

#[test]
fn a_judge_that_finds_fault_without_showing_it_leaves_the_product_unverified() {
    let s = judged_by(
        r#"answer '{"features": [{"id": "f-g1", "verdict": "failed", "severity": "critical", "why": "I do not like it"}]}'"#,
    );
    run(&s, 1, 1, &[]);
    let packet = packet(&s);
    assert_eq!(packet["verdict"]["word"], "unverified");
    assert_eq!(packet["features"][0]["verdict"], "partial");
    assert!(packet["features"][0]["reasons"].to_string().contains("I do not like it"));
    assert_eq!(s.events("repair.started").len(), 0, "nothing was shown");
}

/// Asks for a probe of `g1/extra`, and makes a product failure of it.
const FINDS_EXTRA: &str = r#"
if told 'probe-extra: passed'; then answer '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"]}]}'; fi
if told 'probe-extra: failed'; then
    ls "$(grep -o '`[^`]*/evidence`' "$OTTO_PROMPT_FILE" | tr -d '`')" >"$HOME/evidence"
    answer '{"features": [{"id": "f-g1", "verdict": "failed", "why": "no extra"}],
        "findings": [{"kind": "product_failure", "severity": "critical", "text": "There is no extra",
                      "features": ["f-g1"], "probe": "probe-extra"}]}'
fi
answer '{"probes": [{"id": "probe-extra", "kind": "cli_probe", "argv": ["cat", "g1/extra"],
    "features": ["f-g1"], "stdout": {"equals": "extra"}}]}'"#;

#[test]
fn a_probe_that_a_judge_asks_for_is_run_shown_repaired_and_looked_at_again() {
    let s = judged_by(FINDS_EXTRA);
    run(&s, 0, 1, &[]);
    let asked: Vec<Value> = s
        .events("audit.check.finished")
        .iter()
        .filter(|e| !e["data"]["asked"].is_null())
        .map(|e| {
            let data = &e["data"];
            json!([
                data["round"],
                data["asked"]["by"],
                data["asked"]["again"],
                data["outcome"]["outcome"]
            ])
        })
        .collect();
    // Asked for, run again for the repair, and again in the full audit after it.
    let wanted = json!([
        [1, "certifier", null, "failed"],
        [2, "certifier", true, "passed"],
        [3, "certifier", true, "passed"]
    ]);
    assert_eq!(Value::from(asked), wanted);
    let finding = &s.events("audit.finding")[0]["data"]["finding"];
    assert_eq!(
        (&finding["kind"], &finding["check"]),
        (&json!("product_failure"), &json!("probe-extra"))
    );
    let evidence = std::fs::read_to_string(s.home("evidence")).expect("a listing");
    let shown = finding["evidence"][0].as_str().expect("a hash").trim_start_matches("sha256:");
    assert!(evidence.contains(&format!("{shown}.txt")), "{evidence}");
    assert_eq!(s.events("repair.started").len(), 1);
    assert_eq!(packet(&s)["verdict"]["word"], "passed");
    s.run(0, &["verify"]);
}

#[test]
fn a_probe_that_fails_on_anything_shows_nothing() {
    for (argv, why) in [
        (r#"["test", "1", "=", "2"]"#, "where there is no product"),
        (r#"["sh", "-c", "date +%N; test 1 = 2"]"#, "where there is no product"),
        (r#"["no-such-tool", "x"]"#, "could not be run"),
        (r#"["cat", "g1/work"]"#, "its probe passed"),
    ] {
        let s = judged_by(&format!(
            r#"told 'probe-x:' || answer '{{"probes": [{{"id": "probe-x", "kind": "cli_probe", "argv": {argv}, "exit": 0}}]}}'
answer '{{"features": [{{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"]}}],
    "findings": [{{"kind": "product_failure", "severity": "critical", "text": "It is broken",
                  "features": ["f-g1"], "probe": "probe-x"}}]}}'"#
        ));
        run(&s, 1, 1, &[]);
        let finding = &s.events("audit.finding")[0]["data"]["finding"];
        assert_eq!(finding["kind"], "opinion", "{argv}");
        assert!(finding["text"].as_str().expect("a text").contains(why), "{argv}: {finding}");
        assert_eq!(s.events("repair.started").len(), 0, "{argv}");
        assert_eq!(packet(&s)["verdict"]["word"], "unverified", "{argv}");
    }
}

#[test]
fn an_answer_that_is_wrong_is_handed_back_once_with_its_problems() {
    let s = judged_by(&format!(
        r#"told 'could not be taken' || answer '{{"features": [{{"id": "f-g2", "verdict": "passd"}}], "extra": 1}}'
{PASSED}"#
    ));
    run(&s, 0, 1, &[]);
    let prompt = prompt(&s, 2);
    for problem in ["features[0].verdict: \"passd\" is not one of", "'extra'"] {
        assert!(prompt.contains(problem), "{prompt}");
    }
    assert_eq!(asked(&s)["asked"]["turns"], 2);

    let s = judged_by(r#"answer '{"features": [{"id": "f-g9", "verdict": "passed"}]}'"#);
    run(&s, 0, 1, &[]);
    let why = asked(&s)["failed"]["why"].as_str().expect("it failed").to_owned();
    assert!(why.contains("outside the schema twice") && why.contains("f-g9"), "{why}");
    assert!(not_verified(&s).contains("No certifier looked"), "{}", not_verified(&s));
}

#[test]
fn probes_are_bounded() {
    let s = judged_by(
        r#"list=; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
    list="$list${list:+, }{\"id\": \"probe-$i\", \"kind\": \"cli_probe\", \"argv\": [\"cat\", \"g1/work\"], \"exit\": 0}"
done
answer "{\"probes\": [$list]}""#,
    );
    run(&s, 0, 1, &[]);
    let why = asked(&s)["failed"]["why"].as_str().expect("it failed").to_owned();
    assert!(why.contains("13 are asked for, and 12 may"), "{why}");
    assert_eq!(s.events("audit.check.finished").len(), 1, "none was run");

    // One more each time, for ever.
    let s = judged_by(
        r#"answer '{"probes": [{"id": "probe-'$OTTO_ATTEMPT'", "kind": "cli_probe", "argv": ["cat", "g1/work"], "exit": 0}]}'"#,
    );
    run(&s, 0, 1, &[]);
    let why = asked(&s)["failed"]["why"].as_str().expect("it failed").to_owned();
    assert!(why.contains("no more are run"), "{why}");
    assert_eq!(s.events("audit.check.finished").len(), 4, "the check, and three rounds");
}

#[test]
fn an_answer_with_which_the_product_was_changed_does_not_count() {
    for change in ["echo more >>g1/work", "echo x >new", "rm g1/work", "git init --quiet ."] {
        let s = judged_by(&format!("{change}\n{PASSED}"));
        run(&s, 0, 1, &[]);
        let why = asked(&s)["failed"]["why"].as_str().expect("it failed").to_owned();
        assert!(why.contains("it changed "), "{change}: {why}");
        s.run(0, &["verify"]);
    }
}

#[test]
fn the_mode_fast_asks_nobody() {
    let s = judged_by(r#"answer '{"features": []}'"#);
    run(&s, 0, 1, &["--audit-mode", "fast"]);
    assert_eq!(asked(&s), "not_asked");
    assert!(!s.home("judge.1").exists());
    assert!(not_verified(&s).contains("the mode of the audit was `fast`"), "{}", not_verified(&s));
    // By hand, deeper.
    s.run(0, &["audit", "--mode", "standard"]);
    assert!(asked(&s)["failed"]["why"].is_string());
    s.run(2, &["audit", "--mode", "deep"]);
}

/// Covers what the adversary of the mode `thorough` is asked for.
const COVERS: &str = r#"told 'You attack a product' || answer '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"]}]}'
told 'probe-empty:' || answer '{"probes": [{"id": "probe-empty", "kind": "cli_probe", "argv": ["sh", "tests/check.sh", ""], "exit": 1}]}'
rest='{"risk": "injection", "not_applicable": "no input"}, {"risk": "authorisation", "not_applicable": "one user"}, {"risk": "isolation", "not_applicable": "one user"}'
told "is not covered" || [ -n "${at_once:-}" ] || answer '{"coverage": ['"$rest"'], "findings": []}'
answer '{"coverage": ['"$rest"', {"risk": "bad_input", "probes": ["probe-empty"]}, {"risk": "concurrency", "not_applicable": "one process"}], "findings": []}'"#;

#[test]
fn a_thorough_audit_covers_every_risk_or_is_told_what_is_missing() {
    let s = judged_by(COVERS);
    run(&s, 0, 1, &["--audit-mode", "thorough"]);
    let done = s.events("audit.finished").pop().expect("an audit");
    let adversary = &done["data"]["adversary"]["asked"];
    assert_eq!(adversary["coverage"].as_array().map(Vec::len), Some(5), "{done}");
    assert_eq!(adversary["turns"], 3);
    let third = prompt(&s, 4);
    for risk in ["bad_input", "concurrency"] {
        assert!(third.contains(&format!("coverage: '{risk}' is not covered")), "{third}");
    }
    assert!(!not_verified(&s).contains("Nobody attacked the product ("), "{}", not_verified(&s));
    assert!(not_verified(&s).contains("by concurrency: one process"), "{}", not_verified(&s));
    let asked = s.events("audit.check.finished");
    assert!(asked.iter().any(|e| e["data"]["asked"]["by"] == "adversary"), "{asked:?}");

    let s = judged_by(&format!("told 'You attack' && answer '{{\"coverage\": []}}'\n{PASSED}"));
    run(&s, 1, 1, &["--audit-mode", "thorough"]);
    assert_eq!(packet(&s)["verdict"]["word"], "unverified");

    // Nobody can be asked: nothing is begun.
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(69, &["run", "--from-spec", &spec, "--audit-mode", "thorough"]);
    assert_eq!(s.events("audit.started").len(), 0);
}

#[test]
fn what_is_beyond_the_spec_is_found() {
    let s = Sandbox::project();
    let builder = r#"mkdir -p g1; echo "done g1" >g1/work
printf '#!/bin/sh\n' >g1/helper; chmod +x g1/helper
printf '\177ELF\002\001\001\000\000\000' >g1/blob
echo '{"dependencies": {"left-pad": "1", "asked-for": "1"}}' >g1/package.json"#;
    certifier(
        &s,
        builder,
        r#"told 'scope (important)' || exit 1
answer '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"]}],
    "findings": [{"kind": "scope", "severity": "important", "text": "It has a web interface",
                  "non_goal": "a web interface"}]}'"#,
    );
    let spec = s.spec(&Shape::of(1).with(|v| {
        v["non_goals"] = json!(["a web interface"]);
        v["structure"] = json!({"commands": ["vanish", "work"]});
        v["groups"][0]["tasks"] = json!(["Use the package asked-for."]);
    }));
    s.run(1, &["run", "--from-spec", &spec, "-c", "agents.certifier.provider=command"]);
    let found: Vec<(String, String, Value)> = s
        .events("audit.finding")
        .iter()
        .map(|e| {
            let f = &e["data"]["finding"];
            let text = |key: &str| f[key].as_str().expect("text").to_owned();
            (text("id"), text("text"), f["beyond"].clone())
        })
        .collect();
    let text = |id: &str| {
        let of = found.iter().find(|(found, _, _)| found == id);
        of.map_or_else(|| panic!("no {id}: {found:?}"), |(_, text, _)| text.clone())
    };
    let dependencies = text("scope-dependencies-g1/package.json");
    assert!(
        dependencies.contains("`left-pad`") && !dependencies.contains("`asked-for`"),
        "{dependencies}"
    );
    assert!(text("scope-programs").contains("`g1/blob`"));
    assert!(text("scope-executable-g1/helper").contains("does not name it"));
    let structure = text("scope-structure");
    assert!(structure.contains("`vanish`") && !structure.contains("`work`"), "{structure}");
    let ruled_out = found.last().expect("some");
    assert_eq!(ruled_out.2, json!({"ruled_out": {"non_goal": "a web interface"}}));
    let packet = packet(&s);
    assert_eq!(packet["verdict"]["word"], "partial", "a non-goal caps");
    assert_eq!(
        packet["verdict"]["reasons"]
            .as_array()
            .map(|r| { r.iter().filter(|r| r["kind"]["is"] == "lowered").count() }),
        Some(1),
        "what Otto sees by name advises"
    );
}

#[test]
fn a_kill_between_a_judges_answers_begins_the_audit_again() {
    let s = judged_by(&format!(
        r#"if told 'probe-x:' && [ -p "$HOME/hold" ]; then : >"$HOME/marks/second"; read -r go <"$HOME/hold"; fi
told 'probe-x:' || answer '{{"probes": [{{"id": "probe-x", "kind": "cli_probe", "argv": ["cat", "g1/work"], "exit": 0}}]}}'
{PASSED}"#
    ));
    s.gate("hold");
    let spec = s.spec(&Shape::of(1));
    let args = ["run", "--from-spec", &spec, "-c", "agents.certifier.provider=command"];
    let running = s.start(&args);
    s.mark("second");
    s.kill(running);
    std::fs::remove_file(s.home("hold")).expect("the gate");
    s.run(0, &["run", "--resume"]);
    let rounds = |kind: &str| -> Vec<u64> {
        s.events(kind).iter().map(|e| e["data"]["round"].as_u64().expect("a round")).collect()
    };
    assert_eq!((rounds("audit.started"), rounds("audit.finished")), (vec![1, 2], vec![2]));
    s.assert_landed_once(&["g1"]);
}

/// What builders say, in pieces: the script that looks for it must not find itself.
const WORDS: &str = "BUILDER-SAYS-7f3";

#[test]
fn a_judge_finds_no_word_of_a_builder_and_can_write_nothing() {
    for tier in working() {
        let s = Sandbox::project();
        let builder = format!(
            r#"{BUILDER}
word=BUILDER-SAYS; echo "$word-7f3: it is all done"
git -c user.name=b -c user.email=b@b commit --quiet --allow-empty -m "$word-7f3" || true
git -c user.name=b -c user.email=b@b stash list >/dev/null 2>&1 || true"#
        );
        let judge = r#"word=BUILDER-SAYS
{
    for place in {root} . .. "$HOME" /tmp /var/tmp; do
        grep -rlsI -- "$word-7f3" "$place" 2>/dev/null
    done
    git log --all 2>/dev/null
    find {root}/project {root}/cache -type f -not -path "$PWD/*" -not -path '*/beside/*' \
        -not -path '*/scratch/*' -not -path '*/certifier/*' 2>/dev/null
} >"$OTTO_OUTPUT.found" || true
cp "$OTTO_OUTPUT.found" "$HOME/found"
{ echo x >>g1/work; echo x >new; mkdir sub; rm g1/work; chmod 777 g1; echo x >.git; } 2>/dev/null || true
[ "$(cat g1/work 2>/dev/null)" = "done g1" ] || answer '{}'
evidence=$(grep -o '`[^`]*/evidence`' "$OTTO_PROMPT_FILE" | tr -d '`')
grep -q 'ok 1 - g1' "$evidence"/*.txt || exit 2
{ echo x >"$evidence/forged"; } 2>/dev/null && exit 3
answer '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["'$hash'"], "why": "'"$(tr '\n' ' ' <"$OTTO_OUTPUT.found")"'"}]}'"#;
        let root = s.at("").to_string_lossy().trim_end_matches('/').to_owned();
        certifier(&s, &builder, &judge.replace("{root}", &root));
        run(&s, 0, 1, &["-c", &format!("sandbox.tier={tier}")]);
        let words = asked(&s);
        if tier == "worktree" {
            // The control: the same judge, with nothing to stop it. What it did does not count.
            let found = std::fs::read_to_string(s.home("found")).expect("it looked");
            assert!(found.contains("build/g1/attempt-01/messages.jsonl"), "{found}");
            let why = words["failed"]["why"].as_str().expect("it failed");
            assert!(why.contains("it changed "), "{why}");
            continue;
        }
        assert_eq!(words["asked"]["features"][0]["word"], "passed", "{tier}: {words}");
        assert_eq!(words["asked"]["features"][0]["why"], Value::Null, "{tier}: what it found");
        // They were said, and are kept.
        let log = s.session_dir().join("build/g1/attempt-01/messages.jsonl");
        assert!(std::fs::read_to_string(log).expect("a transcript").contains(WORDS), "{tier}");
        let told =
            std::fs::read_to_string(s.session_dir().join("audit/round-01/certifier/prompt.md"));
        assert!(!told.expect("a prompt").contains(WORDS), "{tier}");
    }
}
