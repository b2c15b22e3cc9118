//! Finds elements as a person or a screen reader would: by role and name as the browser computes them,
//! by label, by what is written on them; or by test id and CSS. What can be seen is decided in the
//! page, for all that is found at once (`look.js`).

use serde_json::{Value, json};
use thirtyfour::error::WebDriverErrorInfo;
use thirtyfour::prelude::*;

use super::accessible;
use crate::spec::Locator;

/// What of a page a person can see.
const LOOK: &str = include_str!("look.js");

/// What a locator finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What a person can see.
    pub seen: Vec<WebElement>,
    /// What is in the page besides.
    pub unseen: Vec<WebElement>,
}

/// Asks `look.js`.
pub(super) async fn look(
    driver: &WebDriver,
    ask: &str,
    given: &str,
    elements: Vec<Value>,
) -> WebDriverResult<Value> {
    let arguments = vec![json!(ask), json!(given), Value::Array(elements)];
    Ok(driver.execute(LOOK, arguments).await?.json().clone())
}

/// Every element that a locator finds.
pub(super) async fn find(driver: &WebDriver, place: &Locator) -> WebDriverResult<Found> {
    let (ask, given, elements) = match place.ways().as_slice() {
        [("css", css)] => ("css", (*css).to_owned(), Vec::new()),
        [("test_id", id)] => ("css", format!("[data-testid=\"{}\"]", escaped(id)), Vec::new()),
        [("text", text)] => ("written", (*text).to_owned(), Vec::new()),
        [("label", label)] => {
            let named = accessible::named(driver, None, Some(label)).await?;
            ("labelled", (*label).to_owned(), named)
        }
        [("role", role)] => {
            let of_role = accessible::named(driver, Some(role), place.name.as_deref()).await?;
            ("these", String::new(), of_role)
        }
        // A spec with another number of ways is refused.
        _ => return Ok(Found::default()),
    };
    let told = look(driver, ask, &given, elements).await?;
    if told == json!("no selector") {
        let info = WebDriverErrorInfo::new(given);
        return Err(WebDriverError::InvalidSelector(info));
    }
    let elements = |part: &str| {
        let listed = told[part].as_array().into_iter().flatten();
        let element = |e: &Value| WebElement::from_json(e.clone(), driver.handle().clone());
        listed.map(element).collect::<WebDriverResult<Vec<_>>>()
    };
    Ok(Found { seen: elements("seen")?, unseen: elements("unseen")? })
}

/// A text in a string of CSS.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\a ")
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
        assert_eq!(escaped("say \"x\" \\"), "say \\\"x\\\" \\\\");
    }
}
