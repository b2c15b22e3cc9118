//! Whether a probe that failed shows anything about the product: it is run where there is no product,
//! and where there is something else under every name that it mentions. One that fails at both in the
//! very same way would fail on anything.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Inquiry;
use super::probes::Probe;
use crate::base::Result;
use crate::check::batch::{Bench, Caching};
use crate::check::{Outcome, Reason, Status};
use crate::spec::Check;

impl Inquiry<'_> {
    /// Why the probe is no reproduction of a product failure, or `None` where it is one.
    pub(super) fn shows_nothing(&self, probe: &Probe) -> Result<Option<String>> {
        let outcome = &probe.outcome;
        match outcome.status() {
            Status::Passed => return Ok(Some("its probe passed".into())),
            Status::NotRun => {
                return Ok(Some(format!("its probe could not be run: {}", outcome.reason())));
            }
            Status::Failed if outcome.reason() == Reason::Flaky => {
                return Ok(Some("its probe failed, and passed when it was run again".into()));
            }
            Status::Failed => {}
        }
        // These talk to the product's own services, which are not there without it.
        if ["api_probe", "browser_journey"].contains(&probe.check.kind.as_str()) {
            return Ok(None);
        }
        for files in [Vec::new(), decoys(&probe.check)] {
            match self.elsewhere(probe, &files)? {
                Some(there) if is_same(outcome, &there) => {}
                Some(_) | None => return Ok(None),
            }
        }
        Ok(Some("its probe fails in the same way where there is no product".into()))
    }

    /// The outcome on a tree of these files, with the probes that it was asked for with.
    fn elsewhere(&self, probe: &Probe, files: &[String]) -> Result<Option<Outcome>> {
        let together = self.probes.iter().filter(|p| p.turn == probe.turn);
        let before = together.take_while(|p| p.check.id != probe.check.id);
        let checks: Vec<Check> = before.chain([probe]).map(|p| alone(&p.check)).collect();
        let checks: Vec<&Check> = checks.iter().collect();
        let ctx = self.ctx;
        let other = ctx.ws.repo.commit_of(files, b"This is no product.\n")?;
        // Nothing is prepared for what is not the product.
        let bench = Bench { steps: &[], ..ctx.bench()? };
        let left = || ctx.left();
        let ran = bench.run(&checks, other, ctx.base(), Caching::Never, left, &mut |_| Ok(()))?;
        Ok(ran.into_iter().next_back().map(|ran| ran.outcome))
    }
}

/// More words of one probe are no paths.
const DECOYS: usize = 200;

/// Every word of the probe's command, and of the files that it reads, that may be a path in the tree.
fn decoys(check: &Check) -> Vec<String> {
    let strings = |key: &str| -> Vec<String> {
        let value = check.params.get(key);
        let list = value.and_then(Value::as_array).into_iter().flatten();
        let map = value.and_then(Value::as_object).into_iter().flat_map(|m| m.values());
        list.chain(map).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let all = [strings("argv"), strings("files")].concat();
    let is_path = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let words = all.iter().flat_map(|text| text.split(|c| !is_path(c)));
    let mut found: BTreeSet<String> = words
        .map(|w| w.trim_start_matches("./"))
        .filter(|w| may_be_path(w))
        .map(str::to_owned)
        .collect();
    // What has something below it is a folder.
    let folders: Vec<String> = found
        .iter()
        .filter(|p| found.iter().any(|o| o.starts_with(&format!("{p}/"))))
        .cloned()
        .collect();
    found.retain(|path| !folders.contains(path));
    found.into_iter().take(DECOYS).collect()
}

fn may_be_path(word: &str) -> bool {
    let part = |p: &str| !matches!(p, "" | "." | "..") && !p.eq_ignore_ascii_case(".git");
    word.len() < 200 && !word.starts_with('-') && word.split('/').all(part)
}

/// Without services, where its command does not name one: what would keep it from being run says
/// nothing about what it does.
fn alone(check: &Check) -> Check {
    let named = check.params.get("argv").is_some_and(|argv| argv.to_string().contains('{'));
    let services = if named { check.services.clone() } else { Vec::new() };
    Check { services, ..check.clone() }
}

/// The same failure: what was captured is the same, byte for byte, or differs from run to run and
/// ended the same.
fn is_same(with: &Outcome, without: &Outcome) -> bool {
    let varies = |o: &Outcome| o.evidence().len() > 1;
    with.status() == without.status()
        && with.reason() == without.reason()
        && with.exit() == without.exit()
        && (with.evidence() == without.evidence() || varies(with) || varies(without))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_word_that_may_be_a_path_has_a_decoy() {
        let check: Check = serde_json::from_value(json!({
            "id": "probe-x", "kind": "cli_probe",
            "argv": ["sh", "-c", "./bin/app add -5 'g1/x' >/dev/null; cat ../up g1 .git/config"],
        }))
        .expect("a check");
        assert_eq!(decoys(&check), ["add", "bin/app", "cat", "g1/x", "sh"]);
        let check: Check = serde_json::from_value(json!({
            "id": "probe-y", "kind": "state_invariant", "expr": "a.b == 1", "files": {"a": "d/a.json"},
        }))
        .expect("a check");
        assert_eq!(decoys(&check), ["d/a.json"]);
    }
}
