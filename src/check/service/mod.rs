//! Services of a check: started in its worktree, each in a sandbox of its own and on a port that was
//! leased to it; awaited by asking, and stopped when the check is over, however it ended.
//!
//! Who answers at the port is the service that was started here and nobody else: where its loopback
//! is its own, Otto holds the port outside; elsewhere the process that listens must be one of its.

mod names;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use names::{referred, url};

use super::driver::Place;
use super::{EvidenceRef, Outcome, Provenance, Reason, http};
use crate::base::text::{one_line, shell_line, tail};
use crate::base::{Error, Exit, Result};
use crate::disk;
use crate::process::{Capture, Command, Ended, Finished, Interrupt, Sandbox, base_env, serves};
use crate::spec::{Check, Fixture, Service};
use names::{Told, variables};

const READY_LIMIT: Duration = Duration::from_secs(30);
/// A fixture that takes longer is stuck.
const FIXTURE_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at a service that is not ready.
const LOOK: Duration = Duration::from_millis(20);
/// For its last words.
const LEAVE: Duration = Duration::from_secs(2);
const OUTPUT_LIMIT: u64 = 16 << 20;
/// Leases that are tried when somebody else takes the port first.
const TRIES: usize = 5;
/// What is kept of a service's output.
const TOLD: usize = 64 << 10;

/// What a spec says of services, for the checks of one batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    pub services: &'a [Service],
    pub fixtures: &'a [Fixture],
}

/// Services that run.
#[derive(Debug, Default)]
pub struct Running {
    all: Vec<Started>,
}

#[derive(Debug)]
struct Started {
    id: String,
    port: u16,
    shown: String,
    ready: Option<String>,
    scope: String,
    /// Whether it listens at a port of the machine itself.
    is_open: bool,
    output: PathBuf,
    ask: Interrupt,
    ends: Option<JoinHandle<Result<Finished>>>,
    early: Option<Finished>,
}

/// Why a check with services cannot run: the outcome's reason and a line for people.
#[derive(Debug)]
pub struct NotUp {
    pub reason: Reason,
    pub detail: String,
}

impl Declared<'_> {
    /// The services that a check needs, with those that these refer to, in the order of the spec.
    pub fn needed(&self, check: &Check) -> Result<Vec<&Service>> {
        let mut wanted: Vec<&str> = check.named_services();
        let mut at = 0;
        while at < wanted.len() {
            let id = wanted[at];
            let service = self.services.iter().find(|s| s.id == id).ok_or_else(|| {
                Error::input(format!(
                    "check '{}' needs the service '{id}', which the spec does not declare",
                    check.id
                ))
            })?;
            for text in service.argv.iter().chain(service.env.values()) {
                let more = referred(text).filter(|id| !wanted.contains(id)).collect::<Vec<_>>();
                wanted.extend(more);
            }
            at += 1;
        }
        Ok(self.services.iter().filter(|s| wanted.contains(&s.id.as_str())).collect())
    }
}

impl Running {
    /// Starts them one after the other, and puts the seed data there. What was started is stopped
    /// when this fails or is dropped.
    pub fn start(
        services: &[&Service],
        fixtures: &[Fixture],
        place: &Place<'_>,
    ) -> Result<std::result::Result<Self, (Self, NotUp)>> {
        let mut running = Self::default();
        if services.is_empty() {
            return Ok(Ok(running));
        }
        let root = place.worktree.scratch_of("services")?;
        let from = Instant::now();
        let left = || place.left.saturating_sub(from.elapsed());
        for service in services {
            match running.up(service, &root.join(&service.id), place, left())? {
                Ok(()) => {}
                Err(why) => return Ok(Err((running, why))),
            }
        }
        for fixture in fixtures {
            if let Err(why) = running.seed(fixture, &root.join("fixtures"), place, left())? {
                return Ok(Err((running, why)));
            }
        }
        Ok(Ok(running))
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where a service is, such as `http://127.0.0.1:40123`.
    pub fn url(&self, id: &str) -> Option<String> {
        self.all.iter().find(|s| s.id == id).map(|s| url(s.port))
    }

    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.all.iter().map(|s| s.port)
    }

    /// Id and port of each.
    pub fn named(&self) -> impl Iterator<Item = (&str, u16)> {
        self.all.iter().map(|s| (s.id.as_str(), s.port))
    }

    /// The variables by which a command finds them.
    pub fn env(&self) -> BTreeMap<OsString, OsString> {
        variables(self.named())
    }

    /// Starts one, at another port where somebody was faster.
    fn up(
        &mut self,
        service: &Service,
        dir: &std::path::Path,
        place: &Place<'_>,
        left: Duration,
    ) -> Result<std::result::Result<(), NotUp>> {
        for tried in 1..=TRIES {
            let started = self.begin(service, dir, place, left)?;
            self.all.push(started);
            let limit = service.ready_timeout_s.map_or(READY_LIMIT, Duration::from_secs).min(left);
            let ended =
                self.all.last_mut().expect("it was just put there").await_ready(service, limit);
            match ended {
                // The lease was let go of for a moment, and taken.
                Err(e) if e.exit() == Exit::LATER && tried < TRIES => drop(self.all.pop()),
                Err(e) => return Err(e),
                Ok(answer) => return Ok(answer),
            }
        }
        Err(Error::bug("the last try returns"))
    }

    fn begin(
        &self,
        service: &Service,
        dir: &std::path::Path,
        place: &Place<'_>,
        left: Duration,
    ) -> Result<Started> {
        disk::place_dir(dir)?;
        let data = match &service.data_dir {
            Some(below) => place.worktree.path.join(below),
            None => dir.join("data"),
        };
        disk::place_dir(&data)?;
        let lease = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let lease = lease.map_err(|e| Error::machine("there is no free port").because(e))?;
        let port = lease.local_addr().map_err(|e| Error::machine("a port").because(e))?.port();
        let others = self.named().map(|(id, port)| (id.to_owned(), port)).collect();
        let shown_data = data.to_string_lossy();
        let told = Told { port, data: &shown_data, others: &others };
        let argv: Vec<String> = service.argv.iter().map(|word| told.filled(word)).collect();
        let mut env = base_env();
        env.extend(place.packages.env());
        env.extend(self.env());
        env.insert("PORT".into(), port.to_string().into());
        env.insert("OTTO_DATA_DIR".into(), data.clone().into());
        for (name, value) in &service.env {
            env.insert(name.into(), told.filled(value).into());
        }
        let sandbox = contained(place, dir)?
            .own(service.data_dir.is_none().then(|| data.clone()))
            .expose([port])
            .reach(self.ports());
        let is_open = !sandbox.is_relayed();
        let ask = Interrupt::default();
        let command = Command::new(argv.clone(), &place.worktree.path, env)
            .sandbox(sandbox)
            .timeout(left)
            .output_limit(OUTPUT_LIMIT)
            .interrupt(&ask, LEAVE);
        let (scope, output) = (command.scope().to_owned(), dir.join("output"));
        let capture = Capture::Merged(output.clone());
        // Until now nobody else could have it.
        drop(lease);
        let ends = std::thread::Builder::new()
            .name(format!("service {}", service.id))
            .spawn(move || command.run(capture))
            .map_err(|e| Error::machine("cannot start a thread").because(e))?;
        Ok(Started {
            id: service.id.clone(),
            port,
            shown: shell_line(&argv),
            ready: service.ready.clone(),
            scope,
            is_open,
            output,
            ask,
            ends: Some(ends),
            early: None,
        })
    }

    /// Runs a command that puts data into the services.
    fn seed(
        &self,
        fixture: &Fixture,
        dir: &std::path::Path,
        place: &Place<'_>,
        left: Duration,
    ) -> Result<std::result::Result<(), NotUp>> {
        disk::place_dir(dir)?;
        let mut env = base_env();
        env.extend(place.packages.env());
        env.extend(self.env());
        let others: BTreeMap<String, u16> =
            self.named().map(|(id, port)| (id.to_owned(), port)).collect();
        let told = Told { port: 0, data: "", others: &others };
        let argv: Vec<String> = fixture.argv.iter().map(|word| told.filled(word)).collect();
        let output = dir.join(&fixture.id);
        let done = Command::new(argv, &place.worktree.path, env)
            .sandbox(contained(place, dir)?.reach(self.ports()))
            .timeout(FIXTURE_LIMIT.min(left))
            .output_limit(OUTPUT_LIMIT)
            .run(Capture::Merged(output.clone()))?;
        if done.success() {
            return Ok(Ok(()));
        }
        let said = disk::read_if_there(&output)?.unwrap_or_default();
        let detail = format!(
            "the fixture '{}' {}: {}",
            fixture.id,
            how(done.ended),
            last_line(&String::from_utf8_lossy(&said))
        );
        Ok(Err(NotUp { reason: Reason::FixtureFailed, detail }))
    }

    /// One that is not up any more, although nobody asked it to leave: it must answer once more.
    pub fn dead(&mut self) -> Option<NotUp> {
        self.all.iter_mut().find_map(|s| {
            let is_up = !s.is_over() && answers(s.ready.as_deref(), s.port) && !s.is_over();
            (!is_up).then(|| s.died())
        })
    }

    /// Stops all; what they printed, as evidence.
    pub fn stop(mut self, place: &Place<'_>) -> Result<Vec<EvidenceRef>> {
        let mut kept = Vec::new();
        // The last first: it may need the others to leave well.
        for service in self.all.iter_mut().rev() {
            let how = service.end().map_or("was stopped", |e| how(e.ended));
            let said = disk::read_if_there(&service.output)?.unwrap_or_default();
            let said = tail(&String::from_utf8_lossy(&said), TOLD);
            let text = format!(
                "service {} at {}\n$ {}\n{said}\n--- it {how}\n",
                service.id,
                url(service.port),
                service.shown
            );
            kept.push(place.evidence.keep(text.as_bytes())?);
        }
        Ok(kept)
    }
}

impl Started {
    fn is_over(&mut self) -> bool {
        self.ends.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks until it answers, is over, or its time is. `Err` is trouble of ours.
    fn await_ready(
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
        if self.is_open && !serves(&self.scope, self.port) {
            if self.is_over() {
                return self.collect().map(|()| Err(self.died()));
            }
            let detail = format!(
                "something else than the service '{}' answers at its port {}",
                self.id, self.port
            );
            return Ok(Err(NotUp { reason: Reason::WrongServer, detail }));
        }
        Ok(Ok(()))
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
    fn end(&mut self) -> Option<&Finished> {
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

/// The sandbox of a service or a fixture, with folders of its own.
fn contained(place: &Place<'_>, dir: &std::path::Path) -> Result<Sandbox> {
    let sandbox = place.containment.in_worktree(place.worktree, dir)?;
    Ok(sandbox.read(place.packages.paths()))
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

fn how(ended: Ended) -> &'static str {
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

fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing");
    one_line(last, 160)
}

/// The outcome of a check whose services are not up.
pub fn outcome(why: NotUp, of: Provenance) -> Outcome {
    Outcome::red(why.reason, why.detail, of)
}
