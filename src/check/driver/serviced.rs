//! Services around one run of a check.

use super::{Place, provenance};
use crate::base::Result;
use crate::check::Reason;
use crate::check::journey::Once;
use crate::check::service::{self, Running};
use crate::spec::Check;

/// Fresh services for each run, so that nothing is there that another check left.
pub(super) fn with_services(
    check: &Check,
    place: &Place<'_>,
    run: &mut dyn FnMut(&Place<'_>) -> Result<Once>,
) -> Result<Once> {
    let needed = place.declared.needed(check)?;
    if needed.is_empty() {
        return run(place);
    }
    let from = std::time::Instant::now();
    let (running, judged) = match Running::start(&needed, place.declared.fixtures, place)? {
        Err((running, why)) => {
            let seconds = from.elapsed().as_secs_f64();
            let of = provenance(place, seconds, Vec::new());
            (running, Once::over(service::outcome(why, of)))
        }
        Ok(mut running) => {
            let left = place.left.saturating_sub(from.elapsed());
            let judged = run(&Place {
                running: &running,
                left,
                packages: place.packages.clone(),
                ..*place
            })?;
            // Whatever was answered, it did not stay up for as long as somebody asked.
            let dead = running.fault();
            let judged = match (judged, dead) {
                (Once::Over(o), Some(why)) if o.reason() != Reason::Interrupted => {
                    Once::over(o.demoted(why.reason, why.detail))
                }
                (Once::NeedsControl(_), Some(why)) => {
                    let of = provenance(place, from.elapsed().as_secs_f64(), Vec::new());
                    Once::over(service::outcome(why, of))
                }
                (judged, _) => judged,
            };
            (running, judged)
        }
    };
    let kept = running.stop(place)?;
    Ok(match judged {
        Once::Over(outcome) => Once::over(outcome.with_evidence(kept)),
        Once::NeedsControl(mut pending) => {
            pending.evidence.extend(kept);
            Once::NeedsControl(pending)
        }
    })
}
