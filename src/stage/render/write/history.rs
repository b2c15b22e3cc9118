//! `history.jsonl`: one row per finished session, built again from their summaries.

use std::collections::BTreeMap;

use crate::base::{Result, SessionId};
use crate::disk;
use crate::session::Layout;

use super::summary::Summary;

/// How many events each finished session had when it was rendered whole: its row comes last.
pub fn rendered_events(layout: &Layout) -> Result<BTreeMap<SessionId, u64>> {
    let mut out = BTreeMap::new();
    for line in disk::Lines::open(&layout.history())? {
        // A row that cannot be read is one that is made again.
        if let Ok(row) = serde_json::from_slice::<Summary>(&line?.bytes) {
            out.insert(row.session, row.events);
        }
    }
    Ok(out)
}

/// Writes it again where it differs.
pub fn rebuild(layout: &Layout) -> Result<()> {
    let mut rows = String::new();
    for id in crate::session::all(layout)? {
        let path = layout.session(&id).summary();
        let Some(bytes) = disk::read_if_there(&path)? else { continue };
        let summary: Summary = match serde_json::from_slice(&bytes) {
            Ok(summary) => summary,
            // It is derived: its session is rendered again and has a row again.
            Err(e) => {
                tracing::warn!("'{}' cannot be read and has no row: {e}", path.display());
                continue;
            }
        };
        if summary.finished.is_some() && summary.session == id {
            rows.push_str(&serde_json::to_string(&summary).expect("a summary is plain data"));
            rows.push('\n');
        }
    }
    let path = layout.history();
    if disk::read_if_there(&path)?.unwrap_or_default() != rows.as_bytes() {
        disk::replace(&path, rows.as_bytes())?;
    }
    Ok(())
}
