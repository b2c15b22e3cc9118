//! Signatures by the person's SSH key, made and checked by `ssh-keygen -Y` (ssh-keygen(1)). Otto
//! never reads a private key: a public one signs through the agent.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{NAMESPACE, STATEMENT};
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::disk;
use crate::git::Repo;
use crate::process::{Capture, Command, Ended, base_env};

const LIMIT: Duration = Duration::from_secs(120);

/// What a signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// There is none.
    Not,
    /// It fits, and its key is not known here: the key's fingerprint.
    ByUnknown(String),
    /// By one of the allowed signers.
    By(String),
    /// It does not fit, or its key is not allowed.
    Bad(String),
}

/// Whose signatures count.
#[derive(Debug, Clone)]
pub enum Allowed {
    /// Only theirs: a file that was named for this.
    Only(PathBuf),
    /// Theirs are known by name: git's own file.
    Known(PathBuf),
    Nobody,
}

impl Allowed {
    /// The file that was named, which has to name somebody (65), else `gpg.ssh.allowedSignersFile`
    /// of git where that is there.
    pub fn of(repo: &Repo, named: Option<&Path>) -> Result<Self> {
        if let Some(file) = named {
            let text = disk::read_text(file)?;
            let names = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
            if !text.lines().any(names) {
                return Err(Error::input(format!("'{}' names no signer", file.display())).hint(
                    "a line for each, as ssh-keygen reads it: ann@example.org ssh-ed25519 AAAA…",
                ));
            }
            return Ok(Allowed::Only(file.to_owned()));
        }
        let known = repo.config("gpg.ssh.allowedSignersFile").map(|file| at_home(&file));
        Ok(known.filter(|file| file.is_file()).map_or(Allowed::Nobody, Allowed::Known))
    }
}

/// The key to sign with: the one that was named, else the SSH key that git signs with.
#[derive(Debug, Clone)]
pub enum Key {
    File(PathBuf),
    /// The text of a public key; the agent has the private one.
    Public(String),
}

impl Key {
    /// 2 where there is none.
    pub fn of(repo: &Repo, named: Option<&Path>) -> Result<Self> {
        if let Some(file) = named {
            return Ok(Key::File(file.to_owned()));
        }
        let hint = "--key FILE names your SSH key; or let git sign with one: git config gpg.format ssh, \
                    git config user.signingkey ~/.ssh/id_ed25519.pub";
        let none =
            |why: &str| Error::usage(format!("there is no key to sign with: {why}")).hint(hint);
        let said = repo.config("user.signingkey").filter(|k| !k.is_empty());
        let said = said.ok_or_else(|| none("git has no user.signingkey"))?;
        if repo.config("gpg.format").as_deref() != Some("ssh") {
            return Err(none("git's user.signingkey is of SSH only where gpg.format is ssh"));
        }
        Ok(match said.strip_prefix("key::") {
            Some(text) => Key::Public(text.to_owned()),
            None if said.starts_with("ssh-") => Key::Public(said),
            None => Key::File(at_home(&said)),
        })
    }
}

/// A path as git's configuration writes it.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (_, _) => PathBuf::from(path),
    }
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

/// Signs the statement.
pub(super) fn sign(key: &Key, statement: &[u8]) -> Result<Vec<u8>> {
    let dir = folder()?;
    let file = dir.path().join(STATEMENT);
    disk::replace(&file, statement)?;
    let key = match key {
        Key::File(key) => std::path::absolute(key).map_err(|e| Error::file("find", key, e))?,
        Key::Public(text) => {
            let key = dir.path().join("key.pub");
            disk::replace(&key, format!("{text}\n").as_bytes())?;
            key
        }
    };
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsString::from);
    let args: Vec<OsString> = words.into_iter().chain([key.into(), file.clone().into()]).collect();
    let (yes, said) = keygen(&args, dir.path(), None)?;
    if !yes {
        return Err(Error::no(format!("ssh-keygen did not sign: {}", one_line(said.trim(), 200)))
            .hint("--key names your SSH key; with a passphrase, add it to your agent: ssh-add"));
    }
    disk::read(&dir.path().join(super::SIGNATURE))
}

/// Checks a signature, and whose it is.
pub(super) fn check(
    statement: &[u8],
    signature: Option<&[u8]>,
    allowed: &Allowed,
) -> Result<Signed> {
    let Some(signature) = signature else { return Ok(Signed::Not) };
    if !is_as_written(signature) {
        return Ok(Signed::Bad("it is not as ssh-keygen writes signatures".to_owned()));
    }
    let dir = folder()?;
    let file = dir.path().join("sig");
    disk::replace(&file, signature)?;
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<OsString>>();
    let mut args = words(&["-Y", "check-novalidate", "-n", NAMESPACE, "-s"]);
    args.push(file.clone().into());
    let (fits, said) = keygen(&args, dir.path(), Some(statement))?;
    if !fits {
        return Ok(Signed::Bad(one_line(said.trim(), 200)));
    }
    let print = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    let key = print.unwrap_or("(without a fingerprint)").to_owned();
    let (list, only) = match allowed {
        Allowed::Nobody => return Ok(Signed::ByUnknown(key)),
        Allowed::Only(list) => (list, true),
        Allowed::Known(list) => (list, false),
    };
    let list = std::path::absolute(list).map_err(|e| Error::file("find", list, e))?;
    let mut args = words(&["-Y", "find-principals", "-s"]);
    args.extend([file.clone().into(), "-f".into(), list.clone().into()]);
    let (found, who) = keygen(&args, dir.path(), None)?;
    let who = who.lines().next().unwrap_or_default().trim().to_owned();
    if !found || who.is_empty() {
        return Ok(match only {
            true => Signed::Bad(format!("the key {key} is none of the allowed signers")),
            false => Signed::ByUnknown(key),
        });
    }
    let mut args = words(&["-Y", "verify", "-n", NAMESPACE, "-I"]);
    args.extend([who.clone().into(), "-f".into(), list.into(), "-s".into(), file.into()]);
    let (valid, told) = keygen(&args, dir.path(), Some(statement))?;
    Ok(match valid {
        true => Signed::By(format!("{who} with the key {key}")),
        false => Signed::Bad(one_line(told.trim(), 200)),
    })
}

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
const WIDTH: usize = 70;

/// The one form in which `ssh-keygen` writes a signature: what reads it forgives bytes that mean
/// nothing, and a byte that was changed is to be found all the same.
fn is_as_written(signature: &[u8]) -> bool {
    let body = std::str::from_utf8(signature)
        .ok()
        .and_then(|text| text.strip_prefix(BEGIN)?.strip_suffix(END));
    let Some(body) = body else { return false };
    let joined: String = body.lines().collect();
    let Ok(bytes) = STANDARD.decode(&joined) else { return false };
    let again = STANDARD.encode(bytes);
    let lines = again.as_bytes().chunks(WIDTH);
    let written: Vec<u8> = lines.flat_map(|line| [line, b"\n"].concat()).collect();
    written == body.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_one_form() {
        let encoded = STANDARD.encode([7_u8; 100]);
        let good = format!("{BEGIN}{}\n{}\n{END}", &encoded[..WIDTH], &encoded[WIDTH..]);
        assert!(is_as_written(good.as_bytes()));
        for at in 0..good.len() {
            let mut bad = good.clone().into_bytes();
            bad[at] ^= 1;
            // Another byte of the signature itself is for ssh-keygen to refuse.
            let text = String::from_utf8_lossy(&bad).replace(['\n', '-'], "");
            let other = STANDARD
                .decode(text.replace("BEGIN SSH SIGNATURE", "").replace("END SSH SIGNATURE", ""));
            assert!(!is_as_written(&bad) || other.is_ok_and(|b| b != [7; 100]), "{at}");
        }
        assert!(!is_as_written(good.replace('\n', "\r\n").as_bytes()));
        assert!(!is_as_written(format!("{good}\n").as_bytes()));
    }
}
