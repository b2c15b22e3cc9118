//! A repository of its own that borrows another's objects (gitrepository-layout(5), `alternates`):
//! whatever is written there is not written into the other.

use std::path::Path;

use super::{Git, Project, Repo};
use crate::base::{Error, Result};
use crate::disk;

impl Repo {
    /// A new bare repository at `dir`, which must not be there yet.
    pub fn borrowed(&self, dir: &Path) -> Result<Repo> {
        disk::create_dir_all(dir)?;
        let dir = dir.canonicalize().map_err(|e| Error::file("resolve", dir, e))?;
        Git::new(&dir).run(&["init", "--quiet", "--bare"])?;
        let objects = self.project.common_dir.join("objects");
        let mut line = objects.into_os_string().into_encoded_bytes();
        line.push(b'\n');
        disk::replace(&dir.join("objects/info/alternates"), &line)?;
        Repo::open(&Project {
            root: dir.clone(),
            common_dir: dir.clone(),
            git_dir: dir,
            bare: true,
        })
    }
}
