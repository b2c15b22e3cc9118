//! What lies beside the files that define a measurement. A run may leave results and caches there,
//! and nothing that the next run would take for a module: an import looks beside its script first.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::base::Result;
use crate::disk;

/// Names in each of the folders, before the first run.
pub(super) struct Beside {
    root: PathBuf,
    names: BTreeMap<PathBuf, BTreeSet<OsString>>,
}

impl Beside {
    /// Beside these files of a tree.
    pub(super) fn of<'a>(root: &Path, files: impl IntoIterator<Item = &'a str>) -> Self {
        let folders = files.into_iter().filter_map(|file| Path::new(file).parent());
        let names = folders.map(|dir| (dir.to_owned(), names(&root.join(dir)))).collect();
        Self { root: root.to_owned(), names }
    }

    /// Takes away what is new and could be imported: modules, and folders that hold some. What the
    /// product keeps, and what was built, stays. The files that define the check are as they were, so the
    /// way to them leads through no link.
    pub(super) fn clear(&self) -> Result<()> {
        for (folder, before) in &self.names {
            for name in names(&self.root.join(folder)).difference(before) {
                let path = self.root.join(folder).join(name);
                match path.symlink_metadata().is_ok_and(|m| m.is_dir()) {
                    true if is_package(&path) => disk::remove_whole(&path)?,
                    false if is_module(name) => disk::remove_file(&path)?,
                    true | false => {}
                }
            }
        }
        Ok(())
    }
}

/// Ends of files that an interpreter imports by their name alone.
const MODULES: [&str; 14] =
    ["py", "pyc", "pyd", "pth", "so", "js", "mjs", "cjs", "node", "ts", "rb", "pm", "php", "lua"];

fn is_module(name: &OsStr) -> bool {
    let end = Path::new(name).extension().map(|end| end.to_string_lossy().to_lowercase());
    end.is_some_and(|end| MODULES.contains(&end.as_str()))
}

fn is_package(dir: &Path) -> bool {
    let name = dir.file_name().unwrap_or_default();
    let is_its_start =
        |name: &OsString| name.to_string_lossy().starts_with("__init__.") || name == "package.json";
    name == "__pycache__" || name == "node_modules" || names(dir).iter().any(is_its_start)
}

fn names(dir: &Path) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_imported_goes_and_what_was_built_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let write = |name: &str| disk::replace(&at(name), b"x").expect("written");
        write("bench/lookup.py");
        write("bench/node_modules/dep/index.js");
        let beside = Beside::of(dir.path(), ["bench/lookup.py"]);
        for new in [
            "bench/json.py",
            "bench/time/__init__.py",
            "bench/__pycache__/a.pyc",
            "bench/out/a.o",
            "other/json.py",
        ] {
            write(new);
        }
        write("bench/state");
        std::os::unix::fs::symlink("../other/json.py", at("bench/re.py")).expect("a link");
        beside.clear().expect("cleared");
        for gone in ["bench/json.py", "bench/time", "bench/__pycache__", "bench/re.py"] {
            assert!(at(gone).symlink_metadata().is_err(), "{gone}");
        }
        for there in [
            "bench/lookup.py",
            "bench/node_modules/dep/index.js",
            "bench/out/a.o",
            "bench/state",
            "other/json.py",
        ] {
            assert!(at(there).is_file(), "{there}");
        }
    }
}
