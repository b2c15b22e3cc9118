//! Checks run by hand, at any commit, through the same gate; their reports for other programs, and
//! the control that takes the work away.

mod junit;
mod mutate;
mod places;
mod sarif;

pub use junit::junit;
pub use mutate::{controls, wanted};
pub use sarif::sarif;

use super::build::{beside_base, on_session_base, printed};
use super::{Context, Item};
use crate::base::text::tail;
use crate::base::{Json, Result};
use crate::check::Outcome;
use crate::check::batch::{Caching, Ran};
use crate::git::Oid;
use crate::spec::Check;

/// Bytes of what a check printed that a report repeats.
const EXCERPT: usize = 16 << 10;

/// One check and what it came to.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Absent for the checks across groups.
    pub group: Option<String>,
    pub check: Check,
    pub outcome: Outcome,
    /// The end of what it printed.
    pub printed: String,
}

/// Runs the checks at a commit and tells each outcome as it is known. `judged` has what is known,
/// also when this fails in the middle.
pub fn run(
    ctx: &Context<'_>,
    checks: &[(Option<String>, &Check)],
    commit: Oid,
    judged: &mut Vec<Judged>,
) -> Result<()> {
    let only: Vec<&Check> = checks.iter().map(|(_, check)| *check).collect();
    let mut next = checks.iter();
    let left = || ctx.left();
    ctx.bench()?.run(&only, commit, ctx.base(), Caching::Never, left, &mut |ran: &Ran| {
        let Some((group, check)) = next.next() else { return Ok(()) };
        let outcome = match ran.outcome.is_pass() {
            true => ran.outcome.clone(),
            false => {
                let on_base = on_session_base(ctx, check, commit)?;
                beside_base(ctx, check, ran.outcome.clone(), on_base.as_ref())
            }
        };
        ctx.report.item(&Item::Check {
            check: ran.check.clone(),
            phase: "hand",
            group: group.clone(),
            outcome: Json::of(&outcome)?,
            cached: false,
        });
        judged.push(Judged {
            group: group.clone(),
            check: (*check).clone(),
            printed: tail(&printed(ctx, &outcome), EXCERPT),
            outcome,
        });
        Ok(())
    })?;
    Ok(())
}
