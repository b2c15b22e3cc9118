//! Asks the browser for elements by their computed role and name: its whole accessibility tree in one
//! call (`Accessibility.queryAXTree` of the DevTools), where WebDriver would be asked twice for each
//! element that there is.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::locate::look;

/// The key of an element in JSON (WebDriver, 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Elements of a role, or of any, with a name, or with any; as WebDriver writes them. What is hidden
/// from assistive technology is none of them.
pub(super) async fn named(
    driver: &WebDriver,
    role: Option<&str>,
    name: Option<&str>,
) -> WebDriverResult<Vec<Value>> {
    let root = look(driver, "root", "", Vec::new()).await?;
    let cdp = driver.cdp();
    let document = cdp.send_raw("DOM.getDocument", json!({"depth": 0})).await?;
    let mut asked = json!({"nodeId": document["root"]["nodeId"]});
    if let Some(role) = role {
        asked["role"] = json!(own_word(role));
    }
    // Without a role, all names would be far too many.
    if let (None, Some(name)) = (role, name) {
        asked["accessibleName"] = json!(plain(name));
    }
    let tree = cdp.send_raw("Accessibility.queryAXTree", asked).await?;
    let nodes = tree["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fitting = nodes.iter().filter(|node| is_named(node, name));
    let numbers = fitting.filter_map(|node| node["backendDOMNodeId"].as_u64());
    let own = root[ELEMENT].as_str().unwrap_or_default();
    numbers.map(|n| reference(own, n)).collect()
}

/// ARIA 1.3 and the browser call a picture `image`; most people know it as `img`.
fn own_word(role: &str) -> &str {
    if role == "img" { "image" } else { role }
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a node is an element of that name. Pieces of text have their own words as names.
fn is_named(node: &Value, name: Option<&str>) -> bool {
    let is_text = node["role"]["type"] == "internalRole";
    let named = plain(node["name"]["value"].as_str().unwrap_or_default());
    !is_text && node["ignored"] != true && name.is_none_or(|name| named == plain(name))
}

/// The reference of a node that is in the page of another one. ChromeDriver writes
/// `f.<frame>.d.<document>.e.<node>`; the node has the number that the DevTools give it.
fn reference(other: &str, node: u64) -> WebDriverResult<Value> {
    match other.rsplit_once(".e.") {
        Some((page, _)) if page.starts_with("f.") && page.contains(".d.") => {
            Ok(json!({ELEMENT: format!("{page}.e.{node}")}))
        }
        _ => Err(WebDriverError::FatalError(format!(
            "this ChromeDriver refers to elements as '{other}', which is not understood"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_referred_to_as_its_page_does() {
        let own = reference("f.AB.d.CD.e.3", 25).expect("it is understood");
        assert_eq!(own[ELEMENT], "f.AB.d.CD.e.25");
        for other in ["", "0.123-4", "e.3", "x.AB.e.3"] {
            assert!(reference(other, 1).is_err(), "{other}");
        }
    }

    #[test]
    fn pieces_of_text_are_no_elements() {
        let node =
            |kind: &str, name: &str| json!({"role": {"type": kind}, "name": {"value": name}});
        assert!(is_named(&node("role", " Add  one "), Some("Add one")));
        assert!(!is_named(&node("role", "Add"), Some("Add one")));
        assert!(!is_named(&node("internalRole", "Add"), Some("Add")));
        assert!(!is_named(&json!({"ignored": true, "role": {"type": "role"}}), None));
    }
}
