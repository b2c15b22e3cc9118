//! Signatures by the person's SSH key, made and checked by `ssh-keygen -Y`. Otto never reads a
//! private key.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::{NAMESPACE, STATEMENT};
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::disk;
use crate::process::{Capture, Command, Ended, base_env};

const LIMIT: Duration = Duration::from_secs(120);

/// What a signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// There is none.
    Not,
    /// It fits, and its key is not known here: what `ssh-keygen` says of it.
    ByUnknown(String),
    /// By one of the allowed signers.
    By(String),
    /// It does not fit, or its key is not allowed.
    Bad(String),
}

/// Runs `ssh-keygen` in a folder with the statement in it; what it printed, and whether it said yes.
fn keygen(args: &[OsString], dir: &Path, stdin: Option<&[u8]>) -> Result<(bool, String)> {
    let mut env: BTreeMap<OsString, OsString> = base_env();
    for name in ["HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY", "TERM"] {
        env.extend(std::env::var_os(name).map(|value| (OsString::from(name), value)));
    }
    let argv = [OsString::from("ssh-keygen")].into_iter().chain(args.iter().cloned());
    let log = dir.join("log");
    let mut command = Command::new(argv, dir, env).timeout(LIMIT).output_limit(1 << 20);
    if let Some(bytes) = stdin {
        command = command.stdin(bytes.to_vec());
    }
    let done = command.run(Capture::Merged(log.clone()))?;
    if done.ended == Ended::NotFound {
        return Err(Error::missing("there is no ssh-keygen to sign with, or to check signatures")
            .hint("install OpenSSH: apt-get install openssh-client, or brew install openssh"));
    }
    let said = disk::read_if_there(&log)?.unwrap_or_default();
    Ok((done.success(), String::from_utf8_lossy(&said).into_owned()))
}

fn folder() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|e| Error::machine("cannot make a folder").because(e))
}

/// Signs the statement; a public key signs through the agent.
pub(super) fn sign(key: &Path, statement: &[u8]) -> Result<Vec<u8>> {
    let dir = folder()?;
    let file = dir.path().join(STATEMENT);
    disk::replace(&file, statement)?;
    let key = std::path::absolute(key).map_err(|e| Error::file("find", key, e))?;
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsString::from);
    let args: Vec<OsString> = words.into_iter().chain([key.into(), file.clone().into()]).collect();
    let (yes, said) = keygen(&args, dir.path(), None)?;
    if !yes {
        return Err(Error::no(format!("ssh-keygen did not sign: {}", one_line(said.trim(), 200)))
            .hint("--key names your SSH key; with a passphrase, add it to your agent: ssh-add"));
    }
    disk::read(&dir.path().join(super::SIGNATURE))
}

/// Checks a signature, against a file of allowed signers where one is given.
pub(super) fn check(
    statement: &[u8],
    signature: Option<&[u8]>,
    allowed: Option<&Path>,
) -> Result<Signed> {
    let Some(signature) = signature else { return Ok(Signed::Not) };
    let dir = folder()?;
    let file = dir.path().join("sig");
    disk::replace(&file, signature)?;
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<OsString>>();
    let mut args = words(&["-Y", "check-novalidate", "-n", NAMESPACE, "-s"]);
    args.push(file.clone().into());
    let (fits, said) = keygen(&args, dir.path(), Some(statement))?;
    let said = one_line(said.trim(), 200);
    if !fits {
        return Ok(Signed::Bad(said));
    }
    let Some(allowed) = allowed else { return Ok(Signed::ByUnknown(said)) };
    let allowed = std::path::absolute(allowed).map_err(|e| Error::file("find", allowed, e))?;
    let mut args = words(&["-Y", "find-principals", "-s"]);
    args.extend([file.clone().into(), "-f".into(), allowed.clone().into()]);
    let (found, who) = keygen(&args, dir.path(), None)?;
    let who = who.lines().next().unwrap_or_default().trim().to_owned();
    if !found || who.is_empty() {
        return Ok(Signed::Bad(format!("none of the allowed signers: {said}")));
    }
    let mut args = words(&["-Y", "verify", "-n", NAMESPACE, "-I"]);
    args.extend([who.clone().into(), "-f".into(), allowed.into(), "-s".into(), file.into()]);
    let (valid, told) = keygen(&args, dir.path(), Some(statement))?;
    Ok(match valid {
        true => Signed::By(who),
        false => Signed::Bad(one_line(told.trim(), 200)),
    })
}
