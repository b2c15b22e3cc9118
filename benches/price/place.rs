//! A place to measure in: a repository of a given size, an agent and a check that cost as little
//! as a program can, and the release programs.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use otto::base::Sha256;
use serde_json::{Value, json};

const OTTO: &str = env!("CARGO_BIN_EXE_otto");
/// What the agent does when it does not wait.
pub const INSTANT: &str = "";

/// One test in TAP: green when the group's work is there. No program is started by it.
const CHECK: &str = r#"echo 1..1
if [ -f "$1/work" ]; then echo "ok 1 - $1"; else echo "not ok 1 - $1"; exit 1; fi
"#;

pub struct Place {
    dir: tempfile::TempDir,
    pub project: PathBuf,
}

/// What a program printed; it must have ended with one of the codes that the caller allows.
pub struct Said {
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// A repository of `files` files, a hundred in a folder, and one commit.
    pub fn new(files: usize) -> Self {
        Self::checked(files, "")
    }

    /// The same with a check that begins with the line `first`, in which `PLACE` is its folder.
    pub fn checked(files: usize, first: &str) -> Self {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("price");
        std::fs::create_dir_all(&base).expect("a folder beside the programs");
        let dir = tempfile::Builder::new().tempdir_in(&base).expect("a folder");
        let project = dir.path().join("project");
        for sub in ["home", "tmp", "cache", "project"] {
            std::fs::create_dir_all(dir.path().join(sub)).expect("a folder");
        }
        let place = Self { dir, project };
        place.agent(INSTANT);
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        write(
            &place.project.join("tests/check.sh"),
            &format!("{first}{CHECK}").replace("PLACE", &place.at("").to_string_lossy()),
        );
        place.config();
        for n in 0..files.saturating_sub(2) {
            let path = place.project.join(format!("files/{}/{n}.txt", n / 100));
            write(&path, &format!("file {n}\nof a repository of {files} files\n"));
        }
        place.git(&["add", "--all"]);
        place.git(&["commit", "--quiet", "--message", "start"]);
        place
    }

    fn config(&self) {
        let agent = Value::from(self.at("agent.sh").to_string_lossy().into_owned());
        write(
            &self.project.join("otto.yaml"),
            &format!(
                "provider: command\nproviders: {{command: {{argv: [{agent}]}}}}\n\
                 agents: {{certifier: {{provider: none}}}}\n\
                 sandbox: {{tier: worktree}}\n"
            ),
        );
    }

    /// The agent: `first`, then one new file.
    pub fn agent(&self, first: &str) {
        let path = self.at("agent.sh");
        let body = "mkdir -p \"$OTTO_GROUP\" && echo done >\"$OTTO_GROUP/work\"";
        write(&path, &format!("#!/bin/sh\n{first}\n{body}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }

    /// A path beside the project.
    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A spec of `n` groups without dependencies, each with one feature and one check.
    pub fn spec(&self, n: usize) -> String {
        let ids: Vec<String> = (1..=n).map(|i| format!("g{i}")).collect();
        let feature = |g: &String| {
            json!({"id": format!("f-{g}"), "name": format!("What {g} does"), "group": g,
                   "acceptance": [format!("the work of {g} is there")]})
        };
        let group = |g: &String| {
            let check = json!({"id": format!("{g}-tests"), "kind": "repo_test",
                               "features": [format!("f-{g}")], "argv": ["sh", "tests/check.sh", g]});
            json!({"id": g, "title": format!("The part of {g}"), "features": [format!("f-{g}")],
                   "owned_paths": [format!("{g}/**")], "checks": [check]})
        };
        let spec = json!({
            "v": 1, "intent": "parts", "intent_sha256": Sha256::of(b"parts").to_string(),
            "project_kind": "cli",
            "features": ids.iter().map(feature).collect::<Vec<_>>(),
            "groups": ids.iter().map(group).collect::<Vec<_>>(),
        });
        let path = self.at(&format!("spec-{n}.json"));
        write(&path, &spec.to_string());
        path.to_string_lossy().into_owned()
    }

    /// A program with nothing of the caller's environment but `PATH`.
    pub fn command(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let system = std::env::var("PATH").expect("a PATH");
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(&self.project).stdin(Stdio::null());
        command.env("PATH", format!("{}:{system}", programs().display()));
        command.env("HOME", self.at("home")).env("TMPDIR", self.at("tmp"));
        command.env("XDG_CACHE_HOME", self.at("cache")).env("USER", "bench").env("LC_ALL", "C");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Bench");
            command.env(format!("GIT_{who}_EMAIL"), "bench@localhost");
        }
        command
    }

    pub fn otto(&self, args: &[&str]) -> Command {
        self.command(programs().join("otto"), args)
    }

    /// A shell line.
    pub fn sh(&self, line: &str) -> Command {
        self.command("sh", &["-c", line])
    }

    pub fn git(&self, args: &[&str]) -> String {
        run(self.command("git", args), 0).stdout.trim_end().to_owned()
    }

    /// The newest session.
    pub fn session(&self) -> String {
        let latest = std::fs::read_to_string(self.project.join("otto_logs/latest"));
        latest.expect("there is a session").trim().to_owned()
    }

    pub fn session_dir(&self) -> PathBuf {
        self.project.join("otto_logs/sessions").join(self.session())
    }

    pub fn journal(&self) -> PathBuf {
        self.session_dir().join("spec-state.jsonl")
    }

    /// Every event of the newest session.
    pub fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.journal()).expect("a journal");
        text.lines().map(|l| serde_json::from_str(l).expect("an event")).collect()
    }
}

/// Must end with `code`.
pub fn run(mut command: Command, code: i32) -> Said {
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = Said { stdout: text(output.stdout), stderr: text(output.stderr) };
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{}\n{}", said.stdout, said.stderr);
    said
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

/// The programs as they are installed: one folder, one hard link for every name.
pub fn programs() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("price-bin");
        drop(std::fs::remove_dir_all(&dir));
        std::fs::create_dir_all(&dir).expect("a folder for the programs");
        let output = Command::new(OTTO).args(["pages", "--names"]).output().expect("otto starts");
        let names = String::from_utf8(output.stdout).expect("names are text");
        for name in names.lines().chain(["otto"]) {
            std::fs::hard_link(OTTO, dir.join(name)).expect("a hard link");
        }
        dir
    })
}
