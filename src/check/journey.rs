//! Runs a `browser_journey`: the walk, and then the look at the same pages without it.

use std::time::{Duration, Instant};

use super::browser::{self, Broken, Ground, Held, Walked};
use super::driver::Place;
use super::gate::{Control, judge_journey};
use super::{EvidenceRef, Outcome, Provenance, Reason};
use crate::base::{Error, Result};
use crate::spec::{BrowserJourney, Check};

/// A walk that came true; what it expected has to be looked at without it.
#[derive(Debug)]
pub struct Pending {
    journey: BrowserJourney,
    walked: Walked,
    url: String,
    took: Duration,
    /// Of the services.
    pub evidence: Vec<EvidenceRef>,
}

/// How far one run of a check came.
#[derive(Debug)]
pub enum Once {
    Over(Box<Outcome>),
    /// In a fresh worktree, with fresh services.
    NeedsControl(Box<Pending>),
}

/// Walks through the pages of a service that runs.
pub fn walk(
    check: &Check,
    journey: &BrowserJourney,
    place: &Place<'_>,
    limit: Duration,
) -> Result<Once> {
    let started = Instant::now();
    let service = journey.service.as_deref().unwrap_or_default();
    let url = place.running.url(service);
    let url = url.ok_or_else(|| Error::bug(format!("the service '{service}' was not started")))?;
    let left = || limit.saturating_sub(started.elapsed());
    let red = |why: Broken, kept: Vec<EvidenceRef>| {
        let of = provenance(place, started.elapsed(), kept);
        Ok(Once::over(Outcome::red(why.reason, why.detail, of)))
    };
    let dir = place.worktree.scratch_of("browser")?;
    let browser = match browser::start(place, &dir, left())? {
        Ok(browser) => browser,
        Err(why) => return red(why, Vec::new()),
    };
    let ground = Ground {
        browser: &browser,
        url: &url,
        evidence: place.evidence,
        tree: &place.worktree.path,
        uploads: &dir.join("tmp/uploads"),
    };
    let walked = match browser::walk(journey, &ground, left())? {
        Ok(walked) => walked,
        Err(why) => return red(why, Vec::new()),
    };
    let pending = Pending {
        journey: journey.clone(),
        walked,
        url,
        took: started.elapsed(),
        evidence: Vec::new(),
    };
    drop(browser);
    let without = judge_journey(
        &browser::observed(&pending.walked, journey, Vec::new()),
        Provenance::default(),
    );
    // It is red whatever the pages are like without it.
    if without.reason() != Reason::NothingChanged || pending.walked.held.is_empty() {
        return Ok(Once::over(pending.judged(check, place, Vec::new())?));
    }
    Ok(Once::NeedsControl(Box::new(pending)))
}

/// Looks at what was expected where nobody did anything, and judges the whole.
pub fn control(
    check: &Check,
    pending: Pending,
    place: &Place<'_>,
    limit: Duration,
) -> Result<Outcome> {
    let started = Instant::now();
    let left = || limit.saturating_sub(started.elapsed());
    let service = pending.journey.service.as_deref().unwrap_or_default();
    let url = place.running.url(service);
    let url = url.ok_or_else(|| Error::bug(format!("the service '{service}' was not started")))?;
    let held: &[Held] = &pending.walked.held;
    let dir = place.worktree.scratch_of("browser")?;
    let looked = match browser::start(place, &dir, left())? {
        Ok(browser) => browser::controls(&browser, &pending.journey, &url, held, left())?,
        Err(why) => Err(why),
    };
    match looked {
        Ok(controls) => pending.judged(check, place, controls),
        Err(why) => {
            let kept = pending.kept(check, place, &[])?;
            let of = provenance(place, pending.took + started.elapsed(), kept);
            Ok(Outcome::red(why.reason, why.detail, of))
        }
    }
}

impl Once {
    pub fn over(outcome: Outcome) -> Self {
        Once::Over(Box::new(outcome))
    }
}

impl Pending {
    fn judged(self, check: &Check, place: &Place<'_>, controls: Vec<Control>) -> Result<Outcome> {
        let kept = self.kept(check, place, &controls)?;
        let of = provenance(place, self.took, kept);
        Ok(judge_journey(&browser::observed(&self.walked, &self.journey, controls), of))
    }

    /// The record, and every picture.
    fn kept(
        &self,
        check: &Check,
        place: &Place<'_>,
        controls: &[Control],
    ) -> Result<Vec<EvidenceRef>> {
        let record = browser::record(&check.id, &self.url, &self.walked, controls);
        let mut kept = vec![place.evidence.keep(format!("{record:#}\n").as_bytes())?];
        for picture in self.walked.steps.iter().filter_map(|s| s.screenshot) {
            if !kept.contains(&picture) {
                kept.push(picture);
            }
        }
        kept.extend(&self.evidence);
        Ok(kept)
    }
}

fn provenance(place: &Place<'_>, took: Duration, evidence: Vec<EvidenceRef>) -> Provenance {
    Provenance {
        commit: place.commit.to_string(),
        tree: place.tree.to_string(),
        duration_s: took.as_secs_f64(),
        evidence,
    }
}
