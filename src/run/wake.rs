//! A person changes their mind about a wait: not to wait any longer, or not to be woken at all.

use jiff::Timestamp;

use crate::base::Result;
use crate::session::config::{Config, Role};
use crate::session::event::{ProviderWoken, RunPaused};
use crate::session::journal::Entry;
use crate::session::state::RunState;
use crate::session::{Session, State, Workspace};
use crate::stage::patience::{Choice, choose};

/// A provider that a person wants asked again, whatever it said.
pub(super) fn woken(provider: &str, by: &str) -> Entry {
    Entry::new(ProviderWoken { provider: provider.to_owned(), by: Some(by.to_owned()) })
}

/// Ends every wait of the session now; returns whom it was for.
pub fn wake(ws: &Workspace, session: &Session, by: &str) -> Result<Vec<String>> {
    let mut waited = Vec::new();
    session.append_with(ws, |state| {
        if goes_on(&state.run) {
            waited = state.waiting(ws.clock.now()).map(|(name, _)| name.clone()).collect();
        }
        Ok(waited.iter().map(|provider| woken(provider, by)).collect())
    })?;
    Ok(waited)
}

/// Cancels the wake-up: a run that waits ends (77), one that has ended (75) is not woken, and
/// nothing goes on until a person resumes it. False when nothing waits.
pub fn cancel(ws: &Workspace, session: &Session, by: &str) -> Result<bool> {
    let mut done = false;
    session.append_with(ws, |state| {
        done = goes_on(&state.run) && nobody_is_free(&session.config, state, ws.clock.now());
        let reason = format!("the wake-up was cancelled by {by}");
        let again = state.run == RunState::Paused { reason: reason.clone() };
        Ok(if done && !again { vec![Entry::new(RunPaused { reason })] } else { Vec::new() })
    })?;
    Ok(done)
}

fn goes_on(run: &RunState) -> bool {
    match run {
        RunState::Open | RunState::Paused { .. } => true,
        RunState::Finished { .. } | RunState::Aborted { .. } => false,
    }
}

/// A role that is still called has to wait. Where somebody stands in, the run works.
fn nobody_is_free(config: &Config, state: &State, now: Timestamp) -> bool {
    let roles: &[Role] = match state.approved() {
        None => &[Role::Spec],
        Some(_) => &[Role::Build, Role::Fix, Role::Merge, Role::Certifier],
    };
    roles.iter().filter_map(|role| config.agent(*role).provider).any(|first| {
        match choose(&first, &config.fallback, &state.waits, now) {
            Choice::Use(_) => false,
            Choice::Wait { .. } => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::config::Settings;
    use crate::session::state::Waiting;

    fn config(flags: &[(&str, &str)]) -> Config {
        let mut settings = Settings::defaults();
        for (key, json) in flags {
            let value = serde_json::from_str(json).expect("JSON");
            settings.set(key, Some(value), "a test").expect("a setting");
        }
        settings.config().expect("a configuration")
    }

    #[test]
    fn only_who_has_nobody_to_ask_waits() {
        let at = |s: i64| Timestamp::from_second(1_800_000_000 + s).expect("an instant");
        let mut state = State::default();
        let wait = Waiting { until: at(10), class: "quota".into(), seq: 1 };
        state.waits.insert("busy".into(), wait);
        let alone = config(&[("provider", "\"busy\"")]);
        assert!(nobody_is_free(&alone, &state, at(9)));
        assert!(!nobody_is_free(&alone, &state, at(10)), "its time has come");
        let helped = config(&[("provider", "\"busy\""), ("fallback", "[\"spare\"]")]);
        assert!(!nobody_is_free(&helped, &state, at(9)), "the run works");
        let none = config(&[("provider", "\"none\"")]);
        assert!(!nobody_is_free(&none, &state, at(9)));
    }
}
