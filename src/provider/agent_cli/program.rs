//! Where the agent's program is: `settings.program`, else its name on `PATH`. What npm installs may
//! be a small script that starts the program; the program itself is called where it can be found,
//! so that a signal reaches it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Vendor;
use crate::process::on_path;
use crate::provider::io::Failure;

/// The program to call. `workdir` is what a relative `settings.program` is relative to.
pub(in crate::provider) fn find<V: Vendor>(
    setting: Option<&str>,
    workdir: &Path,
) -> Result<PathBuf, Failure> {
    let name = setting.unwrap_or(V::NAME);
    let Some(found) = named(name, workdir) else {
        return Err(Failure::missing_tool(format!(
            "the program '{name}' was not found; install it, or write its path in providers.{}.program",
            V::NAME
        )));
    };
    let real = found.canonicalize().unwrap_or(found);
    if is_script(&real)
        && let Some(native) = V::native(&real).filter(|p| p.is_file())
    {
        return Ok(native);
    }
    Ok(real)
}

fn named(name: &str, workdir: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        Some(workdir.join(name)).filter(|p| p.is_file())
    } else {
        on_path(name)
    }
}

/// What has to be readable for [`find`] to come to the same program in a sandbox: the name that it
/// is found by, which may be a link, and the file that this stands for, with its package.
pub(in crate::provider) fn trail<V: Vendor>(setting: Option<&str>, workdir: &Path) -> Vec<PathBuf> {
    let Some(found) = named(setting.unwrap_or(V::NAME), workdir) else { return Vec::new() };
    let real = found.canonicalize().unwrap_or_else(|_| found.clone());
    let package = package_of(&real).unwrap_or(real);
    vec![found, package]
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}

/// The npm package that a file belongs to: its folder below the innermost `node_modules`.
pub(in crate::provider) fn package_of(file: &Path) -> Option<PathBuf> {
    let mut inner: Option<&Path> = None;
    for dir in file.ancestors().skip(1) {
        if dir.file_name().is_some_and(|name| name == "node_modules") {
            return inner.map(Path::to_owned);
        }
        let scope = dir.file_name().is_some_and(|n| n.to_string_lossy().starts_with('@'));
        if !scope {
            inner = Some(dir);
        }
    }
    None
}

/// A file of another package that was installed with the one of `wrapper`: beside it, or inside of
/// it. `package` is a part of that package's name without its scope.
pub(in crate::provider) fn beside_package(
    wrapper: &Path,
    package: &str,
    file: impl Fn(&Path) -> Option<PathBuf>,
) -> Option<PathBuf> {
    let own = package_of(wrapper)?;
    let scope = own.parent()?;
    let nested = own.join("node_modules").join(scope.file_name()?);
    let folders = [scope.to_owned(), nested];
    let packages = folders.iter().flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten());
    let mut found: Vec<PathBuf> = packages
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(package)))
        .filter_map(|path| file(&path))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_a_file_is_the_innermost() {
        for (file, package) in [
            ("/n/node_modules/@openai/codex/bin/codex.js", Some("/n/node_modules/@openai/codex")),
            ("/n/node_modules/a/node_modules/b/x/y.js", Some("/n/node_modules/a/node_modules/b")),
            ("/usr/bin/codex", None),
        ] {
            assert_eq!(package_of(Path::new(file)), package.map(PathBuf::from), "{file}");
        }
    }
}
