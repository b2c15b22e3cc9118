//! Homes of package managers that keep what they fetch outside of a project (Cargo's, Go's): folders
//! of Otto's in place of the person's, where whoever works in a sandbox may write.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::Result;
use crate::disk;
use crate::process::sandbox::{home_of, package_homes};

/// Variables of package managers, with their folders below `dir`.
fn homes_in(dir: &Path) -> impl Iterator<Item = (OsString, PathBuf)> {
    package_homes().iter().map(|(name, below, _)| (OsString::from(name), dir.join(below)))
}

/// What was fetched for a tree, outside of it: folders with homes in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages(Vec<PathBuf>);

impl Packages {
    /// Adds a folder, if it is there; its homes come before those of the earlier ones.
    pub fn add(&mut self, dir: PathBuf) {
        self.0.extend(Some(dir).filter(|dir| dir.is_dir()));
    }

    /// Where package managers find them.
    pub fn env(&self) -> BTreeMap<OsString, OsString> {
        self.0.iter().flat_map(|dir| homes(dir)).collect()
    }

    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.0.iter().cloned()
    }
}

/// The variables of those that are there.
fn homes(dir: &Path) -> BTreeMap<OsString, OsString> {
    homes_in(dir)
        .filter(|(_, home)| home.is_dir())
        .map(|(name, home)| (name, home.into()))
        .collect()
}

/// Makes them below `dir/name`, and returns their variables. `dir` may be in the hands of somebody
/// who is not trusted. The person's settings (registries, mirrors) count in them too.
pub fn make_homes(dir: &Path, name: &str) -> Result<BTreeMap<OsString, OsString>> {
    for (variable, below, settings) in package_homes() {
        let home = disk::place_real_dir(dir, &Path::new(name).join(below))?;
        let Some(theirs) = home_of(variable) else { continue };
        for file in *settings {
            let (theirs, ours) = (theirs.join(file), home.join(file));
            if theirs.is_file() && ours.symlink_metadata().is_err() {
                disk::place_symlink(&ours, &theirs)?;
            }
        }
    }
    Ok(homes(&dir.join(name)))
}
