//! Services that Otto starts, and probes of them, at every sandbox that works here.

use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::{Sandbox, Shape};

/// A counter over HTTP, in one file. Its answers depend on the mode that it was started with.
const SERVER: &str = r#"import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
mode = sys.argv[1] if len(sys.argv) > 1 else "good"
if mode == "dies": sys.exit("no database")
count = 0
class H(BaseHTTPRequestHandler):
    def do(self):
        global count
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n)
        status, out, more = 200, {"count": count}, {}
        if self.path == "/ready" and mode == "never": status = 503
        if self.path == "/add":
            count += json.loads(body)["by"]
            status, out, more = 201, {"count": count, "id": "c%d" % count}, {"Location": "/c/%d" % count}
        if self.path.startswith("/c/"): out = {"at": self.path}
        if self.path == "/old": status, more = 302, {"Location": "/ready"}
        if self.path == "/end": self.server.shutdown_soon = True
        text = json.dumps(out).encode()
        self.send_response(status)
        for k, v in {**more, "Content-Length": str(len(text)), "Content-Type": "application/json"}.items(): self.send_header(k, v)
        self.end_headers()
        self.wfile.write(text)
        if self.path == "/end": os._exit(3)
    do_GET = do_POST = do
    def log_message(self, f, *a): print(f % a, flush=True)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"#;

/// A project whose one check asks the service.
fn project(tier: &str, mode: &str, requests: Value, more: Value) -> (Sandbox, String) {
    let s = Sandbox::project();
    s.write("server.py", SERVER);
    s.write("seed.py", "import json, os, sys, urllib.request as u\nu.urlopen(u.Request(os.environ['OTTO_URL_COUNTER'] + '/add', json.dumps({'by': int(sys.argv[1])}).encode()))\n");
    let config = s.read("otto.yaml").replace("tier: worktree", &format!("tier: {tier}"));
    s.write("otto.yaml", &config);
    s.commit("a server");
    let spec = s.spec(&Shape::of(1).with(|spec| {
        spec["services"] = json!([{"id": "counter", "argv": ["python3", "server.py", mode],
                                   "ready": "/ready", "ready_timeout_s": 5}]);
        spec["groups"][0]["checks"][0] = json!({"id": "asks", "kind": "api_probe",
            "features": ["f-g1"], "service": "counter", "requests": requests});
        if let Some(more) = more.as_object() {
            for (key, value) in more {
                spec[key] = value.clone();
            }
        }
    }));
    s.run(0, &["compile", "--from-spec", &spec]);
    (s, spec)
}

/// The outcome of the check at the project's commit.
fn outcome(s: &Sandbox) -> Value {
    let done = s.finish(&mut s.command(&["check", "--at", "HEAD", "--json"]));
    let lines = done.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let found = lines.map(|l| l["outcome"].clone()).find(Value::is_object);
    found.unwrap_or_else(|| panic!("no outcome: {}{}", done.stdout, done.stderr))
}

fn adds() -> Value {
    json!([
        {"method": "POST", "path": "/add", "json": {"by": 2}, "save": {"id": "$.id", "at": "header:location"},
         "expect": {"status": 201, "headers": {"location": {"matches": "^/c/"}},
                    "json": [{"path": "$.count", "equals": 2}],
                    "schema": {"required": ["count", "id"], "properties": {"id": {"type": "string"}}}}},
        {"path": "{{at}}", "expect": {"json": [{"path": "$.at", "equals": "/c/2"}]}},
        {"method": "POST", "path": "/add", "json": {"by": 3},
         "expect": {"status": 201, "body": {"contains": ["\"count\": 5"]}}}
    ])
}

#[test]
fn a_service_is_started_asked_and_stopped_at_every_tier() {
    for tier in working() {
        let (s, _) = project(tier, "good", adds(), json!({}));
        let found = outcome(&s);
        assert_eq!(found["reason"], "ok", "{tier}: {found}");
        assert_eq!(s.leftovers(), [0; 0], "{tier}");
        // Each run has a fresh one: the count begins at 0 again.
        assert_eq!(outcome(&s)["reason"], "ok", "{tier}");
        let kept: Vec<Value> = found["evidence"]
            .as_array()
            .expect("evidence")
            .iter()
            .filter_map(|e| {
                let hash = e.as_str()?.strip_prefix("sha256:")?.to_owned();
                let text =
                    std::fs::read_to_string(s.session_dir().join("evidence").join(hash)).ok()?;
                serde_json::from_str(&text).ok()
            })
            .collect();
        assert_eq!(kept.len(), 1, "the exchanges: {kept:?}");
        assert_eq!(kept[0]["exchanges"][0]["response"]["status"], 201);
        assert_eq!(kept[0]["captures"]["id"], "c2");
    }
}

#[test]
fn seed_data_is_there_before_the_check() {
    for tier in working() {
        let asks =
            json!([{"path": "/count", "expect": {"json": [{"path": "$.count", "equals": 7}]}}]);
        let fixtures = json!({"fixtures": [{"id": "seven", "argv": ["python3", "seed.py", "7"]}]});
        let (s, _) = project(tier, "good", asks.clone(), fixtures);
        let found = outcome(&s);
        assert_eq!(found["reason"], "ok", "{tier}: {found}");
        let broken = json!({"fixtures": [{"id": "none", "argv": ["python3", "seed.py", "seven"]}]});
        let (s, _) = project(tier, "good", asks, broken);
        let found = outcome(&s);
        assert_eq!(found["reason"], "fixture_failed", "{tier}: {found}");
        assert!(found["detail"].as_str().is_some_and(|d| d.contains("invalid literal")), "{found}");
    }
}

#[test]
fn what_goes_wrong_with_a_service_has_its_name() {
    let tier = *working().last().expect("one works");
    for (mode, requests, reason) in [
        ("dies", adds(), "service_died"),
        ("never", adds(), "service_not_ready"),
        (
            "good",
            json!([{"path": "/end", "expect": {"json": [{"path": "$.count"}]}}]),
            "service_died",
        ),
        (
            "good",
            json!([{"path": "/old", "expect": {"json": [{"path": "$.count"}]}}]),
            "expectation",
        ),
        (
            "good",
            json!([{"path": "/count", "save": {"x": "$.none"}, "expect": {"json": [{"path": "$.count"}]}},
                        {"path": "/{{x}}", "expect": {"json": [{"path": "$.count"}]}}]),
            "expectation",
        ),
    ] {
        let (s, _) = project(tier, mode, requests.clone(), json!({}));
        let found = outcome(&s);
        assert_eq!(found["reason"], reason, "{mode} {requests}: {found}");
        assert_eq!(s.leftovers(), [0; 0]);
    }
}

/// What answers at the port of a service, and was not started for it, is not taken for it.
#[test]
fn a_stale_server_is_not_the_service() {
    // The service does nothing; a server of the person's, which watches for the port, is faster.
    let requests = json!([{"path": "/count", "expect": {"json": [{"path": "$.count"}]}}]);
    let (s, _) = project("worktree", "good", requests, json!({}));
    s.write("server.py", &format!(
        "import os, time\nopen('{at}.new', 'w').write(os.environ['PORT'])\nos.rename('{at}.new', '{at}')\ntime.sleep(60)\n",
        at = s.at("port").display()
    ));
    s.commit("a service that does not serve");
    s.write("stale.py", &format!(
        "import os, subprocess, time\nwhile True:\n    if os.path.exists('{at}'):\n        port = open('{at}').read()\n        os.remove('{at}')\n        subprocess.Popen(['python3', '{server}'], env=dict(os.environ, PORT=port))\n    time.sleep(0.01)\n",
        at = s.at("port").display(), server = s.at("stale-server.py").display()));
    std::fs::write(s.at("stale-server.py"), SERVER).expect("written");
    let mut stale = s.prepared("python3".as_ref());
    let mut stale = stale.arg("stale.py").spawn().expect("it starts");
    let found = outcome(&s);
    assert_eq!(found["reason"], "wrong_server", "{found}");
    stale.kill().expect("it runs");
    stale.wait().expect("it ends");
    s.kill_leftovers();
}

#[test]
fn a_command_finds_the_services_beside_it() {
    for tier in working() {
        let s = Sandbox::project();
        s.write("server.py", SERVER);
        s.write("ask.py", "import os, urllib.request as u\nprint(u.urlopen(os.environ['OTTO_URL_COUNTER'] + '/count').read().decode())\n");
        let config = s.read("otto.yaml").replace("tier: worktree", &format!("tier: {tier}"));
        s.write("otto.yaml", &config);
        s.commit("a client");
        let spec = s.spec(&Shape::of(1).with(|spec| {
            spec["services"] = json!([
                {"id": "counter", "argv": ["python3", "server.py"]},
                {"id": "behind", "argv": ["python3", "server.py", "{url:counter}"]}]);
            spec["groups"][0]["checks"][0] = json!({"id": "asks", "kind": "cli_probe",
                "features": ["f-g1"], "services": ["behind"], "argv": ["python3", "ask.py"],
                "stdout": {"contains": ["count"]}});
        }));
        s.run(0, &["compile", "--from-spec", &spec]);
        let found = outcome(&s);
        assert_eq!(found["reason"], "ok", "{tier}: {found}");
        assert_eq!(s.leftovers(), [0; 0], "{tier}");
    }
}
