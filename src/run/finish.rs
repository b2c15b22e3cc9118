//! The end of a run, as a person reads it.

use super::summary::{next_steps, one_line_summary, step_line};
use crate::base::Result;
use crate::base::text::one_line;
use crate::session::{Session, Workspace};
use crate::stage::render::judge;

/// Verdict, reasons, proof, next commands.
pub fn finish(ws: &Workspace, session: &Session) -> Result<String> {
    let state = session.state()?;
    let spec = session.spec()?;
    let verdict = judge(ws, session, &spec)?;
    let mut out = format!("\n{}\n", one_line_summary(&spec, &state, &verdict));
    for reason in &verdict.reasons {
        out.push_str(&format!("  - {}\n", one_line(&reason.to_string(), 300)));
    }
    out.push_str(&format!("proof {}\n", session.layout.proof_html().display()));
    out.push_str(&next_steps(session, &state, Some(&verdict)));
    let status = format!("otto status {}", session.id);
    out.push_str(&step_line(&status, "where it stands, group by group"));
    Ok(out)
}
