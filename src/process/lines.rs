//! A child's output as lines.

use std::io::{BufRead, BufReader, Read};

/// Cuts a stream into lines. A line over `max` is handed on cut, so that a flood stays bounded.
pub(super) fn pump_lines(from: impl Read, max: usize, to: &std::sync::mpsc::SyncSender<Vec<u8>>) {
    let mut reader = BufReader::with_capacity(64 * 1024, from);
    let mut line: Vec<u8> = Vec::new();
    loop {
        let Ok(chunk) = reader.fill_buf() else { return };
        if chunk.is_empty() {
            if !line.is_empty() {
                drop(to.send(line));
            }
            return;
        }
        let (n, ended) = match chunk.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (chunk.len(), false),
        };
        let room = max.saturating_sub(line.len());
        line.extend_from_slice(&chunk[..(n - usize::from(ended)).min(room)]);
        reader.consume(n);
        if ended && to.send(std::mem::take(&mut line)).is_err() {
            return;
        }
    }
}
