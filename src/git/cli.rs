//! Calling `git`: scrubbed environment, hooks, fsmonitor and filter drivers off.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};
use crate::process::base_env;

/// The oldest git that has all that Otto calls.
const OLDEST: (u32, u32) = (2, 31);
/// From here on `--attr-source` exists.
const ATTR_SOURCE: (u32, u32) = (2, 41);

/// Major and minor version of `git`, or why there is none.
pub fn version() -> Result<(u32, u32)> {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    if let Some(known) = VERSION.get() {
        return Ok(*known);
    }
    let text = duct::cmd!("git", "version").stderr_null().unchecked().read().map_err(no_git)?;
    let found = parse_version(&text)
        .ok_or_else(|| Error::machine(format!("git says that its version is '{text}'")))?;
    Ok(*VERSION.get_or_init(|| found))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().nth(2)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Fails with a hint when git is missing (69). Its version is asked before its first use: a program
/// that only looks starts nothing.
pub(super) fn require_git_on_path() -> Result<()> {
    crate::process::on_path("git").map(drop).ok_or_else(missing)
}

fn missing() -> Error {
    Error::missing("git was not found").hint("install git 2.31 or newer and put it on PATH")
}

/// 69 where there is none, 78 where this machine cannot start it (no file or process is left).
fn no_git(e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::NotFound => missing(),
        _ => Error::machine("cannot start git").because(e),
    }
}

/// Fails with a hint when git is missing (69) or too old (78).
pub fn require_git() -> Result<()> {
    let (major, minor) = version()?;
    if (major, minor) < OLDEST {
        return Err(Error::machine(format!("git {major}.{minor} is too old"))
            .hint("install git 2.31 or newer"));
    }
    Ok(())
}

/// One call of git, bound to a git dir and perhaps a worktree and an index of its own.
#[derive(Debug, Clone)]
pub struct Git {
    git_dir: PathBuf,
    worktree: Option<PathBuf>,
    index: Option<PathBuf>,
    config: Vec<String>,
    attributes_from: Option<String>,
}

/// What a call printed.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Git {
    pub fn new(git_dir: &Path) -> Self {
        let config = [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.excludesFile=/dev/null",
            "gc.auto=0",
            "maintenance.auto=false",
            "advice.detachedHead=false",
            "advice.addEmbeddedRepo=false",
            "core.quotePath=false",
            "submodule.recurse=false",
        ];
        Self {
            git_dir: git_dir.to_owned(),
            worktree: None,
            index: None,
            config: config.iter().map(|s| (*s).to_owned()).collect(),
            attributes_from: None,
        }
    }

    pub fn worktree(mut self, dir: &Path) -> Self {
        self.worktree = Some(dir.to_owned());
        self
    }

    pub fn index(mut self, file: &Path) -> Self {
        self.index = Some(file.to_owned());
        self
    }

    /// Adds `-c key=value`.
    pub fn config(mut self, setting: String) -> Self {
        self.config.push(setting);
        self
    }

    /// Reads attributes from this tree and not from the worktree, where git can (2.41).
    pub fn attributes_from(mut self, tree: &str) -> Self {
        if version().is_ok_and(|v| v >= ATTR_SOURCE) {
            self.attributes_from = Some(tree.to_owned());
        }
        self
    }

    fn expression(&self, args: &[&OsStr]) -> duct::Expression {
        let mut argv: Vec<OsString> = Vec::new();
        for setting in &self.config {
            argv.extend(["-c".into(), setting.into()]);
        }
        if let Some(tree) = &self.attributes_from {
            argv.push(format!("--attr-source={tree}").into());
        }
        argv.extend(args.iter().map(|a| a.to_os_string()));
        let mut env: BTreeMap<OsString, OsString> = base_env();
        let fixed = [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_PAGER", "cat"),
        ];
        env.extend(fixed.map(|(k, v)| (k.into(), v.into())));
        env.insert("GIT_DIR".into(), self.git_dir.clone().into());
        if let Some(dir) = &self.worktree {
            env.insert("GIT_WORK_TREE".into(), dir.clone().into());
        }
        if let Some(index) = &self.index {
            env.insert("GIT_INDEX_FILE".into(), index.clone().into());
        }
        let cwd = self.worktree.as_deref().unwrap_or(&self.git_dir);
        duct::cmd("git", argv).dir(cwd).full_env(env).stdin_null().unchecked()
    }

    /// Runs git and returns whatever it says.
    pub fn answer<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer> {
        require_git()?;
        let args: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        let verb = args.first().map_or(OsStr::new(""), |verb| verb);
        crate::process::wait_if_leaving();
        let output = fault::before(Effect::Git, verb)
            .and_then(|()| self.expression(&args).stdout_capture().stderr_capture().run())
            .map_err(no_git)?;
        Ok(Answer {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Runs git, which must succeed.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Vec<u8>> {
        let answer = self.answer(args)?;
        if answer.code == 0 {
            return Ok(answer.stdout);
        }
        let line: Vec<_> = args.iter().map(|a| a.as_ref().to_string_lossy()).collect();
        Err(Error::machine(format!("git {} failed", crate::base::text::shell_line(&line)))
            .because(answer.stderr))
    }

    /// Like [`Git::run`], as text.
    pub fn read<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run(args)?).into_owned())
    }

    /// Paths of the worktree that are ignored and untracked, folders as a whole and with a `/` at the
    /// end.
    pub fn ignored(&self) -> Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStringExt;
        let args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
        let listed = self.run(&args)?;
        let paths = listed.split(|b| *b == 0).filter(|p| !p.is_empty());
        Ok(paths.map(|p| OsString::from_vec(p.to_vec())).collect())
    }
}
