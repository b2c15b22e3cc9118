//! What a project already says about itself: kind, tests, what a fresh worktree needs.

use serde::Serialize;

use crate::base::Result;
use crate::git::{Oid, Repo};
use crate::spec::{Prepare, ProjectKind};

/// What was found in the files of a commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Detected {
    /// Manifests at the root, by name.
    pub manifests: Vec<String>,
    pub languages: Vec<&'static str>,
    pub test_command: Option<Vec<String>>,
    pub prepare: Vec<Prepare>,
    pub project_kind: Option<ProjectKind>,
    pub files: usize,
    /// Folders at the root and files at the root, as a reader would list them.
    pub layout: Vec<String>,
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn prepare(words: &[&str], inputs: &[&str], outputs: &[&str]) -> Prepare {
    Prepare { argv: argv(words), inputs: argv(inputs), outputs: argv(outputs), network: true }
}

/// Looks at the tree of a commit.
pub fn detect(repo: &Repo, commit: Oid) -> Result<Detected> {
    let files = repo.files_of(commit)?;
    let read = |path: &str| -> Result<String> {
        let bytes = repo.file_at(commit, path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let has = |path: &str| files.binary_search_by(|f| f.as_str().cmp(path)).is_ok();
    let mut found = Detected { files: files.len(), layout: layout(&files), ..Detected::default() };

    for manifest in [
        "Cargo.toml",
        "package.json",
        "pyproject.toml",
        "setup.py",
        "go.mod",
        "Makefile",
        "pom.xml",
    ] {
        if has(manifest) {
            found.manifests.push(manifest.to_owned());
        }
    }
    if has("Cargo.toml") {
        found.languages.push("Rust");
        found.test_command = Some(argv(&["cargo", "test"]));
        if has("Cargo.lock") {
            found.prepare.push(prepare(&["cargo", "fetch", "--locked"], &["Cargo.lock"], &[]));
        }
        let is_program = has("src/main.rs") || files.iter().any(|f| f.starts_with("src/bin/"));
        found.project_kind = Some(if is_program { ProjectKind::Cli } else { ProjectKind::Library });
    }
    if has("package.json") {
        found.languages.push("JavaScript");
        let text = read("package.json")?;
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let script = json.pointer("/scripts/test").and_then(serde_json::Value::as_str);
        if script.is_some_and(|s| !s.contains("no test specified")) {
            found.test_command.get_or_insert_with(|| argv(&["npm", "test"]));
        }
        if has("package-lock.json") {
            found.prepare.push(prepare(&["npm", "ci"], &["package-lock.json"], &["node_modules"]));
        }
        let depends = |name: &str| {
            ["dependencies", "devDependencies"].iter().any(|k| json[*k].get(name).is_some())
        };
        let kind = if ["react", "vue", "svelte", "next", "vite"].iter().any(|n| depends(n)) {
            ProjectKind::Webapp
        } else if ["express", "fastify", "koa"].iter().any(|n| depends(n)) {
            ProjectKind::Api
        } else {
            ProjectKind::Library
        };
        found.project_kind.get_or_insert(kind);
    }
    let python = has("pyproject.toml") || has("setup.py") || has("setup.cfg");
    if python || files.iter().any(|f| f.ends_with(".py")) {
        found.languages.push("Python");
        let tests = files.iter().any(|f| {
            let name = f.rsplit('/').next().unwrap_or(f);
            (name.starts_with("test_") || name.ends_with("_test.py")) && name.ends_with(".py")
        });
        if tests {
            found.test_command.get_or_insert_with(|| argv(&["python3", "-m", "pytest", "-q"]));
        }
        if has("uv.lock") {
            found.prepare.push(prepare(&["uv", "sync", "--frozen"], &["uv.lock"], &[".venv"]));
        }
        if python {
            found.project_kind.get_or_insert(ProjectKind::Library);
        }
    }
    if has("go.mod") {
        found.languages.push("Go");
        found.test_command.get_or_insert_with(|| argv(&["go", "test", "./..."]));
        if has("go.sum") {
            found.prepare.push(prepare(&["go", "mod", "download"], &["go.sum"], &[]));
        }
        let kind = if has("main.go") { ProjectKind::Cli } else { ProjectKind::Library };
        found.project_kind.get_or_insert(kind);
    }
    if has("Makefile") && read("Makefile")?.lines().any(|l| l.starts_with("test:")) {
        found.test_command.get_or_insert_with(|| argv(&["make", "test"]));
    }
    Ok(found)
}

/// The root's entries, folders with the number of files below, at most forty.
fn layout(files: &[String]) -> Vec<String> {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for file in files {
        let name = match file.split_once('/') {
            Some((dir, _)) => format!("{dir}/"),
            None => file.clone(),
        };
        match rows.iter_mut().find(|(n, _)| *n == name) {
            Some((_, n)) => *n += 1,
            None => rows.push((name, 1)),
        }
    }
    let shown = rows.iter().take(40).map(|(name, n)| {
        if name.ends_with('/') { format!("{name} ({n} files)") } else { name.clone() }
    });
    shown.collect()
}
