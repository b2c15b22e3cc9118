//! What a person does with proofs: list, path, render, diff, clean up.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Sandbox, Shape};

fn passed() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s
}

fn rows(s: &Sandbox) -> Vec<Value> {
    let text = s.run(0, &["proof", "list", "--json"]).stdout;
    text.lines().map(|l| serde_json::from_str(l).expect("a row")).collect()
}

#[test]
fn a_session_is_a_row_with_its_verdict_in_words() {
    let s = passed();
    let row = &rows(&s)[0];
    assert_eq!((&row["verdict"], &row["state"]), (&"passed".into(), &"finished".into()));
    assert_eq!((&row["features_passed"], &row["features"]), (&2.into(), &2.into()));
    let line = s.run(0, &["proof", "list"]).stdout;
    let path = s.run(0, &["proof", "path"]).stdout;
    assert!(line.contains("  passed  2/2 features  "), "{line}");
    assert!(!line.contains('\u{1b}') && path.trim().ends_with("proof-packet.html"), "{line}");
    assert!(path.trim_end().ends_with(line.trim_end().rsplit("  ").next().expect("a path")));
    // A damaged one is named and hides no other.
    s.run(0, &["run", "--from-spec", &s.spec(&Shape::of(1))]);
    std::fs::write(s.session_dir().join("session.json"), "{").expect("written");
    let both = s.run(0, &["proof", "list"]).stdout;
    assert!(both.contains("unreadable: ") && both.contains("  passed  2/2"), "{both}");
}

#[test]
fn what_was_done_step_by_step_and_landed_is_over() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.shell(0, &format!("otto compile --from-spec '{spec}' | otto build-group --all | otto merge | otto audit | otto render"));
    assert!(s.run(0, &["proof", "list"]).stdout.contains("passed so far"));
    s.run(0, &["land"]);
    let line = s.run(0, &["proof", "list"]).stdout;
    assert!(line.contains("  passed  1/1 features") && !line.contains("so far"), "{line}");
    assert_eq!(rows(&s)[0]["state"], "landed");
    let cleanup = ["proof", "cleanup", "--older-than", "0d", "--keep", "0"];
    let said = s.run(0, &cleanup).stdout;
    assert!(!said.contains("not over"), "{said}");
}

#[test]
fn a_packet_goes_where_it_was_sent_and_never_into_the_checkout() {
    let s = passed();
    let nowhere = s.at("nowhere");
    let out = nowhere.join("x.tar").to_string_lossy().into_owned();
    let refused = s.run(2, &["proof", "export", "--out", &out]);
    assert!(refused.stderr.contains("is not there") && !nowhere.exists(), "{}", refused.stderr);
    s.run(2, &["proof", "export", "--out", &s.at("home").to_string_lossy()]);
    let said = s.run(0, &["proof", "export"]).stdout;
    let there = s.project.join(format!("otto_logs/otto-proof-{}.tar", s.session()));
    assert!(said.starts_with(&*there.to_string_lossy()) && there.is_file(), "{said}");
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    s.shell(0, "otto proof export --out here.tar && test -f here.tar");
    s.run(0, &["verify", &s.integ(), "--packet", &there.to_string_lossy()]);
}

#[test]
fn a_path_is_one_that_is_there() {
    let s = passed();
    let html = s.session_dir().join("proof-packet.html");
    let json = s.session_dir().join("proof-packet.json");
    let before = std::fs::read(&html).expect("a page");
    std::fs::remove_file(&html).expect("removed");
    assert_eq!(s.run(0, &["proof", "path"]).stdout.trim(), html.to_string_lossy());
    assert!(std::fs::read(&html).expect("a page") == before);
    for flag in ["--packet", "--json"] {
        let path = s.run(0, &["proof", "path", "latest", flag]).stdout;
        assert_eq!(path.trim(), json.to_string_lossy());
    }
}

/// Whatever is below `otto_logs`, and every ref.
fn everything(s: &Sandbox) -> (BTreeMap<String, Vec<u8>>, String) {
    fn walk(dir: &Path, root: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, out);
            } else if !path.starts_with(root.join("locks")) {
                let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
                out.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    let logs = s.project.join("otto_logs");
    let mut files = BTreeMap::new();
    walk(&logs, &logs, &mut files);
    (files, s.git(&["for-each-ref"]))
}

#[test]
fn older_names_do_the_same() {
    let s = passed();
    assert_eq!(s.run(0, &["history"]).stdout, s.run(0, &["proof", "list"]).stdout);
    let before = everything(&s);
    assert_eq!(s.run(0, &["replay", "latest"]).stdout, s.run(0, &["proof", "render"]).stdout);
    let dry = s.run(0, &["cleanup", "--older-than", "0d", "--keep", "0"]).stdout;
    assert_eq!(s.run(0, &["proof", "cleanup", "--older-than", "0d", "--keep", "0"]).stdout, dry);
    assert!(everything(&s) == before, "nothing of that changes anything");
    // `pow` shows the page; the opener is a program of the desktop.
    s.script(&s.at("home/xdg-open"), "#!/bin/sh\nprintf %s \"$1\" >\"$HOME/opened.new\"\nmv \"$HOME/opened.new\" \"$HOME/opened\"\n");
    let shown =
        s.shell(0, "PATH=$HOME:$PATH otto pow && until [ -e \"$HOME/opened\" ]; do :; done");
    let opened = std::fs::read_to_string(s.home("opened")).expect("opened");
    assert_eq!(opened, shown.stdout.trim());
    assert_eq!(s.run(0, &["help", "pow"]).stdout, s.run(0, &["help", "proof"]).stdout);
}

#[test]
fn two_proofs_are_compared() {
    let s = passed();
    let first = s.session();
    s.run(0, &["land"]);
    // The second session builds one more part, and its check stays red.
    let third = Shape::of(3).with(|v| {
        for key in ["groups", "features"] {
            v[key].as_array_mut().expect("rows").drain(..2);
        }
    });
    s.on_check("[ \"$1\" != g3 ] || exit 1");
    s.run(1, &["run", "--from-spec", &s.spec(&third), "--attempts", "1"]);
    let told = s.run(0, &["proof", "diff"]).stdout;
    assert!(told.contains(&format!("then  {first}  passed, 2/2 features passed")), "{told}");
    assert!(told.contains("feature  f-g3: new (absent → "), "{told}");
    let json = s.run(0, &["proof", "diff", &first, "latest", "--json"]).stdout;
    let change: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(change["then"]["session"], first.as_str());
    assert_eq!(change["features"][0]["moved"], "new");
    assert_eq!(change["features"][1]["moved"], "gone");
    // The newest alone has nothing after it: what changed since the one before.
    let one = s.run(0, &["proof", "diff", &s.session(), "--json"]).stdout;
    assert_eq!(one, s.run(0, &["proof", "diff", "--json"]).stdout);
    assert!(one.contains(&format!(r#""session":"{first}""#)), "{one}");
    let same = s.run(0, &["proof", "diff", &first, &first]).stdout;
    assert!(same.contains("nothing changed"), "{same}");
    s.run(2, &["proof", "diff", &first, "20200101-000000-aaaa"]);
}

#[test]
fn cleaning_up_takes_no_work_and_nothing_that_a_proof_stands_on() {
    let s = passed();
    let cleanup = ["proof", "cleanup", "--older-than", "0d", "--keep", "0"];
    let with = |more: &[&str]| s.run(0, &[&cleanup[..], more].concat()).stdout;
    let before = everything(&s);
    let said = with(&[]);
    assert!(said.contains("nothing was removed: add --yes") && said.contains("proof-packet.html"));
    assert!(everything(&s) == before, "a look changes nothing");
    let plan: Value = serde_json::from_str(&with(&["--json"])).expect("JSON");
    let listed = plan["plan"]["parts"][0]["paths"].as_array().expect("paths").clone();

    with(&["--yes"]);
    let (files, refs) = everything(&s);
    assert_eq!(refs, before.1, "every ref is where it was");
    let gone: Vec<&String> = before.0.keys().filter(|name| !files.contains_key(*name)).collect();
    let below = format!("sessions/{}/", s.session());
    for name in &gone {
        let own = name.strip_prefix(&below).expect("of the session");
        assert!(listed.iter().any(|p| own.starts_with(p.as_str().expect("text"))), "{own}");
    }
    let bytes: usize = gone.iter().map(|name| before.0[*name].len()).sum();
    assert_eq!(plan["bytes"], bytes, "what is said is what goes");
    for kept in ["spec-state.jsonl", "session.json", "intent.txt", "spec/spec.json", "summary.json"]
    {
        assert!(files[&format!("{below}{kept}")] == before.0[&format!("{below}{kept}")], "{kept}");
    }
    let evidence = |files: &BTreeMap<String, Vec<u8>>| {
        files.keys().filter(|name| name.contains("/evidence/")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(evidence(&files), evidence(&before.0));
    // All of it still holds, and the proof comes back as it was, but for the list of files.
    s.run(0, &["verify", "--no-rerun"]);
    s.run(0, &["proof", "render"]);
    for name in ["proof-packet.html", "proof-packet.json", "usage.json"] {
        let path = s.session_dir().join(name);
        let now = std::fs::read(&path).expect("made again");
        assert!(now == before.0[&format!("{below}{name}")], "{name}");
    }
    s.run(0, &["land"]);
}

#[test]
fn only_old_finished_and_readable_sessions_are_cleaned_up() {
    let s = passed();
    let first = s.session();
    // One that waits for a person, and one that was damaged.
    let text = std::fs::read_to_string(s.spec(&Shape::of(1))).expect("a spec");
    std::fs::write(s.at("spec.json"), text).expect("written");
    let path = s.at("spec.json").to_string_lossy().into_owned();
    s.run(77, &["run", "--from-spec", &path, "--review-gate"]);
    let open = s.session();
    s.run(0, &["run", "--from-spec", &s.spec(&Shape::of(1))]);
    let damaged = s.session();
    std::fs::write(s.session_dir().join("session.json"), "{").expect("written");

    let plan = |more: &[&str]| {
        let done = s.run(0, &[&["proof", "cleanup", "--json"][..], more].concat());
        serde_json::from_str::<Value>(&done.stdout).expect("JSON")["plan"].clone()
    };
    let goes = |plan: &Value| {
        let parts = plan["parts"].as_array().expect("parts").clone();
        parts.iter().map(|p| p["session"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let why = |plan: &Value, id: &str| {
        let spared = plan["spared"].as_array().expect("spared").clone();
        let row = spared.iter().find(|r| r["session"] == id).cloned();
        row.map_or(String::new(), |r| r["why"].as_str().expect("text").to_owned())
    };
    // By default ten stay, and what is younger than thirty days.
    assert_eq!(goes(&plan(&[])), [""; 0]);
    assert_eq!(goes(&plan(&["--older-than", "0d", "--keep", "3"])), [""; 0]);
    assert_eq!(goes(&plan(&["--older-than", "1d", "--keep", "0"])), [""; 0]);
    let all = plan(&["--older-than", "0d", "--keep", "0", "--all", "--yes"]);
    assert_eq!(goes(&all), std::slice::from_ref(&first));
    assert!(why(&all, &open).contains("not over"), "{all}");
    assert!(why(&all, &damaged).contains("cannot be read"), "{all}");
    let sessions = s.project.join("otto_logs/sessions");
    assert!(!sessions.join(&first).exists() && sessions.join(&open).join("spec").exists());
    assert!(sessions.join(&damaged).join("evidence").exists());
    // The work of the session whose folder is gone is where it was.
    let refs = s.git(&["for-each-ref", "--format=%(refname)"]);
    for name in [format!("i2p/integ/{first}"), format!("i2p/build/{first}.g1")] {
        assert!(refs.contains(&name), "{refs}");
    }
    assert!(!s.run(0, &["proof", "list"]).stdout.contains(&first));
    s.run(2, &["proof", "cleanup", "--older-than", "a while"]);
}
