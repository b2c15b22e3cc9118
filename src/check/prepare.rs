//! What a fresh worktree needs before anything runs in it, made once per hash of its inputs and
//! given to every worktree as a copy of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Error, Result, Secrets, Sha256};
use crate::disk;
use crate::git::Worktree;
use crate::process::sandbox::package_caches;
use crate::process::{Capture, Command, Network, Sandbox, base_env};
use crate::session::Session;
use crate::session::config::Who;
use crate::spec::Prepare;

/// Prepared outputs, in the cache folder of the project.
#[derive(Debug, Clone)]
pub struct PrepareCache {
    pub dir: PathBuf,
    /// Hidden in what a step that fails has said.
    pub secrets: Secrets,
}

/// The hash of what preparation depends on, for evidence and cache keys.
pub fn prepare_hash(worktree: &Path, steps: &[Prepare]) -> Result<Sha256> {
    let mut parts: Vec<Vec<u8>> = vec![b"prepare-1".to_vec()];
    for step in steps {
        parts.push(step_hash(worktree, step)?.to_string().into_bytes());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(Sha256::of_parts(&parts))
}

fn step_hash(worktree: &Path, step: &Prepare) -> Result<Sha256> {
    let mut parts: Vec<Vec<u8>> = vec![
        serde_json::to_vec(step).unwrap_or_default(),
        std::env::consts::ARCH.as_bytes().to_vec(),
    ];
    for input in &step.inputs {
        parts.push(disk::read_if_there(&worktree.join(input))?.unwrap_or_default());
    }
    if let Some(program) = step.argv.first().and_then(|p| crate::process::on_path(p)) {
        parts.push(program.into_os_string().into_encoded_bytes());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(Sha256::of_parts(&parts))
}

/// A step that has the network may also keep what it fetched where its package manager does.
fn sandbox_of(
    worktree: &Worktree,
    step: &Prepare,
    session: &Session,
    scratch: &Path,
) -> Result<Sandbox> {
    let declared = if step.network { Network::On } else { Network::Off };
    let how = session.containment(Who::Prepare(declared))?;
    let caches = if step.network { package_caches() } else { Vec::new() };
    Ok(how.in_worktree(worktree, scratch)?.write(caches))
}

impl PrepareCache {
    /// Prepares the worktree. `Ok(Err(why))` when a step failed: nothing can be judged in it.
    pub fn prepare(
        &self,
        worktree: &Worktree,
        steps: &[Prepare],
        session: &Session,
        limit: Duration,
    ) -> Result<std::result::Result<(), String>> {
        for step in steps {
            let stored = self.dir.join(step_hash(&worktree.path, step)?.to_string());
            if stored.join("done").exists() {
                copy_outputs(&stored.join("out"), &worktree.path, &step.outputs)?;
                continue;
            }
            let scratch = worktree.scratch()?;
            let log = scratch.join("prepare.log");
            let finished = Command::new(step.argv.clone(), &worktree.path, base_env())
                .sandbox(sandbox_of(worktree, step, session, &scratch)?)
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
            self.store(&stored, worktree, step)?;
        }
        Ok(Ok(()))
    }

    fn store(&self, stored: &Path, worktree: &Worktree, step: &Prepare) -> Result<()> {
        let temp = stored.with_extension(format!("{}.tmp", std::process::id()));
        disk::remove_dir_all(&temp)?;
        disk::create_dir_all(&temp.join("out"))?;
        copy_outputs(&worktree.path, &temp.join("out"), &step.outputs)?;
        disk::replace(&temp.join("done"), b"1\n")?;
        // Another process may have stored the same meanwhile; either copy is right.
        if disk::rename(&temp, stored).is_err() {
            disk::remove_dir_all(&temp)?;
        }
        Ok(())
    }
}

/// A private copy, sharing blocks where the file system can.
fn copy_outputs(from: &Path, to: &Path, outputs: &[String]) -> Result<()> {
    for output in outputs {
        let source = from.join(output);
        if !source.exists() {
            continue;
        }
        let target = to.join(output);
        if let Some(parent) = target.parent() {
            disk::create_dir_all(parent)?;
        }
        let log = tempfile::NamedTempFile::new()
            .map_err(|e| Error::machine("cannot make a temporary file").because(e))?;
        let argv: [std::ffi::OsString; 6] = [
            "cp".into(),
            "-a".into(),
            "--reflink=auto".into(),
            "-T".into(),
            source.clone().into(),
            target.into(),
        ];
        let done = Command::new(argv, to, base_env()).run(Capture::Merged(log.path().into()))?;
        if !done.success() {
            return Err(Error::machine(format!("cannot copy '{}'", source.display()))
                .because(disk::read_text(log.path()).unwrap_or_default()));
        }
    }
    Ok(())
}
