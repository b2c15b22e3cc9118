//! What a hostile reader found: each once, so that it stays mended.

use std::process::{Command, Stdio};

use otto::git::{Oid, Project, Repo};
use otto::session::event::LandStarted;
use otto::session::journal::Entry;
use otto::session::{Session, Workspace};

use crate::harness::{Running, Sandbox, Shape, until};

fn passed_with(files: &[(&str, &str)]) -> Sandbox {
    let s = Sandbox::project();
    s.write("MORE.md", "More.\n");
    for (name, text) in files {
        s.write(name, text);
    }
    s.commit("more");
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s
}

fn rev(s: &Sandbox, name: &str) -> String {
    s.git(&["rev-parse", name])
}

fn oid(text: &str) -> Oid {
    text.parse().expect("an id")
}

/// Announces a landing as a killed `otto land` leaves it.
fn announce(s: &Sandbox, new: &str) -> String {
    let ws = Workspace::open(&s.project, "otto-land").expect("a project");
    let session = Session::open(&ws, &s.session()).expect("a session");
    let old = rev(s, "main");
    let started = LandStarted {
        target: "refs/heads/main".into(),
        old: oid(&old),
        new: oid(new),
        checked_out: false,
        accepted: None,
        by: None,
    };
    session.append(&ws, Entry::new(started)).expect("appended");
    old
}

fn assert_landed(s: &Sandbox) {
    assert_eq!(rev(s, "main"), rev(s, &s.integ()));
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    assert_eq!(s.read("g2/work"), "done g2\n");
    assert_eq!(s.events("land.landed").len(), 1);
}

#[test]
fn a_landing_killed_before_its_files_updates_them_whatever_it_announced() {
    let s = passed_with(&[]);
    let tip = rev(&s, &s.integ());
    announce(&s, &tip);
    s.run(0, &["land"]);
    assert_landed(&s);
}

#[test]
fn a_landing_killed_among_its_files_is_finished() {
    let s = passed_with(&[("g1/work", "before\n")]);
    let tip = rev(&s, &s.integ());
    let old = announce(&s, &tip);
    // Files done, branch not.
    s.git(&["read-tree", "-m", "-u", &old, &tip]);
    // And of the files, only the first; the index not.
    s.git(&["read-tree", &old]);
    std::fs::remove_dir_all(s.project.join("g2")).expect("not written yet");
    s.run(0, &["land"]);
    assert_landed(&s);
}

#[test]
fn an_open_landing_of_an_older_product_is_taken_back() {
    let s = passed_with(&[]);
    let main = rev(&s, "main");
    s.git(&["switch", "--quiet", "-c", "other"]);
    s.write("older", "an older product\n");
    let other = s.commit("older");
    s.git(&["switch", "--quiet", "main"]);
    announce(&s, &other);
    s.git(&["read-tree", "-m", "-u", &main, &other]);
    s.run(0, &["land"]);
    assert_landed(&s);
    assert!(!s.project.join("older").exists());
    assert_eq!(s.events("land.refused").len(), 1);
}

#[test]
fn an_open_landing_asks_for_what_is_expected() {
    let s = passed_with(&[]);
    let tip = rev(&s, &s.integ());
    let old = announce(&s, &tip);
    s.run(1, &["land", "--expect-tip", &old]);
    s.run(1, &["land", "--expect-target", &s.git(&["rev-parse", "main^"])]);
    assert_eq!(rev(&s, "main"), old);
    s.run(0, &["land", "--expect-tip", &tip, "--expect-target", &old]);
    assert_landed(&s);
}

#[test]
fn an_open_landing_overwrites_nothing_either() {
    let s = passed_with(&[("g1/work", "before\n")]);
    let tip = rev(&s, &s.integ());
    let old = announce(&s, &tip);
    s.write("g1/work", "mine\n");
    let refused = s.run(1, &["land"]).stderr;
    assert!(refused.contains("g1/work"), "{refused}");
    assert_eq!((rev(&s, "main"), s.read("g1/work").as_str()), (old, "mine\n"));
    s.git(&["checkout", "--quiet", "g1/work"]);
    s.run(0, &["land"]);
    assert_landed(&s);
}

#[test]
fn a_file_that_was_only_touched_is_not_changed() {
    let s = passed_with(&[("g1/work", "before\n")]);
    s.shell(0, "touch -d 2001-02-03 g1/work");
    s.run(0, &["land"]);
    assert_landed(&s);
}

#[test]
fn a_file_where_a_folder_has_to_come_is_named_before_anything_is_announced() {
    let s = passed_with(&[]);
    let main = rev(&s, "main");
    s.write("g2", "a file of mine\n");
    let refused = s.run(1, &["land"]).stderr;
    assert!(refused.contains("g2"), "{refused}");
    assert_eq!(rev(&s, "main"), main);
    assert_eq!(s.read("g2"), "a file of mine\n");
    assert!(!s.project.join("g1").exists());
    assert_eq!(s.events("land.started").len(), 0);
}

#[test]
fn what_a_resume_changes_reaches_the_steps() {
    let s = Sandbox::project();
    s.script(&s.at("other.sh"), "#!/bin/sh\ncat >/dev/null\nmkdir -p \"$OTTO_GROUP\"; echo \"done $OTTO_GROUP\" >\"$OTTO_GROUP/work\"\n: >\"$HOME/marks/other\"\n");
    s.agent("exit 1");
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["run", "--from-spec", &spec, "--review-gate"]);
    let argv = format!("providers.command.argv=[\"{}\"]", s.at("other.sh").display());
    s.run(0, &["run", "--resume", "--auto-approve", "-c", &argv, "-c", "git.filters=[lfs]"]);
    assert!(s.home("marks/other").exists());
    let shown = s.run(0, &["config", "--session", "latest", "--json"]).stdout;
    assert!(shown.contains("run.resumed") && shown.contains("lfs"), "{shown}");
    // A later resume keeps what an earlier one changed.
    let id = s.session();
    s.run(0, &["run", "--resume", &id, "--attempts", "7"]);
    let shown = s.run(0, &["config", "--session", "latest", "--json"]).stdout;
    assert!(shown.contains("lfs") && shown.contains("other.sh"), "{shown}");
}

#[test]
fn a_path_that_is_not_utf8_stops_nothing_and_is_flagged_where_it_changed() {
    let s = Sandbox::project();
    let start = rev(&s, "HEAD");
    s.shell(0, "printf x >\"$(printf 'caf\\351.py')\"");
    let odd = s.commit("odd");
    s.spec(&Shape::of(1));
    s.agent(
        r#"if [ "$OTTO_ROLE" = spec ]; then cp "$HOME/../spec.json" "$OTTO_OUTPUT"; exit 0; fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    s.run(0, &["run", "parts"]);
    let repo =
        Repo::open(&Project::discover(&s.project).expect("a project")).expect("a repository");
    let tree = |commit: &str| repo.tree_of(oid(commit)).expect("a tree");
    let changes = repo.changes(tree(&start), tree(&odd)).expect("compared");
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].raw.as_deref(), Some(&b"caf\xe9.py"[..]));
    assert_eq!(changes[0].path, "caf\u{fffd}.py");
}

/// A provider that writes `lines` and answers with nothing but what `$HOME/spec.json` holds.
fn provider(s: &Sandbox, lines: &str) -> String {
    let dir = s.at("bin");
    std::fs::create_dir_all(&dir).expect("a folder");
    s.script(
        &dir.join("otto-provider-scripted"),
        &format!("#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{lines}\nEND\n"),
    );
    format!("PATH=\"{}:$PATH\"", dir.display())
}

fn spec_answer() -> String {
    let answer: serde_json::Value = serde_json::from_str(&Shape::of(1).text()).expect("JSON");
    format!(r#"{{"event":"done","reason":"completed","structured":{answer}}}"#)
}

#[test]
fn a_compiler_that_asks_to_wait_is_waited_for() {
    let s = Sandbox::project();
    let path = provider(
        &s,
        r#"{"event":"rate_limited","until":"2031-02-03T04:05:06Z"}
{"event":"error","class":"rate_limit","message":"slow down"}
{"event":"done","reason":"error"}"#,
    );
    let asked = s.shell(75, &format!("{path} otto compile parts --provider scripted"));
    assert!(asked.stderr.contains("retry at: 2031-02-03T04:05:06Z"), "{}", asked.stderr);
    let waiting = &s.events("provider.waiting")[0]["data"];
    assert_eq!(waiting["class"], "rate_limit");
    let path = provider(&s, &spec_answer());
    let resumed = s.sh(&format!("{path} otto run --resume"));
    drop(resumed);
    assert_eq!(s.events("spec.approved").len(), 1);
    let woken = s.events("provider.woken");
    assert_eq!(woken[0]["data"]["by"], "otto run --resume", "a person did not want to wait");
    assert!(woken[1]["data"].get("by").is_none(), "and it worked");
}

#[test]
fn a_compiler_that_a_person_has_to_mend_is_missing() {
    let s = Sandbox::project();
    for (class, code) in [("auth", 69), ("missing_tool", 69), ("bad_request", 69), ("refused", 1)] {
        let path =
            provider(&s, &format!(r#"{{"event":"error","class":"{class}","message":"no"}}"#));
        let said = s.shell(code, &format!("{path} otto compile parts --provider scripted"));
        assert!(said.stderr.contains(class), "{}", said.stderr);
    }
}

#[test]
fn the_money_is_for_the_whole_run() {
    let s = Sandbox::project();
    // An answer that has to be repaired, and costs all that there is.
    let path = provider(
        &s,
        r#"{"event":"cost","usd":1.0}
{"event":"done","reason":"completed","structured":{}}"#,
    );
    let line = format!("{path} otto compile parts --provider scripted --budget 1.5");
    let said = s.shell(77, &line.replace("1.5", "1.0"));
    assert!(said.stderr.contains("--budget"), "{}", said.stderr);
    let spent = s.events("budget.spent");
    assert_eq!(spent.len(), 2, "as it was reported, and the end of the turn");
    assert_eq!(spent[0]["data"]["partial"], true);
    let turn = s.session_dir().join("spec/attempt-01/request.json");
    assert!(std::fs::read_to_string(turn).expect("asked").contains("\"budget_usd\": 1.0"));
    s.sh(&line);
    let turn = s.session_dir().join("spec/attempt-02/request.json");
    assert!(std::fs::read_to_string(turn).expect("asked").contains("\"budget_usd\": 0.5"));
}

#[test]
fn a_spec_that_a_kill_left_behind_is_brought_up_to_date_and_a_changed_one_is_refused() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let json = s.session_dir().join("spec/spec.json");
    let read = || std::fs::read_to_string(&json).expect("a spec");
    let first = read();
    let changed = first.replace("The part of g1", "The new part of g1");
    std::fs::write(s.at("changed.json"), changed).expect("written");
    let file = s.at("changed.json").to_string_lossy().into_owned();
    s.run(0, &["spec", "amend", "latest", "--reason", "clearer", "--file", &file]);
    let second = read();
    assert!(second.contains("The new part"));
    // The event was written, the file not.
    std::fs::write(&json, &first).expect("written");
    s.run(0, &["spec", "show"]);
    assert_eq!(read(), second);
    std::fs::remove_file(&json).expect("removed");
    s.run(0, &["spec", "show"]);
    assert_eq!(read(), second);
    // A person's change is no kill.
    let mine = second.replace("The new part", "My part");
    std::fs::write(&json, &mine).expect("written");
    s.run(65, &["build-group", "--all", "--session", "latest"]);
    assert_eq!(read(), mine);
}

#[test]
fn an_empty_name_is_no_session_and_an_empty_variable_is_none() {
    let s = passed_with(&[]);
    s.run(2, &["status", ""]);
    s.run(2, &["audit", "--session", ""]);
    s.shell(0, "OTTO_SESSION= otto status");
    s.shell(0, "OTTO_SESSION= otto spec show");
    s.shell(2, "OTTO_SESSION= otto status ''");
    s.shell(2, "OTTO_SESSION=none-such otto status");
}

/// A session gets its name with its first event: without one the journal was lost.
#[test]
fn a_session_without_its_first_event_is_lost_and_not_begun_again() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    std::fs::remove_dir_all(s.session_dir().join("spec")).expect("removed");
    std::fs::remove_file(s.session_dir().join("spec-state.jsonl")).expect("removed");
    for args in [&["log"][..], &["run", "--resume"], &["verify"]] {
        assert!(s.run(65, args).stderr.contains("spec-state.jsonl"));
        assert!(s.journal().is_empty());
    }
}

#[test]
fn a_stage_that_waits_for_its_upstream_hears_the_stop() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let mut command: Command = s.command(&["audit", "--stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("otto starts");
    // Held open, and nothing is ever written.
    let stdin = child.stdin.take();
    let status = format!("/proc/{}/status", child.id());
    let mut run = Running::new(child);
    until("its signal handlers", || {
        let text = std::fs::read_to_string(&status).ok()?;
        let caught = text.lines().find_map(|l| l.strip_prefix("SigCgt:"))?;
        let mask = u64::from_str_radix(caught.trim(), 16).ok()?;
        (mask >> (libc::SIGTERM - 1) & 1 == 1).then_some(())
    });
    run.signal(libc::SIGTERM);
    until("its end", || run.has_ended().then_some(()));
    assert_eq!(run.end(), 143);
    drop(stdin);
}
