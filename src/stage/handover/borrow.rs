//! A session made from a packet, in folders that go away, beside a repository that borrows the
//! objects of a clone: its checks can run, and nothing is written into the clone.

use std::path::PathBuf;

use super::{JOURNAL, Packet};
use crate::base::clock::Clock;
use crate::base::{Error, Result};
use crate::disk;
use crate::git::Repo;
use crate::session::{Layout, Session, Workspace, cache_dir, own_cache};

/// Where the session lies until this is dropped.
#[derive(Debug)]
pub struct Borrowed {
    pub ws: Workspace,
    pub session: Session,
    /// What was made for its checks in the cache.
    made: Vec<PathBuf>,
    _dir: tempfile::TempDir,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        for dir in &self.made {
            // What is left is a cache.
            drop(disk::remove_dir_all(dir));
        }
    }
}

/// The packet must have been checked before: what it says is taken as it is.
pub fn borrow(repo: &Repo, packet: &Packet, actor: &str) -> Result<Borrowed> {
    let dir = tempfile::tempdir().map_err(|e| Error::machine("cannot make a folder").because(e))?;
    let repo = repo.borrowed(&dir.path().join("repository"))?;
    let project = repo.project.hash();
    let made = vec![own_cache()?.join(&project), cache_dir()?.join("otto-packages").join(&project)];
    let ws = Workspace {
        repo,
        layout: Layout { logs: dir.path().join("otto_logs") },
        clock: Clock::from_env(),
        actor: actor.to_owned(),
    };
    let record: crate::session::record::SessionRecord =
        serde_json::from_slice(packet.get("session.json").unwrap_or_default())
            .map_err(|e| Error::input("'session.json' of the packet is damaged").because(e))?;
    let layout = ws.layout.session(&record.id);
    disk::create_dir_all(&ws.layout.locks())?;
    for (name, bytes) in &packet.members {
        let wanted =
            ["session.json", "intent.txt"].contains(&name.as_str()) || name.starts_with("spec/");
        let path = match name.as_str() {
            JOURNAL => layout.journal(),
            // Names are ours: the manifest has them, and tar knows no way upwards.
            name if wanted && !name.contains("..") => layout.dir.join(name),
            _ => continue,
        };
        disk::replace(&path, bytes)?;
    }
    let mut session = Session::open(&ws, record.id.as_str())?;
    // A folder of the machine that it ran on.
    session.config.worktree_dir = None;
    Ok(Borrowed { ws, session, made, _dir: dir })
}
