//! Shell scripts as agents.

use serde_json::json;

use super::run;
use crate::agent::{ErrorClass, Event};
use crate::base::Exit;
use crate::provider::testing::{Bench, Turn};

fn play(bench: &Bench) -> Turn {
    bench.run(|input, output| run(input, output))
}

#[test]
fn it_works_in_the_worktree_with_the_prompt_on_standard_input() {
    let bench = Bench::with_agent("build", "cat > got.txt; echo \"read $(wc -l < got.txt)\"");
    let turn = play(&bench);
    assert_eq!(bench.read("work/got.txt"), "Do it.\nThank you.\n");
    assert_eq!(turn.texts(), ["read 2"]);
    assert_eq!((turn.exit, turn.reason(), turn.error()), (Exit::YES, "end", None));
    assert!(matches!(turn.events[0], Event::Started { .. }));
}

#[test]
fn an_agent_that_reads_nothing_is_fine() {
    let bench = Bench::with_agent("build", "exec <&-; echo done");
    bench.write("turn/prompt.md", "x".repeat(4 << 20));
    assert_eq!(play(&bench).reason(), "end");
}

#[test]
fn it_knows_who_it_works_for_and_no_more() {
    let script = r#"for v in ROLE SESSION GROUP ATTEMPT PROMPT_FILE SCHEMA_FILE OUTPUT; do
        eval "echo \"$v=\${OTTO_$v-unset}\""
    done
    env | grep -c CARGO_MANIFEST"#;
    let mut bench = Bench::with_agent("fix", script);
    bench.request["group"] = json!("ledger");
    bench.request["attempt"] = json!(3);
    bench.request["schema_file"] = json!("/schema.json");
    let turn = play(&bench);
    let prompt = format!("PROMPT_FILE={}", bench.path("turn/prompt.md").display());
    let output = format!("OUTPUT={}", bench.path("turn/output.json").display());
    assert_eq!(
        turn.texts(),
        [
            "ROLE=fix",
            "SESSION=20261120-101112-ab2z",
            "GROUP=ledger",
            "ATTEMPT=3",
            &prompt,
            "SCHEMA_FILE=/schema.json",
            &output,
            "0",
        ]
    );
}

#[test]
fn the_answer_is_the_file_even_if_something_is_printed() {
    let bench = Bench::with_agent(
        "spec",
        "echo '{\"from\":\"stdout\"}'; echo '{\"from\":\"file\"}' > \"$OTTO_OUTPUT\"",
    );
    assert_eq!(play(&bench).structured(), Some(&json!({"from": "file"})));
}

#[test]
fn the_answer_is_the_last_object_printed() {
    let script = "echo 'thinking about {braces}'; echo '{\"draft\":1}'\nprintf '{\\n \"a\": \"} {\",\\n \"b\": [{}]\\n}\\n'; echo bye";
    let turn = play(&Bench::with_agent("certifier", script));
    assert_eq!(turn.structured(), Some(&json!({"a": "} {", "b": [{}]})));
    assert_eq!(turn.texts().last(), Some(&"bye"));
}

#[test]
fn roles_that_build_have_no_answer() {
    assert_eq!(play(&Bench::with_agent("build", "echo '{\"a\":1}'")).structured(), None);
}

#[test]
fn no_answer_is_for_the_caller_to_judge() {
    let turn = play(&Bench::with_agent("task", "echo 'I would rather not.'"));
    assert_eq!((turn.reason(), turn.structured(), turn.error()), ("end", None, None));
}

#[test]
fn a_file_that_is_no_json_is_refused() {
    for script in ["echo 'not { json' > \"$OTTO_OUTPUT\"", ": > \"$OTTO_OUTPUT\""] {
        let bench = Bench::with_agent("spec", &format!("{script}; echo '{{\"a\":1}}'"));
        play(&bench).refused(ErrorClass::BadRequest, "output.json' is not JSON");
    }
    let bench = Bench::with_agent("spec", "mkfifo \"$OTTO_OUTPUT\"");
    play(&bench).refused(ErrorClass::BadRequest, "is not a file");
}

#[test]
fn an_exit_code_is_a_hint() {
    let script = "echo busy; echo 'first' >&2; echo 'out of tea' >&2; exit 7";
    let told = "the agent ended with exit 7: out of tea";

    let turn = play(&Bench::with_agent("build", script));
    assert_eq!((turn.reason(), turn.error()), ("exit 7", None));
    assert!(turn.events.contains(&Event::Raw { data: told.into() }));

    let turn = play(&Bench::with_agent("spec", script));
    assert_eq!((turn.reason(), turn.error()), ("exit 7", Some((ErrorClass::Unknown, told))));
    assert_eq!(turn.exit, Exit::NO);

    let turn = play(&Bench::with_agent("spec", "echo '{\"a\":1}'; exit 7"));
    assert_eq!((turn.error(), turn.structured()), (None, Some(&json!({"a": 1}))));
}

#[test]
fn its_standard_error_is_kept() {
    let bench = Bench::with_agent("build", "echo careful >&2");
    play(&bench);
    assert_eq!(bench.read("turn/agent-stderr.log"), "careful\n");
}

#[test]
fn death_by_a_signal_is_told() {
    let turn = play(&Bench::with_agent("build", "kill -9 $$"));
    assert_eq!(turn.reason(), "signal 9");
    let turn = play(&Bench::with_agent("spec", "kill -9 $$"));
    assert_eq!(turn.error(), Some((ErrorClass::Unknown, "the agent was killed by signal 9")));
}

#[test]
fn what_it_printed_before_its_deadline_is_kept() {
    for (role, error) in [("build", None), ("spec", Some(ErrorClass::Interrupted))] {
        let mut bench = Bench::with_agent(role, "echo started; exec sleep 300");
        let deadline = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500);
        bench.request["deadline"] = json!(deadline.to_string());
        let turn = play(&bench);
        assert_eq!((turn.reason(), turn.texts()), ("timed out", vec!["started"]));
        assert_eq!(turn.error().map(|(class, _)| class), error);
    }
}

#[test]
fn without_a_program_it_says_what_to_write() {
    let example = "providers: {command: {argv: [\"./agent.sh\"]}}";
    for settings in [
        json!({}),
        json!(null),
        json!({"argv": null}),
        json!({"argv": []}),
        json!({"argv": "agent"}),
        json!({"argv": [""]}),
        json!({"argv": ["a", 1]}),
    ] {
        let turn = play(&Bench::new("build", settings));
        turn.refused(ErrorClass::BadRequest, example);
        assert_eq!(turn.exit, Exit::INPUT);
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let refused = |argv: &str, dir: Option<&str>, words: &str| {
        let turn = play(&Bench::new("build", json!({"argv": [argv], "dir": dir})));
        turn.refused(ErrorClass::MissingTool, words);
        assert_eq!(turn.exit, Exit::MISSING);
    };
    refused("no-such-agent-anywhere", None, "'no-such-agent-anywhere' was not found");
    refused("/no/such/agent", None, "'/no/such/agent' was not found");
    refused("./agent.sh", Some("/no/such/folder"), "or '/no/such/folder'");

    let bench = Bench::new("build", json!({"argv": ["./agent.sh"]}));
    bench.write("work/agent.sh", "#!/bin/sh\n");
    play(&bench).refused(ErrorClass::MissingTool, "chmod +x");
}

#[test]
fn the_worktree_comes_before_the_folder_of_the_settings() {
    let mut bench = Bench::new("build", json!({"argv": ["./agent.sh", "hello"]}));
    bench.request["settings"]["dir"] = json!(bench.path("tools"));
    bench.executable("tools/agent.sh", "echo \"$1 from tools in $(basename \"$PWD\")\"");
    assert_eq!(play(&bench).texts(), ["hello from tools in work"]);
    bench.executable("work/agent.sh", "echo \"$1 from the worktree\"");
    assert_eq!(play(&bench).texts(), ["hello from the worktree"]);
}

#[test]
fn a_flood_is_bounded_and_its_end_is_kept() {
    let script = "yes 0123456789012345678901234567890123456789 | head -n 400000; echo '{\"a\":1}'";
    let turn = play(&Bench::with_agent("spec", script));
    assert_eq!(turn.structured(), Some(&json!({"a": 1})));
    let texts = turn.texts();
    let bytes: usize = texts.iter().map(|t| t.len()).sum();
    assert!(bytes <= 9 << 20, "{bytes}");
    assert!(texts[texts.len() - 2].contains("more lines of the agent are left out"));
    assert_eq!(texts.last(), Some(&"{\"a\":1}"));
}

#[test]
fn bytes_that_are_not_text_are_replaced() {
    let turn = play(&Bench::with_agent("build", "printf 'a\\377b\\000c\\r\\n'; printf 'no end'"));
    assert_eq!(turn.texts(), ["a\u{fffd}b\0c\r", "no end"]);
}

#[test]
fn a_bad_request_is_answered_by_the_protocol() {
    for line in ["", "{}\n", "{\"v\":2}\n", "\u{1}\n"] {
        let mut out = Vec::new();
        let exit = run(line.as_bytes(), &mut out).expect("reported");
        Turn::new(&out, exit).refused(ErrorClass::BadRequest, "request");
    }
    let mut bench = Bench::with_agent("build", "true");
    bench.request["role"] = json!("boss");
    play(&bench).refused(ErrorClass::BadRequest, "no role 'boss'");
    let mut bench = Bench::with_agent("build", "true");
    bench.request["deadline"] = json!("soon");
    play(&bench).refused(ErrorClass::BadRequest, "'soon' is not RFC 3339");
    let mut bench = Bench::with_agent("build", "true");
    bench.request["v"] = json!(2);
    play(&bench).refused(ErrorClass::BadRequest, "version 2");
}

#[test]
fn nobody_reading_ends_the_agent() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // The line that says it started is taken.
            if bytes.starts_with(b"{\"event\":\"started\"") {
                return Ok(bytes.len());
            }
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::with_agent("build", "echo hello; exec sleep 300");
    let line = format!("{}\n", bench.request);
    assert!(run(line.as_bytes(), Gone).is_err());
}
