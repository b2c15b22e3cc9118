//! A long journal, read by all cores: the file is cut at line ends, each piece is parsed and hashed
//! by itself, and the records are handed on in order.
//!
//! A line says its own hash and that of the line before, so a piece can be checked knowing only the
//! last hash before it, which stands in plain sight. Whoever takes the records in order meets every
//! line that one reader would have met, and the same first fault.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::{Position, Record, parse_line};
use crate::base::{Error, Result, Sha256};
use crate::disk::Lines;

/// Less than this is read faster than threads are started.
pub(super) const WORTH_IT: u64 = 1 << 20;
/// Bytes of one piece, about.
const PIECE: usize = 256 << 10;

/// Lines that follow each other, and where they begin.
struct Piece {
    lines: Vec<u8>,
    ends: Vec<usize>,
    from: Position,
    answer: Sender<Vec<Result<Record>>>,
}

/// Reads from `from` to the end. Returns where that is.
pub(super) fn read(path: &Path, from: Position, take: &mut dyn FnMut(&Record)) -> Result<Position> {
    read_in(path, from, PIECE, take)
}

fn read_in(
    path: &Path,
    from: Position,
    piece: usize,
    take: &mut dyn FnMut(&Record),
) -> Result<Position> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (send, pieces) = channel::<Piece>();
    let pieces = Mutex::new(pieces);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&pieces, path));
        }
        // Dropped when this returns, early or not: then the workers end.
        let send = send;
        let mut lines = Lines::open_at(path, from.offset)?;
        let (mut next, mut done) = (Some(from), from);
        let mut under_way: VecDeque<Receiver<Vec<Result<Record>>>> = VecDeque::new();
        loop {
            while under_way.len() < workers * 2
                && let Some(at) = next
            {
                let (answer, receive) = channel();
                match cut(&mut lines, at, piece, answer)? {
                    None => next = None,
                    Some((work, after)) => {
                        next = Some(after);
                        under_way.push_back(receive);
                        send.send(work).map_err(|_| Error::bug("the journal's readers ended"))?;
                    }
                }
            }
            let Some(first) = under_way.pop_front() else { return Ok(done) };
            let records = first.recv().map_err(|_| Error::bug("a reader of the journal ended"))?;
            for record in records {
                let record = record?;
                take(&record);
                done = Position { seq: record.seq, offset: done.offset, head: record.hash };
            }
            if under_way.is_empty() && next.is_none() {
                done.offset = lines.offset();
            }
        }
    })
}

/// The next piece, and where the one after it begins; `None` at the end.
fn cut(
    lines: &mut Lines,
    from: Position,
    size: usize,
    answer: Sender<Vec<Result<Record>>>,
) -> Result<Option<(Piece, Position)>> {
    let mut piece = Piece { lines: Vec::with_capacity(size * 2), ends: Vec::new(), from, answer };
    let mut line = Vec::new();
    while piece.lines.len() < size && lines.read_into(&mut line)? {
        piece.lines.extend_from_slice(&line);
        piece.ends.push(piece.lines.len());
    }
    if piece.ends.is_empty() {
        return Ok(None);
    }
    let after = Position {
        seq: from.seq + piece.ends.len() as u64,
        offset: lines.offset(),
        // A line that does not say its hash is found by whoever parses it; nothing follows then.
        head: said_hash(line_at(&piece, piece.ends.len() - 1)).unwrap_or(Sha256::ZERO),
    };
    Ok(Some((piece, after)))
}

fn line_at(piece: &Piece, n: usize) -> &[u8] {
    let start = if n == 0 { 0 } else { piece.ends[n - 1] };
    &piece.lines[start..piece.ends[n]]
}

/// The 64 digits before the last `"}`.
fn said_hash(line: &[u8]) -> Option<Sha256> {
    let rest = line.strip_suffix(b"\"}")?;
    std::str::from_utf8(rest.get(rest.len().checked_sub(64)?..)?).ok()?.parse().ok()
}

fn work(pieces: &Mutex<Receiver<Piece>>, path: &Path) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(piece) = next else { return };
        let mut at = piece.from;
        let mut records = Vec::with_capacity(piece.ends.len());
        for n in 0..piece.ends.len() {
            let record = parse_line(line_at(&piece, n), at, path);
            let stop = record.is_err();
            if let Ok(record) = &record {
                at = Position { seq: record.seq, offset: at.offset, head: record.hash };
            }
            records.push(record);
            if stop {
                break;
            }
        }
        // Nobody waits for it any more when an earlier piece was damaged.
        drop(piece.answer.send(records));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::session::event::RunPaused;
    use crate::session::journal::{Entry, Journal, Reader};

    fn journal(dir: &Path, events: usize) -> std::path::PathBuf {
        let path = dir.join("j.jsonl");
        let clock = Clock::fixed("2026-11-20T10:11:12Z".parse().expect("time"), 1);
        let mut journal = Journal::open(&path, "test").expect("open");
        let entry = |n| Entry::new(RunPaused { reason: format!("reason {n}") });
        let entries = (0..events).map(entry).collect();
        journal.append_with(&clock, |_| Ok(entries)).expect("appended");
        path
    }

    /// What one reader says: its records and its end, or its first fault.
    fn one_by_one(path: &Path) -> (Vec<Record>, std::result::Result<Position, String>) {
        let mut reader = Reader::open(path, Position::START).expect("open");
        let mut records = Vec::new();
        for record in reader.by_ref() {
            match record {
                Ok(record) => records.push(record),
                Err(e) => return (records, Err(e.to_string())),
            }
        }
        (records, Ok(reader.position))
    }

    fn all_at_once(
        path: &Path,
        piece: usize,
    ) -> (Vec<Record>, std::result::Result<Position, String>) {
        let mut records = Vec::new();
        let end = read_in(path, Position::START, piece, &mut |r| records.push(r.clone()));
        (records, end.map_err(|e| e.to_string()))
    }

    #[test]
    fn many_readers_say_what_one_says() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = journal(dir.path(), 60);
        let good = std::fs::read(&path).expect("read");
        for piece in [1, 300, 5_000, 1 << 20] {
            assert_eq!(all_at_once(&path, piece), one_by_one(&path));
            // A changed byte anywhere; a line gone; a torn end.
            for at in (0..good.len()).step_by(97) {
                let mut bad = good.clone();
                bad[at] ^= 1;
                std::fs::write(&path, &bad).expect("write");
                assert_eq!(all_at_once(&path, piece), one_by_one(&path), "byte {at}");
            }
            let second = good.iter().position(|b| *b == b'\n').expect("a line") + 1;
            std::fs::write(&path, &good[second..]).expect("write");
            assert_eq!(all_at_once(&path, piece), one_by_one(&path));
            std::fs::write(&path, &good[..good.len() - 10]).expect("write");
            assert_eq!(all_at_once(&path, piece), one_by_one(&path));
            std::fs::write(&path, &good).expect("write");
        }
    }
}
