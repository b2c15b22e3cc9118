//! What `otto init` writes: a configuration that explains itself.

use std::path::{Path, PathBuf};

use crate::base::{Error, Result};
use crate::git::Git;
use crate::session::Workspace;
use crate::session::config::{KEYS, detect};

/// Whether the file was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    New,
    WasThere,
}

impl Written {
    pub fn of(created: bool) -> Self {
        if created { Written::New } else { Written::WasThere }
    }
}

/// Makes `dir` a repository with an empty first commit; false if it is in one already.
pub fn new_repository(dir: &Path) -> Result<bool> {
    if crate::git::Project::discover(dir).is_ok() {
        return Ok(false);
    }
    let git_dir = dir.join(".git");
    let git = Git::new(&git_dir).worktree(dir);
    git.run(&["init", "--quiet", "--initial-branch=main"])?;
    git.run(&[
        "-c",
        "user.name=Otto",
        "-c",
        "user.email=otto@localhost",
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "start",
    ])?;
    Ok(true)
}

/// The text of otto.yaml for the project around `cwd`, and where it belongs.
pub fn init(cwd: &Path, actor: &str) -> Result<(String, PathBuf)> {
    let ws = Workspace::open(cwd, actor)?;
    if ws.repo.project.bare {
        return Err(Error::machine("a bare repository has no checkout to write otto.yaml into")
            .hint("commit otto.yaml from a clone"));
    }
    let head = ws.repo.resolve_commit("HEAD").map_err(|_| {
        Error::machine("this repository has no commit yet")
            .hint("make a first one: git commit --allow-empty -m start   (or: otto init --git in an empty folder)")
    })?;
    let found = detect(&ws.repo, head)?;
    let branch = ws.repo.head_branch()?;
    let mut text = String::from(
        "# Otto's configuration. Every key is optional; `otto config` shows what holds and why.\n\
         # Commit this file when you like it: runs read it from the commit they start from.\n\n\
         # Which agent works. `command` is any program: it gets the prompt on standard input, in a\n\
         # worktree of its own, and leaves its work there.\n\
         # provider: command\n\
         # providers: {command: {argv: [\"./agent.sh\"]}}\n\n",
    );
    if let Some(branch) = branch {
        text.push_str(&format!(
            "# The branch that `otto land` moves. Detected: the one that is checked out ({branch}).\n# default_branch: {}\n\n",
            branch.trim_start_matches("refs/heads/")
        ));
    }
    match &found.test_command {
        Some(argv) => text.push_str(&format!(
            "# The project's own tests. Detected from {}.\ntest_command: {}\n\n",
            found.manifests.join(", "),
            serde_json::to_string(argv).unwrap_or_default()
        )),
        None => text.push_str(
            "# The project's own tests (program and arguments). None was detected.\n# test_command: [\"make\", \"test\"]\n\n",
        ),
    }
    text.push_str(
        "# What a fresh worktree needs before anything runs in it; done once, kept in the cache.\n",
    );
    if found.prepare.is_empty() {
        text.push_str("# prepare: [{argv: [npm, ci], inputs: [package-lock.json], outputs: [node_modules], network: true}]\n\n");
    } else {
        text.push_str("prepare:\n");
        for step in &found.prepare {
            text.push_str(&format!("  - {}\n", serde_json::to_string(step).unwrap_or_default()));
        }
        text.push('\n');
    }
    text.push_str("# The rest, at its defaults:\n");
    for key in KEYS.iter().filter(|k| {
        !["default_branch", "provider", "test_command", "prepare"].contains(&k.name)
            && !k.name.contains('.')
    }) {
        text.push_str(&format!("# {}: {}    # {}\n", key.name, key.default, key.help));
    }
    Ok((text, ws.root().join("otto.yaml")))
}
