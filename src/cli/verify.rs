//! What `otto verify` prints.

use serde_json::{Value, json};

use crate::base::text::count;
use crate::base::{Error, Exit, Result};
use crate::session::{Session, Workspace};
use crate::stage::audit::Word;
use crate::stage::handover::{Looked, Signed, borrow};
use crate::stage::rerun::{Compared, rerun};
use crate::stage::verify::Verified;

/// What is asked for: that what is told is true, or also that the product passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Truth,
    Passed,
}

/// How to look.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub again: Again,
    pub wants: Wants,
    pub json: bool,
}

/// Whether the checks run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Run,
    Read,
}

fn lines(holds: &[String], problems: &[String], limits: &[String]) {
    for line in holds {
        crate::outln!("  ok   {line}");
    }
    for line in problems {
        crate::outln!("  BAD  {line}");
    }
    for line in limits {
        crate::outln!("  note {line}");
    }
}

fn altered(problems: usize, of: &str) -> Error {
    Error::input(format!("{} of {of}", count(problems, "problem")))
        .hint("what is named above was altered or lost; nothing was changed now")
}

/// The product's word, as far as it can be believed.
fn told(word: Option<Word>, whole: bool) -> &'static str {
    match (whole, word) {
        (false, _) => "not to be believed",
        (true, Some(word)) => word.word(),
        (true, None) => "nothing was agreed yet",
    }
}

/// 1 where only what passed is good enough.
fn good_enough(word: Option<Word>, wants: Wants) -> Exit {
    match wants {
        Wants::Passed => word.map_or(Exit::NO, Word::exit),
        Wants::Truth => Exit::YES,
    }
}

/// Prints what was looked at, runs the checks again where nothing is wrong, and answers: 65 where
/// something was altered, 1 where a check came to something else.
pub fn session(
    ws: &Workspace,
    session: &Session,
    verified: &Verified,
    How { again, wants, json: as_json }: How,
) -> Result<Exit> {
    let id = &session.id;
    let whole = verified.problems.is_empty();
    if !as_json {
        crate::outln!("session {id}: {}", told(verified.verdict, whole));
        lines(&verified.holds, &verified.problems, &verified.limits);
    }
    let done = match again {
        Again::Run if whole => Some(run_again(ws, session, as_json)?),
        Again::Run | Again::Read => None,
    };
    if as_json {
        crate::outln!(
            "{}",
            json!({"v": 1, "session": id, "verdict": verified.verdict, "holds": verified.holds,
                   "patches": verified.patches,
                   "problems": verified.problems, "limits": verified.limits, "again": done})
        );
    }
    match whole {
        true => Ok(exit_of(done.as_deref(), good_enough(verified.verdict, wants))),
        false => Err(altered(verified.problems.len(), &format!("session {id}"))),
    }
}

/// The same of a packet. Its checks run in a repository and a session that are made for it and go
/// away.
pub fn packet(
    ws: &Workspace,
    looked: &Looked,
    packet: &crate::stage::handover::Packet,
    How { again, wants, json: as_json }: How,
) -> Result<Exit> {
    let whole = looked.problems.is_empty();
    if !as_json {
        crate::outln!(
            "packet of session {}: {}",
            looked.session,
            told(Some(looked.verdict), whole)
        );
        lines(&looked.holds, &looked.problems, &looked.limits);
    }
    let done = match again {
        Again::Run if whole => {
            let borrowed = borrow(&ws.repo, packet, &ws.actor)?;
            Some(run_again(&borrowed.ws, &borrowed.session, as_json)?)
        }
        Again::Run | Again::Read => None,
    };
    if as_json {
        crate::outln!(
            "{}",
            json!({"v": 1, "session": looked.session, "holds": looked.holds,
                   "problems": looked.problems, "limits": looked.limits,
                   "verdict": looked.verdict, "signed": signed(&looked.signed), "again": done})
        );
    }
    match whole {
        true => Ok(exit_of(done.as_deref(), good_enough(Some(looked.verdict), wants))),
        false => {
            let wrong = altered(looked.problems.len(), "the packet");
            Err(match looked.of {
                Some(product) => wrong.hint(format!(
                    "the packet is of commit {product}; to check that one: otto verify {} --packet FILE",
                    product.short()
                )),
                None => wrong,
            })
        }
    }
}

fn signed(signed: &Signed) -> Value {
    match signed {
        Signed::Not => json!("no"),
        Signed::ByUnknown(key) => json!({"unknown": key}),
        Signed::By(who) => json!({"by": who}),
        Signed::Bad(why) => json!({"bad": why}),
    }
}

/// Each line as it is known, for people.
fn run_again(ws: &Workspace, session: &Session, as_json: bool) -> Result<Vec<Compared>> {
    let mut done = Vec::new();
    rerun(ws, session, &mut |one| {
        if !as_json {
            match &one {
                Compared::Same { check, outcome } => {
                    crate::outln!("  same {check}: {outcome} again");
                }
                Compared::Differs { check, then, now } => {
                    crate::outln!("  BAD  {check}: was {then}, is {now} now");
                }
                Compared::NotAgain { what, why } => crate::outln!("  not  {what}: {why}"),
            }
        }
        done.push(one);
    })?;
    Ok(done)
}

fn exit_of(done: Option<&[Compared]>, otherwise: Exit) -> Exit {
    let differs = done.unwrap_or_default().iter().any(|c| matches!(c, Compared::Differs { .. }));
    if differs { Exit::NO } else { otherwise }
}
