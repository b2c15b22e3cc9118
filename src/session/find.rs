//! Which session is meant: a full id, any unique prefix, or `latest`.

use super::layout::Layout;
use crate::base::{Error, Result, SessionId};
use crate::disk;

/// All sessions, oldest first (ids sort by time).
pub fn all(layout: &Layout) -> Result<Vec<SessionId>> {
    let names = disk::subdirs(&layout.sessions())?;
    Ok(names.iter().filter_map(|n| n.parse().ok()).collect())
}

/// The session that was created last.
pub fn latest(layout: &Layout) -> Result<Option<SessionId>> {
    if let Some(bytes) = disk::read_if_there(&layout.latest())? {
        let name = String::from_utf8_lossy(&bytes).trim().to_owned();
        if let Ok(id) = name.parse::<SessionId>()
            && layout.session(&id).record().exists()
        {
            return Ok(Some(id));
        }
    }
    // The file is derived: without it the newest folder that is whole is the answer.
    Ok(all(layout)?.into_iter().rev().find(|id| layout.session(id).record().exists()))
}

/// Resolves what a person wrote.
pub fn resolve(layout: &Layout, wanted: &str) -> Result<SessionId> {
    if wanted.is_empty() {
        // Every id begins with nothing: a variable that was not set must not name a session.
        return Err(Error::usage("the name of the session is empty")
            .hint("leave it out for the latest one; otto sessions lists them"));
    }
    if wanted == "latest" {
        return latest(layout)?.ok_or_else(none);
    }
    if let Ok(id) = wanted.parse::<SessionId>()
        && layout.session(&id).record().exists()
    {
        return Ok(id);
    }
    let all = all(layout)?;
    let fits: Vec<&SessionId> = all.iter().filter(|id| id.as_str().starts_with(wanted)).collect();
    match fits.as_slice() {
        [one] => Ok((*one).clone()),
        [] if all.is_empty() => Err(none()),
        [] => Err(Error::usage(format!("no session begins with '{wanted}'"))
            .hint("otto sessions lists them")),
        many => {
            let ids: Vec<_> = many.iter().map(|id| id.as_str()).collect();
            Err(Error::usage(format!("'{wanted}' could be any of {}", ids.join(", "))))
        }
    }
}

fn none() -> Error {
    Error::no("this project has no session yet")
        .hint("start one: otto run \"what you want\"  or  otto compile \"what you want\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_names_no_session() {
        let dir = tempfile::tempdir().expect("a folder");
        let layout = Layout { logs: dir.path().to_owned() };
        let id = SessionId::generate(&crate::base::clock::Clock::from_env());
        disk::replace(&layout.session(&id).record(), b"{}").expect("written");
        assert_eq!(resolve(&layout, "latest").expect("the only one"), id);
        assert_eq!(resolve(&layout, &id.as_str()[..4]).expect("a prefix"), id);
        let e = resolve(&layout, "").expect_err("nothing was named");
        assert_eq!(e.exit(), crate::base::Exit::USAGE);
    }
}
