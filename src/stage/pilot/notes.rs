//! What a decision tells builders, as files of the session ([`crate::stage::notes`]). Written before
//! the decision is recorded, and writing it again changes nothing.

use std::path::Path;

use crate::base::Result;
use crate::disk;
use crate::session::event::{Decision, GroupPlan};
use crate::stage::Context;

const LEARNINGS: &str =
    "# Learnings\n\nFor every builder, from its next attempt on. Change or delete what is wrong.\n";

/// Adds what is new to the files.
pub fn write(ctx: &Context<'_>, decision: &Decision) -> Result<()> {
    let layout = &ctx.session.layout;
    let learnings = decision.learnings.iter().map(|l| format!("- {l}\n"));
    add(&layout.learnings(), LEARNINGS, learnings)?;
    for group in &ctx.spec.groups {
        let head = format!(
            "# For {}\n\nFor the builder of this group, from its next attempt on. Change or delete what is wrong.\n",
            group.id
        );
        let guidance = decision.groups.get(&group.id).map(|GroupPlan { guidance, .. }| guidance);
        let routed = decision.context.iter().filter(|r| r.to.contains(&group.id)).map(|r| &r.text);
        let blocks = guidance.into_iter().chain(routed).filter(|t| !t.is_empty());
        add(&layout.context(&group.id), &head, blocks.map(|t| format!("\n{t}\n")))?;
    }
    Ok(())
}

/// Appends the blocks that the file does not hold yet.
fn add(path: &Path, head: &str, blocks: impl Iterator<Item = String>) -> Result<()> {
    let before = disk::read_if_there(path)?.unwrap_or_default();
    let mut text = String::from_utf8_lossy(&before).into_owned();
    for block in blocks {
        if text.contains(&block) {
            continue;
        }
        if text.trim().is_empty() {
            text = head.to_owned();
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&block);
    }
    if text.as_bytes() == before { Ok(()) } else { disk::replace(path, text.as_bytes()) }
}
