//! A recorded patch, applied by `git apply`: all of it or nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::agent::Request;
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::disk;
use crate::process::{Capture, Command, Ended, base_env};
use crate::provider::io::{Failure, time_left};

/// Applies the patch in the worktree and returns the paths that it changes, each with `added`,
/// `modified` or `deleted`.
pub(super) fn apply(
    request: &Request,
    patch: &[u8],
) -> Result<Vec<(String, &'static str)>, Failure> {
    let changes = list(request, patch)?;
    git(request, &["apply", "--whitespace=nowarn"], patch)?;
    Ok(changes)
}

/// What the patch changes, whether or not it applies.
pub(super) fn list(
    request: &Request,
    patch: &[u8],
) -> Result<Vec<(String, &'static str)>, Failure> {
    let listed = git(request, &["apply", "--numstat", "-z"], patch)?;
    let kinds = kinds(patch);
    let paths: Vec<&str> = listed
        .split('\0')
        .filter(|row| !row.is_empty())
        .map(|row| row.splitn(3, '\t').last().unwrap_or(row))
        .collect();
    let kind = |at: usize| match kinds.get(at) {
        Some(kind) if kinds.len() == paths.len() => kind,
        Some(_) | None => "modified",
    };
    Ok(paths.iter().enumerate().map(|(at, path)| ((*path).to_owned(), kind(at))).collect())
}

/// What happens to each file, in the order of the patch. A line of a hunk never begins with a
/// letter, so a header is never mistaken.
fn kinds(patch: &[u8]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for line in patch.split(|b| *b == b'\n') {
        if line.starts_with(b"diff --git ") {
            kinds.push("modified");
        } else if let Some(last) = kinds.last_mut() {
            if line.starts_with(b"new file mode ") {
                *last = "added";
            } else if line.starts_with(b"deleted file mode ") {
                *last = "deleted";
            }
        }
    }
    kinds
}

fn git(request: &Request, args: &[&str], stdin: &[u8]) -> Result<String, Failure> {
    let said = call(request, args, stdin)
        .map_err(|e| Failure::bad_request(format!("the recorded patch cannot be applied: {e}")))?;
    match said {
        (Ended::Exited(0), stdout, _) => Ok(stdout),
        (Ended::NotFound | Ended::NotExecutable, _, _) => {
            Err(Failure::missing_tool("git was not found; a recording is applied by it"))
        }
        (Ended::TimedOut, _, _) => {
            Err(Failure::timed_out("the replay was still applying a patch at its deadline"))
        }
        (Ended::Stopped, _, _) => {
            Err(Failure::stopped("the replay was stopped while it applied a patch"))
        }
        (
            Ended::Exited(_) | Ended::Signaled(_) | Ended::TooMuchOutput | Ended::OverLimit(_),
            _,
            stderr,
        ) => {
            let why = stderr.trim().lines().take(3).map(|l| l.trim_start_matches("error: "));
            let why = one_line(&why.collect::<Vec<_>>().join("; "), 600);
            Err(Failure::bad_request(format!("the recorded patch does not apply: {why}")))
        }
    }
}

fn call(request: &Request, args: &[&str], stdin: &[u8]) -> Result<(Ended, String, String)> {
    let scratch = tempfile::tempdir()
        .map_err(|e| Error::machine("cannot make a temporary folder").because(e))?;
    let (stdout, stderr) = (scratch.path().join("out"), scratch.path().join("err"));
    let limit = time_left(request).map_err(|failure| Error::input(failure.message))?;
    let argv = ["git", "-c", "core.fsmonitor=false"].iter().chain(args);
    let finished = Command::new(argv, &request.workdir, environment(&request.workdir))
        .stdin(stdin.to_vec())
        .timeout(limit)
        .run(Capture::Split { stdout: stdout.clone(), stderr: stderr.clone() })?;
    let text = |path: &Path| -> Result<String> {
        let bytes = disk::read_if_there(path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok((finished.ended, text(&stdout)?, text(&stderr)?))
}

/// No `GIT_*` of ours reaches git, and a worktree that is no repository of its own does not make
/// it look for one further up, where it would skip the patch without a word.
fn environment(workdir: &Path) -> BTreeMap<OsString, OsString> {
    let mut env = base_env();
    env.insert("LC_ALL".into(), "C".into());
    if let Some(above) = workdir.parent() {
        env.insert("GIT_CEILING_DIRECTORIES".into(), above.into());
    }
    env
}
