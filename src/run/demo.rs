//! The demo: a new repository, a recorded agent, and everything else live.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::base::clock::split_mix;
use crate::base::{Error, Result};
use crate::disk;
use crate::git::Git;

/// Everything that the demo is made of.
#[derive(RustEmbed)]
#[folder = "templates/demo/"]
struct Content;

/// Where the demo was set up.
#[derive(Debug)]
pub struct Demo {
    /// The repository.
    pub project: PathBuf,
    pub intent: String,
    /// What `tamper` changed, for people.
    pub tampered: Option<String>,
}

/// Makes the repository in `dir`, which must not exist or be empty. With a `tamper` seed one line
/// of one recorded patch is replaced first.
pub fn set_up(dir: &Path, tamper: Option<u64>) -> Result<Demo> {
    let there = dir.exists() && dir.read_dir().is_ok_and(|mut d| d.next().is_some());
    if there {
        return Err(Error::usage(format!("'{}' is not empty", dir.display())).hint(
            "give a new folder with --dir; one that an earlier demo made is replaced with --fresh",
        ));
    }
    disk::create_dir_all(dir)?;
    let dir = dir.canonicalize().map_err(|e| Error::file("resolve", dir, e))?;
    let project = dir.join("expenses");
    unpack("base/", &project)?;
    let recording = dir.join("recording");
    unpack("recording/", &recording)?;
    let tampered = tamper.map(|seed| alter(&recording, seed)).transpose()?;
    let config = format!(
        "# The demo's agent is a recording; everything else is live.\n\
         provider: replay\n\
         providers: {{replay: {{dir: {recording}, delay_ms: 400}}}}\n\
         agents: {{certifier: {{provider: none}}, pilot: {{provider: none}}}}\n\
         jobs: 4\n\
         worktree_dir: {worktrees}\n",
        recording = serde_json::Value::from(recording.to_string_lossy().into_owned()),
        worktrees = serde_json::Value::from(dir.join("worktrees").to_string_lossy().into_owned()),
    );
    disk::replace(&project.join("otto.yaml"), config.as_bytes())?;
    first_commit(&project)?;
    // Outside the tree, where no worktree shows it.
    unpack("scenarios/", &project.join(".git/otto/scenarios"))?;
    let intent = text("intent.md")?.trim_end().to_owned();
    Ok(Demo { project, intent, tampered })
}

fn text(name: &str) -> Result<String> {
    let file = Content::get(name).ok_or_else(|| Error::bug(format!("the demo has no '{name}'")))?;
    String::from_utf8(file.data.into_owned())
        .map_err(|_| Error::bug(format!("'{name}' of the demo is not text")))
}

fn unpack(prefix: &str, to: &Path) -> Result<()> {
    for name in Content::iter() {
        let Some(inside) = name.strip_prefix(prefix) else { continue };
        let file = Content::get(&name).ok_or_else(|| Error::bug("the demo's content changed"))?;
        let path = to.join(inside);
        disk::replace(&path, &file.data)?;
        if inside.starts_with("bin/") {
            disk::make_executable(&path)?;
        }
    }
    Ok(())
}

fn first_commit(project: &Path) -> Result<()> {
    let git = Git::new(&project.join(".git")).worktree(project);
    git.run(&["init", "--quiet", "--initial-branch=main"])?;
    git.run(&["add", "--all"])?;
    git.run(&[
        "-c",
        "user.name=Demo",
        "-c",
        "user.email=demo@localhost",
        "-c",
        "commit.gpgSign=false",
        "commit",
        "--quiet",
        "--message",
        "The expense desk, before anything is built",
    ])?;
    Ok(())
}

/// Replaces one added line of code of one patch that will land by `:`. Returns what it did.
fn alter(recording: &Path, seed: u64) -> Result<String> {
    let mut lines: Vec<(PathBuf, usize)> = Vec::new();
    for patch in landing_patches(recording)? {
        let body = disk::read_text(&patch)?;
        let numbers = body.lines().enumerate().filter(|(_, l)| is_code(l)).map(|(n, _)| n);
        lines.extend(numbers.map(|n| (patch.clone(), n)));
    }
    let pick = (split_mix(seed) % lines.len().max(1) as u64) as usize;
    let (patch, number) =
        lines.get(pick).ok_or_else(|| Error::bug("the recording has no line to alter"))?;
    let body = disk::read_text(patch)?;
    let mut was = String::new();
    let altered: Vec<String> = body
        .lines()
        .enumerate()
        .map(|(n, line)| {
            if n != *number {
                return line.to_owned();
            }
            was = line[1..].trim().to_owned();
            let indent: String = line[1..].chars().take_while(|c| c.is_whitespace()).collect();
            format!("+{indent}:")
        })
        .collect();
    disk::replace(patch, (altered.join("\n") + "\n").as_bytes())?;
    let name = patch.strip_prefix(recording).unwrap_or(patch).display().to_string();
    Ok(format!("{name}, line {}: `{was}` became `:` (seed {seed})", number + 1))
}

/// The patches whose work is to land: the last build turn of each group, and every fix.
fn landing_patches(recording: &Path) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for group in disk::subdirs(&recording.join("build"))? {
        let turns = disk::subdirs(&recording.join("build").join(&group))?;
        if let Some(last) = turns.last() {
            out.push(recording.join("build").join(&group).join(last).join("changes.patch"));
        }
    }
    for group in disk::subdirs(&recording.join("fix"))? {
        for turn in disk::subdirs(&recording.join("fix").join(&group))? {
            out.push(recording.join("fix").join(&group).join(turn).join("changes.patch"));
        }
    }
    Ok(out)
}

/// An added line that is neither blank nor a comment.
fn is_code(line: &str) -> bool {
    let Some(added) = line.strip_prefix('+').filter(|_| !line.starts_with("+++")) else {
        return false;
    };
    let code = added.trim_start();
    !code.is_empty() && !code.starts_with('#')
}
