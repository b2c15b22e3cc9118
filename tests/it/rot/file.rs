//! Which file is what, who reads it, and what damage to it must lead to.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Journal,
    Record,
    Intent,
    Spec,
    SpecVersion,
    /// The spec as it was given.
    Given,
    Format,
    Evidence,
    /// Of checks before the audit.
    EarlierEvidence,
    Owner,
    /// Of a slot that holds unfinished work.
    OwnedSlot,
    Slot,
    Index,
    CheckCache,
    Latest,
    Derived,
    Text,
    Lock,
}

/// Programs, and the arguments that they are tried with.
pub const PROGRAMS: [(&str, &[&str]); 14] = [
    ("status", &["status"]),
    ("log", &["log", "--all"]),
    ("sessions", &["sessions"]),
    ("verify", &["verify", "--no-rerun"]),
    ("spec show", &["spec", "show"]),
    ("spec diff", &["spec", "diff"]),
    ("config", &["config", "--session", "latest"]),
    ("render", &["render", "latest"]),
    ("merge", &["merge", "--session", "latest"]),
    ("build-group", &["build-group", "--session", "latest", "--all"]),
    ("audit", &["audit", "--session", "latest"]),
    ("run", &["run", "--resume", "latest"]),
    ("land", &["land"]),
    ("abort", &["abort", "latest"]),
];

/// Those that only read and print.
pub const READERS: [&str; 7] =
    ["status", "log", "sessions", "verify", "spec show", "spec diff", "config"];

impl Kind {
    /// By its path below the folder of the sandbox; `None` for what is no state of Otto's.
    pub fn of(path: &str) -> Option<Kind> {
        let name = path.rsplit('/').next()?;
        if let Some((_, rest)) = path.split_once("/worktrees/") {
            let mut parts = rest.split('/').skip(1);
            let first = parts.next()?;
            return match (first, parts.next()) {
                ("owner.json", None) => Some(Kind::Owner),
                ("slot.json", None) => Some(Kind::Slot),
                ("index", None) => Some(Kind::Index),
                ("excludes" | "lease.lock" | "lease.holder", None) => Some(Kind::Lock),
                _ => None,
            };
        }
        let inside = path.split_once("/otto_logs/")?.1;
        Some(match (inside, name) {
            ("format", _) => Kind::Format,
            ("latest", _) => Kind::Latest,
            (_, "spec-state.jsonl") => Kind::Journal,
            (_, "session.json") => Kind::Record,
            (_, "intent.txt") => Kind::Intent,
            (_, "spec.json") => Kind::Spec,
            (_, "given.json") => Kind::Given,
            _ if inside.contains("/spec/versions/") => Kind::SpecVersion,
            _ if inside.contains("/evidence/") => Kind::Evidence,
            _ if inside.starts_with("cache/check/") => Kind::CheckCache,
            _ if inside.starts_with("locks/") => Kind::Lock,
            (_, "proof-packet.json" | "proof-packet.html" | "summary.json" | "usage.json") => {
                Kind::Derived
            }
            (_, "manifest.json" | "history.jsonl") => Kind::Derived,
            _ => Kind::Text,
        })
    }

    pub fn shown(self) -> &'static str {
        match self {
            Kind::Journal => "`spec-state.jsonl`",
            Kind::Record => "`session.json`",
            Kind::Intent => "`intent.txt`",
            Kind::Spec => "`spec/spec.json`",
            Kind::SpecVersion => "`spec/versions/NNN.json`",
            Kind::Given => "`spec/given.json`",
            Kind::Format => "`format`",
            Kind::Evidence => "`evidence/<sha256>` of the audit",
            Kind::EarlierEvidence => "`evidence/<sha256>` of an attempt",
            Kind::Owner => "`owner.json` of a slot",
            Kind::OwnedSlot => "`slot.json` of a slot with unfinished work",
            Kind::Slot => "`slot.json` of a free slot",
            Kind::Index => "`index` of a slot",
            Kind::CheckCache => "`cache/check/<key>.json`",
            Kind::Latest => "`latest`",
            Kind::Derived => "proof, summary, usage, manifest, history",
            Kind::Text => "`spec.md`, packets, prompts, transcripts, outcomes, patches, step logs",
            Kind::Lock => "lock files, holders",
        }
    }

    /// Programs that are tried on it in every run of the tests.
    pub fn tried(self) -> &'static [&'static str] {
        const ALL: &[&str] = &[
            "status",
            "log",
            "sessions",
            "verify",
            "spec show",
            "spec diff",
            "config",
            "render",
            "merge",
            "build-group",
            "audit",
            "run",
            "land",
            "abort",
        ];
        match self {
            Kind::Journal | Kind::Record | Kind::Intent | Kind::Spec | Kind::Format => ALL,
            Kind::SpecVersion => &["status", "verify", "spec show", "spec diff"],
            Kind::Evidence | Kind::EarlierEvidence => &["status", "verify", "render", "land"],
            Kind::Owner | Kind::OwnedSlot | Kind::Slot => {
                &["status", "build-group", "run", "abort"]
            }
            Kind::Index => &["run", "audit"],
            Kind::CheckCache => &["build-group", "run"],
            Kind::Latest => &["status", "land"],
            Kind::Derived => &["status", "verify", "render"],
            Kind::Given | Kind::Text => &["status", "verify"],
            Kind::Lock => &["merge", "land"],
        }
    }

    /// How a message names it.
    pub fn is_named(self, path: &str, said: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        match self {
            Kind::Evidence | Kind::EarlierEvidence => said.contains(&name[..12]),
            _ => said.contains(name),
        }
    }
}
