//! Rules of the code that a test can check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::harness::names;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below a folder, with their text.
fn sources(dir: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(dir), &mut paths);
    paths.sort();
    let name = |p: &Path| p.strip_prefix(root()).expect("below").to_string_lossy().into_owned();
    let text = |p: &Path| std::fs::read_to_string(p).expect("text");
    paths.iter().map(|p| (name(p), text(p))).collect()
}

/// The part of a file that is compiled into the programs: without comments, and up to its tests,
/// which stand at the end.
fn product(name: &str, text: &str) -> String {
    let of_tests = ["/tests.rs", "/fixtures.rs", "/sample.rs", "/scene.rs", "/testing.rs"];
    if of_tests.iter().any(|end| name.ends_with(end)) {
        return String::new();
    }
    let end = text.find("#[cfg(test)]\nmod ").filter(|at| text[*at..].contains("mod tests {"));
    let code = &text[..end.unwrap_or(text.len())];
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.map(|l| format!("{l}\n")).collect()
}

/// Every place in the product where the pattern is found, as `file: line`.
fn found(dirs: &[&str], pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let mut out = Vec::new();
    for (name, text) in dirs.iter().flat_map(|d| sources(d)) {
        for line in product(&name, &text).lines().filter(|l| pattern.is_match(l)) {
            out.push(format!("{name}: {}", line.trim()));
        }
    }
    out
}

fn only_in(places: &[String], allowed: &[&str]) {
    let bad: Vec<_> = places.iter().filter(|p| !allowed.iter().any(|a| p.starts_with(a))).collect();
    assert!(bad.is_empty(), "only in {allowed:?}:\n{bad:#?}");
}

#[test]
fn a_module_imports_only_lower_ranks() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).expect("the map");
    let row = Regex::new(r"//! \| (\d) \| \[`(\w+)`\]").expect("a pattern");
    let ranks: BTreeMap<&str, u32> = row
        .captures_iter(&map)
        .map(|c| (c.get(2).expect("name").as_str(), c[1].parse().expect("a number")))
        .collect();
    let declared = Regex::new(r"(?m)^pub mod (\w+);").expect("a pattern");
    for module in declared.captures_iter(&map) {
        assert!(ranks.contains_key(&module[1]), "'{}' has no rank in src/lib.rs", &module[1]);
    }
    let import = Regex::new(r"\bcrate::(\w+)").expect("a pattern");
    let mut upward = Vec::new();
    for (name, text) in sources("src") {
        let mut parts = name.split('/').skip(1);
        let own = parts.next().expect("a module").trim_end_matches(".rs").to_owned();
        let Some(rank) = ranks.get(own.as_str()) else { continue };
        for used in import.captures_iter(&product(&name, &text)) {
            let other = &used[1];
            if other != own && ranks.get(other).is_some_and(|r| r >= rank) {
                upward.push(format!("{name} ({rank}) imports {other} ({})", ranks[other]));
            }
        }
    }
    upward.dedup();
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut long = Vec::new();
    for (dir, limit) in [("src", 500), ("bin", 150), ("tests/it", 500), ("tests/fakes", 500)] {
        for (name, text) in sources(dir) {
            let lines = text.lines().count();
            if lines > limit {
                long.push(format!("{name}: {lines} lines, at most {limit}"));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
    // A module's file begins with its purpose; a file of one folder may be explained by its mod.rs.
    let silent: Vec<_> = sources("src")
        .into_iter()
        .filter(|(name, _)| name.ends_with("/mod.rs") || name.matches('/').count() == 1)
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn nothing_unfinished_and_nothing_that_panics_without_a_reason() {
    for pattern in [r"\btodo!|\bunimplemented!|\bdbg!", r"\.unwrap\(\)", r"\.expect\(&?format!"] {
        assert_eq!(found(&["src", "bin"], pattern), [""; 0], "{pattern}");
    }
}

#[test]
fn only_disk_writes_only_process_and_git_start_programs() {
    let writes = r"\bfs::(write|rename|remove_\w+|create_dir\w*|copy|hard_link)\b|File::create|OpenOptions::new|set_permissions";
    only_in(
        &found(&["src", "bin"], writes),
        // The capture files of a child are opened where the child is started.
        &["src/disk/", "src/process/command.rs"],
    );
    // The last one replaces this process by a program of the user's, as git does.
    only_in(
        &found(&["src", "bin"], r"process::Command::new|duct::cmd"),
        &["src/process/", "src/git/cli.rs", "bin/otto-help.rs"],
    );
    only_in(&found(&["src", "bin"], r"\bgix::"), &["src/git/"]);
}

#[test]
fn every_program_has_a_page_and_a_test() {
    let tests: String = sources("tests/it").into_iter().map(|(_, text)| text).collect();
    for name in names() {
        let page = root().join("man").join(format!("{name}.1"));
        assert!(page.exists(), "no {}", page.display());
        let verb = name.trim_start_matches("otto-");
        let used = [format!("\"{verb}\""), format!("otto {verb}"), format!("otto-{verb}")];
        assert!(used.iter().any(|u| tests.contains(u)), "no test runs {name}");
    }
}
