//! Finds elements as a person or a screen reader would: by computed role and name, by label, by what
//! is written on them; or by test id and CSS.

use serde::Deserialize;
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::prelude::*;
use thirtyfour::{RequestData, SessionId};
use ureq::http::Method;

use crate::spec::Locator;

/// Elements that may have a role, as a CSS selector: the browser is asked only about these.
fn candidates(role: &str) -> String {
    let native = match role {
        "button" => {
            "button,summary,input[type=button],input[type=submit],input[type=reset],input[type=image]"
        }
        "link" => "a[href],area[href]",
        "textbox" => "input,textarea,[contenteditable]",
        "searchbox" => "input[type=search]",
        "spinbutton" => "input[type=number]",
        "slider" => "input[type=range]",
        "checkbox" => "input[type=checkbox]",
        "radio" => "input[type=radio]",
        "combobox" => "select,input",
        "listbox" => "select,datalist",
        "option" => "option",
        "heading" => "h1,h2,h3,h4,h5,h6",
        "list" => "ul,ol,menu",
        "listitem" => "li",
        "img" | "image" => "img,svg",
        "table" => "table",
        "row" => "tr",
        "cell" | "gridcell" => "td",
        "columnheader" | "rowheader" => "th",
        "navigation" => "nav",
        "main" => "main",
        "banner" => "header",
        "contentinfo" => "footer",
        "complementary" => "aside",
        "form" => "form",
        "region" => "section",
        "article" => "article",
        "dialog" => "dialog",
        "status" => "output",
        "progressbar" => "progress",
        "meter" => "meter",
        "group" => "fieldset,details",
        "paragraph" => "p",
        _ => "",
    };
    let stated = format!("[role~=\"{}\"]", role.replace(['"', '\\'], ""));
    if native.is_empty() { stated } else { format!("{native},{stated}") }
}

/// Form controls.
const CONTROLS: &str =
    "input,select,textarea,button,meter,progress,output,[contenteditable],[role]";

/// What the browser computed of an element (WebDriver 2, 12.4.7 and 12.4.8).
#[derive(Debug)]
struct Computed<'a> {
    what: &'static str,
    element: &'a thirtyfour::ElementId,
}

impl FormatRequestData for Computed<'_> {
    fn format_request(&self, session_id: &SessionId) -> RequestData {
        let uri = format!("session/{session_id}/element/{}/{}", self.element, self.what);
        RequestData::new(Method::GET, uri)
    }
}

async fn computed(
    driver: &WebDriver,
    element: &WebElement,
    what: &'static str,
) -> WebDriverResult<String> {
    #[derive(Deserialize)]
    struct Reply {
        value: String,
    }
    let asked = Computed { what, element: &element.element_id() };
    let reply: Reply = serde_json::from_value(driver.cmd(asked).await?.body)?;
    Ok(reply.value)
}

/// Every element that a locator finds and that can be seen.
pub(super) async fn visible(
    driver: &WebDriver,
    place: &Locator,
) -> WebDriverResult<Vec<WebElement>> {
    let mut out = Vec::new();
    for element in all(driver, place).await? {
        // One that went away in the meantime is not there.
        match element.is_displayed().await {
            Ok(true) => out.push(element),
            Ok(false) => {}
            Err(e) if is_gone(&e) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}

/// Every element that a locator finds, also what nobody sees: fields for files are often hidden.
pub(super) async fn all(driver: &WebDriver, place: &Locator) -> WebDriverResult<Vec<WebElement>> {
    if let Some(css) = &place.css {
        return driver.find_all(By::Css(css.as_str())).await;
    }
    if let Some(id) = &place.test_id {
        let quoted = id.replace('\\', "\\\\").replace('"', "\\\"");
        return driver.find_all(By::Css(format!("[data-testid=\"{quoted}\"]"))).await;
    }
    if let Some(text) = &place.text {
        // The innermost ones: an element around has the same text.
        let quoted = xpath_text(text);
        let same = format!("normalize-space(.)={quoted}");
        let path =
            format!("//body//*[{same} and not(*[{same}])][not(self::script or self::style)]");
        return driver.find_all(By::XPath(path)).await;
    }
    let (selector, role, name) = match (&place.role, &place.label) {
        (Some(role), _) => (candidates(role), Some(role.as_str()), place.name.as_deref()),
        (None, label) => (CONTROLS.to_owned(), None, label.as_deref()),
    };
    let mut out = Vec::new();
    for element in driver.find_all(By::Css(selector)).await? {
        match fits(driver, &element, role, name).await {
            Ok(true) => out.push(element),
            Ok(false) => {}
            Err(e) if is_gone(&e) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}

async fn fits(
    driver: &WebDriver,
    element: &WebElement,
    role: Option<&str>,
    name: Option<&str>,
) -> WebDriverResult<bool> {
    if let Some(role) = role
        && computed(driver, element, "computedrole").await? != role
    {
        return Ok(false);
    }
    let Some(name) = name else { return Ok(true) };
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(plain(&computed(driver, element, "computedlabel").await?) == plain(name))
}

/// A text as XPath 1.0 writes it, which has no escapes.
fn xpath_text(text: &str) -> String {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !plain.contains('"') {
        return format!("\"{plain}\"");
    }
    let parts: Vec<String> = plain.split('"').map(|part| format!("\"{part}\"")).collect();
    format!("concat({})", parts.join(",'\"',"))
}

/// The element is of a page that was left, or of one that was drawn anew.
pub(super) fn is_gone(e: &WebDriverError) -> bool {
    use thirtyfour::error::WebDriverErrorInner as Kind;
    matches!(**e, Kind::StaleElementReference(_) | Kind::NoSuchElement(_) | Kind::NotFound(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_quotes_are_written() {
        assert_eq!(xpath_text("a  b"), "\"a b\"");
        assert_eq!(xpath_text("say \"x\""), "concat(\"say \",'\"',\"x\",'\"',\"\")");
    }
}
