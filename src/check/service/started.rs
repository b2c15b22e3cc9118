//! One service: awaited by asking, looked at while it runs, and ended.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{NotUp, url};
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::check::{Reason, http};
use crate::disk;
use crate::process::{Ended, Finished, Interrupt, serves};
use crate::spec::Service;

/// Between two looks at a service that is not ready.
const LOOK: Duration = Duration::from_millis(20);
/// How long one may be busy after a check.
const PATIENCE: Duration = Duration::from_secs(6);

/// One that was started. It ends with its value.
#[derive(Debug)]
pub struct Started {
    pub id: String,
    pub port: u16,
    /// Its data folder.
    pub data: PathBuf,
    /// Its command, for people.
    pub shown: String,
    pub ready: Option<String>,
    /// The mark of everything that it starts.
    pub scope: String,
    /// Whether it listens at a port of the machine itself.
    pub is_open: bool,
    pub output: PathBuf,
    /// To leave.
    pub ask: Interrupt,
    /// The thread that waits for its end.
    pub ends: Option<JoinHandle<Result<Finished>>>,
    /// How it ended.
    pub early: Option<Finished>,
}

impl Started {
    fn is_over(&self) -> bool {
        self.ends.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks until it answers, is over, or its time is. `Err` is trouble of ours.
    pub fn await_ready(
        &mut self,
        service: &Service,
        limit: Duration,
    ) -> Result<std::result::Result<(), NotUp>> {
        let until = Instant::now() + limit;
        loop {
            if self.is_over() {
                return self.collect().map(|()| Err(self.died()));
            }
            if answers(service.ready.as_deref(), self.port) {
                break;
            }
            crate::process::stop::check()?;
            if Instant::now() >= until {
                let asked = service.ready.as_deref().unwrap_or("a connection");
                let detail = format!(
                    "the service '{}' did not answer {asked} within {} s: {}",
                    self.id,
                    limit.as_secs(),
                    last_line(&self.said())
                );
                return Ok(Err(NotUp { reason: Reason::ServiceNotReady, detail }));
            }
            std::thread::sleep(LOOK);
        }
        // A server of another run would have answered as well.
        if !self.is_itself() {
            if self.is_over() {
                return self.collect().map(|()| Err(self.died()));
            }
            return Ok(Err(self.replaced()));
        }
        Ok(Ok(()))
    }

    /// Whether it is this service that answers at its port.
    fn is_itself(&self) -> bool {
        !self.is_open || serves(&self.scope, self.port)
    }

    fn replaced(&self) -> NotUp {
        let (id, port) = (&self.id, self.port);
        let detail = format!("something else than the service '{id}' answers at its port {port}");
        NotUp { reason: Reason::WrongServer, detail }
    }

    /// What is wrong with it at the end of a check: it must be up, and must be who answers.
    pub fn fault(&mut self) -> Option<NotUp> {
        let until = Instant::now() + PATIENCE;
        let mut is_up = false;
        // One that is still busy with the last request is up.
        while !is_up && !self.is_over() && Instant::now() < until {
            is_up = answers(self.ready.as_deref(), self.port);
            if !is_up {
                std::thread::sleep(LOOK);
            }
        }
        // It may have ended of what it was just asked.
        if !is_up || self.is_over() {
            return Some(self.died());
        }
        (!self.is_itself()).then(|| self.replaced())
    }

    fn said(&self) -> String {
        let bytes = disk::read_if_there(&self.output).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended by itself.
    fn collect(&mut self) -> Result<()> {
        if let Some(thread) = self.ends.take() {
            let ended = thread.join().map_err(|_| Error::bug("a service's thread panicked"))??;
            self.early = Some(ended);
        }
        Ok(())
    }

    fn died(&mut self) -> NotUp {
        // What it died of is told as far as it is known.
        if self.is_over() {
            drop(self.collect());
        }
        let ended = self.early.as_ref().map(|e| e.ended);
        let reason = match ended {
            Some(Ended::NotFound) => Reason::MissingTool,
            Some(Ended::NotExecutable) => Reason::NotExecutable,
            Some(Ended::Stopped) => Reason::Interrupted,
            _ => Reason::ServiceDied,
        };
        let how = ended.map_or("answered no more", how);
        let detail = format!("the service '{}' {how}: {}", self.id, last_line(&self.said()));
        NotUp { reason, detail }
    }

    /// Asks it to leave, and waits until everything of it is gone.
    pub fn end(&mut self) -> Option<&Finished> {
        self.ask.trip();
        // What came of it says nothing about the check any more.
        drop(self.collect());
        self.early.as_ref()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether it is ready.
fn answers(ready: Option<&str>, port: u16) -> bool {
    match ready {
        Some(path) => http::get(&format!("{}{path}", url(port)), Duration::from_secs(2))
            .is_ok_and(|status| status < 400),
        None => accepts(port),
    }
}

/// Whether a connection stays open for a moment: one that is carried into a sandbox where nobody
/// listens is hung up on.
fn accepts(port: u16) -> bool {
    use std::io::Read;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&at, Duration::from_secs(1)) else {
        return false;
    };
    if stream.set_read_timeout(Some(Duration::from_millis(100))).is_err() {
        return false;
    }
    match stream.read(&mut [0]) {
        Ok(n) => n > 0,
        Err(e) => matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

pub fn how(ended: Ended) -> &'static str {
    match ended {
        Ended::Exited(0) => "ended by itself",
        Ended::Exited(_) => "ended with an error",
        Ended::Signaled(_) => "was killed",
        Ended::TimedOut => "took too long",
        Ended::TooMuchOutput => "printed too much",
        Ended::OverLimit(_) => "used too much of the machine",
        Ended::Stopped => "was stopped",
        Ended::NotFound => "is not there",
        Ended::NotExecutable => "cannot be executed",
    }
}

pub fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing");
    one_line(last, 160)
}
