//! Where `otto.yaml` is read from: the base commit, never a build tree. A file that the commit
//! does not have yet (just written by `otto init`) is taken from the checkout, and that is said.

use std::path::PathBuf;

use serde_json::Value;

use super::settings::Settings;
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::git::{Oid, Repo};

pub const NAME: &str = "otto.yaml";

/// The text of the configuration and where it was found.
#[derive(Debug, Clone)]
pub struct ConfigText {
    pub text: String,
    pub place: Place,
    /// The checkout has another version, which is not used.
    pub checkout_differs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Commit(Oid),
    Checkout,
}

impl ConfigText {
    pub fn origin(&self) -> String {
        match self.place {
            Place::Commit(id) => format!("{NAME} at {}", id.short()),
            Place::Checkout => format!("{NAME} (not committed)"),
        }
    }

    pub fn sha256(&self) -> Sha256 {
        Sha256::of(self.text.as_bytes())
    }

    pub fn overlay(&self, settings: &mut Settings) -> Result<()> {
        let document = parse(&self.text, &self.origin())?;
        settings.overlay(&document, &self.origin()).map_err(|problems| {
            Error::input(format!(
                "{} has {}:\n  {}",
                self.origin(),
                crate::base::text::count(problems.len(), "problem"),
                problems.join("\n  ")
            ))
            .hint("otto config lists every key")
        })
    }
}

pub fn parse(text: &str, origin: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str(text)
        .map_err(|e| Error::input(format!("{origin} is not valid YAML")).because(e.to_string()))
}

/// The configuration for work that starts from `base`.
pub fn committed_or_checkout(repo: &Repo, base: Option<Oid>) -> Result<Option<ConfigText>> {
    let checkout = match repo.project.bare {
        true => None,
        false => disk::read_if_there(&repo.project.root.join(NAME))?,
    };
    let committed = match base {
        Some(base) => repo.file_at(base, NAME)?,
        None => None,
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| Error::input(format!("{NAME} is not UTF-8 text")))
    };
    Ok(match (committed, checkout, base) {
        (Some(bytes), checkout, Some(base)) => Some(ConfigText {
            checkout_differs: checkout.is_some_and(|c| c != bytes),
            text: text(bytes)?,
            place: Place::Commit(base),
        }),
        (_, Some(bytes), _) => {
            Some(ConfigText { text: text(bytes)?, place: Place::Checkout, checkout_differs: false })
        }
        (_, None, _) => None,
    })
}

/// What has to be known before anything else; read from HEAD's configuration.
#[derive(Debug, Default)]
pub struct Early {
    pub state_dir: Option<PathBuf>,
    /// Whether `otto/bin/` may replace programs.
    pub overrides: bool,
}

pub fn early(repo: &Repo) -> Result<Early> {
    let head = repo.resolve_commit("HEAD").ok();
    let Some(found) = committed_or_checkout(repo, head)? else { return Ok(Early::default()) };
    if !found.text.contains("state_dir") && !found.text.contains("overrides") {
        return Ok(Early::default());
    }
    let document = parse(&found.text, &found.origin())?;
    let dir = document.get("state_dir").and_then(Value::as_str);
    Ok(Early {
        state_dir: dir.map(|dir| repo.project.root.join(dir)),
        overrides: document.get("overrides").and_then(Value::as_bool).unwrap_or(false),
    })
}
