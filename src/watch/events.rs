//! The journal as a source of lines.

use std::path::PathBuf;

use super::line::{Form, Line, Widths, of_record};
use crate::base::Result;
use crate::session::journal::{Position, Reader, Record};
use crate::session::{State, Weight, tell};

/// Reads on where it stopped, verifying the chain.
#[derive(Debug)]
pub(super) struct Events {
    path: PathBuf,
    at: Position,
    /// After what was read.
    state: State,
    pub groups: Vec<String>,
    /// Chatter too.
    pub all: bool,
    pub form: Form,
    pub widths: Widths,
}

impl Events {
    pub fn new(path: PathBuf, groups: &[String], all: bool, form: Form, widths: Widths) -> Self {
        let groups = groups.to_vec();
        let state = State::default();
        Self { path, at: Position::START, state, groups, all, form, widths }
    }

    /// Hands on every line that was added since.
    pub fn lines(&mut self, sink: &mut dyn FnMut(Line) -> Result<()>) -> Result<()> {
        let mut reader = Reader::open(&self.path, self.at)?;
        for record in reader.by_ref() {
            let record = record?;
            self.state.apply(&record);
            let (weight, told) = tell(&record, &self.state);
            if self.wants(&record, weight) {
                sink(of_record(&record, &told, self.form, self.widths))?;
            }
        }
        self.at = reader.position;
        Ok(())
    }

    fn wants(&self, record: &Record, weight: Weight) -> bool {
        let group = || record.group.as_ref().is_some_and(|g| self.groups.contains(g));
        (self.groups.is_empty() || group())
            && (self.all || self.form == Form::Json || weight == Weight::News)
    }
}
