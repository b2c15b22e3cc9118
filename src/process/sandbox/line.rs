//! Calls from inside of a sandbox that wait for a client outside: a byte on one is a wish for a
//! connection to the port that it is for, and a byte back says that it was made.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Result as Io, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The inner end makes one after the other: who makes more is hung up on.
const WAITING: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Line {
    calls: Mutex<Calls>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: VecDeque<UnixStream>,
    /// Somebody called.
    is_served: bool,
    over: bool,
}

impl Line {
    pub fn put(&self, call: UnixStream) {
        let mut calls = self.lock();
        calls.is_served = true;
        if calls.waiting.len() < WAITING {
            calls.waiting.push_back(call);
        }
        self.came.notify_one();
    }

    /// Nobody will call any more.
    pub fn end(&self) {
        let mut calls = self.lock();
        calls.over = true;
        calls.waiting.clear();
        self.came.notify_all();
    }

    /// A connection to what listens inside; fails at once where nobody does, or nobody called yet.
    pub fn dial(&self, patience: Duration) -> Io<UnixStream> {
        let until = Instant::now() + patience;
        let mut call = self.take(until)?;
        let left = until.saturating_duration_since(Instant::now());
        call.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        call.write_all(&[1])?;
        call.read_exact(&mut [0])?;
        call.set_read_timeout(None)?;
        Ok(call)
    }

    fn take(&self, until: Instant) -> Io<UnixStream> {
        let mut calls = self.lock();
        loop {
            if let Some(call) = calls.waiting.pop_front() {
                return Ok(call);
            }
            let left = until.saturating_duration_since(Instant::now());
            if !calls.is_served || calls.over || left.is_zero() {
                return Err(ErrorKind::ConnectionRefused.into());
            }
            // The next call is on its way.
            calls = self.came.wait_timeout(calls, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_taken_up_once_and_one_that_is_hung_up_leads_nowhere() {
        let line = Line::default();
        let soon = Duration::from_secs(30);
        assert!(line.dial(soon).is_err(), "nobody called");
        let (outer, mut inner) = UnixStream::pair().expect("a pair");
        line.put(outer);
        let serving = std::thread::spawn(move || {
            inner.read_exact(&mut [0]).expect("a client");
            inner.write_all(&[1]).expect("led on");
            inner
        });
        assert!(line.dial(soon).is_ok());
        drop(serving.join().expect("it served"));
        let (outer, inner) = UnixStream::pair().expect("a pair");
        drop(inner);
        line.put(outer);
        assert!(line.dial(soon).is_err(), "nobody listens");
        line.end();
        assert!(line.dial(soon).is_err(), "it is over");
    }
}
