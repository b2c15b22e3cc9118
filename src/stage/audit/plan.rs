//! What an audit runs, in its order: the checks of groups, those across groups, what judges found in
//! earlier audits, and the held-out scenarios.

use super::certifier::found_before;
use super::observe::Scope;
use super::scenarios::{Exam, load_scenarios};
use crate::base::Result;
use crate::session::State;
use crate::session::event::{self, Asked, LeftOut};
use crate::spec::{Check, Group, Purpose};
use crate::stage::Context;
use crate::stage::merge::queue::features_are_in;

/// One thing to run.
pub(super) struct Planned {
    pub check: Check,
    pub group: Option<String>,
    pub scenario: Option<event::Scenario>,
    pub asked: Option<Asked>,
}

impl Planned {
    fn across(check: Check) -> Self {
        Self { check, group: None, scenario: None, asked: None }
    }

    /// Whether it is a check across groups.
    pub fn is_across(&self) -> bool {
        self.group.is_none() && self.scenario.is_none() && self.asked.is_none()
    }
}

/// What an audit runs, and which scenarios it does not.
pub(super) struct Plan {
    pub planned: Vec<Planned>,
    pub left_out: Vec<LeftOut>,
}

pub(super) fn plan(ctx: &Context<'_>, state: &State, scope: &Scope) -> Result<Plan> {
    let is_in = |g: &Group| {
        state.phase(&g.id).is_in() || state.group(&g.id).is_some_and(|g| g.landed.is_some())
    };
    let features_in = |features: &[String]| features_are_in(&ctx.spec, state, features, "");
    let own = ctx.spec.groups.iter().filter(|g| is_in(g)).flat_map(|g| {
        let of_group =
            |c: &Check| Planned { group: Some(g.id.clone()), ..Planned::across(c.clone()) };
        g.checks.iter().map(of_group)
    });
    let across = ctx
        .spec
        .cross_group_checks
        .iter()
        .filter(|c| c.purpose == Purpose::Regression || features_in(&c.features))
        .map(|c| Planned::across(c.clone()));
    let mut planned: Vec<Planned> = own.chain(across).collect();
    for (check, asked) in found_before(state) {
        if features_in(&check.features) {
            planned.push(Planned { asked: Some(asked), ..Planned::across(check) });
        }
    }
    let Exam { scenarios, mut left_out } = load_scenarios(ctx)?;
    for scenario in scenarios {
        if !features_in(&scenario.record.features) {
            let why = "what it is about is not in the product".to_owned();
            left_out.push(LeftOut { what: scenario.record.id, why });
            continue;
        }
        let check = scenario.as_check();
        planned.push(Planned { scenario: Some(scenario.record), ..Planned::across(check) });
    }
    if let Scope::Narrowed(ids) = scope {
        planned.retain(|p| ids.contains(&p.check.id));
        left_out.clear();
    }
    Ok(Plan { planned, left_out })
}

/// The checks that judges asked for and that showed product failures.
pub fn again(state: &State) -> Vec<Check> {
    found_before(state).into_iter().map(|(check, _)| check).collect()
}
