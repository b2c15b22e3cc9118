//! The fake model server itself: what the real agents rely on in `agents`, said in plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::until;
use crate::model::{Options, Server, Source, script};

/// Status, head and body.
struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The data of every event.
    fn events(&self) -> Vec<Value> {
        let lines = self.body.lines().filter_map(|l| l.strip_prefix("data: "));
        lines.map(|l| serde_json::from_str(l).expect("JSON")).collect()
    }
}

fn open(server: &Server, path: &str, body: &Value) -> TcpStream {
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).expect("it listens");
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nX-Api-Key: dummy\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    stream
}

fn read(mut stream: TcpStream) -> Option<Answer> {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1).and_then(|c| c.parse().ok()).expect("a status line");
    Some(Answer { code, head: head.to_owned(), body: body.to_owned() })
}

const MESSAGES: &str = "/v1/messages?beta=true";
const RESPONSES: &str = "/v1/responses";

fn ask(server: &Server, path: &str, body: &Value) -> Answer {
    read(open(server, path, body)).expect("an answer")
}

fn start(source: Source) -> Server {
    Server::start(source, Options::default()).expect("a port")
}

fn messages(said: &[(&str, &str)]) -> Value {
    let message = |(role, text): &(&str, &str)| json!({"role": role, "content": text});
    json!({"model": "m", "stream": true, "messages": said.iter().map(message).collect::<Value>(),
        "tools": [{"name": "StructuredOutput"}], "system": [
            {"type": "text", "text": "Primary working directory: /work here\nPlatform: x"}]})
}

fn input(said: &[(&str, &str)]) -> Value {
    let item = |(role, text): &(&str, &str)| json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]});
    json!({"model": "m", "stream": true, "input": said.iter().map(item).collect::<Value>()})
}

#[test]
fn a_script_in_the_prompt_is_followed_turn_by_turn_by_both_vendors() {
    let server = start(Source::prompts());
    let prompt = script::embed(&json!([
        {"calls": [{"write": {"path": "a.txt", "content": "one\ntwo\n"}}]},
        {"text": "done", "usage": {"fresh": 7, "cached": 5, "output": 3, "reasoning": 1}}]));
    let first = ask(&server, MESSAGES, &messages(&[("user", &prompt)])).events();
    assert_eq!(first[1]["content_block"]["name"], "Write");
    let input_json: Value =
        serde_json::from_str(first[2]["delta"]["partial_json"].as_str().expect("text"))
            .expect("JSON");
    assert_eq!(input_json, json!({"file_path": "/work here/a.txt", "content": "one\ntwo\n"}));
    assert_eq!(first[4]["delta"]["stop_reason"], "tool_use");
    let second = ask(&server, MESSAGES, &messages(&[("user", &prompt), ("assistant", "…")]));
    let events = second.events();
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 7);
    assert_eq!(events[0]["message"]["usage"]["cache_read_input_tokens"], 5);
    assert_eq!(events[2]["delta"]["text"], "done");
    assert_eq!(events[4]["usage"]["output_tokens"], 3);
    assert!(second.body.starts_with("event: message_start\n"), "{}", second.body);

    let first = ask(&server, RESPONSES, &input(&[("developer", "x"), ("user", &prompt)])).events();
    let call = &first[1]["item"];
    assert_eq!(call["name"], "exec_command");
    let arguments = call["arguments"].as_str().expect("text");
    assert!(arguments.contains("*** Add File: a.txt\\n+one\\n+two\\n"), "{arguments}");
    let second = ask(&server, RESPONSES, &input(&[("user", &prompt), ("assistant", "…")])).events();
    assert_eq!(second[1]["item"]["content"][0]["text"], "done");
    let usage = &second[2]["response"]["usage"];
    assert_eq!(usage["input_tokens"], 12, "the cached ones are a part of it");
    assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 1);

    let steps: Vec<_> = server.requests().iter().map(|r| r["step"].clone()).collect();
    assert_eq!(steps, [0, 1, 0, 1]);
    assert_eq!(server.requests()[0]["key"], "x-api-key");
    // After the end of a script there is nothing to say.
    let late =
        messages(&[("user", &prompt), ("assistant", "…"), ("user", "x"), ("assistant", "…")]);
    let late = ask(&server, MESSAGES, &late);
    assert_eq!((late.code, late.body.contains("no step 2")), (400, true), "{}", late.body);
}

#[test]
fn the_newest_script_counts_and_a_prompt_without_one_is_an_error() {
    let server = start(Source::prompts());
    let old = script::embed(&json!([{"text": "old"}]));
    let new = script::embed(&json!([{"text": "new"}]));
    let said = [("user", old.as_str()), ("assistant", "old"), ("user", &new), ("user", "go on")];
    assert_eq!(ask(&server, MESSAGES, &messages(&said)).events()[2]["delta"]["text"], "new");
    for (path, body) in
        [(MESSAGES, messages(&[("user", "hello")])), (RESPONSES, input(&[("user", "hello")]))]
    {
        let answer = ask(&server, path, &body);
        assert_eq!(answer.code, 400);
        assert!(answer.body.contains("has a script"), "{}", answer.body);
    }
    assert_eq!(ask(&server, "/v1/other", &json!({})).code, 404);
}

#[test]
fn rules_answer_prompts_that_somebody_else_wrote() {
    let rules = json!({"rules": [
        {"when": ["(?m)^You judge", "(?P<hash>sha256:[0-9a-f]+)"],
         "steps": [{"answer": {"evidence": ["${hash}"]}}]},
        {"when": ["part: (?P<part>\\w+)"], "unless": ["wrong before"],
         "steps": [{"calls": [{"sh": {"command": "echo bad >${part}"}}]}]},
        {"when": ["part: (?P<part>\\w+)"], "steps": [{"text": "mended ${part}"}]}]});
    let server = start(Source::rules(&rules).expect("rules"));
    let judge = ask(&server, MESSAGES, &messages(&[("user", "You judge.\nsha256:00ff and more")]));
    let events = judge.events();
    assert_eq!(events[1]["content_block"]["name"], "StructuredOutput");
    assert_eq!(events[2]["delta"]["partial_json"], r#"{"evidence":["sha256:00ff"]}"#);
    let build = ask(&server, RESPONSES, &input(&[("user", "part: login")])).events();
    assert!(build[1]["item"]["arguments"].as_str().expect("text").contains("echo bad >login"));
    let again = [("user", "part: login"), ("assistant", "…"), ("user", "part: login wrong before")];
    let again = ask(&server, RESPONSES, &input(&again)).events();
    assert_eq!(again[1]["item"]["content"][0]["text"], "mended login");
    // Mistakes in a script are found before it is used.
    let bad = json!({"rules": [{"when": ["x"], "steps": [{"txt": "x"}]}]});
    assert!(Source::rules(&bad).expect_err("no such key").contains("txt"));
}

#[test]
fn failures_happen_as_often_as_the_script_says() {
    let server = start(Source::prompts());
    let status = json!({"code": 429, "retry_after": 3});
    let prompt = script::embed(&json!([{"text": "at last", "fail": [
        {"how": {"status": status}, "times": 2}, {"how": {"status": {"code": 500}}, "times": 1},
        {"how": "cut", "times": 1}, {"how": "close", "times": 1},
        {"how": {"event": {"kind": "overloaded_error", "message": "busy"}}, "times": 1}]}]));
    let body = messages(&[("user", &prompt)]);
    for _ in 0..2 {
        let limited = ask(&server, MESSAGES, &body);
        assert_eq!(limited.code, 429);
        assert!(limited.head.contains("\r\nretry-after: 3\r\n"), "{}", limited.head);
        assert!(limited.body.contains("rate_limit_error"), "{}", limited.body);
    }
    assert_eq!(ask(&server, MESSAGES, &body).code, 500);
    let cut = ask(&server, MESSAGES, &body);
    let length: usize = cut
        .head
        .split("content-length: ")
        .nth(1)
        .expect("a length")
        .lines()
        .next()
        .expect("a line")
        .parse()
        .expect("a number");
    assert!(cut.body.len() < length && !cut.body.contains("message_stop"), "{}", cut.body);
    assert!(read(open(&server, MESSAGES, &body)).is_none(), "closed without a word");
    assert!(ask(&server, MESSAGES, &body).body.contains("event: error\n"));
    assert_eq!(ask(&server, MESSAGES, &body).events()[2]["delta"]["text"], "at last");
    // Another message has counts of its own, and without `times` it never ends.
    let never = script::embed(&json!([{"fail": [{"how": {"status": {"code": 529}}}]}]));
    for _ in 0..3 {
        assert_eq!(ask(&server, MESSAGES, &messages(&[("user", &never)])).code, 529);
    }
}

#[test]
fn an_answer_waits_for_its_marker_and_comes_in_pieces() {
    let server = start(Source::prompts());
    let dir = tempfile::tempdir().expect("a folder");
    let (mark, go) = (dir.path().join("asked"), dir.path().join("go"));
    let prompt = script::embed(
        &json!([{"text": "now ", "pad": 100_000, "pieces": 50, "mark": mark, "until": go}]),
    );
    let waits = open(&server, RESPONSES, &input(&[("user", &prompt)]));
    until("the request", || mark.exists().then_some(()));
    assert!(server.requests().is_empty(), "it is not answered yet");
    // One that goes away is written down as that.
    drop(open(&server, RESPONSES, &input(&[("user", &prompt)])));
    until("the end of the second", || {
        server.requests().iter().find(|r| r["answer"] == "gone").cloned()
    });
    std::fs::write(&go, "").expect("written");
    let events = read(waits).expect("an answer").events();
    let text = events[1]["item"]["content"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("now xxx") && text.len() == 100_004);
}

#[test]
fn it_ends_with_its_owner_and_answers_only_so_much() {
    let server = Server::start(Source::prompts(), Options { most: 1, ..Options::default() });
    let server = server.expect("a port");
    let prompt = script::embed(&json!([{"text": "once"}]));
    let body = messages(&[("user", &prompt)]);
    assert_eq!(ask(&server, MESSAGES, &body).code, 200);
    assert_eq!(ask(&server, MESSAGES, &body).code, 503);
    let address = server.url().trim_start_matches("http://").to_owned();
    drop(server);
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
}
