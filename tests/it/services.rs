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

/// The person's own server, which no sandbox of a check reaches: how many came to it is asked later.
fn of_the_person() -> (std::net::TcpListener, u16) {
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    server.set_nonblocking(true).expect("it can");
    let port = server.local_addr().expect("bound").port();
    (server, port)
}

/// Otto carries ports for services. Nothing that a service makes may lead Otto anywhere else.
#[test]
fn a_service_leads_nobody_to_what_lies_outside() {
    let tiers = working();
    for tier in tiers.iter().filter(|tier| **tier != "worktree") {
        let asks = json!([{"path": "/", "expect": {"body": {"contains": ["mine"]}}}]);
        let (s, _) = project(tier, "good", asks, json!({}));
        let secret = std::os::unix::net::UnixListener::bind(s.at("secret.sock")).expect("a socket");
        secret.set_nonblocking(true).expect("it can");
        let (server, port) = of_the_person();
        s.write(
            "server.py",
            &format!(
                r#"import glob, os, socket
from http.server import BaseHTTPRequestHandler, HTTPServer
# Where Otto may look for the service: a link to the person's socket.
for at in glob.glob("/run/otto*/*") + glob.glob("/run/otto*"):
    for name in [at, at + "/" + os.environ["PORT"] + ".sock"]:
        try:
            if os.path.lexists(name): os.remove(name)
            os.symlink("{secret}", name)
        except OSError: pass
# Data that is sent before there is a connection, datagrams, and streams that are not TCP.
for kind, protocol in [(socket.SOCK_STREAM, 0), (socket.SOCK_STREAM, 262), (socket.SOCK_DGRAM, 0)]:
    for send in [lambda s: s.connect(("127.0.0.1", {port})),
                 lambda s: s.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", {port})),
                 lambda s: s.sendmsg([b"x"], [], socket.MSG_FASTOPEN, ("127.0.0.1", {port}))]:
        try: send(socket.socket(socket.AF_INET, kind, protocol))
        except OSError: pass
class H(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"mine")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"#,
                secret = s.at("secret.sock").display()
            ),
        );
        s.commit("a service that looks for ways out");
        let found = outcome(&s);
        assert_eq!(found["reason"], "ok", "{tier}: {found}");
        assert!(secret.accept().is_err(), "{tier}: Otto was led to a socket of the person's");
        assert!(server.accept().is_err(), "{tier}: the service reached a server of the person's");
    }
}

/// The same calls win where nothing is enforced: they are attempts, and not mistakes.
#[test]
fn without_a_sandbox_a_service_reaches_what_the_person_reaches() {
    let (server, port) = of_the_person();
    let asks = json!([{"path": "/count", "expect": {"json": [{"path": "$.count", "equals": 0}]}}]);
    let (s, _) = project("worktree", "good", asks, json!({}));
    let call = format!(
        "import socket\nsocket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', {port}))\n"
    );
    s.write("server.py", &(call + SERVER));
    s.commit("a service that calls");
    assert_eq!(outcome(&s)["reason"], "ok");
    assert!(server.accept().is_ok(), "Fast Open is a way to connect");
}

#[test]
fn commands_and_seed_data_are_told_where_services_are() {
    for tier in working() {
        let asks =
            json!([{"path": "/count", "expect": {"json": [{"path": "$.count", "equals": 0}]}}]);
        let more = json!({"fixtures": [
            {"id": "file", "argv": ["python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])",
                                    "{data}/seed", "{port} {url:counter}"]}]});
        let (s, spec) = project(tier, "good", asks, more);
        let text = std::fs::read_to_string(&spec).expect("the spec");
        let mut spec: Value = serde_json::from_str(&text).expect("JSON");
        spec["groups"][0]["checks"] = json!([{"id": "asks", "kind": "cli_probe", "features": ["f-g1"],
            "services": ["counter"], "env": {"WHERE": "{url:counter}"},
            "argv": ["python3", "-c", "import os, sys, urllib.request as u\nassert sys.argv[1] == os.environ['WHERE']\nprint(u.urlopen(sys.argv[1] + '/seeded').read().decode())", "{url:counter}"],
            "stdout": {"matches": "^[0-9]+ http://127.0.0.1:[0-9]+$"}}]);
        let server = SERVER.replace(
            "        text = json.dumps(out).encode()",
            "        text = json.dumps(out).encode()\n        if self.path == '/seeded': text = open(os.environ['OTTO_DATA_DIR'] + '/seed').read().encode()",
        );
        s.write("server.py", &server);
        s.commit("a server with data");
        // The services of a spec file are that file's.
        std::fs::write(s.at("by-hand.json"), spec.to_string()).expect("written");
        let file = s.at("by-hand.json").to_string_lossy().into_owned();
        let done = s.finish(&mut s.command(&["check", "--spec", &file, "--at", "HEAD", "--json"]));
        assert_eq!(done.code, 0, "{tier}: {}{}", done.stdout, done.stderr);
    }
}

#[test]
fn the_journal_tells_of_services_and_a_check_by_hand_is_not_in_it() {
    let (s, _) = project(
        "worktree",
        "good",
        json!([{"path": "/count", "expect": {"json": [{"path": "$.count", "equals": 0}]}}]),
        json!({}),
    );
    s.run(0, &["check", "--at", "HEAD"]);
    assert!(s.events("service.started").is_empty());
    s.write("otto.yaml", &(s.read("otto.yaml") + "attempts: 1\n"));
    // On the base the service is there already, so the check proves nothing; it was started all the same.
    s.finish(&mut s.command(&["build-group", "--session", "latest", "--all"]));
    let (started, stopped) = (s.events("service.started"), s.events("service.stopped"));
    assert_eq!(started[0]["data"]["service"], "counter");
    assert_eq!(started.len(), stopped.len());
}
