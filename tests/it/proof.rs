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
    let same = s.run(0, &["proof", "diff", &first, &first]).stdout;
    assert!(same.contains("nothing changed"), "{same}");
    s.run(2, &["proof", "diff", &first, "20200101-000000-aaaa"]);
}
