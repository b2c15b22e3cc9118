//! What the next attempt is told: exactly what was wrong with this one, and no more.

use super::judge::{Judgement, output_of};
use crate::agent::TurnResult;
use crate::base::text::{one_line, shell_quote, tail};
use crate::git::Oid;
use crate::session::event::AttemptOutcome;
use crate::stage::Context;

/// Bytes of a check's output that a brief quotes.
const QUOTE: usize = 4000;

pub fn brief(
    ctx: &Context<'_>,
    judgement: &Judgement,
    base: Oid,
    turn: Option<&TurnResult>,
) -> String {
    let mut text = match judgement.outcome {
        AttemptOutcome::Passing => return String::new(),
        AttemptOutcome::NoChange => {
            "Nothing differs from what you started with: there is no work to judge.\n".to_owned()
        }
        AttemptOutcome::Violation => {
            let mut text = String::from(
                "You changed paths that you may not write. Undo these changes (restore each file as it was) and do your part inside your own paths:\n",
            );
            for v in &judgement.violations {
                text.push_str(&format!("- {}: {}\n", v.path, v.why));
                let change = judgement.changes.iter().find(|c| c.path == v.path);
                match change.map(|c| c.old.is_some()) {
                    Some(true) => text.push_str(&format!(
                        // Not git checkout: an agent's git dir may be read-only.
                        "  restore it: git archive {base} -- {} | tar -x\n",
                        shell_quote(&v.path)
                    )),
                    Some(false) => text.push_str("  it was not there before: remove it\n"),
                    None => {}
                }
            }
            text
        }
        AttemptOutcome::ChecksFailed => {
            let mut text = String::from("These checks are not green on the commit of your work:\n");
            for ran in &judgement.red {
                text.push_str(&format!(
                    "\n- {}: {} ({}): {}\n",
                    ran.check,
                    ran.outcome.status().word(),
                    ran.outcome.reason(),
                    ran.outcome.detail()
                ));
                if let Some(before) = ran.outcome.before() {
                    text.push_str(&format!("  {}\n", before.sentence()));
                }
                text.push_str(&quoted(&tail(&output_of(ctx, ran), QUOTE)));
            }
            text
        }
        AttemptOutcome::TurnFailed => {
            "Your turn ended before there was anything to judge.\n".into()
        }
        AttemptOutcome::Interrupted => {
            "The attempt was interrupted; go on where it stopped.\n".into()
        }
    };
    let denied = turn.map(|t| t.denied.as_slice()).unwrap_or_default();
    if !denied.is_empty() {
        text.push_str(&format!(
            "Not allowed here, so do without: {}\n",
            one_line(&denied.join(", "), 300)
        ));
    }
    if let Some((class, message)) = turn.and_then(|t| t.error.as_ref()) {
        text.push_str(&format!("The turn reported: {}: {message}\n", class.word()));
    }
    text
}

/// Indented, so that output cannot pass for instructions of ours.
pub fn quoted(text: &str) -> String {
    text.lines().map(|l| format!("    {l}\n")).collect()
}
