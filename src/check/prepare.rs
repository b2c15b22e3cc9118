//! What a fresh worktree needs before anything runs in it, made once for what it depends on and given
//! to every worktree as a copy of its own.
//!
//! A step runs files of the tree: install scripts, a Makefile, settings of its tool. So what it made
//! is kept for the tree that it was made from, and given to another one only when that one has the
//! same inputs as the base, and it was made from the base: nothing that an attempt made is ever found
//! in another tree. What an audit or `otto verify` uses is made by them or from the base.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::outputs;
use crate::base::{Result, Secrets, Sha256};
use crate::disk;
use crate::git::{Oid, Repo, Worktree};
use crate::process::{Capture, Command, Network, Tier, base_env};
use crate::session::Session;
use crate::session::config::{Containment, Role, Who};
use crate::session::packages::{Packages, drop_unused_homes, make_homes};
use crate::spec::{Paths, Prepare};

/// So many are kept however long they have not been used.
const KEPT: usize = 8;
const UNUSED: Duration = Duration::from_secs(24 * 3600);

/// Prepared outputs of one project.
#[derive(Debug, Clone)]
pub struct PrepareCache {
    pub dir: PathBuf,
    /// Packages that steps with the network fetched: read where they lie.
    pub packages: PathBuf,
    /// Hidden in what a step that fails has said.
    pub secrets: Secrets,
}

/// Who looks at what was prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// An attempt, or a check of one.
    Work,
    /// An audit, `otto verify`.
    Judgement,
}

/// What is prepared, for one commit.
#[derive(Debug)]
pub struct Subject<'a> {
    session: &'a Session,
    steps: &'a [Prepare],
    /// Of each step.
    keys: Vec<Keys>,
    /// It is not the tree that the run began with: what is in it is not only people's.
    by_agents: bool,
}

/// The names under which a step's outputs are kept.
#[derive(Debug)]
struct Keys {
    /// From the base; `None` where this tree has other inputs.
    of_base: Option<Sha256>,
    of_tree: Sha256,
}

impl<'a> Subject<'a> {
    /// `base` is where the run began: what only people made.
    pub fn new(
        (repo, session): (&Repo, &'a Session),
        steps: &'a [Prepare],
        (commit, base): (Oid, Oid),
        whom: For,
    ) -> Result<Self> {
        let mut subject = Self { session, steps, keys: Vec::new(), by_agents: false };
        if !steps.is_empty() {
            let (tree, base_tree) = (repo.tree_of(commit)?, repo.tree_of(base)?);
            subject.by_agents = tree != base_tree;
            let of_tree = (tree, Inputs::of(repo, commit)?);
            let of_base = match subject.by_agents {
                true => Some((base_tree, Inputs::of(repo, base)?)),
                false => None,
            };
            subject.keys = subject.keys(&of_tree, of_base.as_ref(), whom)?;
        }
        Ok(subject)
    }

    /// The hash of what preparation depends on, for evidence and cache keys.
    pub fn hash(&self) -> Sha256 {
        let keys =
            self.keys.iter().map(|k| k.of_base.unwrap_or(k.of_tree).to_string().into_bytes());
        let parts: Vec<Vec<u8>> = [b"prepare-2".to_vec()].into_iter().chain(keys).collect();
        Sha256::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Of each step, in order; each holds those before it. `of_base` where that is another tree.
    fn keys(
        &self,
        (tree, of_tree): &(Oid, Inputs),
        of_base: Option<&(Oid, Inputs)>,
        whom: For,
    ) -> Result<Vec<Keys>> {
        let mut same = true;
        let (mut last_of_base, mut last_of_tree) = (Sha256::ZERO, Sha256::ZERO);
        let mut keys = Vec::new();
        for step in self.steps {
            let inputs = of_tree.hash(step)?;
            if let Some((_, of_base)) = of_base {
                same &= of_base.hash(step)? == inputs;
            }
            let how = self.containment(step)?;
            let key = |last: Sha256, made_from: Oid, whom: For| {
                let words = [
                    serde_json::to_string(step).unwrap_or_default(),
                    std::env::consts::ARCH.to_owned(),
                    program_of(step),
                    format!("{} {}", how.tier.word(), how.network.word()),
                    format!("{:?} {:?}", how.read, how.write),
                    inputs.to_string(),
                    last.to_string(),
                    made_from.to_string(),
                    format!("{whom:?}"),
                ];
                Sha256::of_parts(&words.each_ref().map(|w| w.as_bytes()))
            };
            last_of_base = key(last_of_base, of_base.map_or(*tree, |(base, _)| *base), For::Work);
            last_of_tree = match of_base {
                None => last_of_base,
                Some(_) => key(last_of_tree, *tree, whom),
            };
            keys.push(Keys { of_base: same.then_some(last_of_base), of_tree: last_of_tree });
        }
        Ok(keys)
    }

    fn containment(&self, step: &Prepare) -> Result<Containment> {
        let declared = if step.network { Network::On } else { Network::Off };
        self.session.containment(Who::Prepare(declared))
    }

    /// Why a step may not run on this tree: what the agent wrote would have the network that it has
    /// not itself.
    fn refused(&self, step: &Prepare, how: &Containment) -> Result<Option<String>> {
        let builder = self.session.containment(Who::Role(Role::Build))?.network;
        let wider =
            how.network == Network::On && builder != Network::On && how.tier > Tier::Worktree;
        Ok((self.by_agents && wider).then(|| {
            format!(
                "the inputs of `{}` were changed, and it has the network, which builders have not \
                 (sandbox.network.build is '{}'): what they wrote is not run with it",
                crate::base::text::shell_line(&step.argv),
                builder.word()
            )
        }))
    }
}

/// The program that a step starts, where it is found.
fn program_of(step: &Prepare) -> String {
    let found = step.argv.first().and_then(|p| crate::process::on_path(p));
    found.unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a commit by name, as objects: what an agent left in a folder is not opened.
struct Inputs(BTreeMap<String, String>);

impl Inputs {
    fn of(repo: &Repo, commit: Oid) -> Result<Self> {
        let entries = repo.entries_of(commit)?.into_iter();
        Ok(Self(entries.map(|(path, kind, id)| (path, format!("{kind:?} {id}"))).collect()))
    }

    /// Of a step's inputs: files, folders, or globs of files.
    fn hash(&self, step: &Prepare) -> Result<Sha256> {
        let mut parts: Vec<String> = Vec::new();
        for input in &step.inputs {
            let wanted = Paths::new(&[input])?;
            parts.push(input.clone());
            let found = self.0.iter().filter(|(path, _)| wanted.has(path));
            parts.extend(found.map(|(path, what)| format!("{path} {what}")));
        }
        Ok(Sha256::of_parts(&parts.iter().map(String::as_bytes).collect::<Vec<_>>()))
    }
}

impl PrepareCache {
    /// Prepares the worktree, which holds the subject's commit and nothing else. `Ok(Err(why))` when
    /// a step failed: nothing can be judged in it.
    pub fn prepare(
        &self,
        worktree: &Worktree,
        subject: &Subject<'_>,
        limit: Duration,
    ) -> Result<std::result::Result<Packages, String>> {
        let mut packages = Packages::default();
        for (step, keys) in subject.steps.iter().zip(&subject.keys) {
            let is_stored = |key: &Sha256| self.dir.join(key.to_string()).join("done").exists();
            let found = keys.of_base.into_iter().chain([keys.of_tree]).find(is_stored);
            let key = found.unwrap_or(keys.of_tree);
            let kept = match found {
                Some(key) => {
                    let stored = self.dir.join(key.to_string());
                    // It was of use today.
                    disk::replace_derived(&stored.join("done"), b"1\n")?;
                    outputs::copy(&stored.join("out"), &worktree.path, &step.outputs)?
                }
                None => self.make(worktree, subject, step, (&key, &packages), limit)?,
            };
            if let Err(why) = kept {
                return Ok(Err(why));
            }
            packages.add(self.packages.join(key.to_string()));
        }
        Ok(Ok(packages))
    }

    /// Runs a step, with the packages of those before it, and keeps what it made.
    fn make(
        &self,
        worktree: &Worktree,
        subject: &Subject<'_>,
        step: &Prepare,
        (key, before): (&Sha256, &Packages),
        limit: Duration,
    ) -> Result<std::result::Result<(), String>> {
        let how = subject.containment(step)?;
        if let Some(why) = subject.refused(step, &how)? {
            return Ok(Err(why));
        }
        let scratch = worktree.scratch()?;
        let log = scratch.join("prepare.log");
        let mut env = base_env();
        env.extend(before.env());
        let mut sandbox = how.in_worktree(worktree, &scratch)?.read(before.paths());
        let fetched = scratch.join("packages");
        if step.network && how.tier > Tier::Worktree {
            // Not the person's own: what is put there is run by whatever they build next.
            env.extend(make_homes(&scratch, "packages")?);
            sandbox = sandbox.own([fetched.clone()]);
        }
        let finished = Command::new(step.argv.clone(), &worktree.path, env)
            .sandbox(sandbox)
            .timeout(limit)
            .run(Capture::Merged(log.clone()))?;
        if !finished.success() {
            let said = disk::tail_bytes(&log, 2000).unwrap_or_default();
            return Ok(Err(self.secrets.hide(&format!(
                "{} ended with {:?}: {}",
                crate::base::text::shell_line(&step.argv),
                finished.ended,
                String::from_utf8_lossy(&said).trim()
            ))));
        }
        drop_unused_homes(&fetched)?;
        if fetched.is_dir() && !disk::files_below(&fetched)?.is_empty() {
            disk::create_dir_all(&self.packages)?;
            // Another process may have stored the same meanwhile.
            drop(disk::rename(&fetched, &self.packages.join(key.to_string())));
        }
        self.store(&self.dir.join(key.to_string()), worktree, step)
    }

    fn store(
        &self,
        stored: &Path,
        worktree: &Worktree,
        step: &Prepare,
    ) -> Result<std::result::Result<(), String>> {
        let temp = stored.with_extension(format!("{}.tmp", std::process::id()));
        disk::remove_dir_all(&temp)?;
        disk::create_dir_all(&temp.join("out"))?;
        let kept = outputs::copy(&worktree.path, &temp.join("out"), &step.outputs)?;
        if kept.is_ok() {
            disk::replace(&temp.join("done"), b"1\n")?;
        }
        // Another process may have stored the same meanwhile; either copy is right.
        if kept.is_err() || disk::rename(&temp, stored).is_err() {
            disk::remove_dir_all(&temp)?;
        }
        self.clear_up()?;
        Ok(kept)
    }

    /// Removes what nobody has used for a day, but for the newest, and what dead processes left half
    /// made.
    fn clear_up(&self) -> Result<()> {
        let used = |name: &String| {
            let dir = self.dir.join(name);
            let at = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
            at(&dir.join("done")).or_else(|| at(&dir)).unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let mut all: Vec<(SystemTime, String)> =
            disk::subdirs(&self.dir)?.into_iter().map(|name| (used(&name), name)).collect();
        all.sort();
        let old = |at: &SystemTime| at.elapsed().is_ok_and(|age| age > UNUSED);
        let most = all.len().saturating_sub(KEPT);
        for (_, name) in all.iter().take(most).filter(|(at, _)| old(at)) {
            disk::remove_dir_all(&self.dir.join(name))?;
            disk::remove_dir_all(&self.packages.join(name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_and_not_among_the_newest_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = PrepareCache {
            dir: dir.path().join("prepared"),
            packages: dir.path().join("packages"),
            secrets: Secrets::default(),
        };
        let days = |n: u64| SystemTime::now() - Duration::from_secs(n * 24 * 3600 + 60);
        for n in 0..12 {
            let name = format!("{n:02}");
            for place in [cache.dir.join(&name), cache.packages.join(&name)] {
                std::fs::create_dir_all(&place).expect("made");
            }
            let done = cache.dir.join(&name).join("done");
            std::fs::write(&done, "1").expect("written");
            let file = std::fs::File::options().append(true).open(&done).expect("open");
            // Two of those that are too many are in use.
            file.set_modified(days(if n < 2 { 0 } else { 20 - n })).expect("a time");
        }
        cache.clear_up().expect("cleared up");
        let left = disk::subdirs(&cache.dir).expect("listed");
        assert_eq!(left, ["00", "01", "06", "07", "08", "09", "10", "11"]);
        assert_eq!(disk::subdirs(&cache.packages).expect("listed"), left);
    }
}
