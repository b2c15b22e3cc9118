use super::*;
use crate::session::event::{GroupFailed, RunPaused};

fn journal(dir: &Path) -> (Journal, Clock) {
    let clock = Clock::fixed("2026-11-20T10:11:12.345Z".parse().expect("time"), 1);
    (Journal::open(&dir.join("j.jsonl"), "test").expect("open"), clock)
}

fn put(journal: &mut Journal, clock: &Clock, reason: &str) {
    let event = RunPaused { reason: reason.into() };
    journal.append_with(clock, |_| Ok(vec![Entry::new(event)])).expect("append");
}

#[test]
fn two_writers_make_one_chain() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    let (mut b, _) = journal(dir.path());
    for n in 0..5 {
        put(&mut a, &clock, &format!("a{n}"));
        put(&mut b, &clock, &format!("b{n}"));
    }
    let read: Result<Vec<_>> =
        Reader::open(&dir.path().join("j.jsonl"), Position::START).expect("open").collect();
    assert_eq!(read.expect("whole").last().map(|r| r.seq), Some(10));
}

#[test]
fn a_torn_tail_is_cut_and_the_chain_goes_on() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    put(&mut a, &clock, "one");
    let path = dir.path().join("j.jsonl");
    let mut bytes = std::fs::read(&path).expect("read");
    bytes.extend_from_slice(b"{\"v\":1,\"seq\":2,\"at");
    std::fs::write(&path, &bytes).expect("tear");
    let (mut b, _) = journal(dir.path());
    put(&mut b, &clock, "two");
    let n =
        Reader::open(&path, Position::START).expect("open").inspect(|r| assert!(r.is_ok())).count();
    assert_eq!(n, 2);
}

#[test]
fn one_changed_byte_anywhere_is_found() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    for n in 0..3 {
        put(&mut a, &clock, &format!("reason {n}"));
    }
    let event = GroupFailed { reason: "x".into() };
    a.append_with(&clock, |_| Ok(vec![Entry::attempt("g", 2, event)])).expect("append");
    let path = dir.path().join("j.jsonl");
    let good = std::fs::read(&path).expect("read");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).expect("write");
        let read: Result<Vec<_>> = Reader::open(&path, Position::START).expect("open").collect();
        assert!(read.is_err(), "byte {at} was changed and not noticed");
    }
}

#[test]
fn a_journal_without_what_is_anchored_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    for n in 0..4 {
        put(&mut a, &clock, &format!("reason {n}"));
    }
    let path = dir.path().join("j.jsonl");
    let good = std::fs::read_to_string(&path).expect("read");
    let (seq, hash) = (a.position().seq, a.position().head);
    let anchor = Anchor { session: "s".into(), seq, hash };
    let open = |anchor: &Anchor| Journal::open_anchored(&path, "test", Some(anchor));
    assert_eq!(open(&anchor).expect("whole").position().seq, 4);
    // A later event does not matter, another one at that place does.
    assert!(open(&Anchor { hash: Sha256::of(b"other"), ..anchor.clone() }).is_err());
    for lines in 0..4 {
        let cut: String = good.lines().take(lines).map(|l| format!("{l}\n")).collect();
        std::fs::write(&path, &cut).expect("cut");
        let e = open(&anchor).expect_err("the end is gone");
        assert_eq!(e.exit(), crate::base::Exit::INPUT, "{e}");
        assert!(e.to_string().contains("j.jsonl"), "{e}");
    }
}

#[test]
fn zeros_after_a_power_cut_are_cut_back() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    put(&mut a, &clock, "one");
    let path = dir.path().join("j.jsonl");
    let good = std::fs::read(&path).expect("read");
    for torn in [b"".as_slice(), b"{\"v\":1,\"seq\":2,\"at"] {
        let zeros = [good.as_slice(), torn, &[0; 4096]].concat();
        std::fs::write(&path, &zeros).expect("zeros");
        let (mut b, _) = journal(dir.path());
        assert_eq!(b.position().seq, 1);
        put(&mut b, &clock, "two");
        assert_eq!(journal(dir.path()).0.position().seq, 2);
    }
    // Zeros in the middle are no end.
    let holed = [&[0; 16], &good[16..]].concat();
    std::fs::write(&path, holed).expect("holed");
    assert!(Journal::open(&path, "test").is_err());
}

/// What a newer Otto wrote is not called damaged: the bytes are as they were written.
#[test]
fn a_newer_field_is_no_damage() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut a, clock) = journal(dir.path());
    let event = Event::Unknown {
        kind: "run.paused".into(),
        data: serde_json::json!({"reason": "x", "newer": 1}),
    };
    a.append_with(&clock, |_| Ok(vec![Entry::new(event)])).expect("append");
    let path = dir.path().join("j.jsonl");
    let mut read = Reader::open(&path, Position::START).expect("open");
    let e = read.next().expect("a line").expect_err("not understood");
    assert!(e.to_string().contains("is intact and cannot be read by this Otto"), "{e}");
    assert!(e.hint.as_deref().is_some_and(|h| h.contains("newer Otto")), "{e:?}");
}
