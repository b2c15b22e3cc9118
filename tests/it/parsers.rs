//! Every parser on arbitrary bytes and on damaged samples of what it reads: nothing panics, and
//! what was read and written again is the same. The entries are those of the fuzz targets, and what
//! a fuzzer found stays in `fuzz/regressions/<entry>/`.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

#[path = "../../fuzz/entries.rs"]
mod entries;

use entries::{ENTRIES, Entry};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

/// Good input for an entry: real files, and samples of the pages.
fn samples(name: &str) -> Vec<Vec<u8>> {
    let data = root().join("tests/data");
    let read = |path: &Path| std::fs::read(path).expect("a sample");
    let named = |end: &str| -> Vec<Vec<u8>> {
        files(&data).iter().filter(|p| p.ends_with(end)).map(|p| read(p)).collect()
    };
    let page = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).expect("text");
    let all: Vec<Vec<u8>> = match name {
        "journal_file" => named("spec-state.jsonl"),
        "journal_line" => {
            let first = |file: Vec<u8>| file.split(|b| *b == b'\n').next().map(<[u8]>::to_vec);
            named("spec-state.jsonl").into_iter().filter_map(first).collect()
        }
        "event" => page("formats.md")
            .split("\n#### `")
            .skip(1)
            .filter_map(|s| {
                let (kind, rest) = s.split_once('`')?;
                let data = rest.split_once("\n```json\n")?.1.split("\n```").next()?;
                Some(format!("{kind}\n{data}").into_bytes())
            })
            .collect(),
        "session_record" => named("session.json"),
        "spec_json" => [named("spec.json"), named("slices.json")].concat(),
        "spec_markdown" => named("spec.md"),
        "config" => named("otto.yaml"),
        "provider_line" => {
            page("providers.md").lines().filter(|l| l.starts_with('{')).map(Into::into).collect()
        }
        "outcome" | "check_answer" => {
            page("checks.md").lines().filter(|l| l.starts_with('{')).map(Into::into).collect()
        }
        "test_counts" => {
            files(&root().join("tests/fixtures/counts")).iter().map(|p| read(p)).collect()
        }
        "expression" => [
            "items | length > 2 and name == \"a\"",
            "nested.yes and not (items | first == 2)",
            "items | map('string') | join(',') == '1,2,3'",
        ]
        .map(Into::into)
        .to_vec(),
        "recording" => named("recording.json"),
        "packet" => named("proof-packet.json"),
        "owner" => named("owner.json"),
        "identifiers" => vec![b"20261120-101112-ab2z".to_vec(), b"ledger".to_vec()],
        "globs" => {
            vec![b"src/**/*.rs\nsrc/a/\nsrc/a/b.rs".to_vec(), b"{a,b}/[!c]?\na/*\na/de".to_vec()]
        }
        other => panic!("no samples for {other}"),
    };
    assert!(!all.is_empty(), "no samples for {name}");
    all
}

#[test]
fn what_a_fuzzer_found_stays_found() {
    for (name, entry) in ENTRIES {
        for path in files(&root().join("fuzz/regressions").join(name)) {
            println!("{}", path.display());
            entry(&std::fs::read(path).expect("a file"));
        }
    }
}

#[test]
fn every_entry_has_a_target_and_samples_that_it_reads() {
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("a manifest");
    for (name, entry) in ENTRIES {
        assert!(root().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        samples(name).iter().for_each(|sample| entry(sample));
    }
}

/// A change at a place: another byte, a byte more, some bytes less, or a piece of it again.
fn damaged(sample: &[u8], changes: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for (at, what, byte) in changes {
        let at = if bytes.is_empty() { 0 } else { usize::from(*at) % bytes.len() };
        let end = (at + usize::from(*byte % 16)).min(bytes.len());
        match what % 4 {
            0 if at < bytes.len() => bytes[at] = *byte,
            0 | 1 => bytes.insert(at, *byte),
            2 => drop(bytes.drain(at..end)),
            _ => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

fn by_name(name: &str) -> Entry {
    ENTRIES.iter().find(|(n, _)| *n == name).expect("an entry").1
}

macro_rules! entry_tests {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name);
            let (entry, samples) = (by_name(name), samples(name));
            let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
                cases: if std::env::var_os("OTTO_TORTURE").is_some() { 20_000 } else { 200 },
                failure_persistence: None,
                ..ProptestConfig::default()
            });
            let any_bytes = prop::collection::vec(any::<u8>(), 0..400);
            let change = prop::collection::vec(any::<(u16, u8, u8)>(), 1..6);
            let input = prop_oneof![
                any_bytes,
                (any::<prop::sample::Index>(), change)
                    .prop_map(move |(n, change)| damaged(n.get::<Vec<u8>>(&samples), &change)),
            ];
            runner.run(&input, |bytes| { entry(&bytes); Ok(()) }).unwrap_or_else(|e| panic!("{e}"));
        }
    )*};
}

entry_tests! {
    journal_line journal_file event session_record spec_json spec_markdown config provider_line
    outcome check_answer test_counts expression recording packet owner identifiers globs
}
