//! The settings that shaped a run: whatever somebody set, and the defaults that matter most.

use super::super::packet::Setting;
use super::Source;
use crate::session::Event;

/// Shown also when nobody set them.
const ALWAYS: [&str; 7] = [
    "provider",
    "model",
    "attempts",
    "merge_attempts",
    "run_budget_seconds",
    "review_gate",
    "overrides",
];

pub(super) fn highlights(src: &Source<'_>) -> Vec<Setting> {
    let settings = &src.session.record.settings.0;
    let mut out: Vec<Setting> = settings
        .iter()
        .filter(|(key, s)| s.origin != "default" || ALWAYS.contains(&key.as_str()))
        .map(|(key, s)| Setting {
            key: key.clone(),
            value: match &s.value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => "not set".to_owned(),
                other => other.to_string(),
            },
            origin: s.origin.clone(),
        })
        .collect();
    for record in &src.records {
        if let Event::RunResumed(resumed) = &record.event {
            out.extend(resumed.changes.iter().map(|(key, value)| Setting {
                key: key.clone(),
                value: value.clone(),
                origin: format!("resumed by {} at record {}", record.actor, record.seq),
            }));
        }
    }
    out
}
