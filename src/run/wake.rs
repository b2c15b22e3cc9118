//! A person changes their mind about a wait: not to wait any longer, or not to be woken at all.

use crate::base::Result;
use crate::session::event::{ProviderWoken, RunPaused};
use crate::session::journal::Entry;
use crate::session::state::RunState;
use crate::session::{Session, Workspace};

/// A provider that a person wants asked again, whatever it said.
pub(super) fn woken(provider: &str, by: &str) -> Entry {
    Entry::new(ProviderWoken { provider: provider.to_owned(), by: Some(by.to_owned()) })
}

/// Ends every wait of the session now; returns whom it was for.
pub fn wake(ws: &Workspace, session: &Session, by: &str) -> Result<Vec<String>> {
    let mut waited = Vec::new();
    session.append_with(ws, |state| {
        waited = state.waits.keys().cloned().collect();
        Ok(waited.iter().map(|provider| woken(provider, by)).collect())
    })?;
    Ok(waited)
}

/// Cancels the wake-up: a run that waits ends (77), and nothing goes on until a person resumes it.
/// False when nothing waits.
pub fn cancel(ws: &Workspace, session: &Session, by: &str) -> Result<bool> {
    let mut done = false;
    session.append_with(ws, |state| {
        done = !state.waits.is_empty() && matches!(state.run, RunState::Open);
        let reason = format!("the wake-up was cancelled by {by}");
        Ok(if done { vec![Entry::new(RunPaused { reason })] } else { Vec::new() })
    })?;
    Ok(done)
}
