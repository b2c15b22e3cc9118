//! Many turns as one story, in the order of time. A turn is opened when its time comes, and of each
//! that ran then a few lines are in memory: however long the story is, it is not held.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::Write;

use jiff::Timestamp;

use super::follow::End;
use super::line::Line;
use super::told::Told;
use crate::base::Result;
use crate::process::stop;

/// Lines of one turn that are read at once, at most so many and so many bytes.
const AHEAD: (usize, usize) = (500, 1 << 20);

pub(super) struct Merge<'a> {
    told: &'a mut [Told],
    ahead: Vec<VecDeque<Line>>,
    /// When each turn goes on, by its place in `told`.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl<'a> Merge<'a> {
    pub fn new(told: &'a mut [Told]) -> Self {
        let next = told.iter().enumerate().map(|(i, t)| Reverse((t.start(), i))).collect();
        let ahead = told.iter().map(|_| VecDeque::new()).collect();
        Self { told, ahead, next }
    }

    /// Writes what was told up to that moment, and with it; everything for `None`.
    pub fn write_until(&mut self, at: Option<Timestamp>, out: &mut dyn Write) -> Result<(), End> {
        while let Some(&Reverse((when, i))) = self.next.peek() {
            if at.is_some_and(|at| when > at) {
                break;
            }
            if stop::requested().is_some() {
                return Err(End::Reader);
            }
            self.next.pop();
            // A turn that was not opened yet has no line at its start.
            if let Some(line) = self.ahead[i].front().filter(|line| line.at <= when) {
                writeln!(out, "{}", line.text)?;
                self.ahead[i].pop_front();
            }
            if self.ahead[i].is_empty() {
                self.read_ahead(i)?;
            }
            if let Some(line) = self.ahead[i].front() {
                self.next.push(Reverse((line.at.max(when), i)));
            }
        }
        Ok(())
    }

    fn read_ahead(&mut self, i: usize) -> Result<()> {
        let (ahead, mut bytes) = (&mut self.ahead[i], 0);
        self.told[i].lines(&mut |line| {
            bytes += line.text.len();
            ahead.push_back(line);
            ahead.len() < AHEAD.0 && bytes < AHEAD.1
        })
    }
}
