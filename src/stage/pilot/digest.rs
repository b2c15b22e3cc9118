//! What a pilot is shown: a digest, and the artefacts that it is made from as files to look into.

use std::path::Path;

use super::boundary::Boundary;
use crate::base::Result;
use crate::base::text::{one_line, tail};
use crate::check::EvidenceRef;
use crate::disk;
use crate::session::event::{After, Finding};
use crate::session::state::{GroupState, State};
use crate::stage::build::quoted;
use crate::stage::{Context, memory, repair};

/// Attempts of a group that are shown, the newest.
const ATTEMPTS: usize = 3;
/// Characters of one output in the digest.
const EXCERPT: usize = 2000;
/// Bytes of the digest: a prompt of thousands of groups helps nobody.
const DIGEST: usize = 48 << 10;
/// Bytes of one file.
const FILE: usize = 256 << 10;

/// Name and bytes of each file, and the text of the prompt.
#[derive(Debug, Default)]
pub struct Digest {
    pub text: String,
    pub files: Vec<(String, Vec<u8>)>,
}

pub fn digest(ctx: &Context<'_>, state: &State, at: &Boundary) -> Result<Digest> {
    let mut out = Digest::default();
    for gid in &at.open {
        let group = ctx.group(gid)?;
        let phase = state.phase(gid);
        out.text.push_str(&format!("\n### {gid}: {}, {}\n\n", group.title, phase.word()));
        let owned = group.owned_paths.join(", ");
        out.text.push_str(&format!("owns {owned}; needs {}\n", group.deps.join(", ")));
        if let Some(now) = state.group(gid)
            && at.after == After::Build
        {
            attempts(ctx, gid, now, &mut out)?;
        }
    }
    if at.after == After::Audit {
        let failing = repair::failing(state).into_iter();
        for (gid, finding) in failing.filter(|(gid, _)| at.open.iter().any(|o| o == gid)) {
            found(ctx, state, gid, finding, &mut out);
        }
    }
    let tip = state.tip().unwrap_or(ctx.base());
    for line in memory::digest(ctx, tip)? {
        out.text.push_str(&format!("\nearlier audits found: {line}\n"));
    }
    let spec = ctx.spec.to_json();
    out.files.push(("spec.json".into(), spec.into_bytes()));
    out.text = tail(&out.text, DIGEST);
    out.text = ctx.secrets().hide(&out.text);
    out.files.push(("digest.md".into(), out.text.clone().into_bytes()));
    Ok(out)
}

fn attempts(ctx: &Context<'_>, gid: &str, now: &GroupState, out: &mut Digest) -> Result<()> {
    let from = now.attempts.len().saturating_sub(ATTEMPTS);
    for attempt in &now.attempts[from..] {
        let Some(end) = &attempt.finished else { continue };
        let n = attempt.number;
        out.text.push_str(&format!("\nattempt {n} ({}): {}", attempt.role, end.outcome.word()));
        out.text.push_str(&format!("; its turn: {}\n", one_line(&end.turn, 200)));
        if let Some(tree) = end.tree {
            let base = ctx.ws.repo.tree_of(attempt.base)?;
            let changes = ctx.ws.repo.changes(base, tree).unwrap_or_default();
            let paths: Vec<&str> = changes.iter().map(|c| c.path.as_str()).take(40).collect();
            out.text.push_str(&format!("changed {}: {}\n", changes.len(), paths.join(", ")));
        }
        out.text.push_str(&quoted(&tail(&end.brief, EXCERPT)));
        let dir = ctx.session.layout.build_attempt(gid, n);
        for name in ["outcome.json", "changes.patch", "prompt.md"] {
            keep(&dir.join(name), format!("{gid}/attempt-{n:02}/{name}"), out)?;
        }
    }
    Ok(())
}

fn found(ctx: &Context<'_>, state: &State, gid: &str, finding: &Finding, out: &mut Digest) {
    out.text.push_str(&format!(
        "\nfound ({}), goes to {gid}: {}\n",
        finding.severity,
        one_line(&finding.text, 500)
    ));
    if let Some(failure) = &finding.failure {
        let tried = state.repairs.iter().filter(|r| r.failures.contains(&failure.fingerprint));
        for repair in tried {
            let outcome = repair.outcome.as_deref().unwrap_or("not finished");
            out.text.push_str(&format!("tried ({}): {outcome}\n", repair.strategy.way.word()));
        }
        out.text.push_str(&format!("failing paths: {}\n", failure.paths.join(", ")));
    }
    let store = ctx.evidence();
    let shown = finding
        .evidence
        .first()
        .and_then(|e| e.parse::<EvidenceRef>().ok())
        .and_then(|e| store.read(&e).ok());
    if let Some(bytes) = shown {
        out.text.push_str(&quoted(&tail(&String::from_utf8_lossy(&bytes), EXCERPT)));
        out.files.push((format!("found/{}.txt", finding.id), cut(bytes)));
    }
}

fn keep(path: &Path, name: String, out: &mut Digest) -> Result<()> {
    if let Some(bytes) = disk::read_if_there(path)? {
        out.files.push((name, cut(bytes)));
    }
    Ok(())
}

fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(FILE);
    bytes
}
