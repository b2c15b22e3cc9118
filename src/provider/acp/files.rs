//! Paths that the agent names, and the files that it asks us to read and write: those of the
//! worktree and no other.

use std::path::{Component, Path, PathBuf};

use crate::disk::{self, Refused};

/// A larger file is not text that somebody wrote.
const MAX_FILE: u64 = 32 << 20;
/// As the kernel's own limit.
const MAX_LINKS: u32 = 40;

#[derive(Debug, Clone)]
pub(super) struct Files {
    /// As the request names it.
    root: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl Files {
    pub fn of(root: &Path) -> Self {
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Self { root: root.to_owned(), real }
    }

    /// The path relative to the worktree, by its words alone.
    pub fn relative(&self, path: &Path) -> Result<PathBuf, Refused> {
        let inside = if path.is_absolute() {
            path.strip_prefix(&self.root)
                .or_else(|_| path.strip_prefix(&self.real))
                .map_err(|_| Refused::Outside)?
        } else {
            path
        };
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if inside.components().all(plain) { Ok(inside.to_owned()) } else { Err(Refused::Outside) }
    }

    /// As a person would write it: relative where it is of the worktree.
    pub fn shown(&self, path: &Path) -> String {
        self.relative(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    }

    pub fn read(&self, path: &Path) -> Result<String, Refused> {
        let bytes = disk::read_beneath(&self.real, &self.relative(path)?, MAX_FILE)?;
        String::from_utf8(bytes).map_err(|_| Refused::Other("it is no UTF-8 text".into()))
    }

    /// Whether the file is new.
    pub fn write(&self, path: &Path, text: &str) -> Result<bool, Refused> {
        let relative = self.relative(path)?;
        if is_git(&relative) {
            return Err(Refused::Outside);
        }
        disk::write_beneath(&self.real, &relative, text.as_bytes())
    }

    /// Whether a path that a tool is about to touch stays in the worktree, with every link on it
    /// followed as far as it is there. A look, and no wall: the agent's own tools do the work.
    pub fn is_inside(&self, path: &Path) -> bool {
        self.leads_inside(path, 0)
    }

    fn leads_inside(&self, path: &Path, links: u32) -> bool {
        // Without a slash at its end, by which a link would be followed before it is seen.
        let whole: PathBuf = self.real.join(path).components().collect();
        let mut rest = PathBuf::new();
        let mut there: &Path = &whole;
        loop {
            // A link that leads nowhere yet is followed by whoever writes through it.
            if let Ok(target) = std::fs::read_link(there)
                && !there.exists()
            {
                let parent = there.parent().unwrap_or(Path::new("/"));
                return links < MAX_LINKS
                    && self.leads_inside(&parent.join(target).join(rest), links + 1);
            }
            if let Ok(found) = there.canonicalize() {
                let climbs = rest.components().any(|part| part == Component::ParentDir);
                let own = found.strip_prefix(&self.real).is_ok_and(|p| !is_git(&p.join(&rest)));
                return own && !climbs;
            }
            let (Some(parent), Some(name)) = (there.parent(), there.components().next_back())
            else {
                return false;
            };
            rest = if rest.as_os_str().is_empty() {
                Path::new(&name).to_owned()
            } else {
                Path::new(&name).join(&rest)
            };
            there = parent;
        }
    }
}

/// The worktree's link to its repository.
fn is_git(relative: &Path) -> bool {
    relative.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"))
}
