//! The folders of an agent's program, none of them a person's: its configuration and conversations
//! are in `state_dir`, its home and its temporary files below it. A person's log-in is not copied,
//! because a copy of a credential that rotates logs them out; where a sandbox has not bound it
//! there already, it is linked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Vendor;
use crate::agent::{Request, of_provider};
use crate::base::Result;
use crate::disk;

/// Where the tools of a build keep what they installed, by the variable that says so. A home of
/// its own would hide them from the agent.
const TOOL_HOMES: [(&str, &str); 5] = [
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("NVM_DIR", ".nvm"),
    ("PYENV_ROOT", ".pyenv"),
];

#[derive(Debug)]
pub(in crate::provider) struct Place {
    /// Configuration and conversations.
    pub config: PathBuf,
    home: PathBuf,
    tmp: PathBuf,
}

impl Place {
    pub fn of(request: &Request) -> Self {
        let beside = || request.output_file.with_file_name("agent-state");
        let config = request.state_dir.clone().unwrap_or_else(beside);
        Self { home: config.join("home"), tmp: config.join("tmp"), config }
    }

    /// Makes the folders, and links the log-in where there is one and none is there yet.
    pub fn prepare<V: Vendor>(&self) -> Result<()> {
        for dir in [&self.config, &self.home, &self.tmp] {
            disk::create_dir_all(dir)?;
        }
        let link = self.config.join(V::LOGIN_FILE);
        match login_file::<V>() {
            Some(file) if file.is_file() && link.symlink_metadata().is_err() => {
                disk::place_symlink(&link, &file)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The environment: what a provider gets, the vendor's own variables, and these folders.
    pub fn env<V: Vendor>(&self, request: &Request) -> BTreeMap<OsString, OsString> {
        let mut env = of_provider(request, V::ENV);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        for (name, dir) in TOOL_HOMES {
            let there = home.as_ref().map(|home| home.join(dir)).filter(|dir| dir.is_dir());
            if let (Some(there), false) = (there, env.contains_key(&OsString::from(name))) {
                env.insert(name.into(), there.into());
            }
        }
        env.insert("HOME".into(), self.home.clone().into());
        env.insert("TMPDIR".into(), self.tmp.clone().into());
        env.insert(V::CONFIG_VAR.into(), self.config.clone().into());
        // Nobody looks at a terminal.
        env.insert("TERM".into(), "dumb".into());
        env.insert("NO_COLOR".into(), "1".into());
        env
    }

    pub fn tmp(&self) -> &Path {
        &self.tmp
    }
}

/// The person's log-in, whether it is there or not.
pub(in crate::provider) fn login_file<V: Vendor>() -> Option<PathBuf> {
    let own = std::env::var_os(V::CONFIG_VAR).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(V::CONFIG_DIR));
    Some(own.or_else(home)?.join(V::LOGIN_FILE))
}
