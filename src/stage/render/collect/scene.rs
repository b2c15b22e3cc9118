//! A session in a real repository, told by appending events.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::base::clock::Clock;
use crate::base::{SessionId, Sha256};
use crate::check::evidence::EvidenceStore;
use crate::disk;
use crate::git::Oid;
use crate::process::Tier;
use crate::session::config::Settings;
use crate::session::event::*;
use crate::session::journal::Entry;
use crate::session::layout::refs;
use crate::session::record::Versions;
use crate::session::{Session, SessionRecord, Workspace};
use crate::spec::{Spec, sample};

pub struct Scene {
    pub dir: tempfile::TempDir,
    pub ws: Workspace,
    pub session: Session,
    pub spec: Spec,
    pub tip: Oid,
    seconds: i64,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("XDG_CACHE_HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "t"), ("GIT_AUTHOR_EMAIL", "t@localhost")])
        .envs([("GIT_COMMITTER_NAME", "t"), ("GIT_COMMITTER_EMAIL", "t@localhost")])
        .envs([("GIT_AUTHOR_DATE", "1700000000 +0000"), ("GIT_COMMITTER_DATE", "1700000000 +0000")])
        .output()
        .expect("git is installed");
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8").trim().to_owned()
}

impl Scene {
    /// A session that has just been created in a repository with one commit.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("shop");
        std::fs::create_dir(&root).expect("a folder");
        git(&root, &["init", "-q", "-b", "main"]);
        git(&root, &["commit", "-q", "--allow-empty", "-m", "start"]);
        let base: Oid = git(&root, &["rev-parse", "HEAD"]).parse().expect("an id");
        let mut ws = Workspace::open(&root, "otto-test").expect("a project");
        ws.clock = clock(0);
        let spec = sample::good();
        let id: SessionId = "20261120-101112-abcd".parse().expect("an id");
        let session =
            Session::create(&ws, record(id, base, &spec), &spec.intent, None).expect("a session");
        Self { dir, ws, session, spec, tip: base, seconds: 0 }
    }

    /// Another session beside this one, with nothing but its start.
    pub fn another(&self, id: &str) -> Session {
        let id: SessionId = id.parse().expect("an id");
        let record = record(id, self.session.record.base, &self.spec);
        Session::create(&self.ws, record, &self.spec.intent, None).expect("a session")
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(self.ws.root(), args)
    }

    /// Appends an event, ten seconds after the one before.
    pub fn add(&mut self, entry: Entry) -> &mut Self {
        self.seconds += 10;
        self.ws.clock = clock(self.seconds);
        self.session.append(&self.ws, entry).expect("an append");
        self
    }

    pub fn told(&mut self, event: impl Into<Event>) -> &mut Self {
        self.add(Entry::new(event))
    }

    pub fn approved(&mut self) -> &mut Self {
        let sha256 = self.spec.content_hash();
        disk::replace(&self.session.layout.spec_json(), self.spec.to_json().as_bytes())
            .expect("a spec");
        let warnings = Vec::new();
        let source = "command".to_owned();
        self.told(SpecCompiled { sha256, version: 1, source, turns: 1, warnings, file: None });
        self.told(SpecApproved { sha256, by: "auto".into() })
    }

    /// An outcome at the tip, with evidence.
    pub fn outcome(&self, word: &str, reason: &str, output: &str) -> Value {
        let store = EvidenceStore::new(self.session.layout.evidence());
        let kept = store.keep(output.as_bytes()).expect("evidence");
        json!({"outcome": word, "reason": reason, "detail": "", "exit": 0, "signal": null,
               "tests": {"run": 2, "failed": 0, "skipped": 1}, "duration_s": 0.5,
               "commit": self.tip, "tree": self.tree(self.tip), "evidence": [kept.to_string()]})
    }

    pub fn tree(&self, commit: Oid) -> Oid {
        self.ws.repo.tree_of(commit).expect("a tree")
    }

    /// One attempt of a group that writes `path`, passes and lands.
    pub fn landed(&mut self, gid: &str, path: &str) -> &mut Self {
        let old = self.tip;
        let file = self.ws.root().join(path);
        disk::replace(&file, b"work\n").expect("a file");
        self.git(&["add", "-A", "."]);
        self.git(&["commit", "-q", "-m", &format!("land {gid}: {path}")]);
        let new: Oid = self.git(&["rev-parse", "HEAD"]).parse().expect("an id");
        let tree = self.tree(new);
        let usage = Usage { input: Some(100), usd: Some(0.25), ..Usage::default() };
        self.add(Entry::attempt(gid, 1, started(old, &self.spec)));
        self.add(Entry::attempt(
            gid,
            1,
            BudgetSpent { role: "build".into(), usage, partial: false, turn: None },
        ));
        self.tip = new;
        let checks: Vec<String> =
            self.spec.group(gid).expect("a group").checks.iter().map(|c| c.id.clone()).collect();
        for check in checks {
            let outcome = self.outcome("passed", "ok", &format!("{check} ok\n"));
            let phase = CheckPhase::Attempt;
            self.add(Entry::attempt(
                gid,
                1,
                GroupChecked { check, phase, outcome: outcome.into(), cached: false, run: None },
            ));
        }
        let end = AttemptFinished {
            outcome: AttemptOutcome::Passing,
            commit: Some(new),
            tree: Some(tree),
            files: 1,
            violations: Vec::new(),
            left_out: vec!["target/".into()],
            fingerprint: None,
            brief: String::new(),
            turn: "completed".into(),
            claim: "I did it.".into(),
            duration_s: 3.0,
            boot: None,
            conversation: None,
        };
        self.add(Entry::attempt(gid, 1, end));
        self.add(Entry::attempt(gid, 1, GroupPassing { commit: new, tree, base: old }));
        let landed = MergeLanded { old, new, tested_commit: new, tree, head: new, boot: None };
        self.add(Entry::attempt(gid, 1, landed))
    }

    /// A full audit in which everything passes, except for what `red` says.
    pub fn audited(&mut self, round: u32, red: &[(&str, &str, &str)]) -> &mut Self {
        let tip = self.tip;
        self.told(AuditStarted {
            round,
            tip,
            scope: AuditScope::Full,
            mode: Some(AuditMode::Standard),
            spec: None,
            left_out: Vec::new(),
        });
        let ids: Vec<String> = self.spec.checks().map(|(_, c)| c.id.clone()).collect();
        for check in ids {
            let found = red.iter().find(|(id, _, _)| *id == check);
            let (word, reason) = found.map_or(("passed", "ok"), |(_, word, reason)| (word, reason));
            let outcome = self.outcome(word, reason, &format!("audit of {check}\n"));
            self.told(AuditChecked {
                round,
                check,
                scenario: None,
                asked: None,
                outcome: outcome.into(),
                run: None,
            });
        }
        let scenario = Scenario {
            id: "wrong-password".into(),
            title: "A wrong password".into(),
            features: vec!["login".into()],
            severity: Severity::Critical,
            held_out: true,
            sha256: Sha256::of(b"s"),
        };
        let check = "scenario-wrong-password".to_owned();
        let outcome = self.outcome("passed", "ok", "refused\n");
        self.told(AuditChecked {
            round,
            check,
            scenario: Some(scenario),
            asked: None,
            outcome: outcome.into(),
            run: None,
        });
        self.told(AuditFinished {
            round,
            tip,
            certifier: Certifier::Asked(Answered {
                provider: "command".into(),
                ..Answered::default()
            }),
            adversary: None,
        })
    }

    pub fn finished(&mut self) -> &mut Self {
        self.told(RunFinished { exit: 0 }).anchored()
    }

    pub fn anchored(&mut self) -> &mut Self {
        let at = self.session.position();
        self.anchor(&json!({"session": self.session.id, "seq": at.seq, "hash": at.head}))
    }

    pub fn anchor(&mut self, note: &Value) -> &mut Self {
        let file = self.dir.path().join("anchor");
        std::fs::write(&file, note.to_string()).expect("a file");
        let blob = self.git(&["hash-object", "-w", &file.to_string_lossy()]);
        self.git(&["update-ref", &refs::head(&self.session.id), &blob]);
        self
    }

    /// Both groups landed, audited and finished.
    pub fn whole() -> Self {
        let mut scene = Self::new();
        scene.approved().landed("store", "src/store/a.py").landed("login", "src/login/b.py");
        scene.audited(1, &[]).finished();
        scene
    }
}

fn clock(seconds: i64) -> Clock {
    let at = jiff::Timestamp::from_second(1_790_000_000 + seconds).expect("a time");
    Clock::fixed(at, 1)
}

fn record(id: SessionId, base: Oid, spec: &Spec) -> SessionRecord {
    SessionRecord {
        v: 1,
        id,
        created: "2026-09-21T14:13:20Z".into(),
        project: "shop".into(),
        intent_sha256: Sha256::of(spec.intent.as_bytes()),
        target: Some("refs/heads/main".into()),
        base,
        given_sha256: None,
        config_file: None,
        settings: Settings::defaults(),
        tier: Tier::Worktree,
        versions: Versions { otto: "0.1.0".into(), git: "2.47".into(), os: "linux".into() },
        argv: vec!["otto".into(), "run".into()],
    }
}

fn started(base: Oid, spec: &Spec) -> AttemptStarted {
    AttemptStarted {
        role: "build".into(),
        base,
        dep_heads: Default::default(),
        start: base,
        provider: "command".into(),
        model: None,
        spec: spec.content_hash(),
    }
}
