//! Hiding in JSON: a text is judged with its name, as it would be in `name: text`. The name is the
//! path of keys that lead to it, so that what lies deeper, or in a list, is judged by it, too.

use serde_json::Value;

use super::{Scan, Secrets, replace};

/// So much of the end of a path is judged; no rule looks further.
const PATH: usize = 64;

/// `path` leads to the value.
pub(super) fn hide(secrets: &Secrets, path: &str, value: &Value) -> Value {
    match value {
        Value::String(text) => hide_named(secrets, path, text).into(),
        Value::Array(all) => {
            let whole = hide_lines(secrets, all);
            let all = whole.as_ref().unwrap_or(all);
            all.iter().map(|v| hide(secrets, path, v)).collect()
        }
        Value::Object(map) => {
            let field = |(key, value): (&String, &Value)| {
                (secrets.hide(key), hide(secrets, &below(path, key), value))
            };
            map.iter().map(field).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn below(path: &str, key: &str) -> String {
    let whole = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let from = whole.len().saturating_sub(PATH);
    let from = (from..whole.len()).find(|at| whole.is_char_boundary(*at)).unwrap_or(from);
    whole[from..].to_owned()
}

/// The text stands on a line of its own: its beginning is one, as without a name.
fn hide_named(secrets: &Secrets, path: &str, text: &str) -> String {
    if path.is_empty() {
        return secrets.hide(text);
    }
    let before = format!("\"{path}\":\n");
    let whole = format!("{before}{text}");
    let found = Scan::new(secrets.clone()).look(whole.as_bytes(), true);
    part(&whole, before.len(), text.len(), &found.spans)
}

/// A list of texts may be the lines of one; `None` where nothing is to hide in that.
fn hide_lines(secrets: &Secrets, all: &[Value]) -> Option<Vec<Value>> {
    let lines: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
    let lines = lines.filter(|lines| lines.len() > 1)?;
    let text = lines.join("\n");
    let found = Scan::new(secrets.clone()).look(text.as_bytes(), true);
    if found.spans.is_empty() {
        return None;
    }
    let mut from = 0;
    let shown = lines.iter().map(|line| {
        let shown = part(&text, from, line.len(), &found.spans);
        from += line.len() + 1;
        Value::from(shown)
    });
    Some(shown.collect())
}

fn part(text: &str, from: usize, len: usize, spans: &[super::Span]) -> String {
    let mut out = Vec::with_capacity(len);
    replace(text.as_bytes(), from..from + len, spans, &mut out);
    // A match begins and ends between characters.
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::corpus::{private_key, samples};
    use super::*;

    const SECRET: &str = "q8Zr2LmX0vTb7NcYw4";

    fn shown(value: &Value) -> Value {
        Secrets::default().hide_json(value)
    }

    #[test]
    fn a_text_is_judged_with_its_name() {
        let hidden = "[assigned secret hidden]";
        for name in ["api_key", "password", "ACCESS_TOKEN", "clientSecret", "db.credentials"] {
            assert_eq!(shown(&json!({ name: SECRET })), json!({ name: hidden }));
            let deep = |text: &str| json!({"a": [{"b": {name: text}}], name: [text, "short", [text]], "n": {name: {"value": text}}});
            assert_eq!(shown(&deep(SECRET)), deep(hidden));
        }
        let header = |text: &str| json!({"headers": {"Authorization": text}});
        assert_eq!(
            shown(&header("Basic dXNlcjpodW50ZXIy")),
            header("Basic [authorization hidden]")
        );
    }

    /// One rule for both: what is hidden in `"name": "text"` is hidden in the field, and nothing else.
    #[test]
    fn by_the_rules_for_text_and_no_others() {
        let names = ["token_count", "key", "password_field", "api_key", "secret", "output", "note"];
        let texts = [
            "12",
            "name",
            "#pw",
            "the-password-input",
            "0123456789012345",
            "{{ secrets.TOKEN }}",
            "src/auth/token_source.rs",
            "a sentence on secrets and how they are kept",
            SECRET,
            "os.environ['API_TOKEN']",
            "",
        ];
        for name in names {
            for text in texts {
                let as_text = Secrets::default().hide(&format!("\"{name}\": \"{text}\""));
                let field = shown(&json!({ name: text }));
                let said = field[name].as_str().expect("a text");
                assert_eq!(format!("\"{name}\": \"{said}\""), as_text);
                assert!(text == SECRET || said == text, "{name}: {text}");
                assert!(text != SECRET || name != "output" || said == text, "{name}: {text}");
            }
        }
        let call = json!({"command": "cargo test", "token_count": "12", "tokens": {"input": 1200},
            "id": "3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b", "sha256": "9f86d081884c7d659a2feaa0c55ad015"});
        assert_eq!(shown(&call), call);
    }

    #[test]
    fn every_shape_in_a_field_as_in_a_text() {
        for s in samples() {
            let text = format!("+{}", s.text());
            let field = shown(&json!({ "output": text }));
            assert_eq!(field["output"], Secrets::default().hide(&text), "{}", s.name);
        }
    }

    #[test]
    fn the_lines_of_a_key_in_a_list() {
        let key = private_key("RSA ", "");
        let lines: Vec<String> = key.text().lines().map(str::to_owned).collect();
        let said = shown(&json!({ "source": lines, "after": ["a", "b"] }));
        assert_eq!(said["source"].as_array().expect("a list").len(), lines.len());
        assert_eq!(said["source"][0], "-----BEGIN RSA [private key hidden]");
        assert!(lines[1..].iter().all(|line| !said.to_string().contains(&line[..12])), "{said}");
        assert_eq!(said["after"], json!(["a", "b"]));
    }

    #[test]
    fn long_names_cost_no_more_than_their_end() {
        let name = format!("{}_api_key", "ü".repeat(5000));
        assert_eq!(shown(&json!({ &name: SECRET }))[&name], "[assigned secret hidden]");
        assert!(below(&name, "x").len() <= PATH);
    }
}
