//! A web product, an API, a command-line program and a library, each from an intent to a verdict
//! through `otto run`: real services, a real browser, at the strongest sandbox that works here. Each
//! is also built with one believable defect, and is then not passed, for the reason that the defect
//! deserves.

use std::path::{Path, PathBuf};

use otto::base::Sha256;
use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::Sandbox;

/// A product: its files lie in `tests/products/<name>`.
struct Product {
    name: &'static str,
    intent: &'static str,
    /// The group that is built with a defect.
    breaks: &'static str,
    /// What the defect is called.
    reason: &'static str,
    spec: fn() -> Value,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/products").join(name)
}

/// Files below a folder, relative to it, with their text.
fn files(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let below = files(&entry.path());
            found.extend(below.into_iter().map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            found.push((name, std::fs::read_to_string(entry.path()).expect("text")));
        }
    }
    found.sort();
    found
}

/// The part of an agent's script that writes the files of a folder.
fn writes(dir: &Path) -> String {
    let here = |(path, text): (String, String)| {
        format!("mkdir -p \"$(dirname '{path}')\"\ncat >'{path}' <<'END-OF-FILE'\n{text}END-OF-FILE\n")
    };
    files(dir).into_iter().map(here).collect()
}

impl Product {
    /// The project before anything was built, and an agent that compiles and builds.
    fn project(&self, broken: bool) -> Sandbox {
        let s = Sandbox::project();
        for (path, text) in files(&folder(self.name).join("base")) {
            s.write(&path, &text);
        }
        let tier = working();
        let config = s.read("otto.yaml").replace("tier: worktree", &format!("tier: {}", tier.last().expect("one works")));
        s.write("otto.yaml", &format!("{config}attempts: 1\npilot: false\n"));
        s.commit("the project");
        let mut spec = (self.spec)();
        spec["v"] = json!(1);
        spec["intent"] = json!(self.intent);
        spec["intent_sha256"] = json!(Sha256::of(self.intent.as_bytes()).to_string());
        let mut script = format!("case \"$OTTO_ROLE.${{OTTO_GROUP:-}}\" in\nspec.*)\ncat >\"$OTTO_OUTPUT\" <<'END-OF-FILE'\n{spec:#}\nEND-OF-FILE\n;;\n");
        for group in spec["groups"].as_array().expect("groups") {
            let id = group["id"].as_str().expect("an id");
            script += &format!("*.{id})\n{}", writes(&folder(self.name).join("work").join(id)));
            if broken && id == self.breaks {
                script += &writes(&folder(self.name).join("broken").join(id));
            }
            script += ";;\n";
        }
        s.agent(&(script + "esac"));
        s
    }

    fn is_built(&self) -> Sandbox {
        let s = self.project(false);
        let done = s.run(0, &["run", self.intent]);
        assert!(done.stdout.contains("passed"), "{}", done.stdout);
        s.run(0, &["verify"]);
        assert_eq!(s.leftovers(), [0; 0]);
        s
    }

    fn is_red_with_its_defect(&self) {
        let s = self.project(true);
        let done = s.run(1, &["run", self.intent]);
        assert!(!done.stdout.contains("passed:"), "{}", done.stdout);
        let red = |e: &Value| (e["data"]["phase"] == "attempt").then(|| e["data"]["outcome"]["reason"].clone());
        let reasons: Vec<Value> = s.events("group.check.finished").iter().filter_map(red).collect();
        assert!(reasons.contains(&json!(self.reason)), "{reasons:?}");
        assert_eq!(s.leftovers(), [0; 0]);
    }
}
