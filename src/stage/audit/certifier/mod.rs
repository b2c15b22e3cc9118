//! Those who judge: agents that did not build, each in a fresh worktree that it cannot write, with
//! the contract and the evidence, and without a word of those who built.
//!
//! A judge may ask Otto to run probes and gets what was captured; what it says of its own doing
//! counts for nothing. Its word never raises a verdict; see [`super::verdict::caps`] for what it
//! lowers. An answer that is not as it must be is handed back once with its problems, and then the
//! judge has failed.

mod answer;
mod control;
mod probes;
mod prompt;
mod record;
mod turn;

pub use probes::found_before;
pub use turn::turn_dirs;

use self::answer::{Rules, Said};
use self::probes::Probe;
use crate::agent::require_provider;
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::check::Outcome;
use crate::disk;
use crate::git::Oid;
use crate::process::stop;
use crate::session::config::Role;
use crate::session::event::{AuditMode, Certifier, Judge};
use crate::stage::Context;
use crate::stage::waiting::free_agent;

/// A judge may ask for probes in this many answers,
const ROUNDS: u32 = 3;
/// for this many in all,
const PROBES: usize = 12;
/// each of which may take this long.
const PROBE_SECONDS: u64 = 120;

/// What was run, for a judge to cite.
#[derive(Debug, Clone)]
pub struct Observed {
    pub check: String,
    pub title: Option<String>,
    pub outcome: Outcome,
}

/// Fails when somebody has to be asked and cannot be: no agent (69), no money (77), a limit (75);
/// before anything is run, because the answer is a part of the audit.
pub fn can_be_asked(ctx: &Context<'_>, mode: AuditMode) -> Result<()> {
    let agent = ctx.config().agent(Role::Certifier);
    match mode {
        AuditMode::Fast => return Ok(()),
        AuditMode::Standard if agent.provider.is_none() => return Ok(()),
        AuditMode::Standard => {}
        AuditMode::Thorough if agent.provider.is_none() => {
            return Err(Error::missing("a thorough audit needs somebody to ask")
                .hint("name an agent: agents: {certifier: {provider: …}} in otto.yaml; or choose another mode: otto audit --mode fast"));
        }
        AuditMode::Thorough => require_provider(Role::Certifier, &agent)?,
    }
    free_agent(ctx.ws, ctx.session, Role::Certifier)?;
    ctx.check_budget()
}

/// One judge's questions about one product.
struct Inquiry<'a> {
    ctx: &'a Context<'a>,
    judge: Judge,
    round: u32,
    tip: Oid,
    observed: &'a [Observed],
    /// What was found already.
    found: &'a [String],
    /// Ids that probes may not have.
    taken: &'a [String],
    probes: Vec<Probe>,
    asked: u32,
    turns: u32,
}

/// An answer that is not as it must be.
struct Wrong {
    answer: serde_json::Value,
    problems: Vec<String>,
}

/// What a judge looks at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub round: u32,
    pub tip: Oid,
    pub observed: &'a [Observed],
    pub found: &'a [String],
    pub taken: &'a [String],
}

/// Asks a judge, if one is configured.
pub fn ask(ctx: &Context<'_>, judge: Judge, case: Case<'_>) -> Result<Certifier> {
    if ctx.config().agent(Role::Certifier).provider.is_none() {
        return Ok(Certifier::None);
    }
    let Case { round, tip, observed, found, taken } = case;
    let (probes, asked, turns) = (Vec::new(), 0, 0);
    Inquiry { ctx, judge, round, tip, observed, found, taken, probes, asked, turns }.run()
}

impl Inquiry<'_> {
    fn run(mut self) -> Result<Certifier> {
        let mut wrong: Option<Wrong> = None;
        loop {
            stop::check()?;
            self.turns += 1;
            let (provider, said) = self.turn(wrong.as_ref())?;
            let answer = match said {
                Ok(answer) => answer,
                Err(why) => return Ok(Certifier::Failed { provider, why }),
            };
            match answer::read(&answer, &self.rules()) {
                Ok(Said::Probes(checks)) => {
                    wrong = None;
                    self.asked += 1;
                    self.run_probes(checks)?;
                }
                Ok(Said::Judged(judged)) => return self.record(provider, judged),
                Err(problems) => {
                    let path = self.dir().join("errors.json");
                    disk::replace_json(&path, &problems)?;
                    if wrong.is_some() {
                        let first = problems.first().map_or("", String::as_str);
                        let why = format!("it answered outside the schema twice: {first}");
                        return Ok(Certifier::Failed { provider, why: one_line(&why, 300) });
                    }
                    let who = self.judge.word();
                    self.ctx.report.say(&format!(
                        "the {who}'s answer has {}; asking again",
                        crate::base::text::count(problems.len(), "problem")
                    ));
                    wrong = Some(Wrong { answer, problems });
                }
            }
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            spec: &self.ctx.spec,
            judge: self.judge,
            probes_left: PROBES.saturating_sub(self.probes.len()),
            rounds_left: ROUNDS.saturating_sub(self.asked),
            ran: self.probes.iter().map(|p| p.check.id.as_str()).collect(),
            taken: self.taken,
        }
    }
}
