//! Specs for tests: a small good one, and generated ones with odd texts.

use serde_json::{Map, Value, json};

use super::model::*;
use crate::base::Sha256;

/// A complete, valid spec: `store` ← `login`, a check of each built-in kind and an external one.
pub(crate) fn good() -> Spec {
    let intent = "Build a small shop.\n\nIt has a login and a store.\n";
    serde_json::from_value(json!({
        "v": 1,
        "intent": intent,
        "intent_sha256": Sha256::of(intent.as_bytes()).to_string(),
        "project_kind": "cli",
        "structure": { "entry_point": "shop", "commands": ["shop login", "shop list"] },
        "features": [
            { "id": "listing", "name": "List goods", "acceptance": ["`shop list` prints one line per good"], "group": "store" },
            { "id": "login", "name": "Log in", "description": "With a name.\nAnd a password.", "acceptance": ["a wrong password exits 1", "a right one greets"], "group": "login" }
        ],
        "groups": [
            {
                "id": "store", "title": "The store", "tasks": ["keep goods in a file"],
                "features": ["listing"], "owned_paths": ["src/store/**", "tests/test_store.py"],
                "checks": [
                    { "id": "store-unit", "kind": "pytest", "features": ["listing"], "select": ["tests/test_store.py"] },
                    { "id": "suite", "kind": "repo_test", "purpose": "regression", "argv": ["make", "test"], "counts": "exit", "timeout_s": 60 }
                ]
            },
            {
                "id": "login", "title": "Log in", "deps": ["store"], "features": ["login"],
                "owned_paths": ["src/login"],
                "checks": [
                    { "id": "greets", "kind": "cli_probe", "features": ["login"], "argv": ["./shop", "login", "ann"], "stdin": "pw\n", "stdout": { "contains": ["hello"], "matches": "^hello \\w+$" }, "env": { "LANG": "C" } },
                    { "id": "remembers", "kind": "state_invariant", "features": ["login"], "expr": "db.users | length > 0 and probes.greets.exit == 0", "files": { "db": "data/db.json" } }
                ]
            }
        ],
        "cross_group_checks": [{ "id": "tour", "kind": "tour", "stops": [1, 2.5, { "at": null }] }],
        "shared_scaffold": ["Makefile"],
        "protected_paths": ["LICENSE", ".ci/**"],
        "contracts": [{ "path": "src/api.py", "owner": "store", "rule": "additive", "exports": ["list_goods"] }],
        "prepare": [{ "argv": ["uv", "sync"], "inputs": ["uv.lock"], "outputs": [".venv"], "network": true }],
        "non_goals": ["payment"],
        "done_means": ["a person can list goods"]
    }))
    .expect("the sample has the shape of a spec")
}

/// A small deterministic random source, so that one number stands for a whole generated case.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }
}

const WORDS: [&str; 44] = [
    "a",
    "word",
    "Log in",
    "é",
    "日本",
    "🙂",
    "\"",
    "'",
    "`",
    "```",
    "~~~",
    "#",
    "## Groups",
    "-",
    "- x",
    "* y",
    "> z",
    ":",
    ": ",
    "{",
    "}",
    "[",
    "&a",
    "*a",
    "!",
    "|",
    "%",
    "@",
    "\\",
    "\\n",
    "null",
    "true",
    "1:30",
    "007",
    "1e3",
    "~",
    "---",
    "...",
    "<!-- c -->",
    "```yaml",
    "```json",
    "Checks:",
    "Acceptance:",
    "\u{feff}",
];
const SPACES: [&str; 12] =
    ["", " ", " ", " ", "  ", "\t", "\n", "\n\n", "\n  ", " \n", "\r\n", "\u{2028}"];

/// Any text: odd words, odd spaces, many lines, also at the ends.
pub(crate) fn text(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..dice.roll(6) {
        out.push_str(dice.pick(&WORDS));
        out.push_str(dice.pick(&SPACES));
        if dice.roll(40) == 0 {
            out.push_str(dice.pick(&["\0", "\u{7f}", "\u{85}", "\u{1b}", "\r"]));
        }
    }
    out
}

/// Text that a rule accepts as something said: not blank.
fn said(dice: &mut Dice) -> String {
    let text = text(dice);
    if text.trim().is_empty() { format!("x{text}") } else { text }
}

/// A name on one line.
fn name(dice: &mut Dice) -> String {
    let text: String = said(dice).chars().filter(|c| !super::validate::breaks_line(*c)).collect();
    if text.trim().is_empty() { "x".to_owned() } else { text }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.roll(2) == 0),
        2 => json!(dice.roll(1000) as i64 - 500),
        3 => json!([u64::MAX, 0, 1][dice.roll(3)]),
        4 => json!([1.0, -0.0, 0.1, 1e300, 1.5e-7][dice.roll(5)]),
        5 => Value::String(text(dice)),
        6 => (0..dice.roll(3)).map(|_| value(dice, depth - 1)).collect(),
        _ => {
            Value::Object((0..dice.roll(3)).map(|_| (text(dice), value(dice, depth - 1))).collect())
        }
    }
}

fn many<T>(dice: &mut Dice, below: usize, mut make: impl FnMut(&mut Dice, usize) -> T) -> Vec<T> {
    (0..dice.roll(below)).map(|i| make(dice, i)).collect()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object literal").clone()
}

fn check(dice: &mut Dice, id: String, features: Vec<String>) -> Check {
    let argv: Vec<String> =
        std::iter::once("./run".to_owned()).chain(many(dice, 3, |d, _| text(d))).collect();
    let (kind, params) = match dice.roll(5) {
        0 => ("repo_test", json!({ "argv": argv, "counts": dice.pick(&["auto", "exit"]) })),
        1 => ("pytest", json!({ "select": [said(dice)] })),
        2 => (
            "cli_probe",
            json!({ "stdout": { "equals": text(dice) }, "argv": argv, "stdin": text(dice), "exit": 3 }),
        ),
        3 => {
            ("state_invariant", json!({ "expr": "a == 1\n or a == '```'", "files": { "a": "x" } }))
        }
        _ => {
            let mut params = Map::new();
            for _ in 0..dice.roll(4) {
                params.insert(format!("p_{}", text(dice)), value(dice, 2));
            }
            ("external", Value::Object(params))
        }
    };
    let env = many(dice, 3, |d, i| (format!("E{i}"), text(d).replace('\0', "0")));
    Check {
        id,
        kind: kind.to_owned(),
        purpose: Purpose::Acceptance,
        features,
        timeout_s: [None, Some(1), Some(u64::MAX)][dice.roll(3)],
        evidence: Vec::new(),
        services: Vec::new(),
        env: env.into_iter().collect(),
        params: object(params),
    }
}

/// A valid spec with odd characters and multi-line text wherever they are allowed.
pub(crate) fn odd(seed: u64) -> Spec {
    let dice = &mut Dice::new(seed);
    let intent = said(dice);
    let count = 1 + dice.roll(3);
    let features = (0..count)
        .map(|i| Feature {
            id: format!("f{i}"),
            name: name(dice),
            description: text(dice),
            acceptance: std::iter::once(said(dice)).chain(many(dice, 3, |d, _| said(d))).collect(),
            group: format!("g{i}"),
        })
        .collect();
    let groups = (0..count)
        .map(|i| Group {
            id: format!("g{i}"),
            title: name(dice),
            tasks: many(dice, 3, |d, _| said(d)),
            deps: (0..i).filter(|_| dice.roll(2) == 0).map(|d| format!("g{d}")).collect(),
            features: vec![format!("f{i}")],
            owned_paths: vec![format!("{i} {}/**", dice.pick(&["a", "é", "`b`", "c,d", "\"q\""]))],
            checks: vec![check(dice, format!("c{i}"), vec![format!("f{i}")])],
        })
        .collect();
    let digest = Sha256::of(b"x").to_string();
    Spec {
        v: VERSION,
        intent_sha256: Sha256::of(intent.as_bytes()).to_string(),
        intent,
        project_kind: ProjectKind::Service,
        structure: Structure { endpoints: many(dice, 3, |d, _| name(d)), ..Structure::default() },
        features,
        groups,
        cross_group_checks: many(dice, 3, |d, i| check(d, format!("x{i}"), Vec::new())),
        shared_scaffold: many(dice, 2, |_, i| format!("shared {i}/*.txt")),
        protected_paths: many(dice, 2, |_, i| format!("kept`{i}")),
        contracts: many(dice, 2, |_, i| Contract {
            path: format!("api{i}.rs"),
            owner: Some("g0".to_owned()),
            rule: ContractRule::Semantic,
            exports: Vec::new(),
            probes: Vec::new(),
        }),
        prepare: Vec::new(),
        services: Vec::new(),
        fixtures: many(dice, 2, |d, i| Fixture {
            id: format!("x{i}"),
            argv: vec!["s".into(), text(d)],
        }),
        non_goals: many(dice, 3, |d, _| said(d)),
        done_means: many(dice, 3, |d, _| said(d)),
        amendments: many(dice, 2, |d, _| Amendment {
            reason: said(d),
            actor: "user:ann".to_owned(),
            at: "2026-11-20T10:11:12Z".to_owned(),
            sha256_before: digest.clone(),
            sha256_after: digest.clone(),
            trigger: text(d),
        }),
    }
}
