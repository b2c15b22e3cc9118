//! Which program is the agent: `argv` of the settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agent::Request;
use crate::process::on_path;
use crate::provider::io::{Failure, in_worktree, setting_str};

const EXAMPLE: &str = "write in otto.yaml: providers: {<name>: {argv: [\"./agent.sh\"]}}";

/// The command line, with a program that is there as far as can be told before starting it.
///
/// `argv[0]` with a slash is looked for in the worktree, so that an agent that is committed is
/// the one of the commit that it works on; then in `settings.dir`; without a slash on `PATH`.
pub(in crate::provider) fn resolve(request: &Request) -> Result<Vec<OsString>, Failure> {
    let argv = argv(&request.settings)?;
    let mut line: Vec<OsString> = argv.iter().map(Into::into).collect();
    let named = Path::new(argv[0]);
    if !argv[0].contains('/') || named.is_absolute() {
        return Ok(line);
    }
    let mut places = vec![request.workdir.clone()];
    places.extend(setting_str(request, "dir")?.map(|dir| in_worktree(request, Path::new(dir))));
    match places.iter().map(|place| place.join(named)).find(|program| program.is_file()) {
        Some(program) => {
            line[0] = program.into();
            Ok(line)
        }
        None => {
            let tried: Vec<String> = places.iter().map(|p| format!("'{}'", p.display())).collect();
            Err(Failure::missing_tool(format!(
                "the agent '{}' is not in {}; commit it, or write its absolute path in `argv` of its settings",
                argv[0],
                tried.join(" or ")
            )))
        }
    }
}

/// The program outside of every worktree, where it is one and is there; `Ok(None)` for one that
/// only a worktree can tell.
pub(in crate::provider) fn named(settings: &Value) -> Result<Option<PathBuf>, Failure> {
    let name = argv(settings)?[0];
    let path = Path::new(name);
    let found = match (name.contains('/'), path.is_absolute()) {
        (true, false) => return Ok(None),
        (true, true) => Some(path.to_owned()).filter(|path| path.is_file()),
        (false, _) => on_path(name),
    };
    let missing = || Failure::missing_tool(format!("the agent '{name}' was not found"));
    found.map(Some).ok_or_else(missing)
}

fn argv(settings: &Value) -> Result<Vec<&str>, Failure> {
    let Some(value) = settings.get("argv").filter(|v| !v.is_null()) else {
        return Err(Failure::bad_request(format!(
            "no program is configured as the agent; {EXAMPLE}"
        )));
    };
    let words: Option<Vec<&str>> =
        value.as_array().and_then(|words| words.iter().map(Value::as_str).collect());
    match words {
        Some(words) if words.first().is_some_and(|w| !w.is_empty()) => Ok(words),
        Some(_) | None => Err(Failure::bad_request(format!(
            "`argv` must be a list of texts that begins with a program, and is {value}; {EXAMPLE}"
        ))),
    }
}
