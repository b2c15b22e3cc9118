//! `otto log` of agents at work, and narratives that are made again.

use std::io::Write;

use serde_json::Value;

use crate::harness::{Sandbox, Shape, until};

/// Says a word, waits at its gate, says another, works; g2 works only at its second attempt. Words
/// that may be the beginning of a secret are told with what comes next; these end in a full stop.
const AGENT: &str = r#"printf '\033[1mbefore\033[0m %s.\n' "$OTTO_GROUP"
: >"$HOME/marks/$OTTO_GROUP.$OTTO_ATTEMPT"
if [ -p "$HOME/go.$OTTO_GROUP" ] && [ "$OTTO_ATTEMPT" = 1 ]; then read -r go <"$HOME/go.$OTTO_GROUP"; fi
echo "after $OTTO_GROUP."
mkdir -p "$OTTO_GROUP"
if [ "$OTTO_GROUP.$OTTO_ATTEMPT" = g2.1 ]; then echo wrong >g2/work
else echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"; fi"#;

fn said(s: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(s.at(&format!("{name}.out"))).unwrap_or_default()
}

fn has(s: &Sandbox, name: &str, what: &str) {
    until(what, || said(s, name).contains(what).then_some(()));
}

/// Where a line with both texts is.
fn line_of(text: &str, label: &str, what: &str) -> usize {
    let found = text.lines().position(|l| l.contains(label) && l.contains(what));
    found.unwrap_or_else(|| panic!("no '{label} … {what}' in:\n{text}"))
}

#[test]
fn all_agents_are_followed_at_once() {
    let s = Sandbox::project();
    s.agent(AGENT);
    for gate in ["go.g1", "go.g2"] {
        s.gate(gate);
    }
    let spec = s.spec(&Shape::of(2));
    let run = s.start_as("run", &["run", "--from-spec", &spec]);
    s.mark("g1.1");
    s.mark("g2.1");
    let log = s.start_as("log", &["log", "-f", "-n", "100"]);
    let only = s.start_as("only", &["log", "--follow", "--group", "g1"]);
    let quiet = s.start_as("quiet", &["log", "--follow", "--no-agents"]);
    for group in ["g1", "g2"] {
        has(&s, "log", &format!("» before {group}"));
    }
    s.open_gate("go.g1");
    has(&s, "log", "» after g1");
    has(&s, "only", "» after g1");
    assert!(!said(&s, "log").contains("after g2"), "it waits");
    s.open_gate("go.g2");
    for running in [run, log, only, quiet] {
        assert_eq!(running.end(), 0);
    }

    let log = said(&s, "log");
    assert!(!log.contains('\u{1b}'), "{log}");
    assert!(log.lines().last().is_some_and(|l| l.contains("run finished")), "{log}");
    // A new attempt is a new file, and what an agent did stands between what it led to.
    let order = [
        line_of(&log, "g2 ", "attempt 1 (build"),
        line_of(&log, "g2 build.1 ", "» after g2"),
        line_of(&log, "g2 build.1 ", "▪ done"),
        line_of(&log, "g2 ", "attempt 1: checks failed"),
        line_of(&log, "g2 build.2 ", "» after g2"),
        line_of(&log, "g2 ", "landed"),
    ];
    assert!(order.is_sorted(), "{order:?} in:\n{log}");
    assert!(!said(&s, "only").contains("g2"), "{}", said(&s, "only"));
    assert!(!said(&s, "quiet").contains('»') && said(&s, "quiet").contains("landed"));

    // Afterwards the same, in the order of time.
    let whole = s.run(0, &["log", "--agents"]).stdout;
    for line in log.lines() {
        assert!(whole.contains(line), "{line} is not in:\n{whole}");
    }
    let seven = s.run(0, &["log", "--agents", "-n", "7"]).stdout;
    assert!(whole.ends_with(&seven) && seven.lines().count() == 7, "{seven}\nof\n{whole}");
    let ended = s.run(0, &["log", "-f", "-n", "7"]).stdout;
    assert_eq!(ended, seven, "a run that is over is not waited for");
    let two = s.run(0, &["log", "--agents", "--group", "g1", "--group", "g2"]).stdout;
    assert!(two.contains("g1 build.1") && two.contains("g2 build.2") && !two.contains("session"));
    assert!(!s.run(0, &["log"]).stdout.contains('»'));
    let wrong = s.run(2, &["log", "--group", "g3"]);
    assert!(wrong.stderr.contains("did you mean"), "{}", wrong.stderr);
}

#[test]
fn for_programs_it_is_json() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let lines = s.run(0, &["log", "--agents", "--json"]).stdout;
    let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let agents: Vec<&Value> = lines.iter().filter(|l| l["kind"] == "agent").collect();
    let last = agents.last().expect("an agent worked");
    assert_eq!(last["turn"], "build/g1/attempt-01");
    assert_eq!((&last["group"], &last["role"]), (&"g1".into(), &"build".into()));
    assert_eq!(last["data"]["event"], "done");
    let time = |l: &Value| l["at"].as_str().expect("a time").parse::<jiff::Timestamp>();
    let times: Vec<_> = lines.iter().map(|l| time(l).expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(lines.len() - agents.len(), s.journal().len(), "every event is there");
}

#[test]
fn a_reader_that_goes_away_ends_it_while_nothing_happens() {
    let s = Sandbox::project();
    s.agent(AGENT);
    s.gate("go.g1");
    let spec = s.spec(&Shape::of(1));
    let run = s.start_as("run", &["run", "--from-spec", &spec]);
    s.mark("g1.1");
    let mut pipe = s.start_shell("pipe", "otto log -f | head -n 1");
    until("the end of the log", || pipe.has_ended().then_some(()));
    assert_eq!(s.said("pipe"), "");
    // Ctrl-C ends it too, and the run is none of its business.
    let log = s.start_as("log", &["log", "-f"]);
    has(&s, "log", "before g1");
    log.signal(libc::SIGINT);
    assert_eq!(log.end(), 0);
    s.open_gate("go.g1");
    assert_eq!(run.end(), 0);
}

#[test]
fn files_that_are_cut_absent_or_nonsense_stop_nobody() {
    let s = Sandbox::project();
    s.agent(AGENT);
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    let turn = |name: &str| s.session_dir().join("build").join(name);
    std::fs::remove_file(turn("g1/attempt-01/narrative.log")).expect("removed");
    std::fs::write(turn("g2/attempt-01/narrative.log"), "   0.").expect("written");
    std::fs::write(turn("g2/attempt-02/narrative.log"), [0xff, b'\n', b'x', b'\n', 0])
        .expect("written");
    for args in [&["log", "--agents"][..], &["log", "-f"], &["log", "--agents", "-n", "3"]] {
        assert!(s.run(0, args).stdout.contains("run finished"));
    }
    for end in ["g1/attempt-01", "g2/attempt-01"] {
        std::fs::write(turn(end).join("messages.jsonl"), "{\"t\":1,\"m\":{\"ev").expect("written");
    }
    assert!(s.run(0, &["log", "--agents", "--json"]).stdout.contains("g2/attempt-02"));
    std::fs::remove_dir_all(s.session_dir().join("build")).expect("removed");
    assert!(s.run(0, &["log", "--agents"]).stdout.contains("run finished"));
}

/// Waits for its end and says how much it has read (proc_pid_io(5)), memory that it mapped left out.
fn read_in_all(pid: u32) -> u64 {
    // SAFETY: siginfo_t is plain data, and the pointer is to one of ours; WNOWAIT leaves the child.
    let ended = unsafe {
        let mut info = std::mem::zeroed::<libc::siginfo_t>();
        libc::waitid(libc::P_PID, pid, &mut info, libc::WEXITED | libc::WNOWAIT)
    };
    assert_eq!(ended, 0);
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).expect("it is still known");
    let read = io.lines().find_map(|l| l.strip_prefix("rchar: ")).expect("a number");
    read.parse().expect("a number")
}

#[test]
fn of_a_gigabyte_only_the_end_is_read() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let dir = s.session_dir().join("build/g1/attempt-01");
    let sparse = |name: &str, line: &dyn Fn(usize) -> String| {
        let mut file = std::fs::OpenOptions::new().write(true).open(dir.join(name)).expect("there");
        // The beginning stays: it says when the turn began.
        file.set_len(1 << 30).expect("sparse");
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).expect("the end");
        let text: String = (0..20_000).map(line).collect();
        file.write_all(format!("\n{text}").as_bytes()).expect("written");
    };
    sparse("narrative.log", &|n| format!("{:>7.1}s » line {n}\n", n as f64 / 1e6 + 90.0));
    sparse("messages.jsonl", &|n| {
        format!("{{\"t\":90,\"m\":{{\"event\":\"text\",\"text\":\"line {n}\"}}}}\n")
    });
    for args in [
        &["log", "--agents", "-n", "5"][..],
        &["log", "-f", "-n", "5"],
        &["log", "--agents", "--json", "-n", "5"],
    ] {
        let out = std::fs::File::create(s.at("big.out")).expect("a file");
        let mut child = s.command(args).stdout(out).spawn().expect("otto starts");
        let read = read_in_all(child.id());
        assert!(child.wait().expect("it ended").success());
        let text = said(&s, "big");
        assert!(text.contains("line 19999") && text.lines().count() == 5, "{text}");
        assert!(read < 16 << 20, "{read} bytes for {args:?}");
    }
}

#[test]
fn a_narrative_is_made_again_equal() {
    let s = Sandbox::project();
    s.agent(&format!(
        r#"echo "the key is $MY_TOKEN"
printf 'in colours: hunter22\033[31mhunter22\033[0m\n'
i=0; while [ $i -lt 100 ]; do echo "a long answer, line $i"; i=$((i + 1)); done | tr '\n' '\r'
printf '\033]0;title\007\033[31mred\033[0m \300\n'
{AGENT}"#
    ));
    let spec = s.spec(&Shape::of(2));
    let secret = "MY_TOKEN=hunter22hunter22";
    s.shell(0, &format!("{secret} otto run --from-spec '{spec}' -c 'secrets=[MY_TOKEN]'"));
    let path = s.session_dir().join("build/g1/attempt-01/narrative.log");
    let live = std::fs::read(&path).expect("a narrative");
    let text = String::from_utf8_lossy(&live).into_owned();
    assert!(text.contains("[MY_TOKEN hidden]") && text.contains("» red �"), "{text}");
    // It is whole only where the colours are gone.
    assert!(text.contains("in colours: [MY_TOKEN hidden]"), "{text}");
    let print = "otto debug narrative --group g1 --attempt 1";
    assert_eq!(s.shell(0, &format!("{secret} {print}")).stdout, text);

    let write = format!("{secret} otto debug narrative --write");
    let all = s.shell(0, &write).stdout;
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(all.lines().all(|l| l.ends_with("as it was")), "{all}");
    for spoiled in [Some("nonsense\n"), Some(""), None] {
        match spoiled {
            Some(text) => std::fs::write(&path, text).expect("written"),
            None => std::fs::remove_file(&path).expect("removed"),
        }
        let said = s.shell(0, &format!("{write} --group g1")).stdout;
        assert_eq!(said, "build/g1/attempt-01: written anew\n");
        assert_eq!(std::fs::read(&path).expect("a narrative"), live);
    }
    s.run(0, &["verify", "--no-rerun"]);
    s.run(1, &["debug", "narrative", "--group", "g1", "--attempt", "9"]);
}

#[test]
fn a_narrative_that_is_being_written_is_left_alone() {
    let s = Sandbox::project();
    s.agent(AGENT);
    s.gate("go.g1");
    let spec = s.spec(&Shape::of(1));
    let run = s.start_as("run", &["run", "--from-spec", &spec]);
    s.mark("g1.1");
    let refused = s.run(75, &["debug", "narrative", "--group", "g1", "--write"]);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    let print = || s.run(0, &["debug", "narrative", "--group", "g1"]).stdout;
    until("the words so far", || print().contains("before g1").then_some(()));
    s.open_gate("go.g1");
    assert_eq!(run.end(), 0);
}
