//! What a group's work starts from: the integration tip when its dependencies have all landed,
//! else an off-tree merge of the tip with their heads, in spec order.

use std::collections::BTreeMap;

use crate::base::{Error, Result};
use crate::git::{Merge, NewCommit, Oid};
use crate::session::state::{Phase, State};
use crate::spec::Group;
use crate::stage::Context;

/// The base of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub commit: Oid,
    pub dep_heads: BTreeMap<String, Oid>,
}

pub fn base_of(ctx: &Context<'_>, group: &Group, state: &State) -> Result<Base> {
    let repo = &ctx.ws.repo;
    let mut commit = state.tip().unwrap_or(ctx.base());
    let mut dep_heads = BTreeMap::new();
    for dep in ctx.spec.groups.iter().filter(|g| is_needed(ctx, group, &g.id)) {
        let Phase::Passing { commit: head, .. } = state.phase(&dep.id) else {
            // The queue may have sent it back since this group was found ready.
            if lacks(group, state, &dep.id) {
                return Err(Error::no(format!(
                    "'{}', which '{}' needs, is {} now",
                    dep.id,
                    group.id,
                    state.phase(&dep.id).word()
                ))
                .hint("it can start when that is passing again"));
            }
            continue;
        };
        dep_heads.insert(dep.id.clone(), head);
        commit = match repo.merge(commit, head)? {
            Merge::Clean { contained: true, .. } => continue,
            Merge::Clean { tree, contained: false } => repo.write_commit(&NewCommit {
                tree,
                parents: &[commit, head],
                message: &format!("base of {}: with {}\n", group.id, dep.id),
                at: repo.commit(head)?.at,
            })?,
            Merge::Conflicted { conflicts } => {
                let paths: Vec<_> = conflicts.iter().map(|c| c.path.as_str()).collect();
                return Err(Error::no(format!(
                    "'{}', which '{}' needs, conflicts with what has landed in {}",
                    dep.id,
                    group.id,
                    paths.join(", ")
                ))
                .hint("it can start when that has landed: otto merge"));
            }
        };
    }
    Ok(Base { commit, dep_heads })
}

/// A dependency of the group's own whose work is neither in the product nor passing.
pub fn lacks(group: &Group, state: &State, dep: &str) -> bool {
    let landed = state.group(dep).is_some_and(|d| d.landed.is_some());
    group.deps.iter().any(|d| d == dep) && !landed && !state.phase(dep).satisfies_dependents()
}

/// Direct and indirect dependencies: a dependency's head contains its own base, but a dependency
/// that was rebuilt may not contain the newest of what it depends on.
fn is_needed(ctx: &Context<'_>, group: &Group, other: &str) -> bool {
    group
        .deps
        .iter()
        .any(|d| d == other || ctx.spec.group(d).is_some_and(|g| is_needed(ctx, g, other)))
}
