//! The money of a session: one budget for the run and one for each group, shared by every turn,
//! whoever runs it.

use crate::agent::{Ledger, Part};
use crate::base::{Error, Result};
use crate::session::config::{Agent, Price, Role};
use crate::session::event::{BudgetSpent, Usage};
use crate::session::journal::Entry;
use crate::session::{Session, State, Workspace};

/// One turn's part of it.
pub struct Spending<'a> {
    ws: &'a Workspace,
    session: &'a Session,
    role: Role,
    /// Group and attempt.
    of: Option<(&'a str, u32)>,
    /// The journal's length when this was made: a turn of its own each.
    began: u64,
    /// Of the configured model.
    price: Option<&'a Price>,
}

impl<'a> Spending<'a> {
    pub fn new(ws: &'a Workspace, session: &'a Session, role: Role, agent: &Agent) -> Self {
        let price = agent.model.as_deref().and_then(|model| session.config.prices.of(model));
        Self { ws, session, role, of: None, began: session.position().seq, price }
    }

    pub fn of_attempt(mut self, group: &'a str, attempt: u32) -> Self {
        self.of = Some((group, attempt));
        self
    }
}

impl Ledger for Spending<'_> {
    fn left(&self) -> Result<Option<f64>> {
        let config = &self.session.config;
        self.session.with_state(|s| {
            let run = config.budget_usd.map(|budget| budget - spent(s));
            let group = match (config.group_budget_usd, self.of) {
                (Some(budget), Some((group, _))) => Some(budget - spent_by(s, group)),
                (None, _) | (_, None) => None,
            };
            match (run, group) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        })
    }

    fn spend(&self, usage: &Usage, part: Part) -> Result<()> {
        let event = BudgetSpent {
            role: self.role.word().into(),
            usage: *usage,
            partial: part == Part::Some,
            turn: self.of.is_none().then_some(self.began),
        };
        let entry = match self.of {
            Some((group, attempt)) => Entry::attempt(group, attempt, event),
            None => Entry::new(event),
        };
        self.session.append(self.ws, entry).map(drop)
    }

    fn estimate(&self, usage: &Usage, said: Option<&str>) -> Option<f64> {
        let by_name = || self.session.config.prices.of(said?);
        self.price.or_else(by_name)?.estimate(usage)
    }
}

/// Turns that reported no cost, and have no price, cannot be counted.
fn spent(state: &State) -> f64 {
    state.total_usage().money().unwrap_or(0.0)
}

/// What a group has spent, as far as it is known.
pub fn spent_by(state: &State, group: &str) -> f64 {
    state.usage_by_group.get(group).and_then(Usage::money).unwrap_or(0.0)
}

/// Fails (77) when nothing is left of `budget_usd`: more is a person's decision.
pub fn check_budget(session: &Session) -> Result<()> {
    let Some(budget) = session.config.budget_usd else { return Ok(()) };
    let spent = session.with_state(spent)?;
    if spent < budget {
        return Ok(());
    }
    Err(Error::person(format!("the money budget is spent: {spent:.2} of {budget:.2} USD")).hint(
        format!(
            "nothing is lost; allow more for the whole run: otto run --resume {} --budget {:.2}",
            session.id,
            budget.max(spent) * 2.0
        ),
    ))
}

/// The flag that gives a group that is over its budget enough to go on with.
pub fn more_for(budget: f64, spent: f64) -> String {
    format!("-c group_budget_usd={:.2}", budget.max(spent) * 2.0)
}

/// Why a group may not spend more.
pub fn group_is_spent(session: &Session, group: &str) -> Result<Option<String>> {
    let Some(budget) = session.config.group_budget_usd else { return Ok(None) };
    let spent = session.with_state(|s| spent_by(s, group))?;
    let text = || {
        format!(
            "its money budget is spent: {spent:.2} of {budget:.2} USD; allow more: \
             otto run --resume {} {}",
            session.id,
            more_for(budget, spent)
        )
    };
    Ok((spent >= budget).then(text))
}

impl std::fmt::Debug for Spending<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spending").field("role", &self.role).field("of", &self.of).finish()
    }
}
