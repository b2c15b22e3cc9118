//! An open project and an open session.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use serde::Deserialize;

use super::config::{self, Config, Containment, Role, Settings, Who};
use super::event::SessionCreated;
use super::journal::{Anchor, Entry, Journal, Record};
use super::layout::{Layout, SessionLayout, refs};
use super::record::{SessionRecord, refuse_newer};
use super::state::State;
use crate::base::clock::Clock;
use crate::base::{Error, Result, SessionId, Sha256};
use crate::disk::lock::Refs;
use crate::disk::{self, Held};
use crate::git::{Expect, Oid, Pool, Project, RefUpdate, Repo};

/// A project with its logs.
#[derive(Debug)]
pub struct Workspace {
    pub repo: Repo,
    pub layout: Layout,
    pub clock: Clock,
    /// The name of the program that acts, for the journal.
    pub actor: String,
}

impl Workspace {
    /// The project around `cwd`. Writes nothing.
    pub fn open(cwd: &Path, actor: &str) -> Result<Self> {
        let project = Project::discover(cwd)?;
        let repo = Repo::open(&project)?;
        let early = config::early(&repo)?;
        if early.overrides {
            crate::process::allow_overrides(project.root.join("otto/bin"));
        }
        let logs = early.state_dir.unwrap_or_else(|| project.root.join("otto_logs"));
        Ok(Self {
            repo,
            layout: Layout { logs },
            clock: Clock::from_env(),
            actor: actor.to_owned(),
        })
    }

    pub fn root(&self) -> &Path {
        &self.repo.project.root
    }

    /// Makes `otto_logs/` before the first write: format, exclusion, a file system that can lock.
    pub fn prepare_logs(&self) -> Result<()> {
        let logs = &self.layout.logs;
        disk::create_dir_all(logs)?;
        disk::refuse_remote(logs)?;
        self.check_format()?;
        if !self.layout.format().exists() {
            disk::sweep(logs)?;
            disk::replace(&self.layout.format(), b"{\"v\":1}\n")?;
        }
        self.exclude_logs()
    }

    /// Refuses (65) logs of a newer version, which this program might misread.
    fn check_format(&self) -> Result<()> {
        let path = self.layout.format();
        match disk::read_if_there(&path)? {
            None => Ok(()),
            Some(bytes) => {
                refuse_newer(&bytes, FORMAT, &path)?;
                match serde_json::from_slice(&bytes) {
                    Ok(Format { v: FORMAT }) => Ok(()),
                    _ => Err(Error::input(format!("'{}' is damaged", path.display()))
                        .hint("it should be one line: {\"v\":1}")),
                }
            }
        }
    }

    /// What git knows of the session's journal; `None` also where that cannot be read, which is
    /// for `otto verify` to say.
    fn anchor(&self, id: &SessionId) -> Option<Anchor> {
        let blob = self.repo.read_ref(&refs::head(id)).ok()??;
        let anchor: Anchor = serde_json::from_slice(&self.repo.blob(blob).ok()?).ok()?;
        Some(anchor).filter(|a| a.session == id.as_str())
    }

    /// `.git/info/exclude` keeps `otto_logs/` out of the user's `git status` and commits.
    fn exclude_logs(&self) -> Result<()> {
        let Ok(inside) = self.layout.logs.strip_prefix(self.root()) else { return Ok(()) };
        if self.repo.project.bare {
            return Ok(());
        }
        let line = format!("/{}/", inside.display());
        let path = self.repo.project.common_dir.join("info/exclude");
        let mut text =
            String::from_utf8_lossy(&disk::read_if_there(&path)?.unwrap_or_default()).into_owned();
        if text.lines().any(|l| l.trim() == line) {
            return Ok(());
        }
        // Whoever was stopped here did not get to write the line.
        disk::sweep(&self.repo.project.common_dir.join("info"))?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
        text.push('\n');
        disk::replace(&path, text.as_bytes())
    }

    /// Names the newest session.
    pub fn set_latest(&self, id: &SessionId) -> Result<()> {
        disk::replace(&self.layout.latest(), format!("{id}\n").as_bytes())
    }

    pub fn refs_lock(&self) -> Result<Held<Refs>> {
        disk::lock::hold(&self.layout.refs_lock())
    }

    /// Moves one ref of ours; `Ok(Err(found))` when it was not where it was expected.
    pub fn move_ref(
        &self,
        name: &str,
        expect: Expect,
        new: Option<Oid>,
        message: &str,
    ) -> Result<std::result::Result<(), Option<Oid>>> {
        let held = self.refs_lock()?;
        let update = RefUpdate { name: name.into(), expect, new, message: message.into() };
        Ok(self.repo.update_refs(&held, &[update])?.map_err(|moved| moved.found))
    }

    /// Once after each start of the machine: mends what a power cut may have left of the repository.
    pub fn look_after_boot(&self) -> Result<()> {
        let boot = crate::process::boot_id().unwrap_or_default();
        let path = self.layout.boot();
        if disk::read_if_there(&path)?.as_deref() == Some(boot.as_bytes()) {
            return Ok(());
        }
        let held = self.refs_lock()?;
        self.repo.clear_after_power_cut(&held)?;
        disk::replace_derived(&path, boot.as_bytes())
    }

    /// Reads one ref of ours. One that cannot be read (a power cut leaves empty files: git does not
    /// sync refs by default) is cleared away and counts as missing; the journal knows what it was.
    pub fn read_own_ref(&self, name: &str) -> Result<Option<Oid>> {
        match self.repo.read_ref(name) {
            Ok(found) => Ok(found),
            Err(e) => {
                let held = self.refs_lock()?;
                match self.repo.clear_broken_ref(&held, name)? {
                    true => self.repo.read_ref(name),
                    false => Err(e),
                }
            }
        }
    }

    /// Where an agent keeps its configuration and conversations: outside every worktree, the same
    /// for all turns of this provider, role and group.
    pub fn agent_dir(
        &self,
        id: &SessionId,
        provider: &str,
        role: Role,
        group: Option<&str>,
    ) -> Result<PathBuf> {
        let name = match group {
            Some(group) => format!("{}.{group}", role.word()),
            None => role.word().to_owned(),
        };
        let agents = own_cache()?.join(self.repo.project.hash()).join("agents");
        Ok(agents.join(id.as_str()).join(provider).join(name))
    }

    /// The pool of disposable worktrees of this project.
    pub fn pool(&self, config: &Config) -> Result<Pool> {
        let dir = match &config.worktree_dir {
            Some(dir) => self.root().join(dir),
            None => own_cache()?.join(self.repo.project.hash()).join("worktrees"),
        };
        Pool::open(&self.repo, &dir, &self.layout.locks(), &config.git_filters)
    }
}

/// Where Otto keeps worktrees, agents' conversations and what was prepared, of every project.
pub fn own_cache() -> Result<PathBuf> {
    Ok(cache_dir()?.join("otto"))
}

/// `$XDG_CACHE_HOME`, else `~/.cache` (XDG Base Directory Specification).
pub fn cache_dir() -> Result<PathBuf> {
    let absolute = |v: std::ffi::OsString| Some(PathBuf::from(v)).filter(|p| p.is_absolute());
    std::env::var_os("XDG_CACHE_HOME")
        .and_then(absolute)
        .or_else(|| std::env::var_os("HOME").and_then(absolute).map(|h| h.join(".cache")))
        .ok_or_else(|| {
            Error::machine("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")
                .hint("set HOME, or `worktree_dir:` in otto.yaml")
        })
}

/// What the session was started with, and what was changed when it was resumed.
fn settings_now(record: &SessionRecord, journal: &Journal) -> Result<Settings> {
    let mut settings = record.settings.clone();
    for (key, text) in journal.resumed_with() {
        let value = serde_json::from_str(text).map_err(|e| {
            Error::input(format!("the journal resumes with a '{key}' that is no JSON")).because(e)
        })?;
        settings.set(key, Some(value), "run.resumed").map_err(|e| Error::input(e.what))?;
    }
    Ok(settings)
}

/// Version of the layout of `otto_logs/`.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    v: u32,
}

/// One session, open for reading and appending.
#[derive(Debug)]
pub struct Session {
    pub id: SessionId,
    pub layout: SessionLayout,
    pub record: SessionRecord,
    pub config: Config,
    journal: Mutex<Journal>,
}

impl Session {
    /// How something is contained in this session.
    pub fn containment(&self, who: Who) -> Result<Containment> {
        let mut kept = self.config.containment(self.record.tier, who)?;
        kept.hide.extend(self.layout.dir.ancestors().nth(2).map(Path::to_owned));
        kept.hide.push(own_cache()?);
        Ok(kept)
    }

    /// Fails (78) on a machine that cannot keep what this session was started with.
    pub fn require_sandbox(&self) -> Result<()> {
        self.config.require_sandbox(self.record.tier)
    }

    /// Creates a session folder, whole or not at all, with what the session starts from and its first
    /// event. `given` is the text of a spec file.
    pub fn create(
        ws: &Workspace,
        record: SessionRecord,
        intent: &str,
        given: Option<&str>,
    ) -> Result<Self> {
        ws.prepare_logs()?;
        let layout = ws.layout.session(&record.id);
        let bytes = serde_json::to_vec_pretty(&record)
            .map_err(|e| Error::bug("a session record cannot be written").because(e))?;
        disk::sweep(&ws.layout.sessions())?;
        let folder = disk::NewFolder::beside(&layout.dir)?;
        let staged = SessionLayout { dir: folder.path().to_owned() };
        disk::replace(&staged.intent(), intent.as_bytes())?;
        if let Some(given) = given {
            disk::replace(&staged.spec_given(), given.as_bytes())?;
        }
        disk::replace(&staged.record(), &bytes)?;
        let created = SessionCreated {
            intent_sha256: record.intent_sha256,
            base: record.base,
            target: record.target.clone(),
            record_sha256: Sha256::of(&bytes),
        };
        Journal::open(&staged.journal(), &ws.actor)?
            .append_with(&ws.clock, |_| Ok(vec![Entry::new(created)]))?;
        if !folder.name(&layout.dir)? {
            return Err(Error::bug(format!("the session {} exists already", record.id)));
        }
        let journal = Journal::open(&layout.journal(), &ws.actor)?;
        let config = record.settings.config()?;
        let session =
            Self { id: record.id.clone(), layout, config, journal: Mutex::new(journal), record };
        ws.set_latest(&session.id)?;
        Ok(session)
    }

    /// Opens what a person named (an id, a unique prefix, `latest`).
    pub fn open(ws: &Workspace, wanted: &str) -> Result<Self> {
        ws.check_format()?;
        let id = super::find::resolve(&ws.layout, wanted)?;
        let layout = ws.layout.session(&id);
        let bytes = disk::read(&layout.record())?;
        let record = SessionRecord::read(&bytes, &layout.record())?;
        // The anchor first: what it names was in the journal before it was written.
        let anchor = ws.anchor(&id);
        let journal = Journal::open_anchored(&layout.journal(), &ws.actor, anchor.as_ref())?;
        let bound = journal.state().record_sha256;
        if record.id != id || bound.is_some_and(|hash| hash != Sha256::of(&bytes)) {
            return Err(Error::input(format!(
                "'{}' is damaged: it is not the file that the session was created with",
                layout.record().display()
            ))
            .hint("nothing was changed; restore the file from a backup"));
        }
        let config = settings_now(&record, &journal)?.config()?;
        if journal.position().seq == 0 {
            return Err(Error::input(format!(
                "'{}' is lost: it holds no event, and a session begins with one",
                layout.journal().display()
            ))
            .hint("nothing was changed; restore the file from a backup"));
        }
        let session = Self { id, layout, config, journal: Mutex::new(journal), record };
        session.intent()?;
        Ok(session)
    }

    /// Makes the whole journal durable.
    pub fn sync(&self) -> Result<()> {
        self.journal().sync()
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // A panic while the lock was held left the journal as it was: appends are all or nothing.
        self.journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The state now, other processes' events included.
    pub fn state(&self) -> Result<State> {
        let mut journal = self.journal();
        journal.refresh()?;
        Ok(journal.state().clone())
    }

    /// Looks at the state now without copying it.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T> {
        let mut journal = self.journal();
        journal.refresh()?;
        Ok(look(journal.state()))
    }

    pub fn append(&self, ws: &Workspace, entry: Entry) -> Result<Record> {
        let mut records = self.append_with(ws, |_| Ok(vec![entry]))?;
        records.pop().ok_or_else(|| Error::bug("an append wrote nothing"))
    }

    /// Appends what `decide` answers to the state that is current under the journal's lock.
    pub fn append_with(
        &self,
        ws: &Workspace,
        decide: impl FnOnce(&State) -> Result<Vec<Entry>>,
    ) -> Result<Vec<Record>> {
        self.journal().append_with(&ws.clock, decide)
    }

    pub fn position(&self) -> super::journal::Position {
        self.journal().position()
    }

    pub fn intent(&self) -> Result<String> {
        let intent = disk::read_text(&self.layout.intent())?;
        if Sha256::of(intent.as_bytes()) != self.record.intent_sha256 {
            return Err(Error::input(format!(
                "'{}' is not the intent that this session was created with",
                self.layout.intent().display()
            )));
        }
        Ok(intent)
    }

    /// The text of the file that the spec comes from; `None` where an agent compiles it.
    pub fn given_spec(&self) -> Result<Option<String>> {
        let Some(sha256) = self.record.given_sha256 else { return Ok(None) };
        let text = disk::read_text(&self.layout.spec_given())?;
        if Sha256::of(text.as_bytes()) != sha256 {
            return Err(Error::input(format!(
                "'{}' is not the file that this session was created with",
                self.layout.spec_given().display()
            )));
        }
        Ok(Some(text))
    }

    pub fn integ_ref(&self) -> String {
        refs::integ(&self.id)
    }
}
