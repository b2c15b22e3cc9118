//! The environment of a child: cleared, then what is on the list.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables that a build or a test needs to find its tools and to print text.
const ALLOWED: [&str; 22] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOCACHE",
    "GOMODCACHE",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
    "SSL_CERT_FILE",
];

/// Whether a variable of ours reaches children that Otto does not trust.
pub fn allowed(name: &str) -> bool {
    ALLOWED.contains(&name) || name.starts_with("LC_")
}

/// The allowed part of our own environment. Folders of `PATH` that are not absolute are left out:
/// relative to a worktree they would be the agent's.
pub fn base_env() -> BTreeMap<OsString, OsString> {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(allowed));
    let value = |name: &OsString, value| if name == "PATH" { absolute_only(value) } else { value };
    ours.map(|(name, v)| (name.clone(), value(&name, v))).collect()
}

fn absolute_only(path: OsString) -> OsString {
    let folders: Vec<_> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    match std::env::join_paths(folders) {
        // An empty one would mean the current folder.
        Ok(path) if !path.is_empty() => path,
        Ok(_) | Err(_) => "/usr/bin:/bin".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_never_found_in_the_folder_it_is_called_in() {
        for (path, expected) in [
            ("/usr/bin:/bin", "/usr/bin:/bin"),
            (".:/bin", "/bin"),
            ("/bin:", "/bin"),
            ("node_modules/.bin:/bin::bin", "/bin"),
            ("", "/usr/bin:/bin"),
            (".", "/usr/bin:/bin"),
        ] {
            assert_eq!(absolute_only(path.into()), expected, "{path}");
        }
    }
}
