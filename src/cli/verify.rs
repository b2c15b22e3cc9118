//! What `otto verify` prints.

use serde_json::json;

use crate::base::text::count;
use crate::base::{Error, Exit, Result, SessionId};
use crate::session::{Session, Workspace};
use crate::stage::handover::{Looked, Signed};
use crate::stage::rerun::{Compared, rerun as run_again};
use crate::stage::verify::Verified;
use crate::stage::{Context, Silent};

fn lines(holds: &[String], problems: &[String]) {
    for line in holds {
        crate::outln!("  ok   {line}");
    }
    for line in problems {
        crate::outln!("  BAD  {line}");
    }
}

fn altered(problems: usize, of: &str) -> Error {
    Error::input(format!("{} of {of}", count(problems, "problem")))
        .hint("what is named above was altered or lost; nothing was changed now")
}

/// 65 where something is wrong.
pub fn session(id: &SessionId, verified: &Verified, as_json: bool) -> Result<()> {
    if as_json {
        crate::outln!(
            "{}",
            json!({"v": 1, "session": id, "holds": verified.holds, "patches": verified.patches, "problems": verified.problems})
        );
    } else {
        crate::outln!("session {id}");
        lines(&verified.holds, &verified.problems);
    }
    match verified.problems.len() {
        0 => Ok(()),
        n => Err(altered(n, &format!("session {id}"))),
    }
}

/// 65 where something is wrong.
pub fn packet(looked: &Looked, as_json: bool) -> Result<Exit> {
    let signed = match &looked.signed {
        Signed::Not => json!("no"),
        Signed::ByUnknown(_) => json!("unknown key"),
        Signed::By(who) => json!({"by": who}),
        Signed::Bad(_) => json!("bad"),
    };
    if as_json {
        crate::outln!(
            "{}",
            json!({"v": 1, "session": looked.session, "holds": looked.holds, "problems": looked.problems,
                   "limits": looked.limits, "verdict": looked.verdict, "signed": signed})
        );
    } else {
        crate::outln!("packet of session {}: {}", looked.session, looked.verdict);
        lines(&looked.holds, &looked.problems);
        for line in &looked.limits {
            crate::outln!("  note {line}");
        }
    }
    match looked.problems.len() {
        0 => Ok(Exit::YES),
        n => Err(altered(n, "the packet")),
    }
}

/// Runs the checks again; 1 where one came to something else.
pub fn rerun(ws: &Workspace, session: &Session, as_json: bool) -> Result<Exit> {
    let ctx = Context::open_to_work(ws, session, &Silent)?;
    let done = run_again(&ctx)?;
    for one in &done {
        if as_json {
            crate::outln!("{}", serde_json::to_string(one).unwrap_or_default());
            continue;
        }
        match one {
            Compared::Same { check, outcome } => crate::outln!("  same {check}: {outcome}"),
            Compared::Differs { check, then, now } => {
                crate::outln!("  BAD  {check}: was {then}, is {now} now");
            }
            Compared::NotAgain { what, why } => crate::outln!("  not  {what}: {why}"),
        }
    }
    let differs = done.iter().any(|c| matches!(c, Compared::Differs { .. }));
    Ok(if differs { Exit::NO } else { Exit::YES })
}
