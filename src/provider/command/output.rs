//! What the agent prints: passed on as text while it runs, bounded, and kept for its answer.

use std::collections::VecDeque;
use std::io::Write;

use crate::base::Result;
use crate::provider::io::Events;

/// This much is passed on; a flood beyond it would only fill the transcript.
const MAX_SHOWN: usize = 8 << 20;
/// This much of the end is kept to look for an answer in.
const MAX_KEPT: usize = 16 << 20;

/// The lines of one agent.
#[derive(Debug, Default)]
pub(super) struct Output {
    shown: usize,
    left_out: usize,
    kept: VecDeque<String>,
    kept_bytes: usize,
}

impl Output {
    /// Takes a line without its end; bytes that are not UTF-8 become `�`.
    pub fn line<W: Write>(&mut self, line: &[u8], events: &mut Events<W>) -> Result<()> {
        let line = String::from_utf8_lossy(line).into_owned();
        self.shown += line.len() + 1;
        if self.shown <= MAX_SHOWN {
            events.text(&line)?;
        } else {
            self.left_out += 1;
        }
        self.kept_bytes += line.len() + 1;
        self.kept.push_back(line);
        while self.kept_bytes > MAX_KEPT && self.kept.len() > 1 {
            let dropped = self.kept.pop_front().expect("because there is more than one");
            self.kept_bytes -= dropped.len() + 1;
        }
        Ok(())
    }

    /// After a flood, says so and passes the last line on: that is the one that people read.
    pub fn finish<W: Write>(&self, events: &mut Events<W>) -> Result<()> {
        if self.left_out == 0 {
            return Ok(());
        }
        events.text(&format!("[{} more lines of the agent are left out]", self.left_out))?;
        match self.kept.iter().rev().find(|line| !line.trim().is_empty()) {
            Some(last) => events.text(last),
            None => Ok(()),
        }
    }

    /// Everything that is kept, as it was printed.
    pub fn into_text(self) -> String {
        let lines: Vec<String> = self.kept.into();
        lines.join("\n")
    }
}
