//! Finding and opening the repository, from any linked worktree or subfolder.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::Context;
use crate::base::{Error, Result, Sha256};

/// A SHA-1 object id, as 40 hex digits wherever it is written down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(pub(super) gix::ObjectId);

impl Oid {
    /// All zeros: no object.
    pub const NULL: Oid = Oid(gix::ObjectId::null(gix::hash::Kind::Sha1));

    /// Of a file's content.
    pub fn of_blob(bytes: &[u8]) -> Self {
        let (sha1, blob) = (gix::hash::Kind::Sha1, gix::objs::Kind::Blob);
        let id = gix::objs::compute_hash(sha1, blob, bytes);
        Self(id.expect("because nobody made these bytes to collide with what git hashes"))
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..10].to_owned()
    }
}
impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
impl FromStr for Oid {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        gix::ObjectId::from_hex(s.as_bytes())
            .map(Oid)
            .map_err(|_| Error::input(format!("'{s}' is not an object id (40 hex digits)")))
    }
}
impl Serialize for Oid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        crate::base::text::parsed(from)
    }
}

/// A repository is what its folder says: `GIT_DIR`, `GIT_WORK_TREE` and their kin, which git sets
/// for its hooks, would have us work on another one than the git that we call.
fn options() -> gix::open::Options {
    let mut permissions = gix::open::Permissions::default();
    permissions.env.git_prefix = gix::sec::Permission::Deny;
    permissions.env.objects = gix::sec::Permission::Deny;
    gix::open::Options::default().permissions(permissions)
}

/// Where the project is.
#[derive(Debug, Clone)]
pub struct Project {
    /// Root of the main worktree; the git dir of a bare repository.
    pub root: PathBuf,
    /// The git dir that all linked worktrees share.
    pub common_dir: PathBuf,
    /// The git dir of the worktree that the command was called in: its HEAD is what a person means.
    pub git_dir: PathBuf,
    pub bare: bool,
}

impl Project {
    /// The project that `from` lies in. Fails (78) with a hint outside of a repository.
    pub fn discover(from: &Path) -> Result<Self> {
        super::cli::require_git_on_path()?;
        let found = gix::discover_opts(from, Default::default(), options()).map_err(|e| {
            tracing::debug!("{e}");
            Error::machine(format!("'{}' is not in a git repository", from.display()))
                .hint("go to one, or make one: otto init --git")
        })?;
        let common_dir = found
            .common_dir()
            .canonicalize()
            .map_err(|e| Error::file("resolve", found.common_dir(), e))?;
        let main = gix::open_opts(&common_dir, options())
            .or_machine(|| format!("cannot open the repository '{}'", common_dir.display()))?;
        let bare = main.workdir().is_none();
        let root = match main.workdir() {
            Some(dir) => dir.canonicalize().map_err(|e| Error::file("resolve", dir, e))?,
            None => common_dir.clone(),
        };
        let git_dir = found
            .git_dir()
            .canonicalize()
            .map_err(|e| Error::file("resolve", found.git_dir(), e))?;
        Ok(Self { root, common_dir, git_dir, bare })
    }

    /// Names the project in the cache; the same for all its worktrees.
    pub fn hash(&self) -> String {
        Sha256::of(self.common_dir.as_os_str().as_encoded_bytes()).short()
    }

    /// The folder's name, for people.
    pub fn name(&self) -> String {
        let dir = if self.bare { &self.common_dir } else { &self.root };
        dir.file_name().map_or_else(|| "project".into(), |n| n.to_string_lossy().into_owned())
    }
}

/// An open repository; cheap to share between threads.
#[derive(Clone)]
pub struct Repo {
    pub project: Project,
    shared: gix::ThreadSafeRepository,
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repo").field("project", &self.project).finish_non_exhaustive()
    }
}

impl Repo {
    pub fn open(project: &Project) -> Result<Self> {
        let repo = gix::open_opts(&project.git_dir, options())
            .or_machine(|| format!("cannot open '{}'", project.common_dir.display()))?;
        let storage = repo.config_snapshot().string("extensions.refStorage");
        if storage.is_some_and(|s| s == "reftable") {
            return Err(Error::machine("this repository keeps its refs as a reftable")
                .hint("convert it: git refs migrate --ref-format=files"));
        }
        Ok(Self { project: project.clone(), shared: repo.into_sync() })
    }

    /// The same repository with an object cache, for one thread.
    pub(super) fn local(&self) -> gix::Repository {
        let mut repo = self.shared.to_thread_local();
        repo.object_cache_size(Some(64 << 20));
        repo
    }

    /// The branch that HEAD names, as a full ref name; `None` when it is detached.
    pub fn head_branch(&self) -> Result<Option<String>> {
        let repo = self.local();
        let name = repo.head_name().or_machine(|| "cannot read HEAD".into())?;
        Ok(name.map(|n| n.as_bstr().to_string()))
    }

    /// Resolves a revision that a person wrote (`main`, `HEAD~2`, an abbreviated id) to a commit.
    pub fn resolve_commit(&self, rev: &str) -> Result<Oid> {
        let repo = self.local();
        let id = repo
            .rev_parse_single(rev)
            .map_err(|e| Error::usage(format!("'{rev}' names no commit")).because(e.to_string()))?;
        let commit = id
            .object()
            .and_then(|o| o.peel_to_commit())
            .map_err(|e| Error::usage(format!("'{rev}' is not a commit")).because(e.to_string()))?;
        Ok(Oid(commit.id))
    }

    /// A value of the repository's configuration.
    pub fn config(&self, key: &str) -> Option<String> {
        self.local().config_snapshot().string(key).map(|v| v.to_string())
    }
}
