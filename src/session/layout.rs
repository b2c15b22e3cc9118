//! Paths under `otto_logs/` (see `docs/formats.md`); the only place that spells them.

use std::path::{Path, PathBuf};

use crate::base::SessionId;

/// Everything that Otto writes for one project.
#[derive(Debug, Clone)]
pub struct Layout {
    /// `<project>/otto_logs`, or what `state_dir` says.
    pub logs: PathBuf,
}

/// Files of one session.
#[derive(Debug, Clone)]
pub struct SessionLayout {
    pub dir: PathBuf,
}

impl Layout {
    pub fn format(&self) -> PathBuf {
        self.logs.join("format")
    }
    pub fn latest(&self) -> PathBuf {
        self.logs.join("latest")
    }
    pub fn locks(&self) -> PathBuf {
        self.logs.join("locks")
    }
    pub fn refs_lock(&self) -> PathBuf {
        self.locks().join("refs.lock")
    }
    /// Under which boot of the machine this repository was last looked after.
    pub fn boot(&self) -> PathBuf {
        self.locks().join("boot")
    }
    fn lock(&self, name: &str) -> PathBuf {
        self.locks().join(format!("{name}.lock"))
    }
    pub fn run_lock(&self, id: &SessionId) -> PathBuf {
        self.lock(&format!("run-{id}"))
    }
    pub fn queue_lock(&self, id: &SessionId) -> PathBuf {
        self.lock(&format!("integ-{id}"))
    }
    pub fn audit_lock(&self, id: &SessionId) -> PathBuf {
        self.lock(&format!("audit-{id}"))
    }
    /// One for all sessions: they may have the same target.
    pub fn target_lock(&self) -> PathBuf {
        self.lock("target")
    }
    pub fn group_lock(&self, id: &SessionId, gid: &str) -> PathBuf {
        self.lock(&format!("{id}.{gid}"))
    }
    pub fn check_cache(&self) -> PathBuf {
        self.logs.join("cache/check")
    }
    /// What audits of earlier runs found, by commit.
    pub fn memory(&self) -> PathBuf {
        self.logs.join("memory.jsonl")
    }
    pub fn memory_lock(&self) -> PathBuf {
        self.lock("memory")
    }
    pub fn history(&self) -> PathBuf {
        self.logs.join("history.jsonl")
    }
    pub fn sessions(&self) -> PathBuf {
        self.logs.join("sessions")
    }
    pub fn session(&self, id: &SessionId) -> SessionLayout {
        SessionLayout { dir: self.sessions().join(id.as_str()) }
    }
}

impl SessionLayout {
    fn at(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
    pub fn record(&self) -> PathBuf {
        self.at("session.json")
    }
    pub fn intent(&self) -> PathBuf {
        self.at("intent.txt")
    }
    pub fn spec_dir(&self) -> PathBuf {
        self.at("spec")
    }
    /// What `--from-spec` named, verbatim.
    pub fn spec_given(&self) -> PathBuf {
        self.at("spec/given.json")
    }
    pub fn spec_json(&self) -> PathBuf {
        self.at("spec/spec.json")
    }
    pub fn spec_md(&self) -> PathBuf {
        self.at("spec/spec.md")
    }
    pub fn spec_version(&self, version: u32) -> PathBuf {
        self.at(&format!("spec/versions/{version:03}.json"))
    }
    pub fn spec_versions(&self) -> PathBuf {
        self.at("spec/versions")
    }
    pub fn spec_attempt(&self, n: u32) -> PathBuf {
        self.at(&format!("spec/attempt-{n:02}"))
    }
    pub fn journal(&self) -> PathBuf {
        self.at("spec-state.jsonl")
    }
    pub fn build_attempt(&self, group: &str, n: u32) -> PathBuf {
        self.at(&format!("build/{group}/attempt-{n:02}"))
    }
    pub fn merge_attempt(&self, group: &str, n: u32) -> PathBuf {
        self.at(&format!("merge/{group}/attempt-{n:02}"))
    }
    pub fn audit_round(&self, n: u32) -> PathBuf {
        self.at(&format!("audit/round-{n:02}"))
    }
    pub fn repair_attempt(&self, key: &str, n: u32) -> PathBuf {
        self.at(&format!("repair/{key}/attempt-{n:02}"))
    }
    pub fn pilots(&self) -> PathBuf {
        self.at("pilot")
    }
    /// A question to the pilot, with its answer.
    pub fn pilot(&self, n: u32) -> PathBuf {
        self.pilots().join(format!("{n:02}"))
    }
    /// What was learnt, for every builder.
    pub fn learnings(&self) -> PathBuf {
        self.at("context/learnings.md")
    }
    /// What one group is told besides.
    pub fn context(&self, group: &str) -> PathBuf {
        // A group may have any name.
        let of_a_group = if group == "learnings" { ".group" } else { "" };
        self.at(&format!("context/{group}{of_a_group}.md"))
    }
    pub fn evidence(&self) -> PathBuf {
        self.at("evidence")
    }
    pub fn commands(&self) -> PathBuf {
        self.at("commands")
    }
    pub fn proof_json(&self) -> PathBuf {
        self.at("proof-packet.json")
    }
    pub fn proof_html(&self) -> PathBuf {
        self.at("proof-packet.html")
    }
    pub fn summary(&self) -> PathBuf {
        self.at("summary.json")
    }
    pub fn manifest(&self) -> PathBuf {
        self.at("manifest.json")
    }
    pub fn usage(&self) -> PathBuf {
        self.at("usage.json")
    }
}

/// Names of refs.
pub mod refs {
    use crate::base::SessionId;

    /// Where build branches and what was kept are; the rest of the name begins with the session.
    pub const BUILD: &str = "refs/heads/i2p/build/";
    pub const ATTIC: &str = "refs/otto/attic/";

    pub fn build(sid: &SessionId, gid: &str) -> String {
        format!("{BUILD}{sid}.{gid}")
    }
    pub fn integ(sid: &SessionId) -> String {
        format!("refs/heads/i2p/integ/{sid}")
    }
    pub fn candidate(sid: &SessionId, gid: &str) -> String {
        format!("refs/otto/candidate/{sid}.{gid}")
    }
    pub fn head(sid: &SessionId) -> String {
        format!("refs/otto/head/{sid}")
    }
    pub fn attic(sid: &SessionId, gid: &str, n: u32) -> String {
        format!("{ATTIC}{sid}.{gid}/{n}")
    }
    pub const NOTES: &str = "refs/notes/otto";
}

/// A path relative to `base` where it lies below it, for people and for records.
pub fn shown(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}
