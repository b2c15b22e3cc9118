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

/// The allowed part of our own environment.
pub fn base_env() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(allowed)).collect()
}
