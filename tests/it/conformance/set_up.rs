//! What the agent's program gets: its folders, its environment, the prompt, and nothing else; and
//! what is kept between two turns of one conversation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::adapter::{Adapter, Reports, Scene, Stops, changed};
use super::behaviour::Behaviour;
use super::captures::read_in_all;
use super::stage::play_in;
use super::{claude, codex};
use crate::harness::{Sandbox, write};

const REAL: [&Adapter; 2] = [&claude::ADAPTER, &codex::ADAPTER];

fn works(adapter: &Adapter) -> Scene {
    (adapter.scene)(Behaviour::Works).expect("it works")
}

fn env_of(s: &Sandbox) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(s.at("env")).expect("it was started");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn args_of(s: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(s.at("args")).expect("it was started");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn folders_are_its_own_and_the_prompt_is_on_standard_input() {
    for (adapter, config) in REAL.into_iter().zip(["CLAUDE_CONFIG_DIR", "CODEX_HOME"]) {
        let s = Sandbox::new();
        play_in(&s, adapter, &works(adapter));
        let env = env_of(&s);
        let state = s.at("state").to_string_lossy().into_owned();
        assert_eq!(env[config], state);
        for name in ["HOME", "TMPDIR"] {
            assert!(env[name].starts_with(&state), "{name}={}", env[name]);
        }
        assert_eq!(std::fs::read_to_string(s.at("stdin")).expect("read"), "Do it.\n");
        let cwd = std::fs::read_to_string(s.at("cwd")).expect("read");
        assert_eq!(cwd.trim_end(), s.project.to_string_lossy());
        assert!(!args_of(&s).iter().any(|arg| arg.contains("Do it")), "no prompt is an argument");
    }
}

#[test]
fn a_long_prompt_is_given_whole() {
    for adapter in REAL {
        let s = Sandbox::new();
        let long = "word ".repeat(100_000);
        let scene = works(adapter).request(json!({"prompt_file": s.at("long.md")}));
        write(&s.at("long.md"), &long);
        play_in(&s, adapter, &scene);
        assert_eq!(std::fs::read_to_string(s.at("stdin")).expect("read"), long);
    }
}

#[test]
fn the_environment_is_a_list() {
    let s = Sandbox::new();
    write(&s.at("turn/prompt.md"), "x");
    for (adapter, key) in REAL.into_iter().zip(["ANTHROPIC_API_KEY", "CODEX_API_KEY"]) {
        let scene = works(adapter).request(json!({"secrets": ["NAMED"]}));
        // The sandbox clears the environment, so the shell sets these.
        let turn = with_env(&s, adapter, &scene, &[(key, "k"), ("NAMED", "n"), ("OTHER", "o")]);
        assert_eq!(turn, "end");
        let env = env_of(&s);
        assert_eq!((env[key].as_str(), env["NAMED"].as_str()), ("k", "n"));
        assert!(!env.contains_key("OTHER"), "{env:?}");
    }
}

/// Plays a scene with further variables around the provider; the word of `done`.
fn with_env(s: &Sandbox, adapter: &Adapter, scene: &Scene, env: &[(&str, &str)]) -> String {
    play_in(s, adapter, scene);
    let mut request = json!({"v": 1, "role": "build", "session": "20260101-000000-abcd",
        "attempt": 1, "prompt_file": s.at("turn/prompt.md"), "workdir": s.project,
        "max_turns": 10, "deadline": "2126-01-01T00:00:00Z",
        "output_file": s.at("turn/output.json"), "sandbox": {"tier": "worktree"},
        "settings": {"program": s.at("agent")}});
    for (key, value) in scene.request.as_object().expect("an object") {
        request[key] = value.clone();
    }
    write(&s.at("request"), &format!("{request}\n"));
    let set: String = env.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let line = format!("{set} otto {} < ../request", adapter.program);
    let said = s.shell(0, &line).stdout;
    let last: Value = serde_json::from_str(said.lines().last().expect("done")).expect("JSON");
    last["reason"].as_str().expect("a word").to_owned()
}

#[test]
fn without_a_folder_for_its_state_it_has_one_beside_the_answer() {
    for adapter in REAL {
        let s = Sandbox::new();
        play_in(&s, adapter, &works(adapter).request(json!({"state_dir": null})));
        let home = &env_of(&s)["HOME"];
        assert!(home.starts_with(&*s.at("turn").to_string_lossy()), "{home}");
    }
}

#[test]
fn a_log_in_is_linked_and_never_copied() {
    for (adapter, own, file) in
        [(REAL[0], ".claude", ".credentials.json"), (REAL[1], ".codex", "auth.json")]
    {
        let s = Sandbox::new();
        write(&s.home(own).join(file), "{}");
        play_in(&s, adapter, &works(adapter));
        let link = s.at("state").join(file);
        assert_eq!(std::fs::read_link(&link).expect("a link"), s.home(own).join(file));
        // One that a sandbox has bound there is left as it is.
        let s = Sandbox::new();
        write(&s.home(own).join(file), "{}");
        write(&s.at("state").join(file), "bound");
        play_in(&s, adapter, &works(adapter));
        assert_eq!(std::fs::read_to_string(s.at("state").join(file)).expect("read"), "bound");
    }
}

#[test]
fn caps_models_and_conversations_reach_the_program() {
    let s = Sandbox::new();
    let request = json!({"model": "large", "effort": "high", "resume": "abc", "fork": true});
    play_in(&s, REAL[0], &works(REAL[0]).request(request.clone()));
    let line = args_of(&s).join(" ");
    for words in [
        "-p --output-format stream-json --verbose",
        "--max-turns 10",
        "--max-budget-usd 1.5",
        "--model large",
        "--effort high",
        "--resume abc --fork-session",
        "--permission-mode acceptEdits --permission-prompts none --allowedTools Bash,",
    ] {
        assert!(line.contains(words), "{words}: {line}");
    }
    play_in(&s, REAL[0], &works(REAL[0]).request(json!({"sandbox": {"tier": "bwrap"}})));
    let line = args_of(&s).join(" ");
    assert!(line.contains("--permission-mode bypassPermissions"), "{line}");
    play_in(&s, REAL[1], &works(REAL[1]).request(request));
    let line = args_of(&s).join(" ");
    assert!(line.starts_with("exec fork abc --json") && line.ends_with(" -"), "{line}");
    assert!(
        line.contains("-m large") && line.contains("model_reasoning_effort=\"high\""),
        "{line}"
    );
}

#[test]
fn a_conversation_that_goes_on_costs_the_difference() {
    // Codex counts on from turn to turn; so does Claude Code, and older versions say no more.
    let s = Sandbox::new();
    let thread = "01a1f87e-8a4f-7891-bbb5-28e22318cbef";
    let input = |more: &str| {
        let scene = Scene::prints(changed("codex_x3", &[("2400", more)]));
        let first = more == "2400";
        let scene = if first { scene } else { scene.request(json!({"resume": thread})) };
        let turn = play_in(&s, REAL[1], &scene);
        turn.all("usage").iter().map(|e| read_in_all(e)).collect::<Vec<_>>()
    };
    assert_eq!(input("2400"), [2400]);
    assert_eq!(input("3600"), [1200]);
    let cost = |resume: Option<&str>, total: &str| {
        let prints = changed("claude_old197", &[("0.0065249999999999996", total)]);
        let scene = Scene::prints(prints).request(json!({"resume": resume}));
        let turn = play_in(&s, REAL[0], &scene);
        turn.all("cost").iter().map(|e| e["usd"].clone()).collect::<Vec<_>>()
    };
    let session = "07cfa49b-3ce7-4f39-b616-7ada22063021";
    assert_eq!(cost(None, "0.25"), [json!(0.25)]);
    assert_eq!(cost(Some(session), "1.0"), [json!(0.75)]);
    // A conversation of which nothing is known has no figure, rather than a wrong one.
    assert!(cost(Some("another"), "1.0").is_empty());
}

#[test]
fn a_signal_is_a_stop_too() {
    for adapter in REAL {
        let scene = (adapter.scene)(Behaviour::IsInterrupted).expect("it can be");
        let signalled =
            Adapter { stops: Stops::Signal, reports: Reports { ..adapter.reports }, ..*adapter };
        let turn = play_in(&Sandbox::new(), &signalled, &scene);
        assert_eq!((turn.reason(), turn.class()), ("interrupted", Some("interrupted")), "{turn}");
        assert_eq!(turn.all("usage").len(), usize::from(adapter.reports.cost), "{turn}");
        assert!(!turn.left_behind);
    }
}

#[test]
fn a_setting_that_nobody_knows_is_refused_with_the_nearest() {
    for adapter in REAL {
        let s = Sandbox::new();
        let settings = json!({"settings": {"progam": "x"}});
        let turn = play_in(&s, adapter, &works(adapter).request(settings));
        assert_eq!(turn.class(), Some("bad_request"), "{turn}");
        assert!(turn.message().contains("`program`"), "{turn}");
    }
}

#[test]
fn every_provider_describes_itself() {
    let s = Sandbox::new();
    s.script(&s.at("agent"), "#!/bin/sh\necho 'fake 9.8.7 (Fake)'\n");
    let agent = s.at("agent");
    let describe = |name: &str, settings: Value, before: &str| -> Value {
        write(&s.at("settings"), &format!("{settings}\n"));
        let line = format!("{before} otto provider-{name} --describe < ../settings");
        serde_json::from_str(&s.shell(0, &line).stdout).expect("JSON")
    };
    for (name, key) in [("claude", "ANTHROPIC_API_KEY"), ("codex", "CODEX_API_KEY")] {
        let settings = json!({"program": agent, "base_url": "http://127.0.0.1:9/v1"});
        let said = describe(name, settings.clone(), "");
        assert_eq!((&said["version"], &said["program"]), (&json!("9.8.7"), &json!(agent)));
        assert_eq!(said["login"]["known"], json!(false), "{said}");
        assert_eq!(said["needs"]["hosts"], json!(["127.0.0.1:9"]));
        assert!(said["needs"]["env"].to_string().contains(key), "{said}");
        assert_eq!((&said["can"]["resume"], &said["can"]["fork"]), (&json!(true), &json!(true)));
        let said = describe(name, settings, &format!("{key}=k"));
        assert_eq!(said["login"], json!({"known": true, "how": format!("by {key}")}));
        let said = describe(name, json!({"program": "/no/such/program"}), "");
        assert!(said["missing"].to_string().contains("/no/such/program"), "{said}");
    }
    let said = describe("command", json!({"argv": [agent], "env": ["A"]}), "");
    assert_eq!(said["needs"], json!({"read": [agent], "login": [], "env": ["A"], "hosts": []}));
    assert!(!describe("command", json!({}), "")["missing"].is_null());
    let said = describe("replay", json!({"dir": s.at("nowhere")}), "");
    assert!(said["missing"].to_string().contains("nowhere"), "{said}");
}

#[test]
fn what_npm_installs_is_called_without_its_wrapper() {
    for (adapter, wrapper, native) in [
        (
            REAL[0],
            "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs",
            "node_modules/@anthropic-ai/claude-code-linux-x64/claude",
        ),
        (
            REAL[1],
            "node_modules/@openai/codex/bin/codex.js",
            "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
        ),
    ] {
        let s = Sandbox::new();
        let link = s.at("node_modules/.bin/agent");
        s.script(&s.at(wrapper), "#!/bin/sh\nexit 66\n");
        std::fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(s.at(wrapper), &link).expect("a link");
        let request = json!({"settings": {"program": link}});
        let scene = works(adapter).request(request);
        let turn = play_in(&s, adapter, &scene);
        assert!(turn.message().contains("exit 66"), "only the wrapper is there: {turn}");
        let prints = s.at("prints").to_string_lossy().into_owned();
        s.script(&s.at(native), &format!("#!/bin/sh\ncat '{prints}'\n"));
        let turn = play_in(&s, adapter, &scene);
        assert_eq!(turn.reason(), "end", "{turn}");
    }
}
