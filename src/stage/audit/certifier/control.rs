//! Whether a probe that failed shows anything about the product: it is run once more where there is
//! no product at all. One that fails there in the very same way would fail on anything.

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
        let Some(without) = self.without_product(probe)? else { return Ok(None) };
        Ok(is_same(outcome, &without)
            .then(|| "its probe fails in the same way where there is no product".into()))
    }

    /// The outcome on an empty tree, with the probes that it was asked for with; `None` for kinds
    /// that talk to the product's own services, which are not there without it.
    fn without_product(&self, probe: &Probe) -> Result<Option<Outcome>> {
        if ["api_probe", "browser_journey"].contains(&probe.check.kind.as_str()) {
            return Ok(None);
        }
        let together = self.probes.iter().filter(|p| p.turn == probe.turn);
        let before = together.take_while(|p| p.check.id != probe.check.id);
        let checks: Vec<Check> = before.chain([probe]).map(|p| alone(&p.check)).collect();
        let checks: Vec<&Check> = checks.iter().collect();
        let ctx = self.ctx;
        let empty = ctx.ws.repo.empty_commit()?;
        // Nothing is prepared for a tree with nothing in it.
        let bench = Bench { steps: &[], ..ctx.bench()? };
        let left = || ctx.left();
        let ran = bench.run(&checks, empty, ctx.base(), Caching::Never, left, &mut |_| Ok(()))?;
        Ok(ran.into_iter().next_back().map(|ran| ran.outcome))
    }
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
