use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::assert::{Assert, OutputAssertExt};
use serde_json::Value;

use super::running::Running;
use super::shape::Shape;
use super::{bin_dir, until};

/// Prints TAP: one test, green when the group's work is there. `$HOME/on-check` runs first.
const CHECK: &str = r#"if [ -f "$HOME/on-check" ]; then . "$HOME/on-check"; fi
echo 1..1
if grep -qx "done $1" "$1/work" 2>/dev/null; then
    echo "ok 1 - $1"
else
    echo "not ok 1 - $1 has no work"
    exit 1
fi
"#;

/// What an agent does that does its part and nothing else.
pub const GOOD: &str = r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

/// The place of one test.
pub struct Sandbox {
    dir: tempfile::TempDir,
    /// Where programs are started; with [`Sandbox::project`] a repository.
    pub project: PathBuf,
    path: String,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// An empty folder.
    pub fn new() -> Self {
        Self::named("project")
    }

    /// An empty folder of that name.
    pub fn named(name: &str) -> Self {
        Self::below(&std::env::temp_dir(), name)
    }

    fn below(place: &Path, name: &str) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("otto-it-")
            .disable_cleanup(std::env::var_os("OTTO_KEEP").is_some())
            .tempdir_in(place)
            .expect("a folder");
        let root = dir.path().canonicalize().expect("it is there");
        for sub in ["home/marks", "tmp", "cache", name] {
            std::fs::create_dir_all(root.join(sub)).expect("a folder");
        }
        let system = std::env::var("PATH").expect("a PATH");
        let path = format!("{}:{system}", bin_dir().display());
        Self { project: root.join(name), dir, path }
    }

    /// A repository with one commit, a check script, and an agent that does its part.
    pub fn project() -> Self {
        Self::project_named("project")
    }

    /// The same on the file system of `place`.
    pub fn project_in(place: &Path) -> Self {
        Self::filled(Self::below(place, "project"))
    }

    pub fn project_named(name: &str) -> Self {
        Self::filled(Self::named(name))
    }

    fn filled(sandbox: Self) -> Self {
        sandbox.agent(GOOD);
        sandbox.init();
        sandbox
    }

    fn init(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.write("README.md", "A project.\n");
        self.write("tests/check.sh", CHECK);
        self.write(
            "otto.yaml",
            &format!(
                "provider: command\nproviders: {{command: {{argv: [{}]}}}}\n\
                 agents: {{certifier: {{provider: none}}, pilot: {{provider: none}}}}\njobs: 2\n\
                 sandbox: {{tier: worktree}}\n",
                Value::from(self.at("agent.sh").to_string_lossy().into_owned())
            ),
        );
        self.commit("start");
    }

    /// A path beside the project.
    pub fn at(&self, name: &str) -> PathBuf {
        self.project.parent().expect("the folder of the sandbox").join(name)
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.at("home").join(name)
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        write(&self.project.join(name), text);
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.project.join(name)).expect("a file of the project")
    }

    /// Commits everything in the checkout.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The agent: the body of a shell script, started in the worktree.
    pub fn agent(&self, body: &str) {
        let text = format!("#!/bin/sh\nset -eu\ncat >\"$HOME/prompt.$OTTO_GROUP\"\n{body}\n");
        self.script(&self.at("agent.sh"), &text);
    }

    pub fn script(&self, path: &Path, text: &str) {
        write(path, text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }

    /// Sourced by every run of a check.
    pub fn on_check(&self, body: &str) {
        write(&self.home("on-check"), body);
    }

    /// Writes `spec.json` beside the project and returns its path.
    pub fn spec(&self, shape: &Shape) -> String {
        let path = self.at("spec.json");
        write(&path, &shape.text());
        path.to_string_lossy().into_owned()
    }

    /// Any program, with an empty environment and nothing on standard input.
    pub fn prepared(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.project).stdin(Stdio::null());
        command.env("PATH", &self.path).env("USER", "tester").env("LC_ALL", "C");
        command.env("HOME", self.at("home")).env("TMPDIR", self.at("tmp"));
        command.env("XDG_CACHE_HOME", self.at("cache"));
        // As PATH: where the machine's own python3 is.
        if let Some(root) = std::env::var_os("PYENV_ROOT") {
            command.env("PYENV_ROOT", root);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Tester");
            command.env(format!("GIT_{who}_EMAIL"), "tester@localhost");
            command.env(format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z");
        }
        command
    }

    /// `otto …` with an empty environment and nothing on standard input.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.prepared(bin_dir().join("otto").as_os_str());
        command.args(args);
        command
    }

    pub fn otto(&self, args: &[&str]) -> Assert {
        self.command(args).assert()
    }

    /// A shell line: pipes and redirections as a person writes them.
    pub fn sh(&self, line: &str) -> Assert {
        self.shell_command(line).assert()
    }

    pub fn shell_command(&self, line: &str) -> Command {
        let mut command = self.prepared("sh".as_ref());
        command.args(["-c", line]);
        command
    }

    /// Must exit with `code`.
    pub fn run(&self, code: i32, args: &[&str]) -> Done {
        self.done(self.otto(args), code)
    }

    pub fn shell(&self, code: i32, line: &str) -> Done {
        self.done(self.sh(line), code)
    }

    fn done(&self, assert: Assert, code: i32) -> Done {
        let output = assert.get_output();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stderr);
        assert!(!said.contains("panicked at"), "{said}");
        if output.status.code() != Some(code) {
            // What the steps of a run said is in their logs.
            self.print_logs();
        }
        let done = Done { code, stdout: text(&output.stdout), stderr: said };
        assert.code(code);
        done
    }

    /// Whatever the exit code is.
    pub fn finish(&self, command: &mut Command) -> Done {
        let output = command.output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = super::running::code(output.status);
        Done { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Paths below the sandbox of files whose names end so.
    pub fn files_named(&self, end: &str) -> Vec<String> {
        fn walk(dir: &Path, end: &str, out: &mut Vec<String>) {
            // One that is being removed has nothing to look for.
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    walk(&path, end, out);
                } else if entry.file_name().to_string_lossy().ends_with(end) {
                    out.push(path.to_string_lossy().into_owned());
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.at(""), end, &mut out);
        out.sort();
        out
    }

    fn print_logs(&self) {
        if !self.project.join("otto_logs/latest").exists() {
            return;
        }
        for log in ["build-group.log", "merge.log", "audit.log", "repair.log"] {
            let path = self.session_dir().join("steps").join(log);
            println!("{log}: {}", std::fs::read_to_string(path).unwrap_or_default());
        }
    }

    /// Starts it and goes on. Its output is kept in `out.txt` and `err.txt` beside the project.
    pub fn start(&self, args: &[&str]) -> Running {
        let file = |name: &str| std::fs::File::create(self.at(name)).expect("a file");
        let mut command = self.command(args);
        command.stdout(file("out.txt")).stderr(file("err.txt"));
        Running::new(command.spawn().expect("otto starts"))
    }

    /// What a started program has said so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.at("err.txt")).expect("a program was started")
    }

    /// The running program of that name.
    pub fn process(&self, program: &str) -> i32 {
        let named = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let first = line.split(|b| *b == 0).next().unwrap_or_default();
            first.ends_with(program.as_bytes())
        };
        self.leftovers().into_iter().find(named).expect("it runs")
    }

    /// Must succeed; returns what it printed, without the last line end.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.project, args)
    }

    pub fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let output = self.prepared("git".as_ref()).args(args).current_dir(dir).output();
        let output = output.expect("git starts");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {err}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// Waits until an agent or a check made `$HOME/marks/<name>`.
    pub fn mark(&self, name: &str) {
        let path = self.home("marks").join(name);
        until(name, || path.exists().then_some(()));
    }

    /// A fifo `$HOME/<name>` on which a script waits with `read x <"$HOME/<name>"`.
    pub fn gate(&self, name: &str) {
        let path = std::ffi::CString::new(self.home(name).into_os_string().into_encoded_bytes())
            .expect("no NUL");
        // SAFETY: the path is a valid C string for the time of the call.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0, "mkfifo");
    }

    /// Lets one waiting script go on.
    pub fn open_gate(&self, name: &str) {
        std::fs::write(self.home(name), "go\n").expect("somebody waits");
    }

    /// The newest session.
    pub fn session(&self) -> String {
        let latest = std::fs::read_to_string(self.project.join("otto_logs/latest"));
        latest.expect("there is a session").trim().to_owned()
    }

    pub fn session_dir(&self) -> PathBuf {
        self.project.join("otto_logs/sessions").join(self.session())
    }

    pub fn integ(&self) -> String {
        format!("refs/heads/i2p/integ/{}", self.session())
    }

    pub fn build_ref(&self, group: &str) -> String {
        format!("refs/heads/i2p/build/{}.{group}", self.session())
    }

    /// Every event of the newest session; an unterminated last line is not one.
    pub fn journal(&self) -> Vec<Value> {
        let path = self.session_dir().join("spec-state.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|l| serde_json::from_str(l).expect("an event")).collect()
    }

    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.journal().into_iter().filter(|e| e["kind"] == kind).collect()
    }

    /// The group of each landing, in order.
    pub fn landings(&self) -> Vec<String> {
        let group = |e: &Value| e["group"].as_str().expect("a landing has a group").to_owned();
        self.events("merge.landed").iter().map(group).collect()
    }

    /// Waits until the journal has `n` events of the kind.
    pub fn wait_for(&self, kind: &str, n: usize) {
        until(kind, || {
            let there = self.project.join("otto_logs/latest").exists();
            (there && self.events(kind).len() >= n).then_some(())
        });
    }

    /// Subjects of the integration branch, newest first.
    pub fn story(&self) -> Vec<String> {
        let log = self.git(&["log", "--first-parent", "--format=%s", &self.integ()]);
        log.lines().map(str::to_owned).collect()
    }

    /// Everything that a passed run leaves behind: the groups landed once each, the chain whole.
    pub fn assert_landed_once(&self, groups: &[&str]) {
        let mut landed = self.landings();
        landed.sort();
        assert_eq!(landed, groups);
        self.run(0, &["verify"]);
    }

    /// Processes of this sandbox that still run: those with a path of it in their environment. An
    /// agent has a home of its own, which is below it too.
    pub fn leftovers(&self) -> Vec<i32> {
        let root = self.at("").into_os_string().into_encoded_bytes();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let env = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if env.windows(root.len()).any(|part| part == root) {
                found.push(pid);
            }
        }
        found
    }
}

impl Sandbox {
    /// Ends what still runs, and waits for its end.
    pub fn kill_leftovers(&self) {
        until("the end of everything", || {
            // Only what carries this sandbox's own home in its environment.
            let running = self.leftovers();
            for pid in &running {
                // SAFETY: a signal to a process that a program of this test started.
                unsafe { libc::kill(*pid, libc::SIGKILL) };
            }
            running.is_empty().then_some(())
        });
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for pid in self.leftovers() {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        let _ = &self.dir;
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}
