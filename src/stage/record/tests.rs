//! A session by hand, recorded, and the recording read back.

use serde_json::json;

use super::*;
use crate::process::{Capture, Command, base_env};
use crate::session::event::{AttemptFinished, AttemptStarted};
use crate::session::journal::Entry;
use crate::stage::compile::{Start, create};

struct Project {
    dir: tempfile::TempDir,
    ws: Workspace,
    session: Session,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("project");
        std::fs::create_dir(&root).expect("a project");
        git(&root, "git init -q -b main; echo one > a.txt; git add .; git commit -qm start");
        let ws = Workspace::open(&root, "otto").expect("a workspace");
        let worktrees = dir.path().join("worktrees").display().to_string();
        let start = Start {
            intent: "say hello".into(),
            given: Some("{}".into()),
            flags: vec![("worktree_dir".into(), json!(worktrees), "a test".into())],
            ..Start::default()
        };
        let (session, _) = create(&ws, &start).expect("a session");
        Self { dir, ws, session }
    }

    /// Commits what `script` does on top of `from`.
    fn work(&self, from: Oid, script: &str) -> Oid {
        let root = self.ws.root();
        git(root, &format!("git checkout -q {from}; {script}; git add -A; git commit -qm work"));
        let text = std::fs::read_to_string(root.join(".git/HEAD")).expect("HEAD");
        text.trim().parse().expect("a detached HEAD")
    }

    fn attempt(
        &self,
        number: u32,
        role: &str,
        start: Oid,
        end: Option<Oid>,
        outcome: AttemptOutcome,
    ) {
        let commit = end.filter(|end| *end != start);
        let tree = end.map(|end| self.ws.repo.tree_of(end).expect("a tree"));
        let started = AttemptStarted {
            role: role.into(),
            base: self.session.record.base,
            dep_heads: BTreeMap::new(),
            start,
            provider: "command".into(),
            model: None,
            spec: Sha256::of(b"spec"),
        };
        let finished = AttemptFinished {
            outcome,
            commit,
            tree,
            files: u32::from(commit.is_some()),
            violations: Vec::new(),
            left_out: Vec::new(),
            fingerprint: None,
            brief: String::new(),
            turn: "end".into(),
            claim: String::new(),
            duration_s: 1.0,
            boot: None,
            conversation: None,
        };
        let append = |entry| self.session.append(&self.ws, entry).expect("appended");
        append(Entry::attempt("greet", number, started));
        append(Entry::attempt("greet", number, finished));
        let dir = self.session.layout.build_attempt("greet", number);
        said(&dir, &format!("attempt {number}"));
    }
}

fn git(dir: &Path, script: &str) {
    let mut env = base_env();
    for (key, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@example.org"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@example.org"),
    ] {
        env.insert(key.into(), value.into());
    }
    let log = tempfile::NamedTempFile::new().expect("a log");
    let done = Command::new(["sh", "-ec", script], dir, env)
        .run(Capture::Merged(log.path().to_owned()))
        .expect("runs");
    assert!(done.success(), "{}", std::fs::read_to_string(log.path()).expect("log"));
}

fn said(dir: &Path, text: &str) {
    let lines = [
        json!({"t": 0.1, "m": {"event": "text", "text": text}}),
        json!({"t": 0.2, "m": {"event": "tool_call", "name": "sh", "input": "ls"}}),
        json!({"t": 0.3, "m": {"event": "text", "text": "two\n\nlines"}}),
        json!({"t": 0.4, "m": {"event": "usage", "input": 10}}),
        json!({"t": 0.5, "m": {"event": "usage", "input": 5, "output": 2}}),
        json!({"t": 0.6, "m": {"event": "done", "reason": "end"}}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    disk::replace(&dir.join("messages.jsonl"), text.as_bytes()).expect("a transcript");
}

#[test]
fn the_turns_of_a_session_become_a_recording() {
    let project = Project::new();
    let layout = &project.session.layout;
    for n in 1..=2 {
        let answer = layout.spec_attempt(n).join("answer.json");
        disk::replace_json(&answer, &json!({"n": n})).expect("an answer");
    }
    said(&layout.spec_attempt(1), "a spec");
    // An attempt that was stopped before it answered.
    disk::create_dir_all(&layout.spec_attempt(3)).expect("a folder");
    let audit = layout.audit_round(2).join("certifier/answer.json");
    disk::replace_json(&audit, &json!({"findings": []})).expect("an answer");

    use AttemptOutcome::{ChecksFailed, NoChange, Passing, TurnFailed};
    let base = project.session.record.base;
    let first = project.work(base, "echo two > 'b c.txt'; printf '\\000\\001' > data");
    let second = project.work(first, "rm a.txt; chmod +x data");
    project.attempt(1, "build", base, Some(first), ChecksFailed);
    project.attempt(2, "build", first, None, TurnFailed);
    project.attempt(3, "build", first, Some(first), NoChange);
    project.attempt(4, "merge", first, Some(second), Passing);

    let out = project.dir.path().join("recording");
    assert_eq!(export(&project.ws, &project.session, &out).expect("a recording"), 6);
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    assert_eq!(read("build/greet/01/narrative.txt"), "attempt 1\ntwo\nlines\n");
    assert_eq!(read("build/greet/02/narrative.txt"), "attempt 3\ntwo\nlines\n");
    assert!(!out.join("build/greet/02/changes.patch").exists());
    assert!(!out.join("build/greet/03").exists());
    let usage: Value = serde_json::from_str(&read("build/greet/01/usage.json")).expect("JSON");
    assert_eq!(usage, json!({"input": 15, "output": 2}));
    assert!(read("spec/_/02/answer.json").contains("2"));
    assert!(read("certifier/_/01/answer.json").contains("findings"));
    assert!(!out.join("spec/_/02/usage.json").exists());

    let recording: Recording = serde_json::from_str(&read("recording.json")).expect("JSON");
    assert_eq!((recording.v, recording.session), (VERSION, project.session.id.to_string()));
    let patch = Sha256::of(read("merge/greet/01/changes.patch").as_bytes());
    assert!(recording.turns.contains(&RecordedTurn {
        role: "merge".into(),
        group: Some("greet".into()),
        number: 1,
        patch_sha256: Some(patch),
    }));

    // Played in order on the base, the patches make the tree that the last attempt left.
    let script = format!(
        "git checkout -qf {base}; for p in build/greet/01 merge/greet/01; do git apply {}/$p/changes.patch; done; git add -A; test \"$(git write-tree)\" = {}",
        out.display(),
        project.ws.repo.tree_of(second).expect("a tree"),
    );
    git(project.ws.root(), &script);
}

#[test]
fn a_folder_in_use_is_refused_and_left_alone() {
    let project = Project::new();
    let out = project.dir.path().join("mine");
    disk::replace(&out.join("letter.txt"), b"dear").expect("a file");
    for dir in [&out, &out.join("letter.txt")] {
        let refused = export(&project.ws, &project.session, dir).expect_err("refused");
        assert_eq!(refused.exit().0, 2);
    }
    assert_eq!(std::fs::read_dir(&out).expect("listed").count(), 1);
    disk::remove_file(&out.join("letter.txt")).expect("removed");
    assert_eq!(export(&project.ws, &project.session, &out).expect("an empty folder"), 0);
}

#[test]
fn a_damaged_transcript_is_named() {
    let project = Project::new();
    let base = project.session.record.base;
    project.attempt(1, "build", base, Some(base), AttemptOutcome::NoChange);
    let messages = project.session.layout.build_attempt("greet", 1).join("messages.jsonl");
    disk::replace(&messages, b"{\"t\":0}\n").expect("damaged");
    let out = project.dir.path().join("recording");
    let refused = export(&project.ws, &project.session, &out).expect_err("refused");
    assert_eq!(refused.exit().0, 65);
    assert!(refused.to_string().contains("messages.jsonl' is damaged at line 1"), "{refused}");
    assert!(!out.join("recording.json").exists());
}
