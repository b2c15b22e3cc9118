//! The agents alone: that the fake model is one that they understand, before anything of Otto's is
//! judged with it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Agents, agents, model};
use crate::harness::{Done, Sandbox};
use crate::model::{Server, script};

pub fn claude(s: &Sandbox, agents: &Agents, model: &Server, args: &[&str]) -> Command {
    let mut command = s.prepared(agents.claude.as_os_str());
    command.env("ANTHROPIC_BASE_URL", model.url()).env("ANTHROPIC_API_KEY", "dummy");
    command.env("CLAUDE_CONFIG_DIR", s.at("home/claude")).env("CLAUDE_CODE_TMPDIR", s.at("tmp"));
    for quiet in ["DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "IS_SANDBOX"] {
        command.env(quiet, "1");
    }
    command.env("CLAUDE_CODE_MAX_RETRIES", "1");
    command.args(["-p", "--output-format", "stream-json", "--verbose"]);
    command.arg("--dangerously-skip-permissions").args(args);
    command
}

pub fn codex(s: &Sandbox, agents: &Agents, model: &Server, args: &[&str]) -> Command {
    let config = format!(
        "model = \"fake-model\"\nmodel_provider = \"fake\"\ncheck_for_update_on_startup = false\n\
         [analytics]\nenabled = false\n\
         [features]\nplugins = false\nunbounded_connection_retries = false\n\
         [model_providers.fake]\nname = \"Fake\"\nbase_url = \"{}/v1\"\nwire_api = \"responses\"\n\
         request_max_retries = 1\nstream_max_retries = 1\n",
        model.url()
    );
    crate::harness::write(&s.home(".codex/config.toml"), &config);
    let mut command = s.prepared(agents.codex.as_os_str());
    command.args(["exec", "--json", "--skip-git-repo-check"]);
    command.arg("--dangerously-bypass-approvals-and-sandbox").args(args);
    command
}

/// Its lines, and that it ended so.
fn lines(done: &Done, code: i32) -> Vec<Value> {
    assert_eq!(done.code, code, "{}\n{}", done.stdout, done.stderr);
    let lines = done.stdout.lines();
    lines.map(|l| serde_json::from_str(l).unwrap_or_else(|_| panic!("not JSON: {l}"))).collect()
}

/// A file is written and edited and a command is run, in the folder of the project.
fn work() -> String {
    script::embed(&json!([
        {"calls": [{"write": {"path": "a.txt", "content": "one\ntwo\n"}}]},
        {"calls": [{"edit": {"path": "a.txt", "old": "two", "new": "three"}}]},
        {"calls": [{"sh": {"command": "cat a.txt >b.txt; echo seen"}}]},
        {"text": "all done", "usage": {"fresh": 40, "cached": 30, "output": 20, "reasoning": 10}}]))
}

fn assert_worked(s: &Sandbox, model: &Server) {
    assert_eq!(s.read("a.txt"), "one\nthree\n");
    assert_eq!(s.read("b.txt"), "one\nthree\n");
    let requests: Vec<Value> =
        model.requests().into_iter().filter(|r| r["method"] == "POST").collect();
    let steps: Vec<&Value> = requests.iter().map(|r| &r["step"]).collect();
    assert_eq!(steps, [0, 1, 2, 3], "{requests:#?}");
    assert!(requests[3]["results"].to_string().contains("seen"), "{}", requests[3]);
}

#[test]
fn claude_works_with_the_model() {
    let Some(agents) = agents() else { return };
    let (s, model) = (Sandbox::new(), model());
    let done = s.finish(&mut claude(&s, &agents, &model, &[&work()]));
    let lines = lines(&done, 0);
    assert_worked(&s, &model);
    let result = lines.iter().find(|l| l["type"] == "result").expect("a result");
    assert_eq!(result["result"], "all done");
    assert_eq!(result["usage"]["input_tokens"], 340);
    assert_eq!(result["usage"]["cache_read_input_tokens"], 30);
    assert_eq!(result["usage"]["output_tokens"], 50);
    assert_eq!(s.leftovers(), [0; 0]);
}

#[test]
fn codex_works_with_the_model() {
    let Some(agents) = agents() else { return };
    let (s, model) = (Sandbox::new(), model());
    let done = s.finish(&mut codex(&s, &agents, &model, &[&work()]));
    let lines = lines(&done, 0);
    assert_worked(&s, &model);
    let message = lines.iter().rev().find(|l| l["item"]["type"] == "agent_message");
    assert_eq!(message.expect("a message")["item"]["text"], "all done");
    let usage = &lines.last().expect("a line")["usage"];
    assert_eq!(usage["input_tokens"], 370);
    assert_eq!(usage["cached_input_tokens"], 30);
    assert_eq!(
        (&usage["output_tokens"], &usage["reasoning_output_tokens"]),
        (&json!(50), &json!(10))
    );
    assert_eq!(s.leftovers(), [0; 0]);
}

#[test]
fn a_cut_stream_is_asked_again_by_both() {
    let Some(agents) = agents() else { return };
    let prompt = script::embed(&json!([{"text": "whole", "fail": [{"how": "cut", "times": 1}]}]));
    for program in [claude, codex] {
        let (s, model) = (Sandbox::new(), model());
        let done = s.finish(&mut program(&s, &agents, &model, &[&prompt]));
        lines(&done, 0);
        let posts: Vec<Value> =
            model.requests().into_iter().filter(|r| r["method"] == "POST").collect();
        assert_eq!(posts[0]["answer"], "cut");
        assert_eq!(posts.last().expect("another")["answer"], "step", "{posts:#?}");
        assert!(done.stdout.contains("whole"), "{}", done.stdout);
    }
}

/// With only loopback to talk to, nothing of a test can reach a real model.
#[test]
fn nothing_but_loopback_can_be_reached() {
    if agents().is_none() || std::env::var_os("OTTO_AGENTS_NETWORK").is_none_or(|n| n != "loopback")
    {
        return;
    }
    let text = std::fs::read_to_string(Path::new("/proc/net/dev")).expect("the devices");
    let names: Vec<&str> =
        text.lines().filter_map(|l| l.split_once(':')).map(|(n, _)| n.trim()).collect();
    assert_eq!(names, ["lo"]);
}
