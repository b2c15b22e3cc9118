//! Held-out scenarios: `<id>.json`, outside the tree, so that builders cannot read their exam.

use std::path::PathBuf;

use serde::Deserialize;

use crate::base::ids::is_group_id;
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::config::{Role, Who};
use crate::session::event::{self, LeftOut};
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

/// The scenarios of a session, by id, and what lies beside them.
#[derive(Debug, Default)]
pub struct Exam {
    pub scenarios: Vec<Scenario>,
    pub left_out: Vec<LeftOut>,
}

/// Reads the exam. A scenario that cannot be read stops the audit, and so does a folder that was named
/// and is not there: an exam with pages missing is none. The scenarios of a project may be about
/// more than one spec asks for; what is about nothing of this one is left out, and recorded.
pub fn load_scenarios(ctx: &Context<'_>) -> Result<Exam> {
    let dir = folder(ctx);
    let mut exam = Exam::default();
    if !dir.is_dir() {
        return match &ctx.config().scenarios {
            Some(_) => Err(Error::input(format!(
                "the folder of scenarios '{}' is not there",
                dir.display()
            ))
            .hint("scenarios: of otto.yaml names it, from the project's root; without it there is no exam")),
            None => Ok(exam),
        };
    }
    let tracked = ctx.ws.repo.files_of(ctx.base())?;
    for file in disk::files_below(&dir)? {
        let path = dir.join(&file);
        if file.extension().is_none_or(|e| !e.eq_ignore_ascii_case("json")) {
            let (what, why) = (file.display().to_string(), "it is no file of JSON".to_owned());
            exam.left_out.push(LeftOut { what, why });
            continue;
        }
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
        let known = |f: &String| ctx.spec.feature(f).is_some();
        let features: Vec<String> = parsed.features.iter().filter(|f| known(f)).cloned().collect();
        if features.is_empty() && !parsed.features.is_empty() {
            let why = format!("the spec has no feature '{}'", parsed.features.join("' or '"));
            exam.left_out.push(LeftOut { what: parsed.id, why });
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
        exam.scenarios.push(Scenario {
            record: event::Scenario {
                id: parsed.id,
                title: parsed.title,
                features,
                severity: parsed.severity,
                held_out: hidden && !in_tree,
                sha256: Sha256::of(&bytes),
            },
            check: parsed.check,
        });
    }
    exam.scenarios.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    Ok(exam)
}
