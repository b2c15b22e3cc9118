//! One entry for each parser: any bytes must be read or refused, never panic, and what was read and
//! written again is read as the same. The fuzz targets and the property tests call these, so that
//! they cannot drift apart. Public API of Otto only.

use std::path::Path;

use otto::base::Sha256;
use otto::check::gate::{Capture, Ending, Execution, Produced, evaluate, judge_external};
use otto::check::{Outcome, Provenance, counts};
use otto::git::pool::Owner;
use otto::session::config::{ConfigText, Place, Settings};
use otto::session::journal::{Anchor, Journal, Position, parse_line};
use otto::session::{Event, SessionRecord};
use otto::spec::{from_markdown, parse, to_markdown};
use otto::stage::record::Recording;
use otto::stage::render::ProofPacket;

pub type Entry = fn(&[u8]);

/// Every parser by name; a fuzz target and a folder of regressions are called the same.
pub const ENTRIES: &[(&str, Entry)] = &[
    ("journal_line", journal_line),
    ("journal_file", journal_file),
    ("event", event),
    ("session_record", session_record),
    ("spec_json", spec_json),
    ("spec_markdown", spec_markdown),
    ("config", config),
    ("provider_line", provider_line),
    ("outcome", outcome),
    ("check_answer", check_answer),
    ("test_counts", test_counts),
    ("expression", expression),
    ("recording", recording),
    ("packet", packet),
    ("owner", owner),
    ("identifiers", identifiers),
    ("globs", globs),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn journal_line(bytes: &[u8]) {
    let read = parse_line(bytes, Position::START, Path::new("journal"));
    if let Ok(record) = read {
        assert_eq!(record.seq, 1);
        same_event(record.event.kind(), &record.event.data().expect("JSON"));
    }
}

/// As a file: opening it never changes a byte, and whatever was whole stays readable.
pub fn journal_file(bytes: &[u8]) {
    let file = scratch(bytes);
    let opened = Journal::open(file.path(), "fuzz");
    assert_eq!(std::fs::read(file.path()).expect("still there"), bytes);
    if let Ok(journal) = opened {
        let Position { seq, offset, head } = journal.position();
        assert!(offset <= bytes.len() as u64);
        let anchor = Anchor { session: "s".into(), seq: seq + 1, hash: head };
        assert!(Journal::open_anchored(file.path(), "fuzz", Some(&anchor)).is_err());
    }
}

/// A kind, a line end, its data.
pub fn event(bytes: &[u8]) {
    let text = text(bytes);
    let (kind, data) = text.split_once('\n').unwrap_or((&text, "{}"));
    if let Ok(event) = Event::parse(kind, data) {
        same_event(event.kind(), &event.data().expect("JSON"));
    }
}

fn same_event(kind: &str, data: &str) {
    let again = Event::parse(kind, data).expect("what was written is read");
    assert_eq!(again.data().expect("JSON"), data);
}

pub fn session_record(bytes: &[u8]) {
    if let Ok(record) = SessionRecord::read(bytes, Path::new("session.json")) {
        let written = serde_json::to_vec_pretty(&record).expect("JSON");
        let again = SessionRecord::read(&written, Path::new("session.json")).expect("read again");
        assert_eq!(serde_json::to_vec_pretty(&again).expect("JSON"), written);
        drop(record.settings.config());
    }
}

pub fn spec_json(bytes: &[u8]) {
    if let Ok(parsed) = parse(&text(bytes)) {
        let again = parse(&parsed.spec.to_json()).expect("what was written is read").spec;
        assert_eq!(again.content_hash(), parsed.spec.content_hash());
        assert_eq!(again.to_json(), parsed.spec.to_json());
        // What a person gets to edit says the same.
        let told = from_markdown(&to_markdown(&again)).expect("its markdown is read");
        assert_eq!(told.content_hash(), again.content_hash());
    }
}

pub fn spec_markdown(bytes: &[u8]) {
    if let Ok(spec) = from_markdown(&text(bytes)) {
        let again = from_markdown(&to_markdown(&spec)).expect("what was written is read");
        assert_eq!(again.content_hash(), spec.content_hash());
    }
}

pub fn config(bytes: &[u8]) {
    let file = ConfigText { text: text(bytes), place: Place::Checkout, checkout_differs: false };
    let mut settings = Settings::defaults();
    if file.overlay(&mut settings).is_ok() {
        let written = serde_json::to_string(&settings).expect("JSON");
        let again: Settings = serde_json::from_str(&written).expect("read again");
        assert_eq!(serde_json::to_string(&again).expect("JSON"), written);
        drop(settings.config());
    }
}

/// A line that a provider says is always an event; one that was written is read as the same.
pub fn provider_line(bytes: &[u8]) {
    let read = otto::agent::protocol::parse_line(bytes);
    let written = serde_json::to_vec(&read).expect("JSON");
    let again = otto::agent::protocol::parse_line(&written);
    assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
    if let Some(told) = otto::agent::narrate(&read) {
        let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
        assert!(told.chars().all(plain), "{told:?}");
    }
}

pub fn outcome(bytes: &[u8]) {
    if let Ok(outcome) = serde_json::from_slice::<Outcome>(bytes) {
        let written = serde_json::to_vec(&outcome).expect("JSON");
        let again: Outcome = serde_json::from_slice(&written).expect("read again");
        assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
    }
}

/// What an `otto-check-<kind>` answers; only one that says so for this commit and tree can pass.
pub fn check_answer(bytes: &[u8]) {
    let run = Execution {
        ending: Ending::Exited(0),
        stdout: text(bytes),
        stderr: String::new(),
        capture: Capture::Whole,
    };
    let of = Provenance {
        commit: "1".repeat(40),
        tree: "2".repeat(40),
        duration_s: 1.0,
        evidence: Vec::new(),
    };
    let judged = judge_external(&run, Produced::Evidence, of);
    if judged.is_pass() {
        assert!(run.stdout.contains("passed"), "{}", run.stdout);
    }
}

pub fn test_counts(bytes: &[u8]) {
    if let counts::Counted::Found { counts, .. } = counts::count(&text(bytes)) {
        assert!(counts.failed <= counts.run, "{counts:?}");
    }
}

pub fn expression(bytes: &[u8]) {
    let values = serde_json::json!({"items": [1, 2, 3], "name": "a", "nested": {"yes": true}});
    let values = values.as_object().expect("an object");
    drop(evaluate(&text(bytes), values));
}

pub fn recording(bytes: &[u8]) {
    if let Ok(recording) = serde_json::from_slice::<Recording>(bytes) {
        let written = serde_json::to_vec(&recording).expect("JSON");
        assert_eq!(serde_json::from_slice::<Recording>(&written).expect("again"), recording);
    }
}

pub fn packet(bytes: &[u8]) {
    if let Ok(packet) = ProofPacket::from_json(&text(bytes)) {
        let written = packet.to_json();
        assert_eq!(ProofPacket::from_json(&written).expect("again").to_json(), written);
    }
}

/// The record of a slot: only what was sealed is read.
pub fn owner(bytes: &[u8]) {
    let file = scratch(bytes);
    if let Ok(Some(Ok(owner))) = otto::disk::read_sealed::<Owner>(file.path()) {
        otto::disk::replace_sealed(file.path(), &owner).expect("written");
        let again = otto::disk::read_sealed::<Owner>(file.path()).expect("read");
        assert_eq!(again, Some(Ok(owner)));
    }
}

pub fn identifiers(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(id) = text.parse::<otto::base::SessionId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<otto::base::GroupId>() {
        assert!(!id.as_str().contains(['.', '/']));
    }
    if let Ok(hash) = text.parse::<Sha256>() {
        assert_eq!(hash.to_string(), text);
    }
    if let Ok(id) = text.parse::<otto::git::Oid>() {
        assert_eq!(id.to_string().parse::<otto::git::Oid>().expect("read again"), id);
    }
}

/// Two path patterns, a line each: nothing that both match may be called apart.
pub fn globs(bytes: &[u8]) {
    let text = text(bytes);
    let mut lines = text.lines();
    let (a, b) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let apart = !otto::spec::may_overlap(a, b);
    for path in lines.take(8) {
        let matches = |glob: &str| {
            globset::GlobBuilder::new(glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .is_ok_and(|g| g.compile_matcher().is_match(path))
        };
        assert!(!(apart && matches(a) && matches(b)), "'{a}' and '{b}' both match '{path}'");
    }
}

fn scratch(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    file
}
