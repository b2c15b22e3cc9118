//! The programs as they are installed: one folder, one hard link for every name.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const OTTO: &str = env!("CARGO_BIN_EXE_otto");

/// `otto-audit`, `otto-build-group`, …
pub fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let output = Command::new(OTTO).args(["pages", "--names"]).output().expect("otto starts");
        let text = String::from_utf8(output.stdout).expect("names are text");
        text.lines().map(str::to_owned).collect()
    })
}

/// The folder with all of them.
pub fn bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bin");
        std::fs::create_dir_all(&dir).expect("a folder for the programs");
        for name in names().iter().map(String::as_str).chain(["otto"]) {
            link(&dir.join(name));
        }
        dir
    })
}

/// By rename, so that another test run in the same target folder never sees a gap.
fn link(to: &Path) {
    let same = |a: &Path, b: &Path| match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    };
    if same(to, Path::new(OTTO)) {
        return;
    }
    let own = to.with_extension(std::process::id().to_string());
    drop(std::fs::remove_file(&own));
    std::fs::hard_link(OTTO, &own).expect("a hard link");
    std::fs::rename(&own, to).expect("put in place");
}
