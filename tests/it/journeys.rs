//! Journeys through a real browser, at the sandboxes that can hold one.

use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::{Sandbox, Shape, until};

/// A list of expenses, with every kind of field. Its mode is a defect.
const SERVER: &str = r#"import html, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
mode = sys.argv[1]
rows = []
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Expenses</title>
<link rel="icon" href="data:,"><style>body{font:16px sans-serif}.cover{position:fixed;inset:0;background:#fff9}</style></head><body>
<h1>Expenses</h1>%s
<form id="f" method="post" action="/add" enctype="application/x-www-form-urlencoded">
<label for="what">What</label><input id="what" name="what">
<label for="kind">Kind</label><select id="kind" name="kind"><option>Travel</option><option>Food</option></select>
<label><input type="checkbox" name="urgent" value="yes"> Urgent</label>
<label for="file">Receipt</label><input id="file" type="file">
<button>Add expense</button></form>
<p id="picked"></p>
<table aria-label="All"><tbody>%s</tbody></table>
<p role="status">%s</p>
<script>
document.getElementById('file').addEventListener('change', e => document.getElementById('picked').textContent = 'Picked ' + e.target.files[0].name);
document.addEventListener('keydown', e => { if (e.key === 'Escape') document.getElementById('picked').textContent = 'Escaped'; });
%s
</script></body></html>"""
SCRIPT = {
  "timer": "setTimeout(() => document.querySelector('[role=status]').textContent = 'Saved', 300);",
  "throws": "document.getElementById('f').addEventListener('submit', e => { e.preventDefault(); document.querySelector('[role=status]').textContent = 'Saved'; null.x; });",
  "asks": "document.getElementById('f').addEventListener('submit', e => { if (!confirm('Sure?')) e.preventDefault(); });",
  "fakes": "document.getElementById('f').addEventListener('submit', e => { e.preventDefault(); fetch('/fail', {method: 'POST'}); document.querySelector('[role=status]').textContent = 'Saved'; });",
}
class H(BaseHTTPRequestHandler):
    def page(self, told="", status=200):
        cells = "".join("<tr data-testid='row'><td>%s</td><td>%s</td></tr>" % (html.escape(a), html.escape(b)) for a, b in rows)
        cover = "<div class='cover'>Wait</div>" if mode == "covered" else ""
        if mode == "shown": told = "Saved"
        if mode == "hidden" and told: cells, told = "", "<span style='display:none'>" + told + "</span>"
        body = (PAGE % (cover, cells, told, SCRIPT.get(mode, ""))).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.page("Saved" if self.path == "/?saved" else "")
    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        if self.path == "/fail": return self.page("", 500)
        if mode == "refuses": return self.page("Saved", 403)
        if mode != "forgets": rows.append((form["what"][0], form["kind"][0]))
        self.page("Saved" if mode != "silent" else "")
    def log_message(self, f, *a): print(f % a, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"#;

/// The browser is there. Under CI it must be.
pub fn can_browse() -> bool {
    let found =
        ["chromium", "chromedriver"].iter().all(|name| otto::process::on_path(name).is_some());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "chromium and chromedriver are not installed"
    );
    if !found {
        eprintln!("skipped: chromium and chromedriver are not installed");
    }
    found
}

fn project(tier: &str, mode: &str, steps: Value) -> Sandbox {
    project_of(tier, mode, json!({"steps": steps}))
}

/// With these keys of the check.
fn project_of(tier: &str, mode: &str, keys: Value) -> Sandbox {
    let s = Sandbox::project();
    s.write("server.py", SERVER);
    s.write("receipt.txt", "12.50\n");
    let config = s.read("otto.yaml").replace("tier: worktree", &format!("tier: {tier}"));
    s.write("otto.yaml", &config);
    s.commit("pages");
    let spec = s.spec(&Shape::of(1).with(|spec| {
        spec["project_kind"] = json!("webapp");
        spec["services"] =
            json!([{"id": "site", "argv": ["python3", "server.py", mode], "ready": "/"}]);
        spec["groups"][0]["checks"][0] = json!({"id": "adds", "kind": "browser_journey",
            "features": ["f-g1"], "service": "site", "step_timeout_s": 1});
        for (key, value) in keys.as_object().expect("keys") {
            spec["groups"][0]["checks"][0][key] = value.clone();
        }
    }));
    s.run(0, &["compile", "--from-spec", &spec]);
    s
}

fn outcome(s: &Sandbox) -> Value {
    let done = s.finish(&mut s.command(&["check", "--at", "HEAD", "--json"]));
    let lines = done.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let found = lines.map(|l| l["outcome"].clone()).find(Value::is_object);
    found.unwrap_or_else(|| panic!("no outcome: {}{}", done.stdout, done.stderr))
}

fn evidence(s: &Sandbox, hash: &Value) -> Vec<u8> {
    let hash = hash.as_str().and_then(|h| h.strip_prefix("sha256:")).expect("a hash");
    std::fs::read(s.session_dir().join("evidence").join(hash)).expect("kept")
}

fn record(s: &Sandbox, outcome: &Value) -> Value {
    let kept = outcome["evidence"].as_array().expect("evidence");
    let parsed = kept.iter().filter_map(|h| serde_json::from_slice::<Value>(&evidence(s, h)).ok());
    let mut journeys = parsed.filter(|v| v["evidence"] == "browser_journey");
    journeys.next().unwrap_or_else(|| panic!("no record: {outcome}"))
}

/// Adds an expense as a person would.
fn adds() -> Value {
    json!([
        {"goto": "/"},
        {"fill": {"in": {"label": "What"}, "text": "Train"}},
        {"select": {"in": {"css": "#kind"}, "option": "Food"}},
        {"click": {"role": "checkbox", "name": "Urgent"}},
        {"click": {"role": "button", "name": "Add expense"}},
        {"expect": {"visible": {"text": "Train"}, "count": {"of": {"test_id": "row"}, "equals": 1}}},
        {"expect": {"text": "Saved", "title": "Expenses", "visible": {"role": "status"}}}
    ])
}

#[test]
fn a_journey_passes_with_a_picture_of_each_step() {
    if !can_browse() {
        return;
    }
    for tier in working() {
        let s = project(tier, "good", adds());
        let found = outcome(&s);
        assert_eq!(found["reason"], "ok", "{tier}: {found}");
        assert_eq!(s.leftovers(), [0; 0], "{tier}");
        let record = record(&s, &found);
        let steps = record["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), 7);
        for step in steps {
            assert_eq!(step["ok"], true, "{step}");
            assert!(evidence(&s, &step["screenshot"]).starts_with(b"\x89PNG"), "{step}");
        }
        assert_eq!(steps[4]["step"], "click role=button name=\"Add expense\"");
        let without = record["without_the_journey"].as_array().expect("controls");
        assert!(without.iter().all(|c| c["holds_anyway"] == false), "{record}");
        assert!(record["browser"].as_str().is_some_and(|b| b.contains("chrome")), "{record}");
    }
}

#[test]
fn files_are_given_keys_are_pressed_and_values_are_read() {
    if !can_browse() {
        return;
    }
    let tier = *working().last().expect("one");
    let s = project(
        tier,
        "good",
        json!([
            {"goto": "/"},
            {"upload": {"in": {"css": "#file"}, "file": "receipt.txt"}},
            {"expect": {"text": "Picked receipt.txt"}},
            {"press": {"key": "Escape"}},
            {"wait_for": {"not_text": "Picked"}},
            {"expect": {"text": "Escaped", "hidden": {"text": "Picked receipt.txt"}}},
            {"fill": {"in": {"role": "textbox", "name": "What"}, "text": "Bus"}},
            {"press": {"key": "Enter", "in": {"label": "What"}}},
            {"screenshot": "added"},
            {"expect": {"url": "/add", "count": {"of": {"test_id": "row"}, "equals": 1}, "value": {"in": {"label": "What"}, "equals": ""}}}
        ]),
    );
    let found = outcome(&s);
    assert_eq!(found["reason"], "ok", "{found}");
}

#[test]
fn what_goes_wrong_on_a_page_has_its_reason() {
    if !can_browse() {
        return;
    }
    let tier = *working().last().expect("one");
    let saved = |before: Value| {
        json!([{"goto": "/"}, {"fill": {"in": {"label": "What"}, "text": "Train"}},
               before, {"expect": {"text": "Saved"}}])
    };
    let add = json!({"click": {"role": "button", "name": "Add expense"}});
    for (mode, steps, reason, told) in [
        ("forgets", adds(), "expectation", "it is not there"),
        ("silent", adds(), "expectation", "no \"Saved\""),
        ("covered", adds(), "expectation", "something else lies over it"),
        ("hidden", saved(add.clone()), "expectation", "no \"Saved\""),
        ("shown", saved(add.clone()), "nothing_changed", "without the journey"),
        ("timer", saved(json!({"click": {"css": "h1"}})), "nothing_changed", "without the journey"),
        ("throws", saved(add.clone()), "page_errors", "null"),
        ("fakes", saved(add.clone()), "page_errors", "500"),
        ("refuses", saved(add.clone()), "page_errors", "403"),
        ("asks", saved(add.clone()), "expectation", "dialog"),
        (
            "good",
            json!([{"goto": "/"}, {"click": {"css": "label"}}, {"expect": {"text": "Saved"}}]),
            "expectation",
            "elements fit",
        ),
        (
            "good",
            json!([{"goto": "/"}, {"click": {"text": "Expenses"}}, {"expect": {"title": "Expenses"}}]),
            "nothing_changed",
            "title",
        ),
    ] {
        let s = project(tier, mode, steps);
        let found = outcome(&s);
        assert_eq!(found["reason"], reason, "{mode}: {found}");
        let detail = found["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(told), "{mode}: {detail}");
        assert_eq!(s.leftovers(), [0; 0], "{mode}");
        // The failure has a picture too.
        let last = record(&s, &found)["steps"].as_array().and_then(|s| s.last().cloned());
        assert!(last.is_some_and(|l| l["screenshot"].is_string()), "{mode}");
    }
}

#[test]
fn what_must_be_refused_is_part_of_the_journey() {
    if !can_browse() {
        return;
    }
    let tier = *working().last().expect("one");
    let keys = json!({"refused": [{"method": "POST", "path": "/add", "status": 403}], "steps": [
        {"goto": "/"}, {"fill": {"in": {"label": "What"}, "text": "Train"}},
        {"click": {"role": "button", "name": "Add expense"}}, {"expect": {"text": "Saved"}}]});
    for (mode, reason, told) in [
        ("refuses", "ok", "all came true"),
        ("good", "expectation", "nothing refused POST /add: 403"),
    ] {
        let found = outcome(&project_of(tier, mode, keys.clone()));
        assert_eq!(found["reason"], reason, "{mode}: {found}");
        assert!(found["detail"].as_str().is_some_and(|d| d.contains(told)), "{mode}: {found}");
    }
}

/// Whoever ends in the middle of a journey leaves no browser.
#[test]
fn a_journey_that_is_ended_leaves_no_browser() {
    if !can_browse() {
        return;
    }
    let steps = json!([{"goto": "/"}, {"click": {"css": "h1"}}, {"expect": {"text": "Never"}}]);
    for tier in working() {
        for signal in [libc::SIGINT, libc::SIGKILL] {
            let keys = json!({"step_timeout_s": 600, "steps": steps});
            let s = project_of(tier, "good", keys);
            let running = s.start(&["check", "--at", "HEAD", "--json"]);
            let is_page = |pid: &i32| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains("--remote-debugging-pipe")
            };
            until("a browser", || s.leftovers().iter().any(is_page).then_some(()));
            running.signal(signal);
            assert_ne!(running.end(), 0, "{tier}");
            until("the end of the browser", || s.leftovers().is_empty().then_some(()));
        }
    }
}

#[test]
fn a_machine_without_a_browser_says_what_to_install() {
    let s = project("worktree", "good", adds());
    let bare = s.at("bare");
    std::fs::create_dir_all(&bare).expect("a folder");
    let mut python = s.prepared("python3".as_ref());
    let python =
        python.args(["-c", "import sys; print(sys.executable)"]).output().expect("it runs");
    let real = String::from_utf8_lossy(&python.stdout).trim().to_owned();
    s.script(&bare.join("python3"), &format!("#!/bin/sh\nexec {real} \"$@\"\n"));
    for tool in ["git", "sh"] {
        let real = otto::process::on_path(tool).expect("it is there");
        std::os::unix::fs::symlink(real, bare.join(tool)).expect("a link");
    }
    let mut command = s.command(&["check", "--at", "HEAD", "--json"]);
    command.env("PATH", &bare);
    let done = s.finish(&mut command);
    assert!(done.stdout.contains("missing_tool"), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("apt-get install chromium"), "{}", done.stdout);
    assert_eq!(done.code, 1);
}

#[test]
fn a_journey_that_cannot_fail_is_refused() {
    let s = Sandbox::project();
    for (steps, told) in [
        (
            json!([{"goto": "/"}, {"expect": {"text": "Expenses"}}]),
            "that a page loads proves nothing",
        ),
        (
            json!([{"goto": "/"}, {"fill": {"in": {"label": "a"}, "text": "b"}},
                {"expect": {"value": {"in": {"label": "a"}, "equals": "b"}}}]),
            "proves nothing",
        ),
        (
            json!([{"goto": "/", "click": {"text": "x"}}, {"expect": {"text": "y"}}]),
            "several things at once",
        ),
        (
            json!([{"goto": "/"}, {"clik": {"text": "x"}}, {"expect": {"text": "y"}}]),
            "did you mean 'click'",
        ),
        (
            json!([{"goto": "/"}, {"click": {"text": "x", "css": "y"}}, {"expect": {"text": "y"}}]),
            "exactly one of role",
        ),
        (
            json!([{"goto": "/"}, {"press": {"key": "Entr"}}, {"expect": {"text": "y"}}]),
            "is no key",
        ),
        (json!([{"click": {"text": "x"}}, {"expect": {"text": "y"}}]), "must be a 'goto'"),
    ] {
        let spec = s.spec(&Shape::of(1).with(|spec| {
            spec["services"] =
                json!([{"id": "site", "argv": ["python3", "server.py"], "ready": "/"}]);
            spec["groups"][0]["checks"][0] = json!({"id": "adds", "kind": "browser_journey",
                "features": ["f-g1"], "service": "site", "steps": steps});
        }));
        let done = s.run(65, &["compile", "--from-spec", &spec]);
        assert!(done.stderr.contains(told), "{steps}: {}", done.stderr);
    }
}

/// Pictures of a command's own run count, and no others.
#[test]
fn a_picture_of_another_run_is_no_evidence() {
    let s = Sandbox::project();
    s.write("shots/old.png", "of another run");
    s.write(
        "walk.sh",
        "echo 1..1; echo ok 1; [ -z \"${1:-}\" ] || { mkdir -p shots; echo new >shots/new.png; }\n",
    );
    s.commit("a command");
    for (argv, reason) in
        [(json!(["sh", "walk.sh"]), "no_evidence"), (json!(["sh", "walk.sh", "x"]), "ok")]
    {
        let spec = s.spec(&Shape::of(1).with(|spec| {
            spec["groups"][0]["checks"][0] = json!({"id": "walks", "kind": "browser_journey",
                "features": ["f-g1"], "argv": argv, "evidence": ["shots/*.png"]});
        }));
        s.run(0, &["compile", "--from-spec", &spec]);
        assert_eq!(outcome(&s)["reason"], reason);
    }
}
