//! `--describe`: what a provider says of itself, without spending anything and without reading a
//! secret. `settings` come as one line of JSON; an empty line is no settings.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::agent_cli::{Vendor, find_program, package_of, trail};
use super::io::{Failure, text_setting};
use crate::agent::describe::{Abilities, Description, Login, LoginFile, Needs};
use crate::agent::protocol::VERSION;
use crate::base::{Error, Exit, Result};
use crate::process::{Command, Ended, base_env, on_path};

/// A program that does not say its version in this time does not say it.
const LIMIT: Duration = Duration::from_secs(10);
const MAX_SETTINGS: u64 = 1 << 20;

/// Reads the settings and prints the description that `of` makes of them.
pub(super) fn answer(
    input: impl BufRead,
    mut output: impl Write,
    of: impl FnOnce(&Value) -> Description,
) -> Result<Exit> {
    let mut line = Vec::new();
    let unreadable = |e| Error::machine("the settings cannot be read").because(e);
    input.take(MAX_SETTINGS).read_until(b'\n', &mut line).map_err(unreadable)?;
    let settings = if line.iter().all(u8::is_ascii_whitespace) {
        Value::Null
    } else {
        serde_json::from_slice(&line)
            .map_err(|e| Error::input("the settings are no JSON").because(e))?
    };
    let text = serde_json::to_string(&of(&settings))
        .map_err(|e| Error::bug("a description cannot be written").because(e))?;
    writeln!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(|e| Error::machine("cannot report to whoever asked").because(e))?;
    Ok(Exit::YES)
}

/// The description of an agent that is a command-line program. `hosts` are the endpoints that it
/// calls when nothing else is configured.
pub(super) fn of_program<V: Vendor>(
    settings: &Value,
    can: Abilities,
    hosts: &[&str],
    base_url: Option<String>,
) -> Description {
    let here = std::env::current_dir().unwrap_or_default();
    let found = text_setting(settings, "program")
        .and_then(|program| find_program::<V>(program, &here))
        .and_then(|program| super::agent_cli::known_settings::<V>(settings).map(|()| program));
    let mut said = Description {
        v: VERSION,
        login: login::<V>(),
        can,
        needs: Needs {
            read: Vec::new(),
            login: login_files::<V>(),
            env: V::ENV.iter().map(|name| (*name).to_owned()).collect(),
            hosts: match base_url.as_deref().map(host_of) {
                Some(Some(host)) => vec![host],
                Some(None) => Vec::new(),
                None => hosts.iter().map(|host| (*host).to_owned()).collect(),
            },
        },
        ..Description::default()
    };
    said.needs.env.extend(named(settings, "env_key"));
    match found {
        Ok(program) => {
            said.version = version_of(&program);
            said.needs.read = readable(&program);
            said.needs.read.extend(trail::<V>(named(settings, "program").as_deref(), &here));
            said.program = Some(program);
        }
        Err(Failure { message, .. }) => said.missing = Some(message),
    }
    said
}

fn named(settings: &Value, key: &str) -> Option<String> {
    settings.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// The first line of `--version`.
pub(super) fn version_of(program: &Path) -> Option<String> {
    let argv = [program.as_os_str(), "--version".as_ref()];
    let mut first = None;
    let done = Command::new(argv, Path::new("/"), base_env())
        .timeout(LIMIT)
        .run_lines(Path::new("/dev/null"), 1 << 10, &mut |line| {
            first.get_or_insert(line);
            Ok(())
        })
        .ok()?;
    let line = first.filter(|_| done.ended == Ended::Exited(0))?;
    let line = String::from_utf8_lossy(&line).trim().to_owned();
    // `2.1.329 (Claude Code)`, `codex-cli 0.169.0`
    let number = line.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    number.map(str::to_owned).or(Some(line)).filter(|v| !v.is_empty())
}

/// What is read to run it: its npm package, or the file alone; and node, where it is a script.
fn readable(program: &Path) -> Vec<PathBuf> {
    let mut read = vec![package_of(program).unwrap_or_else(|| program.to_owned())];
    if program.extension().is_some_and(|e| e == "js" || e == "cjs" || e == "mjs") {
        read.extend(on_path("node").and_then(|node| node.canonicalize().ok()));
    }
    read
}

fn login_files<V: Vendor>() -> Vec<LoginFile> {
    let file = super::agent_cli::login_file::<V>().filter(|file| file.is_file());
    file.map(|file| LoginFile { file, to: V::LOGIN_FILE.into() }).into_iter().collect()
}

/// Whether there is a key or a log-in, and not whether it works: that would cost something.
fn login<V: Vendor>() -> Login {
    let is_key = |name: &&&str| !name.ends_with("URL");
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = V::ENV.iter().filter(is_key).find(is_set) {
        return Login { known: Some(true), how: format!("by {name}") };
    }
    match super::agent_cli::login_file::<V>() {
        Some(file) if file.is_file() => {
            Login { known: Some(true), how: format!("by '{}'", file.display()) }
        }
        // Some systems keep it in a keychain, which cannot be asked without a person.
        Some(_) | None if cfg!(target_os = "macos") => Login::default(),
        Some(_) | None => {
            let keys: Vec<&str> = V::ENV.iter().filter(is_key).copied().collect();
            let how = format!("log in with `{}`, or set {}", V::NAME, keys.join(" or "));
            Login { known: Some(false), how }
        }
    }
}

/// `host:port` of a URL; `None` where there is none in it.
fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty())?;
    let has_port = host.rsplit_once(':').is_some_and(|(name, port)| {
        !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':')
    });
    let port = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    Some(if has_port { host.to_owned() } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_a_proxy_must_let_through() {
        for (url, host) in [
            ("https://api.example.com", Some("api.example.com:443")),
            ("https://api.example.com/v1?x=1", Some("api.example.com:443")),
            ("http://127.0.0.1:8080/v1", Some("127.0.0.1:8080")),
            ("http://user:secret@gateway/v1", Some("gateway:80")),
            ("http://[::1]:9000/v1", Some("[::1]:9000")),
            ("http://[::1]/v1", Some("[::1]:80")),
            ("api.example.com", None),
            ("https://", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn settings_that_are_none_are_refused() {
        let ask = |line: &str| {
            let mut out = Vec::new();
            let of = |settings: &Value| Description {
                missing: settings.get("a").map(Value::to_string),
                ..Description::default()
            };
            answer(line.as_bytes(), &mut out, of).map(|_| String::from_utf8(out).expect("text"))
        };
        assert!(ask("{\"a\":1}\n").expect("a description").contains("\"missing\":\"1\""));
        assert!(ask("").expect("a description").contains("\"missing\":null"));
        assert!(ask("hello").is_err());
    }
}
