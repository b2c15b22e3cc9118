//! `browser_journey`: a real Chromium, driven through WebDriver, in a sandbox apart from the product
//! that it looks at. Only here `thirtyfour` and `tokio` are named.
//!
//! What a journey expects must come from the journey: after it came true, the same expectations are
//! looked at once more where nobody did anything, at the addresses where they held, with a fresh
//! product and a fresh browser. One that holds there as well proves nothing.

mod accessible;
mod chromium;
mod locate;
mod log;
mod page;
mod walk;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::WebDriver;

pub use chromium::{Browser, start};
use walk::told;
pub use walk::{Ground, Walked, walk};

use super::gate::{Control, Journey};
use super::{EvidenceRef, Reason};
use crate::base::{Error, Result};
use crate::spec::{BrowserJourney, PageExpectation};

/// Why a journey came to no end that says anything about the product.
#[derive(Debug, Clone)]
pub struct Broken {
    pub reason: Reason,
    pub detail: String,
}

/// Something expected after the journey acted: where it held, and how long that took.
#[derive(Debug, Clone)]
pub struct Held {
    pub expected: PageExpectation,
    /// Path, query and fragment.
    pub at: String,
    pub within: Duration,
}

/// Between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);

/// Seconds that a step has.
fn step_limit(journey: &BrowserJourney) -> Duration {
    Duration::from_secs(journey.step_timeout_s.unwrap_or(5))
}

/// Runs a future to its end in this thread, and no longer than `left`.
fn wait<T>(left: Duration, work: impl Future<Output = Walk<T>>) -> Result<Walk<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::machine("cannot drive a browser").because(e))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            () = tokio::time::sleep(left) => {
                let detail = format!("not finished after {} s", left.as_secs());
                Err(Broken { reason: Reason::Timeout, detail })
            }
            () = asked_to_stop() => {
                Err(Broken { reason: Reason::Interrupted, detail: "stopped before it ended".into() })
            }
        }
    });
    // A request that still runs is not waited for: the browser is ended next.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(ended)
}

async fn asked_to_stop() {
    while crate::process::stop::requested().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a part of a journey comes to.
type Walk<T> = std::result::Result<T, Broken>;

/// Trouble of the browser and not of the page.
fn broken(e: &thirtyfour::error::WebDriverError) -> Broken {
    // What it was about comes first, and the cause after it.
    let text = e.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let told = crate::base::text::one_line(&lines.join(" "), 300);
    Broken { reason: Reason::ToolError, detail: format!("the browser: {told}") }
}

/// Looks at what was expected without having done anything: once at each address where some of it
/// held, for as long as the slowest of that took.
pub fn controls(
    browser: &Browser,
    journey: &BrowserJourney,
    url: &str,
    held: &[Held],
    left: Duration,
) -> Result<Walk<Vec<Control>>> {
    wait(left, async {
        let driver = browser.session(journey).await?;
        let mut holds = vec![false; held.len()];
        for (n, first) in held.iter().enumerate() {
            if held[..n].iter().all(|h| h.at != first.at) {
                look_at(&driver, url, (held, &mut holds), &first.at).await?;
            }
        }
        // It is ended in any case.
        drop(driver.quit().await);
        let control = |(one, holds_anyway): (&Held, bool)| Control {
            shown: format!("expect {}", one.expected.shown()),
            holds_anyway,
        };
        Ok(held.iter().zip(holds).map(control).collect())
    })
}

/// Marks what holds at an address, at any moment. What comes by itself comes here too.
async fn look_at(
    driver: &WebDriver,
    url: &str,
    (held, holds): (&[Held], &mut [bool]),
    at: &str,
) -> Walk<()> {
    // Otherwise one that differs in its fragment alone would be the page that is there.
    driver.goto("about:blank").await.map_err(|e| broken(&e))?;
    let address = if at.starts_with('/') { format!("{url}{at}") } else { at.to_owned() };
    driver.goto(address).await.map_err(|e| broken(&e))?;
    let here = || held.iter().enumerate().filter(|(_, one)| one.at == at);
    let slowest = here().map(|(_, one)| one.within).max().unwrap_or_default();
    // Whatever comes by itself comes a little later now and then.
    let until = Instant::now() + slowest.mul_f32(1.25) + Duration::from_millis(500);
    loop {
        for (n, one) in here().filter(|(n, _)| !holds[*n]).collect::<Vec<_>>() {
            holds[n] = match page::wrong(driver, &one.expected, url).await {
                Ok(wrong) => wrong.is_none(),
                // A page that breaks by itself is not what was expected.
                Err(e) if told(&e).is_some() => false,
                Err(e) => return Err(broken(&e)),
            };
        }
        if here().all(|(n, _)| holds[n]) || Instant::now() >= until {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The record of a journey: see docs/formats.md.
pub fn record(check: &str, url: &str, walked: &Walked, controls: &[Control]) -> Value {
    json!({
        "v": 1, "evidence": "browser_journey", "check": check, "url": url,
        "browser": walked.browser,
        "steps": walked.steps.iter().enumerate().map(|(n, s)| json!({
            "n": n + 1, "step": s.stepped.shown, "ok": s.stepped.wrong.is_none(),
            "wrong": s.stepped.wrong, "url": s.at, "ms": s.ms,
            "screenshot": s.screenshot.as_ref().map(EvidenceRef::to_string),
        })).collect::<Vec<_>>(),
        "console": walked.log.console, "failed_requests": walked.log.failed,
        "without_the_journey": controls.iter().map(|c| json!({
            "expected": c.shown, "holds_anyway": c.holds_anyway,
        })).collect::<Vec<_>>(),
    })
}

/// What the gate judges.
pub fn observed(walked: &Walked, journey: &BrowserJourney, controls: Vec<Control>) -> Journey {
    Journey {
        steps: walked.steps.iter().map(|s| s.stepped.clone()).collect(),
        errors: match journey.allow_errors {
            true => Vec::new(),
            false => walked.log.errors(&journey.refused),
        },
        not_refused: walked.log.not_refused(&journey.refused),
        controls,
    }
}
