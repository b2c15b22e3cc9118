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

/// The variables of those that are there.
pub fn homes(dir: &Path) -> BTreeMap<OsString, OsString> {
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
