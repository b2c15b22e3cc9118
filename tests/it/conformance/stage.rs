//! Plays a scene: the fake agent is written as a script, the provider is started, and what it says
//! is read to the end.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::adapter::{Adapter, Scene, Stops, Then, WORKDIR};
use crate::harness::{Sandbox, write};

/// What a provider said.
pub struct Turn {
    pub lines: Vec<String>,
    pub events: Vec<Value>,
    pub code: i32,
    pub left_behind: bool,
}

impl Turn {
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["event"] == kind).collect()
    }

    pub fn reason(&self) -> &str {
        self.events.last().and_then(|e| e["reason"].as_str()).unwrap_or("")
    }

    pub fn structured(&self) -> &Value {
        self.events.last().map_or(&Value::Null, |e| &e["structured"])
    }

    pub fn class(&self) -> Option<&str> {
        self.all("error").last().and_then(|e| e["class"].as_str())
    }

    pub fn message(&self) -> &str {
        self.all("error").last().and_then(|e| e["message"].as_str()).unwrap_or("")
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    exit {}", self.code)?;
        let short = |line: &String| line.chars().take(300).collect::<String>();
        self.lines.iter().try_for_each(|line| writeln!(f, "    {}", short(line)))
    }
}

/// The answer of every scene that has one follows this.
const SCHEMA: &str = r#"{"type": "object", "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"], "additionalProperties": false}"#;

pub fn play(adapter: &Adapter, scene: &Scene) -> Turn {
    play_in(&Sandbox::new(), adapter, scene)
}

pub fn play_in(s: &Sandbox, adapter: &Adapter, scene: &Scene) -> Turn {
    write_agent(s, scene);
    drop(std::fs::remove_file(s.home("marks/printed")));
    write(&s.at("turn/prompt.md"), "Do it.\n");
    let mut command = s.command(&[adapter.program]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(std::fs::File::create(s.at("turn/stderr")).expect("a file"));
    let mut child = command.spawn().expect("otto starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{}", request(s, adapter, scene)).expect("written");
    let stdout = child.stdout.take().expect("a pipe");
    let (says, hears) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(stdout).split(b'\n');
        let lines = lines.map(|line| String::from_utf8(line.expect("read")).expect("UTF-8"));
        lines.inspect(|_| says.send(()).unwrap_or_default()).collect::<Vec<_>>()
    });
    if matches!(scene.then, Then::Waits { .. }) {
        if scene.files.is_empty() {
            s.mark("printed");
        } else {
            // There is no agent.
            hears.recv_timeout(std::time::Duration::from_secs(60)).expect("it says something");
        }
        match adapter.stops {
            Stops::Line => writeln!(stdin, "{}", json!({"stop": "enough"})).expect("written"),
            // SAFETY: the child is ours and was not waited for.
            Stops::Signal => assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGTERM) }, 0),
        }
    }
    // Standard input stays open, as it does when Otto asks.
    let lines = reader.join().expect("read to the end");
    let status = child.wait().expect("it ends");
    drop(stdin);
    let events = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Turn { lines, events, code: status.code().unwrap_or(-1), left_behind: is_left(s) }
}

/// Whether anything that works for the fake agent still runs: it names a path of this test.
fn is_left(s: &Sandbox) -> bool {
    let here = s.at("").to_string_lossy().into_owned();
    let named = |pid: &str| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&here)
    };
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| entry.file_name().into_string().ok()).any(|pid| named(&pid))
}

fn request(s: &Sandbox, adapter: &Adapter, scene: &Scene) -> Value {
    let agent = s.at("agent").to_string_lossy().into_owned();
    write(&s.at("turn/schema.json"), SCHEMA);
    let answers = scene.role != "build";
    let deadline = if matches!(scene.then, Then::Hangs) {
        (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500)).to_string()
    } else {
        "2126-01-01T00:00:00Z".into()
    };
    let mut request = json!({"v": 1, "role": scene.role, "session": "20260101-000000-abcd",
        "group": "g1", "attempt": 1, "prompt_file": s.at("turn/prompt.md"), "workdir": s.project,
        "max_turns": 10, "deadline": deadline, "budget_usd": 1.5,
        "schema_file": answers.then(|| s.at("turn/schema.json")),
        "output_file": s.at("turn/output.json"), "state_dir": s.at("state"),
        "sandbox": {"tier": "worktree", "network": "on"}, "settings": (adapter.settings)(), "secrets": []});
    for (key, value) in scene.request.as_object().expect("an object") {
        request[key] = value.clone();
    }
    let settings = request["settings"].to_string().replace("AGENT", &agent);
    request["settings"] = serde_json::from_str(&settings).expect("settings");
    request
}

/// A program that prints a transcript. What it was given is kept beside it.
fn write_agent(s: &Sandbox, scene: &Scene) {
    let at = |name: &str| s.at(name).to_string_lossy().into_owned();
    let prints = match std::str::from_utf8(&scene.prints) {
        Ok(text) => text.replace(WORKDIR, &s.project.to_string_lossy()).into_bytes(),
        Err(_) => scene.prints.clone(),
    };
    for (name, content) in &scene.files {
        let path = s.at("agent.d").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
    std::fs::write(s.at("prints"), prints).expect("written");
    write(&s.at("says"), scene.stderr);
    let mut script = format!(
        "#!/bin/sh\nif [ \"${{1-}}\" = --version ]; then echo 'fake 9.8.7'; exit 0; fi\n\
         printf '%s\\n' \"$@\" > '{args}'\ncat > '{stdin}'\nenv > '{env}'\npwd > '{cwd}'\n\
         cat '{says}' >&2\n",
        args = at("args"),
        stdin = at("stdin"),
        env = at("env"),
        cwd = at("cwd"),
        says = at("says"),
    );
    let prints = format!("cat '{}'\n: > '{}'\n", at("prints"), at("home/marks/printed"));
    let wait = format!("mkfifo '{0}' 2>/dev/null\ncat '{0}' &\nwait\n", at("gate"));
    match &scene.then {
        Then::Exits(code) => script.push_str(&format!("{prints}exit {code}\n")),
        Then::Dies => script.push_str(&format!("{prints}kill -9 $$\n")),
        Then::Waits { last_words, code } | Then::WaitsByItself { last_words, code } => {
            std::fs::write(s.at("last"), last_words).expect("written");
            let last = format!("cat \"{}\"; exit {code}", at("last"));
            script.push_str(&format!("trap '{last}' INT\n{prints}{wait}"));
        }
        Then::Hangs => script.push_str(&format!("trap '' INT TERM\n{prints}{wait}{wait}")),
    }
    s.script(&s.at("agent"), &script);
}
