//! Standard input after the request: one line may ask to stop.

use std::io::BufRead;
use std::sync::{Arc, Mutex, PoisonError};

use crate::agent::protocol::StopLine;
use crate::process::Interrupt;

/// Why the turn was asked to stop; set at most once.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Option<String>>>);

impl Asked {
    pub fn why(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens for the stop line as long as this process lives. The end of the input is no request:
/// whoever has nothing more to say may close it.
pub(super) fn listen(mut input: impl BufRead + Send + 'static, handle: &Interrupt) -> Asked {
    let asked = Asked::default();
    let (told, handle) = (asked.clone(), handle.clone());
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if let Ok(StopLine { stop }) = serde_json::from_slice(&line) {
                *told.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
                handle.trip();
                return;
            }
            line.clear();
        }
    });
    asked
}
