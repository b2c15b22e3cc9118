//! A line of the log, and how it looks.

use jiff::Timestamp;

use crate::base::terminal::strip_controls;
use crate::session::journal::Record;

/// Whether a person reads it or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

/// One line, with what it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub at: Timestamp,
    /// Which source it is of: lines of one stay together and in their order. The journal is 0.
    pub source: usize,
    pub text: String,
}

/// How wide the labels are: an agent's is longer than a group's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub label: usize,
}

impl Widths {
    pub fn new(agents: bool) -> Self {
        Self { label: if agents { 20 } else { 14 } }
    }
}

/// An event of the journal; `told` is what a person is told of it.
pub(super) fn of_record(record: &Record, told: &str, form: Form, widths: Widths) -> Line {
    let text = match form {
        Form::Json => {
            let data = record.event.data().unwrap_or_default();
            let group = serde_json::to_string(&record.group).unwrap_or_default();
            format!(
                "{{\"seq\":{},\"at\":\"{}\",\"kind\":\"{}\",\"group\":{group},\"data\":{data}}}",
                record.seq,
                record.at,
                record.event.kind()
            )
        }
        Form::Text => {
            let at = record.at.strftime("%H:%M:%S%.3f");
            // Reasons and claims are an agent's words.
            let told = strip_controls(told).replace('\n', " ");
            labelled(&at.to_string(), record.group.as_deref().unwrap_or(""), &told, widths)
        }
    };
    Line { at: record.at, source: 0, text }
}

/// A line of a narrative, without its stamp.
pub(super) fn of_narrative(at: Timestamp, label: &str, told: &str, widths: Widths) -> String {
    // As wide as a date with milliseconds, which a narrative does not have.
    labelled(&format!("{:<12}", at.strftime("%H:%M:%S%.1f")), label, told, widths)
}

fn labelled(at: &str, label: &str, told: &str, widths: Widths) -> String {
    let label = strip_controls(label);
    let width = widths.label;
    format!("{at}  {label:<width$} {told}").trim_end().to_owned()
}
