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
    let mut manager = None;
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
        manager = json["packageManager"].as_str().map(str::to_owned);
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
            let own = has("requirements.txt") && read("requirements.txt")?.contains("pytest");
            let python = if own { ".venv/bin/python" } else { "python3" };
            found.test_command.get_or_insert_with(|| argv(&[python, "-m", "pytest", "-q"]));
        }
        if python {
            found.project_kind.get_or_insert(ProjectKind::Library);
        }
    }
    if has("go.mod") {
        found.languages.push("Go");
        found.test_command.get_or_insert_with(|| argv(&["go", "test", "./..."]));
        let kind = if has("main.go") { ProjectKind::Cli } else { ProjectKind::Library };
        found.project_kind.get_or_insert(kind);
    }
    if has("Makefile") && read("Makefile")?.lines().any(|l| l.starts_with("test:")) {
        found.test_command.get_or_insert_with(|| argv(&["make", "test"]));
    }
    found.prepare = steps(&has, manager.as_deref());
    Ok(found)
}

/// What a fresh worktree needs, by the lock files at the root: one step for each language.
/// `manager` is what `package.json` names, such as `pnpm@9.1.0`.
fn steps(has: &dyn Fn(&str) -> bool, manager: Option<&str>) -> Vec<Prepare> {
    let mut steps = Vec::new();
    if has("Cargo.lock") {
        steps.push(prepare(&["cargo", "fetch", "--locked"], &["Cargo.lock"], &[]));
    }
    if has("package.json") {
        let yarn: &[&str] = match has(".yarnrc.yml") {
            true => &["yarn", "install", "--immutable"],
            false => &["yarn", "install", "--frozen-lockfile"],
        };
        let known: [(&str, &[&str], &[&str]); 3] = [
            ("package-lock.json", &["npm", "ci"], &["node_modules"]),
            ("pnpm-lock.yaml", &["pnpm", "install", "--frozen-lockfile"], &["**/node_modules"]),
            ("yarn.lock", yarn, &["node_modules"]),
        ];
        let there = || known.iter().filter(|(lock, ..)| has(lock));
        let named =
            |words: &[&str]| manager.is_some_and(|m| m.split('@').next() == words.first().copied());
        let chosen = there().find(|(_, words, _)| named(words)).or_else(|| there().next());
        if let Some((lock, words, outputs)) = chosen {
            steps.push(prepare(words, &[lock], outputs));
        }
    }
    if has("uv.lock") {
        steps.push(prepare(&["uv", "sync", "--frozen"], &["uv.lock"], &[".venv"]));
    } else if has("requirements.txt") {
        let line =
            "python3 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt";
        steps.push(prepare(&["sh", "-c", line], &["requirements.txt"], &[".venv"]));
    }
    if has("go.sum") {
        steps.push(prepare(&["go", "mod", "download"], &["go.sum"], &[]));
    }
    steps
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_file_has_its_step() {
        let of = |files: &[&str], manager: Option<&str>| -> Vec<String> {
            steps(&|name| files.contains(&name), manager).iter().map(|s| s.argv.join(" ")).collect()
        };
        for (files, manager, wanted) in [
            (&["Cargo.lock"][..], None, &["cargo fetch --locked"][..]),
            (&["package.json", "package-lock.json"], None, &["npm ci"]),
            (&["package.json", "pnpm-lock.yaml"], None, &["pnpm install --frozen-lockfile"]),
            (&["package.json", "yarn.lock"], None, &["yarn install --frozen-lockfile"]),
            (&["package.json", "yarn.lock", ".yarnrc.yml"], None, &["yarn install --immutable"]),
            (
                &["package.json", "package-lock.json", "pnpm-lock.yaml"],
                Some("pnpm@9.1.0"),
                &["pnpm install --frozen-lockfile"],
            ),
            (&["package.json", "yarn.lock"], Some("npm@10"), &["yarn install --frozen-lockfile"]),
            (&["package.json"], None, &[]),
            (&["uv.lock", "requirements.txt"], None, &["uv sync --frozen"]),
            (&["go.sum"], None, &["go mod download"]),
            (
                &["requirements.txt"],
                None,
                &[
                    "sh -c python3 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt",
                ],
            ),
        ] {
            assert_eq!(of(files, manager), wanted, "{files:?}");
        }
    }
}
