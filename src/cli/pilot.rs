//! A pilot's decision as a person reads it.

use crate::base::text::one_line;
use crate::session::event::{Decision, Dropped};

pub(super) fn text_of(accepted: &Decision, dropped: &[Dropped], error: Option<&str>) -> String {
    if let Some(why) = error {
        return format!("no answer of the pilot, so everything goes on without: {why}");
    }
    let mut text = String::from("the pilot:");
    let mut line = |what: String| text.push_str(&format!("\n  - {what}"));
    for analysis in &accepted.failure_analysis {
        line(format!("{} failed because: {}", analysis.group, one_line(&analysis.cause, 200)));
    }
    for (gid, plan) in &accepted.groups {
        let guidance = one_line(&plan.guidance, 200);
        let guidance = if guidance.is_empty() { guidance } else { format!(": {guidance}") };
        line(format!("{gid}: {}{guidance}", plan.strategy.word().replace('_', " ")));
    }
    for routed in &accepted.context {
        line(format!("told to {}: {}", routed.to.join(", "), one_line(&routed.text, 200)));
    }
    for learning in &accepted.learnings {
        line(format!("learnt: {}", one_line(learning, 200)));
    }
    if !accepted.batches.is_empty() {
        let batches: Vec<String> = accepted.batches.iter().map(|b| b.join(", ")).collect();
        line(format!("in this order: {}", batches.join(" | ")));
    }
    for part in dropped {
        line(format!("dropped {}: {}", part.path, part.why));
    }
    if *accepted == Decision::default() && dropped.is_empty() {
        line("nothing to change".into());
    }
    text
}
