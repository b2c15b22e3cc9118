//! The providers that are installed, and who is chosen for what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::describe::{Answer, Description, ask};
use crate::base::Result;
use crate::process::{own_names, programs_named};
use crate::session::config::{Config, Role};

const PREFIX: &str = "otto-provider-";

/// A provider, with everything that can be known of it for nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provider {
    pub name: String,
    /// The program that is started; absent for one of our own names that only `otto` answers to.
    pub file: Option<PathBuf>,
    pub is_installed: bool,
    pub description: Option<Description>,
    /// Why it does not say what it is.
    pub silent: Option<String>,
    /// Roles that it is configured for.
    pub roles: Vec<&'static str>,
    /// Its place in `fallback`, counted from 1.
    pub fallback: Option<usize>,
}

impl Provider {
    /// It is configured for a role and cannot be used.
    pub fn is_missed(&self) -> bool {
        let missing = self.description.as_ref().is_some_and(|d| d.missing.is_some());
        !self.roles.is_empty() && (!self.is_installed || missing)
    }
}

/// Every provider that is installed or configured, by name. All are asked at the same time, each
/// for at most `limit`.
pub fn providers(config: &Config, workdir: &Path, limit: Duration) -> Result<Vec<Provider>> {
    let programs = programs_named(PREFIX);
    let named = |file: &PathBuf| Some(file.file_name()?.to_str()?.strip_prefix(PREFIX)?.to_owned());
    let own = own_names().iter().filter_map(|n| n.strip_prefix(PREFIX)).map(str::to_owned);
    let installed: BTreeSet<String> = programs.iter().filter_map(named).chain(own).collect();
    let mut names = installed.clone();
    names.extend(Role::ALL.iter().filter_map(|role| config.agent(*role).provider));
    names.extend(config.fallback.iter().cloned());

    let mut found: Vec<Provider> = names
        .into_iter()
        .map(|name| Provider {
            file: programs.iter().find(|f| named(f).as_ref() == Some(&name)).cloned(),
            is_installed: installed.contains(&name),
            description: None,
            silent: None,
            roles: Role::ALL
                .iter()
                .filter(|role| config.agent(**role).provider.as_ref() == Some(&name))
                .map(|role| role.word())
                .collect(),
            fallback: config.fallback.iter().position(|f| *f == name).map(|at| at + 1),
            name,
        })
        .collect();
    std::thread::scope(|scope| {
        let asked: Vec<_> = found
            .iter()
            .map(|p| {
                let (agent, is_installed) = (config.agent_of(&p.name), p.is_installed);
                scope.spawn(move || is_installed.then(|| ask(&agent, workdir, limit)).transpose())
            })
            .collect();
        for (provider, asked) in found.iter_mut().zip(asked) {
            match asked.join() {
                Ok(Ok(Some(Answer::Says(description)))) => {
                    provider.description = Some(*description)
                }
                Ok(Ok(Some(Answer::Silent(why)))) => provider.silent = Some(why),
                Ok(Ok(None)) => {}
                // One that cannot be asked must not hide the others.
                Ok(Err(e)) => provider.silent = Some(e.to_string()),
                Err(_) => provider.silent = Some("asking it failed".into()),
            }
        }
    });
    crate::process::stop::check()?;
    Ok(found)
}
