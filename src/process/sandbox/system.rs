//! What every sandbox may read: the system, and the toolchains that lie in a person's home.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::paths::both;

/// Folders of the system; those that are links elsewhere stay links.
const SYSTEM: [&str; 12] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/sys/devices/system",
];

/// Secrets of the system. Their modes protect them from everybody but root.
const SECRETS: [&str; 9] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/security/opasswd",
    "/etc/ssh",
];

/// What lies in a home and lets somebody in elsewhere; hidden even where the home is readable.
const LOGINS: [&str; 18] = [
    ".ssh",
    ".aws",
    ".azure",
    ".gnupg",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".config/gh",
    ".config/gcloud",
    ".config/git/credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".local/share/keyrings",
    ".mozilla",
];

/// Toolchains below a home: variable that names the place, place when it does not, what is read.
const TOOLCHAINS: [(&str, &str, &[&str]); 17] = [
    ("CARGO_HOME", ".cargo", &["bin", "registry", "git", "config.toml", "config"]),
    ("RUSTUP_HOME", ".rustup", &[""]),
    ("PYENV_ROOT", ".pyenv", &[""]),
    ("NVM_DIR", ".nvm", &[""]),
    ("GOPATH", "go", &["bin", "pkg"]),
    ("", ".local/bin", &[""]),
    ("", ".local/lib", &[""]),
    ("", ".local/share/uv", &[""]),
    ("", ".local/share/mise", &[""]),
    ("", ".local/share/pnpm", &[""]),
    ("", ".local/share/fnm", &[""]),
    ("", ".volta", &[""]),
    ("", ".bun", &["bin"]),
    ("", ".deno", &["bin"]),
    ("", ".asdf", &[""]),
    ("", ".rbenv", &[""]),
    ("", ".sdkman", &[""]),
];

/// Variables that name a further place that is read.
const NAMED: [&str; 4] = ["VIRTUAL_ENV", "JAVA_HOME", "GOROOT", "SSL_CERT_FILE"];

/// Package managers that keep what they fetch outside of a project: variable of the place, its name
/// among ours, files of settings in it.
const PACKAGE_HOMES: [(&str, &str, &[&str]); 2] =
    [("CARGO_HOME", "cargo", &["config.toml", "config"]), ("GOMODCACHE", "go", &[])];

/// An entry of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Folder(PathBuf),
    Link { at: PathBuf, to: PathBuf },
}

/// The person's home.
pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|h| h.is_absolute())
}

pub(super) fn system() -> Vec<Entry> {
    let entry = |path: &&str| {
        let path = PathBuf::from(path);
        let meta = path.symlink_metadata().ok()?;
        Some(match meta.is_symlink() {
            true => Entry::Link { to: std::fs::read_link(&path).ok()?, at: path },
            false => Entry::Folder(path),
        })
    };
    SYSTEM.iter().filter_map(entry).collect()
}

/// Files elsewhere that names of the system lead to: name resolution.
pub(super) fn behind_links() -> Vec<PathBuf> {
    let system = |p: &PathBuf| SYSTEM.iter().any(|s| p.starts_with(s));
    let links =
        ["/etc/resolv.conf", "/etc/hosts", "/etc/localtime", "/etc/ssl/certs/ca-certificates.crt"];
    let real = links.iter().filter_map(|link| Path::new(link).canonicalize().ok());
    real.filter(|p| !system(p)).collect()
}

/// Where packages keep what only root may read, looked at two levels deep.
const GUARDED: [&str; 2] = ["/etc", "/opt"];

/// What of these nobody but its owner and group may read. Looked for once.
fn guarded() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut out = Vec::new();
        for root in GUARDED {
            closed_in(Path::new(root), 2, &mut out);
        }
        out
    })
}

fn closed_in(dir: &Path, levels: u32, out: &mut Vec<PathBuf>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        // Of a link: what it leads to has a mode of its own.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_symlink() {
            continue;
        }
        if meta.permissions().mode() & 0o004 == 0 {
            out.push(entry.path());
        } else if meta.is_dir() && levels > 1 {
            closed_in(&entry.path(), levels - 1, out);
        }
    }
}

/// Everything that is hidden wherever it lies in something readable.
pub(super) fn secrets() -> Vec<PathBuf> {
    let home = home();
    let of_home = LOGINS.iter().filter_map(|name| Some(home.as_ref()?.join(name)));
    // Whoever is not root cannot open the system's anyway.
    let root = nix::unistd::geteuid().is_root();
    let of_system = SECRETS.iter().map(PathBuf::from).filter(|_| root);
    let closed = if root { guarded() } else { &[] };
    of_system.chain(closed.iter().cloned()).chain(of_home).filter(|p| p.exists()).collect()
}

fn place(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
    named.or_else(|| Some(home()?.join(below_home))).filter(|p| p.is_dir())
}

fn listed(table: &[(&str, &str, &[&str])]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for (variable, below, parts) in table {
        let Some(place) = place(variable, below) else { continue };
        out.extend(parts.iter().map(|part| match *part {
            "" => place.clone(),
            part => place.join(part),
        }));
    }
    out.into_iter().filter(|p| p.exists()).collect()
}

/// A folder that holds the home, or is it, would open everything.
fn is_too_wide(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.parent().is_none()
        || home().is_some_and(|home| {
            home.starts_with(&real) || home.canonicalize().is_ok_and(|h| h.starts_with(&real))
        })
}

/// Toolchains, and each folder of `PATH`. Looked for once.
pub(super) fn toolchains() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).filter(|p| p.is_absolute() && p.is_dir());
        let named = NAMED.iter().filter_map(std::env::var_os).map(PathBuf::from);
        let named = named.filter(|p| p.is_absolute());
        let all = listed(&TOOLCHAINS).into_iter().chain(folders).chain(named);
        let real: Vec<PathBuf> = all.flat_map(|p| both(&p)).collect();
        real.into_iter().filter(|p| !is_too_wide(p)).collect()
    })
}

/// Package managers whose packages lie outside of a project.
pub fn package_homes() -> &'static [(&'static str, &'static str, &'static [&'static str])] {
    &PACKAGE_HOMES
}

/// The person's own, of a variable in this table of toolchains.
pub fn home_of(variable: &str) -> Option<PathBuf> {
    let (_, below, _) = TOOLCHAINS.iter().find(|(name, ..)| *name == variable)?;
    place(variable, below)
}

/// Variables that lead to toolchains of the person's home, which is another folder inside.
pub fn toolchain_env() -> Vec<(OsString, OsString)> {
    let mut out: Vec<(OsString, OsString)> = Vec::new();
    for (variable, below, _) in TOOLCHAINS.iter().filter(|(variable, ..)| !variable.is_empty()) {
        let Some(place) = place(variable, below) else { continue };
        if *variable == "GOPATH" {
            // Its own GOPATH may be written; what was fetched is read from here.
            out.push(("GOMODCACHE".into(), place.join("pkg/mod").into()));
        } else {
            out.push((variable.into(), place.into()));
        }
    }
    if let Some(base) = home().map(|h| h.join(".local")).filter(|p| p.join("lib").is_dir()) {
        out.push(("PYTHONUSERBASE".into(), base.into()));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_others_may_not_read_is_found_two_levels_deep() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for (name, mode) in [("key", 0o600), ("open", 0o644), ("vpn/peer.conf", 0o640)] {
            std::fs::create_dir_all(at("vpn")).expect("a folder");
            std::fs::write(at(name), "x").expect("written");
            std::fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).expect("a mode");
        }
        std::fs::create_dir_all(at("closed/below")).expect("a folder");
        std::fs::set_permissions(at("closed"), PermissionsExt::from_mode(0o711)).expect("a mode");
        symlink(at("key"), at("link")).expect("a link");
        let mut found = Vec::new();
        closed_in(dir.path(), 2, &mut found);
        found.sort();
        assert_eq!(found, [at("closed"), at("key"), at("vpn/peer.conf")]);
    }
}
