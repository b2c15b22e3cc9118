//! `browser_journey`: a real Chromium, driven through WebDriver, in a sandbox apart from the product
//! that it looks at. Only here `thirtyfour` and `tokio` are named.
//!
//! What a journey expects must come from the journey: after it came true, the same expectations are
//! looked at once more where nobody did anything, at the addresses where they held, with a fresh
//! product and a fresh browser. One that holds there as well proves nothing.

mod chromium;
mod locate;
mod log;
mod page;
mod walk;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use chromium::{Browser, start};
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
    /// Path and query.
    pub at: String,
    pub within: Duration,
}

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

/// Looks at what was expected without having done anything.
pub fn controls(
    browser: &Browser,
    journey: &BrowserJourney,
    url: &str,
    held: &[Held],
    left: Duration,
) -> Result<Walk<Vec<Control>>> {
    wait(left, async {
        let driver = browser.session(journey).await?;
        let mut out = Vec::new();
        for one in held {
            driver.goto(format!("{url}{}", one.at)).await.map_err(|e| broken(&e))?;
            // As long as it took: what comes by itself comes here too.
            let until = Instant::now() + one.within.max(Duration::from_millis(500));
            let holds = loop {
                match page::wrong(&driver, &one.expected, url).await {
                    Ok(None) => break true,
                    Ok(Some(_)) if Instant::now() < until => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    Ok(Some(_)) => break false,
                    Err(e) => return Err(broken(&e)),
                }
            };
            out.push(Control {
                shown: format!("expect {}", one.expected.shown()),
                holds_anyway: holds,
            });
        }
        // It is ended in any case.
        drop(driver.quit().await);
        Ok(out)
    })
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
        errors: if journey.allow_errors { Vec::new() } else { walked.log.errors() },
        controls,
    }
}
