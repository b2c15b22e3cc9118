//! Held-out scenarios: `<id>.json`, outside the tree, so that builders cannot read their exam.

use std::path::PathBuf;

use serde::Deserialize;

use crate::base::ids::is_group_id;
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::config::{Role, Who};
use crate::session::event;
use crate::spec::Check;
use crate::stage::Context;

/// One scenario with its identity.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub record: event::Scenario,
    pub check: Check,
}

impl Scenario {
    /// The check under the id and for the features that audits and repairs know it by.
    pub fn as_check(&self) -> Check {
        Check {
            id: format!("scenario-{}", self.record.id),
            features: self.record.features.clone(),
            ..self.check.clone()
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u32,
    id: String,
    title: String,
    #[serde(default)]
    features: Vec<String>,
    severity: event::Severity,
    check: Check,
}

/// The folder: `scenarios:` of otto.yaml (relative to the project), else in the git dir.
pub fn folder(ctx: &Context<'_>) -> PathBuf {
    match &ctx.config().scenarios {
        Some(dir) => ctx.ws.root().join(dir),
        None => ctx.ws.repo.project.common_dir.join("otto/scenarios"),
    }
}

/// All scenarios, by id. One that cannot be read stops the audit: an exam with pages missing is
/// none.
pub fn load_scenarios(ctx: &Context<'_>) -> Result<Vec<Scenario>> {
    let dir = folder(ctx);
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let tracked = ctx.ws.repo.files_of(ctx.base())?;
    let mut out = Vec::new();
    for file in disk::files_below(&dir)? {
        if file.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let path = dir.join(&file);
        let bytes = disk::read(&path)?;
        let bad = |why: String| Error::input(format!("'{}': {why}", path.display()));
        let parsed: File = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if parsed.v != 1 {
            return Err(bad(format!("its version is {}, and this Otto knows 1", parsed.v)));
        }
        if !is_group_id(&parsed.id) {
            return Err(bad(format!("'{}' is not an id", parsed.id)));
        }
        parsed.check.body().map_err(|e| bad(e.to_string()))?;
        if let Some(feature) = parsed.features.iter().find(|f| ctx.spec.feature(f).is_none()) {
            ctx.report.say(&format!(
                "scenario '{}' is left out: the spec has no feature '{feature}'",
                parsed.id
            ));
            continue;
        }
        // One that is tracked can be read from any worktree.
        let in_tree = path
            .strip_prefix(ctx.ws.root())
            .ok()
            .is_some_and(|inside| tracked.contains(&inside.to_string_lossy().into_owned()));
        let hidden = match ctx.session.containment(Who::Role(Role::Build))?.tier {
            // Nothing in the kernel keeps a builder from reading the folder.
            crate::process::Tier::Worktree => false,
            // The folder is not among what a sandbox shows.
            crate::process::Tier::Landlock | crate::process::Tier::Bwrap => true,
        };
        out.push(Scenario {
            record: event::Scenario {
                id: parsed.id,
                title: parsed.title,
                features: parsed.features,
                severity: parsed.severity,
                held_out: hidden && !in_tree,
                sha256: Sha256::of(&bytes),
            },
            check: parsed.check,
        });
    }
    out.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    Ok(out)
}
