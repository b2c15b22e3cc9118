//! Evidence as the checks keep it, and what is made of it.

use serde_json::{Value, json};

use super::*;
use crate::stage::render::packet::{CheckOutcome, Phase, Purpose};

/// A PNG of one colour, made by the book: stored blocks, no compression.
pub fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let row = [&[0][..], &colour.repeat(width as usize)].concat();
    let raw = row.repeat(height as usize);
    let mut packed = vec![0x78, 0x01];
    let mut blocks = raw.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    packed.extend(((b << 16) | a).to_be_bytes());
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let body = [&kind[..], data].concat();
        let crc = body.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg())
            })
        });
        [&(data.len() as u32).to_be_bytes()[..], &body, &(!crc).to_be_bytes()].concat()
    };
    let parts = [chunk(b"IHDR", &header), chunk(b"IDAT", &packed), chunk(b"IEND", &[])];
    [&b"\x89PNG\r\n\x1a\n"[..], &parts.concat()].concat()
}

pub fn api(check: &str, wrong: &[&str]) -> Vec<u8> {
    let body = json!({"id": 7, "title": "Tea", "tags": ["<b>hot</b>", "cheap"]}).to_string();
    json!({"v": 1, "evidence": "api_probe", "check": check, "service": "shop", "exchanges": [
        {"step": 1, "request": {"method": "POST", "path": "/items", "headers": [["content-type", "application/json"]],
            "body": "{\"title\":\"Tea\",\"price\":3}"},
         "response": {"status": 201, "headers": [["content-type", "application/json"], ["location", "/items/7"]],
            "body": body, "body_truncated": false}, "ms": 12.5, "wrong": []},
        {"step": 2, "request": {"method": "GET", "path": "/items/7", "headers": [], "body": null},
         "response": null, "ms": 3.0, "wrong": wrong}],
        "captures": {"id": 7}}).to_string().into_bytes()
}

pub fn journey(check: &str, shots: &[&[u8]], wrong: &str) -> Vec<u8> {
    let step = |n: usize, shot: &&[u8]| {
        let last = n + 1 == shots.len();
        json!({"n": n + 1, "step": format!("click role=button name=\"Save {n}\""),
               "ok": !last || wrong.is_empty(), "wrong": if last { wrong } else { "" },
               "screenshot": format!("sha256:{}", Sha256::of(shot)), "ms": 41.0})
    };
    let steps: Vec<Value> = shots.iter().enumerate().map(|(n, s)| step(n, s)).collect();
    json!({"v": 1, "evidence": "browser_journey", "check": check, "url": "http://127.0.0.1:4411/",
           "browser": "Chromium 150.0", "steps": steps,
           "console": [{"level": "error", "text": "undefined is not a function", "source": "app.js:3"}],
           "failed_requests": [{"method": "GET", "url": "/icon.png", "status": 404, "error": ""}],
           "without_the_journey": [{"expected": "expect text \"Saved\"", "holds_anyway": false}]})
    .to_string()
    .into_bytes()
}

pub fn metric(check: &str) -> Vec<u8> {
    let samples: Vec<Value> = (0..25)
        .map(|n| json!({"n": n + 1, "value": 80.0 + f64::from(n * 7 % 23), "ms": 900.0}))
        .collect();
    json!({"v": 1, "evidence": "metric", "check": check, "goal": "p95_ms < 100", "name": "p95_ms",
           "unit": "ms", "statistic": "median", "value": 91.0, "warmup": [{"value": 120.1, "ms": 950.2}],
           "samples": samples, "commit": "c", "tree": "t"})
    .to_string()
    .into_bytes()
}

pub fn run(id: &str, kind: &str, pieces: &[&[u8]]) -> CheckRun {
    CheckRun {
        id: id.into(),
        kind: kind.into(),
        purpose: Purpose::Acceptance,
        group: None,
        features: Vec::new(),
        phase: Phase::Audit,
        outcome: CheckOutcome::Passed,
        reason: String::new(),
        detail: String::new(),
        tests: None,
        exit: None,
        duration_s: 1.0,
        commit: "c".repeat(40),
        tree: "d".repeat(40),
        command: "shop: POST /items".into(),
        expects: Vec::new(),
        evidence: pieces
            .iter()
            .map(|bytes| Evidence {
                sha256: Sha256::of(bytes),
                bytes: bytes.len() as u64,
                excerpt: String::new(),
                truncated: false,
                picture: false,
            })
            .collect(),
        flaky: false,
        cached: false,
    }
}

/// What a page shows of a run whose evidence is `pieces`.
pub fn shown(id: &str, kind: &str, pieces: &[&[u8]]) -> Vec<Exhibit> {
    let mut room = Room { left: ALL_PICTURES, left_out: 0 };
    let run = run(id, kind, pieces);
    let mut find =
        |e: &Evidence| pieces.iter().find(|p| Sha256::of(p) == e.sha256).map(|p| p.to_vec());
    let found = of_run(&run, &mut find, &mut room);
    run.evidence
        .iter()
        .map(|e| found.iter().find(|(hash, _)| *hash == e.sha256).expect("shown").1.clone())
        .collect()
}

/// Adds runs with their evidence to what a page shows.
pub fn add(
    packet: &mut ProofPacket,
    exhibits: &mut Exhibits,
    id: &str,
    kind: &str,
    pieces: &[&[u8]],
) {
    let at = packet.checks.len();
    packet.checks.push(run(id, kind, pieces));
    for (piece, exhibit) in packet.checks[at].evidence.iter().zip(shown(id, kind, pieces)) {
        exhibits.shown.insert((at, piece.sha256), exhibit);
    }
}

#[test]
fn requests_and_replies_are_laid_out() {
    let Exhibit::Probe(probe) = &shown("p", "api_probe", &[&api("p", &["no answer: refused"])])[0]
    else {
        panic!("a probe");
    };
    let [first, second] = &probe.exchanges[..] else { panic!("two") };
    assert_eq!((first.method.as_str(), first.status), ("POST", Some(201)));
    assert_eq!(first.sent, ["content-type: application/json"]);
    assert!(
        first.body.text.contains("{\n  \"title\": \"Tea\"")
            && first.answer.text.contains("\"Tea\"")
    );
    assert_eq!((second.status, &second.wrong[..]), (None, &["no answer: refused".to_owned()][..]));
    assert_eq!(probe.captures, ["id = 7"]);
}

#[test]
fn a_journey_has_its_pictures_in_order_and_once() {
    let (a, b) = (png(40, 30, [200, 30, 30]), png(40, 30, [30, 30, 200]));
    let record = journey("j", &[&a, &b, &a], "nothing changed");
    for pieces in [[&record[..], &a, &b], [&a, &b, &record]] {
        let all = shown("j", "browser_journey", &pieces);
        let journey = all.iter().find_map(|x| match x {
            Exhibit::Journey(journey) => Some(journey),
            _ => None,
        });
        let steps = &journey.expect("a journey").steps;
        assert_eq!(steps.len(), 3);
        let src = |n: usize| steps[n].picture.as_ref().and_then(|p| p.src.as_deref());
        assert!(src(2).expect("a picture").starts_with("data:image/png;base64,"));
        assert!(src(2) != src(1) && src(0).is_none(), "the same picture is shown once");
        assert_eq!(steps[0].same_as, Some((3, 3)));
        assert!(!steps[2].ok && steps[2].wrong == "nothing changed");
        assert_eq!(all.iter().filter(|x| **x == Exhibit::Placed).count(), 2);
    }
}

#[test]
fn what_was_refused_counts_only_where_the_journey_failed() {
    let record = json!({"v": 1, "evidence": "browser_journey", "check": "j", "steps": [],
        "console": [
            {"level": "SEVERE", "text": "http://x/favicon.ico - Failed to load resource: the server responded with a status of 404 (NOT FOUND)"},
            {"level": "SEVERE", "text": "http://x/login - Failed to load resource: the server responded with a status of 401 ()"},
            {"level": "SEVERE", "text": "it broke"}],
        "failed_requests": [
            {"method": "GET", "url": "http://x/favicon.ico", "status": 404, "error": null},
            {"method": "POST", "url": "http://x/login", "status": 401, "error": null},
            {"method": "GET", "url": "http://x/list", "status": 500, "error": null}]})
    .to_string();
    let counts = |passed: bool| {
        let read = journey::read("j", passed, record.as_bytes()).expect("a journey");
        let all = |told: &[journey::Told]| told.iter().map(|t| t.counts).collect::<Vec<_>>();
        (all(&read.console), all(&read.failed_requests))
    };
    assert_eq!(counts(true), (vec![false, true], vec![false, true]));
    assert_eq!(counts(false), (vec![true, true], vec![true, true]));
}

#[test]
fn a_file_of_the_product_stays_a_file_whatever_it_says() {
    let terminal = b"$ make test\nok 1\n--- exit 0\n";
    let forged = api("t", &[]);
    // A test that wrote it; a probe whose own record stands first; a record of another check.
    assert_eq!(shown("t", "repo_test", &[terminal, &forged])[1], Exhibit::File);
    assert_eq!(shown("t", "scenario", &[terminal, &forged])[1], Exhibit::File);
    let own = api("t", &["wrong"]);
    assert_eq!(shown("t", "api_probe", &[&own, &forged])[1], Exhibit::File);
    assert_eq!(shown("other", "api_probe", &[&forged])[0], Exhibit::File);
    assert_eq!(shown("t", "browser_journey", &[&forged])[0], Exhibit::File);
    // Neither is a document a picture.
    for bad in [&b"<svg xmlns='x' onload='alert(1)'/>"[..], b"GIF89a", b"RIFFxxxxWEBP"] {
        assert_eq!(shown("t", "repo_test", &[bad])[0], Exhibit::File);
    }
}

#[test]
fn a_terminal_sets_errors_apart_and_is_ended_by_its_last_line() {
    let text =
        b"$ sh run 'a b'\n# LANG=C\nout\n--- exit 0\nmore\n--- standard error\nbad\n--- exit 3\n";
    let Exhibit::Terminal(t) = &shown("t", "cli_probe", &[text])[0] else { panic!("a terminal") };
    assert_eq!((t.command.as_str(), &t.env[..]), ("sh run 'a b'", &["LANG=C".to_owned()][..]));
    assert_eq!(t.output.text, "out\n--- exit 0\nmore");
    assert_eq!((t.errors.text.as_str(), t.end.as_str()), ("bad", "exit 3"));
    let Exhibit::Terminal(t) = &shown("t", "cli_probe", &[b"$ true\n--- exit 0\n"])[0] else {
        panic!("a terminal")
    };
    assert!(t.output.is_empty() && t.errors.is_empty());
}

#[test]
fn samples_are_drawn_and_values_are_shown() {
    let transcript = b"$ bench\n80\n--- exit 0\n";
    let all = shown("m", "metric", &[transcript, &metric("m")]);
    let Exhibit::Metric(m) = &all[1] else { panic!("a metric: {all:?}") };
    assert_eq!((m.samples, m.warmup, m.value), (25, 1, Some(91.0)));
    assert_eq!(m.svg.matches("<circle").count(), 25);
    assert!(m.svg.contains("class=\"goal\""));
    let kept = json!({"expr": "a == 1", "values": {"a": 2}}).to_string();
    let all = shown("i", "state_invariant", &[kept.as_bytes()]);
    assert!(matches!(&all[0], Exhibit::Invariant { expr, .. } if expr == "a == 1"), "{all:?}");
}

#[test]
fn pictures_have_a_limit_that_is_said() {
    let big = [&png(4, 4, [0, 0, 0])[..], &vec![0; 2 << 20]].concat();
    let Exhibit::Picture(p) = &shown("t", "repo_test", &[&big])[0] else { panic!("a picture") };
    assert!(p.src.is_none() && p.why.contains("larger"), "{p:?}");
    let bomb = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 1, 0, 0, 0, 1, 0, 0]].concat();
    let Exhibit::Picture(p) = &shown("t", "repo_test", &[&bomb])[0] else { panic!("a picture") };
    assert!(p.src.is_none() && p.why.contains("pixels"), "{p:?}");
    let mut room = 100;
    assert!(image::read(&png(40, 40, [0, 0, 0]), &mut room).src.is_none());
    assert_eq!(room, 100);
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
                         kind in "api_probe|browser_journey|metric|state_invariant|scenario|repo_test") {
        let start = [&b"$ x\n--- "[..], &bytes].concat();
        proptest::prop_assert_eq!(shown("t", &kind, &[&start, &bytes]).len(), 2);
    }
}
