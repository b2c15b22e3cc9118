//! Whether a file in a worktree has the very bytes of its blob: nothing configured and no attribute
//! converts line ends, runs a filter, or expands a keyword. Only then are worktrees reset and staged
//! in this process; everything else is left to git, which knows all the rules.

use std::path::PathBuf;

use gix::index::entry::Mode;

use super::Repo;

/// Settings under which git writes something else than blobs, or reads something else than modes.
const BENT: [(&str, bool); 4] = [
    ("core.symlinks", false),
    ("core.fileMode", false),
    ("core.ignoreCase", true),
    ("core.precomposeUnicode", true),
];

/// Nothing outside of the tree converts.
pub(super) fn is_plain_repo(repo: &Repo) -> bool {
    let local = repo.local();
    let config = local.config_snapshot();
    let autocrlf = config.string("core.autocrlf").map(|v| v.to_string().to_ascii_lowercase());
    let converts = !matches!(autocrlf.as_deref(), None | Some("false" | "no" | "off" | "0" | ""));
    let bent = BENT.iter().any(|(key, when)| config.boolean(key).is_some_and(|v| v == *when));
    let sparse = ["core.sparseCheckout", "extensions.worktreeConfig"];
    let sparse = sparse.iter().any(|key| config.boolean(*key) == Some(true));
    let elsewhere = config.string("core.attributesFile").is_some();
    !(converts || bent || sparse || elsewhere) && attribute_files(repo).iter().all(|f| !f.exists())
}

/// Where git looks for attributes besides the tree (gitattributes(5)).
fn attribute_files(repo: &Repo) -> Vec<PathBuf> {
    let mut files =
        vec![repo.project.common_dir.join("info/attributes"), "/etc/gitattributes".into()];
    let var = |name: &str| std::env::var_os(name).map(PathBuf::from);
    files.extend(var("XDG_CONFIG_HOME").map(|d| d.join("git/attributes")));
    files.extend(var("HOME").map(|d| d.join(".config/git/attributes")));
    files
}

/// Nothing in the tree converts, and it holds only files and symlinks.
pub(super) fn is_plain_tree(index: &gix::index::State) -> bool {
    let backing = index.path_backing();
    index.entries().iter().all(|entry| {
        let path = entry.path_in(backing);
        let known = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE | Mode::SYMLINK);
        known && path != ".gitattributes" && !path.ends_with(b"/.gitattributes")
    })
}
