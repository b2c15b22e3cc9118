//! What holds an agent back: a provider that asks to wait, and money that is spent.

use crate::agent::ErrorClass;
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::session::event::{ProviderWaiting, ProviderWoken};
use crate::session::journal::Entry;
use crate::session::{Session, Workspace};

/// Records that `provider` asks to wait until `until` (RFC 3339, where it said so) and makes the
/// error for it: 75 with the time.
pub fn waiting_error(
    ws: &Workspace,
    session: &Session,
    provider: &str,
    class: ErrorClass,
    until: Option<&str>,
) -> Result<Error> {
    let until = until.unwrap_or_default();
    session.append(
        ws,
        Entry::new(ProviderWaiting {
            provider: provider.to_owned(),
            until: until.to_owned(),
            class: class.word().into(),
        }),
    )?;
    let what = format!("the provider '{provider}' asks to wait ({})", class.word());
    Ok(Error::later(what, until.parse().ok())
        .hint(format!("go on then with: otto run --resume {}", session.id)))
}

/// Records that a turn ran, where a provider was waited for.
pub fn woken(ws: &Workspace, session: &Session) -> Result<()> {
    // Asked first without the journal's lock: a turn after a wait is rare.
    if session.with_state(|s| s.waiting.is_none())? {
        return Ok(());
    }
    session.append_with(ws, |state| {
        let woken = state.waiting.as_ref().map(|w| ProviderWoken { provider: w.provider.clone() });
        Ok(woken.map(Entry::new).into_iter().collect())
    })?;
    Ok(())
}

/// The error of a turn that failed: later (75) where the provider asks to wait, missing (69) where
/// a person has to mend the agent first, else no (1).
pub fn turn_error(
    ws: &Workspace,
    session: &Session,
    provider: &str,
    (class, message): (ErrorClass, &str),
    until: Option<&str>,
) -> Result<Error> {
    let what = || format!("the agent failed: {}", class.word());
    let error = match class {
        ErrorClass::Quota | ErrorClass::RateLimit | ErrorClass::Overloaded => {
            waiting_error(ws, session, provider, class, until)?
        }
        ErrorClass::Auth | ErrorClass::BadRequest | ErrorClass::MissingTool => {
            Error::missing(what())
        }
        ErrorClass::Network
        | ErrorClass::ContextLength
        | ErrorClass::Refused
        | ErrorClass::Interrupted
        | ErrorClass::Unknown => Error::no(what()),
    };
    Ok(error.because(one_line(message, 300)))
}

/// What is left of `budget_usd` in US dollars, over all turns of the session; `None` without a
/// budget. Fails (77) when nothing is left: more is a person's decision.
pub fn budget_left(session: &Session) -> Result<Option<f64>> {
    let Some(budget) = session.config.budget_usd else { return Ok(None) };
    // Turns that reported no cost cannot be counted.
    let spent = session.with_state(|s| s.total_usage().usd)?.unwrap_or(0.0);
    let left = budget - spent;
    if left > 0.0 {
        return Ok(Some(left));
    }
    Err(Error::person(format!("the money budget is spent: {spent:.2} of {budget:.2} USD")).hint(
        format!(
            "nothing is lost; allow more for the whole run: otto run --resume {} --budget {:.2}",
            session.id,
            budget.max(spent) * 2.0
        ),
    ))
}
