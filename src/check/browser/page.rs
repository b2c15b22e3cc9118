//! What a page must be like, as a person sees it.

use thirtyfour::prelude::*;

use super::locate;
use crate::base::text::one_line;
use crate::spec::PageExpectation;

/// The text that can be seen.
async fn text(driver: &WebDriver) -> WebDriverResult<String> {
    let told = locate::look(driver, "text", "", Vec::new()).await?;
    Ok(told.as_str().unwrap_or_default().to_owned())
}

/// Why the page says that it is not done yet, if it does.
pub(super) async fn busy(driver: &WebDriver) -> WebDriverResult<Option<String>> {
    let told = locate::look(driver, "busy", "", Vec::new()).await?;
    Ok(told.as_str().map(str::to_owned))
}

/// Path, query and fragment of where the browser is; the whole address where that is not the
/// product's. A product may call itself `localhost`.
pub(super) async fn at(driver: &WebDriver, url: &str) -> WebDriverResult<String> {
    let whole = driver.current_url().await?;
    let text = whole.as_str();
    let by_name = url.replace("//127.0.0.1:", "//localhost:");
    let path = [url, &by_name].iter().find_map(|base| text.strip_prefix(*base));
    Ok(path.filter(|path| path.starts_with('/')).unwrap_or(text).to_owned())
}

/// The first thing that is not as expected, if any.
pub(super) async fn wrong(
    driver: &WebDriver,
    wanted: &PageExpectation,
    url: &str,
) -> WebDriverResult<Option<String>> {
    match look(driver, wanted, url).await {
        // It is being drawn anew.
        Err(e) if locate::is_gone(&e) => Ok(Some("the page changes".to_owned())),
        other => other,
    }
}

async fn look(
    driver: &WebDriver,
    wanted: &PageExpectation,
    url: &str,
) -> WebDriverResult<Option<String>> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if wanted.text.is_some() || wanted.not_text.is_some() {
        let seen = plain(&text(driver).await?);
        if let Some(text) = &wanted.text
            && !seen.contains(&plain(text))
        {
            return Ok(Some(format!("no \"{text}\" in \"{}\"", one_line(&seen, 160))));
        }
        if let Some(text) = &wanted.not_text
            && seen.contains(&plain(text))
        {
            return Ok(Some(format!("\"{text}\" is there")));
        }
    }
    if let Some(title) = &wanted.title {
        let seen = driver.title().await?;
        if seen != *title {
            return Ok(Some(format!("the title is \"{}\"", one_line(&seen, 80))));
        }
    }
    if let Some(path) = &wanted.url {
        let seen = at(driver, url).await?;
        if seen != *path {
            return Ok(Some(format!("the address is {}", one_line(&seen, 120))));
        }
    }
    if let Some(place) = &wanted.visible {
        let found = locate::find(driver, place).await?;
        if found.seen.is_empty() {
            let is_there = !found.unseen.is_empty();
            let told = if is_there { "it is there and cannot be seen" } else { "it is not there" };
            return Ok(Some(told.to_owned()));
        }
    }
    if let Some(place) = &wanted.hidden
        && !locate::find(driver, place).await?.seen.is_empty()
    {
        return Ok(Some("it can be seen".to_owned()));
    }
    if let Some(value) = &wanted.value {
        let found = locate::find(driver, &value.r#in).await?.seen;
        let [field] = found.as_slice() else {
            return Ok(Some(format!("{} fields are found", found.len())));
        };
        let told = locate::look(driver, "value", "", vec![field.to_json()?]).await?;
        let seen = told.as_str().unwrap_or_default();
        if seen != value.equals {
            return Ok(Some(format!("the value is \"{}\"", one_line(seen, 80))));
        }
    }
    if let Some(count) = &wanted.count {
        let seen = locate::find(driver, &count.of).await?.seen.len() as u64;
        if seen != count.equals {
            return Ok(Some(format!("{seen} can be seen")));
        }
    }
    Ok(None)
}
