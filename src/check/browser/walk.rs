//! Goes through the steps of a journey, with a picture of each.

use std::path::Path;
use std::time::{Duration, Instant};

use thirtyfour::error::WebDriverErrorInner as Kind;
use thirtyfour::prelude::*;

use super::log::Log;
use super::{Broken, Browser, Held, LOOK, Walk, broken, locate, page, step_limit, wait};
use crate::base::Result;
use crate::base::text::one_line;
use crate::check::EvidenceRef;
use crate::check::evidence::EvidenceStore;
use crate::check::gate::Stepped;
use crate::disk::{self, Refused};
use crate::spec::{BrowserJourney, Locator, Press, Step};

/// A larger file is not given to a page.
const LARGEST_UPLOAD: u64 = 64 << 20;

/// One step, as it went.
#[derive(Debug)]
pub struct StepSeen {
    pub stepped: Stepped,
    /// Path, query and fragment afterwards.
    pub at: String,
    /// Milliseconds.
    pub ms: u64,
    pub screenshot: Option<EvidenceRef>,
}

/// A journey, as far as it went.
#[derive(Debug, Default)]
pub struct Walked {
    /// Such as `chrome 156.0.8078.108`.
    pub browser: String,
    pub steps: Vec<StepSeen>,
    pub log: Log,
    /// What was expected after the journey acted, and held.
    pub held: Vec<Held>,
}

/// What a walk needs besides the journey.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    pub browser: &'a Browser,
    /// Of the product, without a slash at the end.
    pub url: &'a str,
    pub evidence: &'a EvidenceStore,
    /// Of the worktree, where files to upload are.
    pub tree: &'a Path,
    /// A folder that the browser reads: copies of these.
    pub uploads: &'a Path,
}

/// Walks until a step does not come true.
pub fn walk(journey: &BrowserJourney, ground: &Ground<'_>, left: Duration) -> Result<Walk<Walked>> {
    wait(left, async {
        let driver = ground.browser.session(journey).await?;
        let walked = steps(&driver, journey, ground).await;
        // It is ended in any case.
        drop(driver.quit().await);
        walked
    })
}

async fn steps(driver: &WebDriver, journey: &BrowserJourney, ground: &Ground<'_>) -> Walk<Walked> {
    let limit = step_limit(journey);
    let mut walked = Walked { browser: name_of(driver), ..Walked::default() };
    let (mut acted, mut opened) = (false, Instant::now());
    for step in &journey.steps {
        let started = Instant::now();
        let log = &mut walked.log;
        acted |= step.acts();
        if step.goto.is_some() {
            opened = started;
        }
        if step.acts() || step.goto.is_some() {
            log.take(driver).await.map_err(|e| broken(&e))?;
            log.begin();
        }
        let mut wrong = one(driver, step, ground, limit, log).await?;
        let png = match driver.screenshot_as_png().await {
            // It was closed by that, and the page can be seen.
            Err(e) if matches!(&*e, Kind::UnexpectedAlertOpen(_)) => {
                wrong = wrong.or_else(|| told(&e));
                driver.screenshot_as_png().await
            }
            png => png,
        };
        let kept = png.map(|png| ground.evidence.keep(&png)).map_err(|e| broken(&e))?;
        let at = page::at(driver, ground.url).await.map_err(|e| broken(&e))?;
        let is_over = wrong.is_some();
        if let (Some(expected), true, false) = (&step.expect, acted, is_over) {
            walked.held.push(Held {
                expected: expected.clone(),
                at: at.clone(),
                within: opened.elapsed(),
            });
        }
        walked.steps.push(StepSeen {
            stepped: Stepped { shown: step.shown(), wrong },
            at,
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            screenshot: Some(kept.map_err(|e| ours(&e))?),
        });
        if is_over {
            break;
        }
    }
    walked.log.take(driver).await.map_err(|e| broken(&e))?;
    Ok(walked)
}

fn name_of(driver: &WebDriver) -> String {
    let told = serde_json::to_value(driver.capabilities()).unwrap_or_default();
    let part = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}", part("browserName"), part("browserVersion")).trim().to_owned()
}

fn ours(e: &crate::base::Error) -> Broken {
    Broken { reason: crate::check::Reason::ToolError, detail: one_line(&e.to_string(), 200) }
}

/// Tries until it came true or its time is over; what was wrong last.
async fn one(
    driver: &WebDriver,
    step: &Step,
    ground: &Ground<'_>,
    limit: Duration,
    log: &mut Log,
) -> Walk<Option<String>> {
    let until = Instant::now() + limit;
    loop {
        let wrong = match attempt(driver, step, ground).await {
            Ok(None) if step.expect.is_none() => return Ok(None),
            // What is there while something is awaited may be gone when that comes.
            Ok(None) => match unsettled(driver, log).await {
                Ok(None) => return Ok(None),
                Ok(Some(why)) => format!("it is there, but {why}"),
                Err(e) => told(&e).ok_or_else(|| broken(&e))?,
            },
            Ok(Some(wrong)) => wrong,
            Err(e) => told(&e).ok_or_else(|| broken(&e))?,
        };
        if Instant::now() >= until {
            return Ok(Some(wrong));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Why the page may look otherwise in a moment.
async fn unsettled(driver: &WebDriver, log: &mut Log) -> WebDriverResult<Option<String>> {
    log.take(driver).await?;
    match log.waits_for() {
        Some(request) => Ok(Some(format!("the page still waits for {request}"))),
        None => page::busy(driver).await,
    }
}

/// What an error says of the page; `None` where it is the browser's own.
pub(super) fn told(e: &WebDriverError) -> Option<String> {
    let about = match &**e {
        Kind::ElementClickIntercepted(_) => "something else lies over it",
        Kind::ElementNotInteractable(_) => "it cannot be used",
        Kind::InvalidElementState(_) => "its state does not allow that",
        Kind::StaleElementReference(_) | Kind::NoSuchElement(_) | Kind::NotFound(..) => {
            "it went away"
        }
        Kind::UnexpectedAlertOpen(_) => {
            "the page asks something in a dialog, which a journey cannot answer"
        }
        Kind::InvalidSelector(_) => "the selector cannot be read",
        Kind::WebDriverTimeout(_) => "the page did not load in time",
        _ => return None,
    };
    Some(about.to_owned())
}

async fn attempt(
    driver: &WebDriver,
    step: &Step,
    ground: &Ground<'_>,
) -> WebDriverResult<Option<String>> {
    if let Some(path) = &step.goto {
        return match driver.goto(format!("{}{path}", ground.url)).await {
            Ok(()) => Ok(None),
            Err(e) if e.to_string().contains("net::ERR_") => {
                Ok(Some("the product does not answer".to_owned()))
            }
            Err(e) => Err(e),
        };
    }
    if let Some(place) = &step.click {
        return match only(driver, place).await? {
            Ok(element) => element.click().await.map(|()| None),
            Err(wrong) => Ok(Some(wrong)),
        };
    }
    if let Some(fill) = &step.fill {
        return match only(driver, &fill.r#in).await? {
            Ok(field) => {
                field.clear().await?;
                field.send_keys(fill.text.as_str()).await?;
                Ok(None)
            }
            Err(wrong) => Ok(Some(wrong)),
        };
    }
    if let Some(select) = &step.select {
        return match only(driver, &select.r#in).await? {
            Ok(list) => choose(&list, &select.option).await,
            Err(wrong) => Ok(Some(wrong)),
        };
    }
    if let Some(press) = &step.press {
        return press_key(driver, press).await;
    }
    if let Some(upload) = &step.upload {
        let file = match copied(ground, &upload.file) {
            Ok(file) => file,
            Err(wrong) => return Ok(Some(wrong)),
        };
        let found = locate::find(driver, &upload.r#in).await?;
        // The field itself is often hidden behind its label.
        let all: Vec<WebElement> = found.seen.into_iter().chain(found.unseen).collect();
        return match all.as_slice() {
            [field] => field.send_keys(file.as_str()).await.map(|()| None),
            more => Ok(Some(number(more.len()))),
        };
    }
    match step.expect.as_ref().or(step.wait_for.as_ref()) {
        Some(wanted) => page::wrong(driver, wanted, ground.url).await,
        None => Ok(None),
    }
}

/// The one element that a locator finds and that can be seen.
async fn only(
    driver: &WebDriver,
    place: &Locator,
) -> WebDriverResult<std::result::Result<WebElement, String>> {
    let mut found = locate::find(driver, place).await?;
    match (found.seen.pop(), found.seen.len()) {
        (Some(element), 0) => Ok(Ok(element)),
        (Some(_), more) => Ok(Err(number(more + 1))),
        (None, _) if found.unseen.is_empty() => Ok(Err(number(0))),
        (None, _) => Ok(Err("it is there and cannot be seen".to_owned())),
    }
}

fn number(found: usize) -> String {
    match found {
        0 => "it is not there".to_owned(),
        n => format!("{n} elements fit; say which"),
    }
}

async fn choose(list: &WebElement, option: &str) -> WebDriverResult<Option<String>> {
    for each in list.find_all(By::Tag("option")).await? {
        if each.text().await?.trim() == option {
            each.click().await?;
            return Ok(None);
        }
    }
    Ok(Some(format!("there is no option \"{option}\"")))
}

async fn press_key(driver: &WebDriver, press: &Press) -> WebDriverResult<Option<String>> {
    let place = match &press.r#in {
        Some(place) => match only(driver, place).await? {
            Ok(element) => element,
            Err(wrong) => return Ok(Some(wrong)),
        },
        None => driver.active_element().await?,
    };
    match key(&press.key) {
        Some(key) => place.send_keys(key).await?,
        None => place.send_keys(press.key.as_str()).await?,
    }
    Ok(None)
}

/// A key that has a name.
pub fn key(name: &str) -> Option<Key> {
    Some(match name {
        "Enter" => Key::Enter,
        "Tab" => Key::Tab,
        "Escape" => Key::Escape,
        "Space" => Key::Space,
        "Backspace" => Key::Backspace,
        "Delete" => Key::Delete,
        "ArrowUp" => Key::Up,
        "ArrowDown" => Key::Down,
        "ArrowLeft" => Key::Left,
        "ArrowRight" => Key::Right,
        "Home" => Key::Home,
        "End" => Key::End,
        "PageUp" => Key::PageUp,
        "PageDown" => Key::PageDown,
        _ => return None,
    })
}

/// A copy of a file of the tree, where the browser finds it under its own name.
fn copied(ground: &Ground<'_>, file: &str) -> std::result::Result<String, String> {
    let bytes = disk::read_beneath(ground.tree, Path::new(file), LARGEST_UPLOAD);
    let bytes = bytes.map_err(|e| match e {
        Refused::Missing => format!("'{file}' is not in the tree"),
        Refused::Outside => format!("'{file}' leads out of the tree"),
        Refused::Other(why) => format!("'{file}' cannot be read: {why}"),
    })?;
    let name = Path::new(file).file_name().unwrap_or_default();
    let place = ground.uploads.join(name);
    disk::place_dir(ground.uploads).map_err(|e| e.to_string())?;
    disk::replace_derived(&place, &bytes).map_err(|e| e.to_string())?;
    Ok(place.to_string_lossy().into_owned())
}
