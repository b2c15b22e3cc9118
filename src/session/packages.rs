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

/// Removes the homes that nothing was put into: an empty one would hide what the person has fetched
/// for another tool.
pub fn drop_unused_homes(dir: &Path) -> Result<()> {
    for (_, below, settings) in package_homes() {
        let home = dir.join(below);
        if !home.is_dir() {
            continue;
        }
        let ours = |file: &PathBuf| settings.iter().any(|name| file == Path::new(name));
        if disk::files_below(&home)?.iter().all(ours) {
            disk::remove_dir_all(&home)?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_nothing_was_put_into_hides_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let homes: Vec<PathBuf> =
            package_homes().iter().map(|(_, below, _)| dir.path().join(below)).collect();
        let (first, others) = homes.split_first().expect("some");
        for home in &homes {
            std::fs::create_dir_all(home).expect("made");
        }
        for (_, below, settings) in package_homes() {
            for name in *settings {
                std::fs::write(dir.path().join(below).join(name), "settings").expect("written");
            }
        }
        std::fs::create_dir_all(first.join("registry")).expect("made");
        std::fs::write(first.join("registry/crate"), "fetched").expect("written");
        drop_unused_homes(dir.path()).expect("removed");
        assert!(first.is_dir());
        assert!(others.iter().all(|home| !home.is_dir()), "{others:?}");
        let mut packages = Packages::default();
        packages.add(dir.path().to_owned());
        assert_eq!(packages.env().len(), 1, "the person's own are found for the others");
    }
}
