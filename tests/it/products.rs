//! A web product, an API, a command-line program and a library, each from an intent to a verdict
//! through `otto run`: real services, a real browser, at the strongest sandbox that works here. Each
//! is also built with one believable defect, and is then not passed, for the reason that the defect
//! deserves.

use std::path::{Path, PathBuf};

use otto::base::Sha256;
use serde_json::{Value, json};

use crate::escapes::working;
use crate::harness::Sandbox;
use crate::journeys::can_browse;

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
        format!(
            "mkdir -p \"$(dirname '{path}')\"\ncat >'{path}' <<'END-OF-FILE'\n{text}END-OF-FILE\n"
        )
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
        let config = s
            .read("otto.yaml")
            .replace("tier: worktree", &format!("tier: {}", tier.last().expect("one works")));
        s.write("otto.yaml", &format!("{config}attempts: 1\npilot: false\n"));
        s.commit("the project");
        let mut spec = (self.spec)();
        spec["v"] = json!(1);
        spec["intent"] = json!(self.intent);
        spec["intent_sha256"] = json!(Sha256::of(self.intent.as_bytes()).to_string());
        let mut script = format!(
            "case \"$OTTO_ROLE.${{OTTO_GROUP:-}}\" in\nspec.*)\ncat >\"$OTTO_OUTPUT\" <<'END-OF-FILE'\n{spec:#}\nEND-OF-FILE\n;;\n"
        );
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
        let red = |e: &Value| {
            (e["data"]["phase"] == "attempt").then(|| e["data"]["outcome"]["reason"].clone())
        };
        let reasons: Vec<Value> = s.events("group.check.finished").iter().filter_map(red).collect();
        assert!(reasons.contains(&json!(self.reason)), "{reasons:?}");
        assert_eq!(s.leftovers(), [0; 0]);
    }
}

const WEB: Product = Product {
    name: "web",
    intent: "A reading list in the browser: add books, and mark them as read",
    breaks: "pages",
    reason: "expectation",
    spec: || {
        let has = |title: &str| json!({"visible": {"text": title}});
        json!({
            "project_kind": "webapp", "structure": {"routes": ["/", "/books", "/read", "/health"]},
            "features": [
                {"id": "keep", "name": "Keep books", "group": "store",
                 "acceptance": ["a book stays after a restart", "titles are needed and unique"]},
                {"id": "add", "name": "Add a book", "group": "pages",
                 "acceptance": ["a title that is typed in is in the list", "a title that is there already is refused"]},
                {"id": "read", "name": "Mark as read", "group": "pages",
                 "acceptance": ["a book that is marked shows that it was read"]}],
            "groups": [
                {"id": "store", "title": "Books in a file", "features": ["keep"],
                 "owned_paths": ["shelf/store.py"],
                 "checks": [{"id": "store-tests", "kind": "repo_test", "features": ["keep"],
                             "argv": ["python3", "-m", "unittest", "tests/test_store.py"]}]},
                {"id": "pages", "title": "Pages", "deps": ["store"], "features": ["add", "read"],
                 "owned_paths": ["shelf/server.py"],
                 "checks": [
                    {"id": "adds", "kind": "browser_journey", "features": ["add"], "service": "site", "steps": [
                        {"goto": "/"},
                        {"fill": {"in": {"label": "Title"}, "text": "Emma"}},
                        {"click": {"role": "button", "name": "Add"}},
                        {"expect": {"url": "/", "count": {"of": {"test_id": "book"}, "equals": 1}}},
                        {"goto": "/"},
                        {"expect": {"visible": {"css": "li[data-testid=book]"}, "text": "Emma"}}]},
                    {"id": "reads", "kind": "browser_journey", "features": ["read"], "service": "site", "steps": [
                        {"goto": "/"},
                        {"fill": {"in": {"label": "Title"}, "text": "Persuasion"}},
                        {"press": {"key": "Enter", "in": {"label": "Title"}}},
                        {"click": {"role": "button", "name": "Mark Persuasion as read"}},
                        {"expect": has("read")},
                        {"expect": {"hidden": {"role": "button", "name": "Mark Persuasion as read"}}}]},
                    {"id": "refuses", "kind": "api_probe", "features": ["add"], "service": "site", "requests": [
                        {"method": "POST", "path": "/books", "body": "title=Emma",
                         "headers": {"content-type": "application/x-www-form-urlencoded"},
                         "expect": {"status": 303, "headers": {"location": {"equals": "/"}}}},
                        {"method": "POST", "path": "/books", "body": "title=Emma",
                         "headers": {"content-type": "application/x-www-form-urlencoded"},
                         "expect": {"status": 422, "body": {"contains": ["on the shelf already"]}}}]}]}],
            "services": [{"id": "site", "argv": ["python3", "-m", "shelf.server", "{data}"], "ready": "/health"}],
            "non_goals": ["accounts"]
        })
    },
};

const API: Product = Product {
    name: "api",
    intent: "Counters over HTTP, and what they come to",
    breaks: "totals",
    reason: "expectation",
    spec: || {
        json!({
            "project_kind": "api", "structure": {"endpoints": ["/counters", "/total"], "health_checks": ["/health"]},
            "features": [
                {"id": "count", "name": "Count", "group": "counters",
                 "acceptance": ["a counter is made, added to and looked at", "what makes no sense is refused"]},
                {"id": "sum", "name": "Add up", "group": "totals",
                 "acceptance": ["the total is the sum of all counters"]}],
            "groups": [
                {"id": "counters", "title": "Counters", "features": ["count"],
                 "owned_paths": ["tally/server.py"],
                 "checks": [{"id": "counts", "kind": "api_probe", "features": ["count"], "service": "tally", "requests": [
                    {"method": "POST", "path": "/counters", "json": {"name": "cups"}, "save": {"at": "$.self"},
                     "expect": {"status": 201, "headers": {"content-type": {"contains": ["json"]}}}},
                    {"method": "POST", "path": "{{at}}", "json": {"by": 3},
                     "expect": {"json": [{"path": "$.value", "equals": 3}]}},
                    {"path": "{{at}}", "expect": {"json": [{"path": "$.value", "equals": 3}],
                     "schema": {"required": ["name", "value"], "properties": {"value": {"type": "integer"}}}}},
                    {"method": "POST", "path": "{{at}}", "json": {"by": "three"}, "expect": {"status": 422}},
                    {"method": "POST", "path": "/counters", "json": {"name": "seeded"}, "expect": {"status": 409}}]}]},
                {"id": "totals", "title": "Totals", "deps": ["counters"], "features": ["sum"],
                 "owned_paths": ["tally/totals.py"],
                 "checks": [{"id": "adds-up", "kind": "api_probe", "features": ["sum"], "service": "tally", "requests": [
                    {"method": "POST", "path": "/counters", "json": {"name": "a"}, "expect": {"status": 201}},
                    {"method": "POST", "path": "/counters/a", "json": {"by": 2}},
                    {"method": "POST", "path": "/counters/seeded", "json": {"by": 5}},
                    {"path": "/total", "expect": {"json": [{"path": "$.total", "equals": 7}]}}]}]}],
            "services": [{"id": "tally", "argv": ["python3", "-m", "tally.server"], "ready": "/health"}],
            "fixtures": [{"id": "seed", "argv": ["python3", "seed.py"]}]
        })
    },
};

const CLI: Product = Product {
    name: "cli",
    intent: "Write and read Roman numerals",
    breaks: "print",
    reason: "tests_failed",
    spec: || {
        let call = |id: &str, argv: Value, more: Value| {
            let mut check =
                json!({"id": id, "kind": "cli_probe", "features": ["read"], "argv": argv});
            for (key, value) in more.as_object().expect("keys") {
                check[key] = value.clone();
            }
            check
        };
        json!({
            "project_kind": "cli", "structure": {"entry_point": "roman", "commands": ["to", "from"]},
            "features": [
                {"id": "write", "name": "Write a numeral", "group": "print",
                 "acceptance": ["every number from 1 to 3999 is written as the Romans did"]},
                {"id": "read", "name": "Read a numeral", "group": "parse",
                 "acceptance": ["a numeral is read", "what is none is refused"]}],
            "groups": [
                {"id": "print", "title": "Writing", "features": ["write"],
                 "owned_paths": ["numerals/write.py"],
                 "checks": [{"id": "write-tests", "kind": "repo_test", "features": ["write"],
                             "argv": ["python3", "-m", "unittest", "tests/test_write.py"]}]},
                {"id": "parse", "title": "Reading", "deps": ["print"], "features": ["read"],
                 "owned_paths": ["numerals/read.py"],
                 "checks": [
                    call("reads", json!(["python3", "roman", "from", "MCMXCIV"]), json!({"stdout": {"equals": "1994"}})),
                    call("refuses", json!(["python3", "roman", "from", "IIII"]),
                         json!({"exit": 1, "stderr": {"contains": ["no numeral"]}}))]}],
            "cross_group_checks": [{"id": "there-and-back", "kind": "cli_probe", "purpose": "regression",
                "features": ["read", "write"], "argv": ["python3", "roman", "to", "2026"],
                "stdout": {"equals": "MMXXVI"}}]
        })
    },
};

/// The page of a session; `OTTO_PROOF_OUT=DIR` also writes it there, to be looked at.
fn proof(s: &Sandbox, name: &str) -> String {
    let path = s.run(0, &["proof", "path"]).stdout;
    let page = std::fs::read_to_string(path.trim()).expect("a page");
    if let Some(dir) = std::env::var_os("OTTO_PROOF_OUT").map(PathBuf::from) {
        std::fs::write(dir.join(format!("{name}.html")), &page).expect("written");
    }
    page
}

/// Those that need no browser.
#[test]
fn an_api_is_built_and_proved() {
    let s = API.is_built();
    // Every check ran again in the audit, on the whole.
    let audited: Vec<Value> = s.events("audit.check.finished");
    assert_eq!(audited.len(), 2, "{audited:?}");
    assert!(audited.iter().all(|e| e["data"]["outcome"]["outcome"] == "passed"));
    let page = proof(&s, "api");
    assert_eq!(page.matches("class=\"exchange good\"").count(), 9);
    assert!(page.contains("&quot;total&quot;: 7"));
}

#[test]
fn an_api_with_a_wrong_total_is_not_passed() {
    API.is_red_with_its_defect();
}

#[test]
fn a_command_line_program_is_built_and_proved() {
    CLI.is_built();
}

#[test]
fn a_command_line_program_that_writes_wrong_is_not_passed() {
    CLI.is_red_with_its_defect();
}

#[test]
fn a_web_product_is_built_and_proved_in_a_real_browser() {
    if !can_browse() {
        return;
    }
    let s = WEB.is_built();
    let page = proof(&s, "web");
    // Both journeys as strips, a picture at each step, and the probe as request and reply.
    assert_eq!(page.matches("<ol class=\"strip\">").count(), 2);
    let pictures = page.matches("<img src=\"data:image/png;base64,").count();
    assert!(pictures >= 6, "{pictures}");
    assert!(page.contains("<b>POST</b> <code>/books</code>") && page.contains("<b>422</b>"));
    assert!(!page.contains("class=\"shot bad\""));
}

#[test]
fn a_web_product_that_only_says_that_it_keeps_books_is_not_passed() {
    if can_browse() {
        WEB.is_red_with_its_defect();
    }
}
