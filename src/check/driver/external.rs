//! A kind of somebody's own: a program that is asked by one line and answers by one.

use serde_json::{Map, Value, json};

use super::{OUTPUT_LIMIT, Place, ending_of, environment, program_of, provenance, read, sandbox};
use crate::base::Result;
use crate::check::Outcome;
use crate::check::gate::{self, Execution, Produced};
use crate::disk;
use crate::process::{Capture, Command, own_command};
use crate::spec::Check;

/// `otto-check-<kind>`: one request line in, exactly one outcome line out.
pub(super) fn external(check: &Check, kind: &str, place: &Place<'_>) -> Result<Outcome> {
    let scratch = place.worktree.scratch()?;
    let evidence_dir = scratch.join("evidence");
    disk::place_dir(&evidence_dir)?;
    let limit = place.limit(check);
    let deadline = jiff::Timestamp::now()
        + jiff::SignedDuration::try_from(limit).unwrap_or(jiff::SignedDuration::from_hours(1));
    let ports: Map<String, Value> =
        place.running.named().map(|(id, port)| (id.to_owned(), port.into())).collect();
    let request = json!({
        "v": 1, "check": check, "workdir": place.worktree.path, "commit": place.commit,
        "tree": place.tree, "base": place.base, "evidence_dir": evidence_dir, "ports": ports,
        "env": check.env, "deadline": deadline.to_string(),
    });
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    let program = format!("otto-check-{kind}");
    let argv = own_command(&program);
    let finished =
        Command::new(argv.clone(), &place.worktree.path, environment(check, place, &scratch)?)
            .sandbox(sandbox(place, &scratch)?.read(program_of(&argv)).own([evidence_dir.clone()]))
            .stdin(format!("{request}\n").into_bytes())
            .timeout(limit)
            .output_limit(OUTPUT_LIMIT)
            .run(Capture::Split { stdout: out.clone(), stderr: err.clone() })?;
    let (ending, capture) = ending_of(finished.ended, limit, &program);
    let (stdout, stderr) = (read(&out, finished.ended)?, read(&err, finished.ended)?);
    let run = Execution { ending, stdout, stderr, capture };
    let mut evidence = Vec::new();
    for file in disk::files_below(&evidence_dir)? {
        evidence.push(place.evidence.keep_file(&evidence_dir, &file)?);
    }
    let produced = if evidence.is_empty() { Produced::Nothing } else { Produced::Evidence };
    evidence.push(
        place
            .evidence
            .keep(format!("{}\n--- standard error\n{}", run.stdout, run.stderr).as_bytes())?,
    );
    let of = provenance(place, finished.duration.as_secs_f64(), evidence);
    Ok(gate::judge_external(&run, produced, of))
}
