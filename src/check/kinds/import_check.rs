//! `import_check`: a program of Otto's, in a folder of its own outside of the tree, uses the package.
//! So what is found is what the package declares, and not a file that lies beside the program.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::base::{Result, Sha256};
use crate::check::driver::{Call, Place, execute};
use crate::check::{Outcome, gate};
use crate::spec::Check;
use crate::spec::import_check::{ImportCheck, Language};

pub(in crate::check) fn run(
    check: &Check,
    import: &ImportCheck,
    place: &Place<'_>,
) -> Result<Outcome> {
    let mut argv = import.program();
    // A runner of the tree is started from outside of it.
    if argv[0].contains('/') && !argv[0].starts_with('/') {
        argv[0] = place.worktree.path.join(&argv[0]).to_string_lossy().into_owned();
    }
    let root = place.worktree.path.to_string_lossy().into_owned();
    match import.language {
        Language::Python | Language::Node => {
            let secret = secret(place);
            let word = format!("otto-import-{secret} ");
            let request = json!({
                "word": word, "nobody": format!("otto_{}", &secret[..16]), "root": root,
                "package": import.package, "path": import.path, "names": import.names,
                "version": import.version, "load": import.load,
            });
            let file = match import.language {
                Language::Python => {
                    // Isolated: no folder of the caller's, no variables; and no compiled bytes that
                    // lie in the tree.
                    argv.extend(["-I", "-X", "pycache_prefix=bytes"].map(str::to_owned));
                    argv.extend(["--check-hash-based-pycs", "always"].map(str::to_owned));
                    ("import.py", include_str!("import.py").to_owned())
                }
                _ => ("import.mjs", include_str!("import.mjs").to_owned()),
            };
            argv.push(file.0.to_owned());
            let call = Call {
                stdin: Some(format!("{request}\n").into_bytes()),
                outside: Some(vec![file]),
                ..Call::of(&argv)
            };
            let (run, of) = execute(check, call, place)?;
            Ok(gate::judge_import(&run, import, &word, of))
        }
        Language::Cargo => {
            argv.extend(["check", "--offline", "--target-dir", "target"].map(str::to_owned));
            let call = Call { outside: Some(crate_using(import, place)), ..Call::of(&argv) };
            let (run, of) = execute(check, call, place)?;
            Ok(gate::judge_compiled(&run, import, &root, of))
        }
        Language::Go => {
            argv.extend(["build", "-gcflags=-e", "-o", "asked", "."].map(str::to_owned));
            let env = [("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOWORK", "off")];
            let call = Call {
                outside: Some(module_using(import, place)),
                env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
                ..Call::of(&argv)
            };
            let (run, of) = execute(check, call, place)?;
            Ok(gate::judge_compiled(&run, import, &root, of))
        }
    }
}

/// A word that the package cannot know before it is imported.
fn secret(place: &Place<'_>) -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let parts = format!(
        "{:?} {} {} {:?}",
        std::time::SystemTime::now(),
        std::process::id(),
        CALLS.fetch_add(1, Ordering::Relaxed),
        place.worktree.path
    );
    Sha256::of(parts.as_bytes()).to_string()
}

type Files = Vec<(&'static str, String)>;

/// A file of the package's folder, or of the root, where a tool would look for it.
fn beside(import: &ImportCheck, place: &Place<'_>, name: &'static str) -> Option<String> {
    let folders = [import.path.as_deref().unwrap_or("."), "."];
    folders.into_iter().find_map(|folder| {
        let path = std::path::Path::new(folder).join(name);
        let bytes = crate::disk::read_beneath(&place.worktree.path, &path, 16 << 20).ok()?;
        String::from_utf8(bytes).ok()
    })
}

/// A crate that depends on the asked one and uses each name.
fn crate_using(import: &ImportCheck, place: &Place<'_>) -> Files {
    let path = place.worktree.path.join(import.path.as_deref().unwrap_or("."));
    let version = match &import.version {
        Some(version) => format!(", version = {}", json!(format!("={version}"))),
        None => String::new(),
    };
    let manifest = format!(
        "[package]\nname = \"otto-import-check\"\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n\n\
         [workspace]\n\n[lib]\npath = \"lib.rs\"\n\n\
         [dependencies]\nasked = {{ package = {}, path = {}{version} }}\n",
        json!(import.package),
        json!(path.to_string_lossy())
    );
    // Without this line a package that has no library is only warned about.
    let mut uses = "pub extern crate asked;\n".to_owned();
    for (i, name) in import.names.iter().enumerate() {
        uses.push_str(&format!("pub use asked::{name} as name_{i};\n"));
    }
    let mut files = vec![("Cargo.toml", manifest), ("lib.rs", uses)];
    for name in ["Cargo.lock", "rust-toolchain.toml", "rust-toolchain"] {
        files.extend(beside(import, place, name).map(|text| (name, text)));
    }
    files
}

/// A module that requires the asked one and uses each name.
fn module_using(import: &ImportCheck, place: &Place<'_>) -> Files {
    let path = place.worktree.path.join(import.path.as_deref().unwrap_or("."));
    let own = beside(import, place, "go.mod").unwrap_or_default();
    let value = |word: &str| {
        let found = own.lines().find_map(|l| l.trim().strip_prefix(word)).map(str::trim);
        found.map(|l| l.split("//").next().unwrap_or(l).trim().to_owned())
    };
    // Where there is no manifest, go says that it finds no module.
    let module = value("module ").unwrap_or_else(|| import.package.clone());
    let go = value("go ").map(|v| format!("go {v}\n")).unwrap_or_default();
    // What the package itself requires, at its own versions.
    let mut open = false;
    let requires = own.lines().filter(|l| {
        let word = l.trim();
        let inside = open;
        open = word.starts_with("require (") || open && word != ")";
        inside || word.starts_with("require ")
    });
    let requires: String = requires.map(|l| format!("{l}\n")).collect();
    let manifest = format!(
        "module otto.test/asked\n\n{go}\nrequire {module} v0.0.0\n\n{requires}\nreplace {module} v0.0.0 => {}\n",
        path.display()
    );
    let uses = match import.names.as_slice() {
        [] => format!("package main\n\nimport _ \"{}\"\n\nfunc main() {{}}\n", import.package),
        names => {
            let vars: String = names.iter().map(|n| format!("var _ = asked.{n}\n")).collect();
            format!(
                "package main\n\nimport asked \"{}\"\n\n{vars}\nfunc main() {{}}\n",
                import.package
            )
        }
    };
    let mut files = vec![("go.mod", manifest), ("main.go", uses)];
    files.extend(beside(import, place, "go.sum").map(|text| ("go.sum", text)));
    files
}
