//! Settings hold no secrets. A session keeps what it was started with, as it is, because a resume
//! needs it: nothing there can be hidden, so a secret is refused before the first byte is written.

use serde_json::{Value, json};

use super::settings::Settings;
use crate::base::{Error, Result, Secrets};

/// Fails (2, or 65 for a file) where a value that somebody set holds a secret: by its shape, by its name, or as the
/// value of a variable.
pub fn refuse_secrets(settings: &Settings) -> Result<()> {
    let secrets = unmistakable(settings);
    let set = settings.0.iter().filter(|(_, setting)| setting.origin != "default");
    set.into_iter().try_for_each(|(key, s)| refuse_secret(&secrets, key, &s.value, &s.origin))
}

/// Values of variables that are no words: a password that is one, `postgres`, stands in settings
/// for other reasons, too.
pub fn unmistakable(settings: &Settings) -> Secrets {
    let named = settings.0.get("secrets").and_then(|s| s.value.as_array());
    let named: Vec<String> =
        named.into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)).collect();
    Secrets::random_from_env(&named)
}

/// The same for one key.
pub fn refuse_secret(secrets: &Secrets, key: &str, value: &Value, origin: &str) -> Result<()> {
    // Names of variables, which may look like anything.
    if key == "secrets" {
        return Ok(());
    }
    let whole = json!({ key: value });
    let Some((path, shown)) = difference(&whole, &secrets.hide_json(&whole), String::new()) else {
        return Ok(());
    };
    let refused = if origin.starts_with("-") { Error::usage } else { Error::input };
    Err(refused(format!("'{path}' holds a secret: {shown} (from {origin})")).hint(
        "settings are kept in otto_logs as they are; put it into a variable and name that in `secrets:`: agents get it, and its value is hidden wherever it is printed",
    ))
}

/// The first place where two values differ, and what stands there in the second.
fn difference(was: &Value, is: &Value, path: String) -> Option<(String, String)> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (was, is) {
        _ if was == is => None,
        (Value::Object(was), Value::Object(is)) => {
            let changed = was.iter().find(|(key, value)| is.get(*key) != Some(value))?;
            match is.get(changed.0) {
                Some(now) => difference(changed.1, now, below(changed.0)),
                None => Some((
                    if path.is_empty() { "a key".to_owned() } else { path },
                    is.keys().cloned().collect::<Vec<_>>().join(", "),
                )),
            }
        }
        (Value::Array(was), Value::Array(is)) => {
            let (n, (was, is)) = was.iter().zip(is).enumerate().find(|(_, (a, b))| a != b)?;
            difference(was, is, below(&n.to_string()))
        }
        (_, Value::String(text)) => Some((path, text.clone())),
        (_, other) => Some((path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, value: Value) -> Option<String> {
        let mut settings = Settings::defaults();
        settings.set(key, Some(value), "-c").expect("valid");
        refuse_secrets(&settings).err().map(|e| e.what)
    }

    #[test]
    fn a_secret_by_its_name_or_shape_is_refused_with_its_place() {
        let token = format!("{}{}", "ghp", "_Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4FgH7j");
        let name = "providers.foo.api_key";
        assert_eq!(
            refused(name, json!("q8Zr2LmX0vTb7NcYw4")).expect("refused"),
            "'providers.foo.api_key' holds a secret: [assigned secret hidden] (from -c)"
        );
        let argv = json!(["./agent.sh", "--as", token]);
        assert_eq!(
            refused("providers.command.argv", argv).expect("refused"),
            "'providers.command.argv.2' holds a secret: [github token hidden] (from -c)"
        );
        assert!(refused("model", json!(token)).is_some());
        assert!(refused("providers.foo", json!({ token.clone(): 1 })).is_some());
        let found = refused("test_command", json!(["sh", "-c", format!("T={token} make")]));
        assert!(!found.expect("refused").contains("Ab3dEf6h"));
        // In a file it is the file that is wrong.
        let mut settings = Settings::defaults();
        let value = "q8Zr2LmX0vTb7NcYw4";
        let document = json!({"providers": {"foo": {"password": value}}});
        settings.overlay(&document, "otto.yaml at 0123456789").expect("valid");
        let e = refuse_secrets(&settings).expect_err("refused");
        assert_eq!(e.remedy, crate::base::Remedy::Input);
        assert!(e.what.contains("'providers.foo.password'") && e.what.contains("otto.yaml at"));
    }

    #[test]
    fn what_is_usually_set_is_not() {
        for (key, value) in [
            ("secrets", json!(["AWS_S3_TOKEN_V2_X1", "MY_TOKEN"])),
            (
                "providers.command.argv",
                json!(["./agent.sh", "--model", "claude-3-5-haiku-20241022"]),
            ),
            (
                "providers.foo",
                json!({"token_count": "12", "env": ["OPENAI_API_KEY"], "max_tokens": 64000}),
            ),
            ("providers.foo.base_url", json!("http://127.0.0.1:8123/v1")),
            (
                "prepare",
                json!([{"argv": ["npm", "ci"], "inputs": ["package-lock.json"], "outputs": ["node_modules"]}]),
            ),
            ("model", json!("gpt-5.1-codex-max-2025-11-19")),
            ("protected_paths", json!(["**/secrets/**", "src/auth/token.rs"])),
        ] {
            assert_eq!(refused(key, value), None, "{key}");
        }
        assert!(refuse_secrets(&Settings::defaults()).is_ok());
    }
}
