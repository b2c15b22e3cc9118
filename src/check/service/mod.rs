//! Services of a check: started in its worktree, or beside a command in one of their own, each in a
//! sandbox of its own and on a port that was leased to it; awaited by asking, and stopped when the
//! check is over, however it ended.
//!
//! Who answers at the port is the service that was started here and nobody else: where its loopback
//! is its own, Otto holds the port outside; elsewhere all that listens there must be of it.

mod names;
mod started;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use names::{Told, url};

use super::driver::Place;
use super::{EvidenceRef, Outcome, Provenance, Reason};
use crate::base::text::{shell_line, tail};
use crate::base::{Error, Exit, Result};
use crate::disk;
use crate::process::{Capture, Command, Interrupt, Sandbox, base_env};
use crate::session::event::{ServiceStarted, ServiceStopped};
use crate::spec::{Check, Fixture, Service, placeholders};
use names::variables;
use started::{Started, how, last_line};

const READY_LIMIT: Duration = Duration::from_secs(30);
/// A fixture that takes longer is stuck.
const FIXTURE_LIMIT: Duration = Duration::from_secs(120);
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
                let more = placeholders::services(text)
                    .filter(|id| !wanted.contains(id))
                    .collect::<Vec<_>>();
                wanted.extend(more);
            }
            at += 1;
        }
        Ok(self.services.iter().filter(|s| wanted.contains(&s.id.as_str())).collect())
    }

    /// Everything here that decides an outcome of the check.
    pub fn told_to(&self, check: &Check) -> Result<Vec<u8>> {
        let services = self.needed(check)?;
        let fixtures: &[Fixture] = if services.is_empty() { &[] } else { self.fixtures };
        serde_json::to_vec(&(services, fixtures))
            .map_err(|e| Error::bug("services cannot be written").because(e))
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
        let root = place.for_services().scratch_of("services")?;
        let from = Instant::now();
        let left = || place.left.saturating_sub(from.elapsed());
        for service in services {
            match running.up(service, &root.join(&service.id), place, left())? {
                Ok(()) => {}
                Err(why) => return Ok(Err((running, why))),
            }
        }
        let runs = |id: &str| services.iter().any(|s| s.id == id);
        let fits = |f: &&Fixture| f.argv.iter().all(|w| placeholders::services(w).all(runs));
        for fixture in fixtures.iter().filter(fits) {
            // No id of a service has a dot.
            if let Err(why) = running.seed(fixture, &root.join("seed.d"), place, left())? {
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

    fn data(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.all.iter().map(|s| s.data.clone())
    }

    /// What a command beside them is told; `{port}` and `{data}` are those of `own`.
    pub fn told(&self, own: Option<&str>) -> Told {
        let own = own.and_then(|id| self.all.iter().find(|s| s.id == id));
        Told {
            own: own.map(|s| (s.port, s.data.to_string_lossy().into_owned())),
            others: self.named().map(|(id, port)| (id.to_owned(), port)).collect(),
        }
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
            let started = self.all.last_mut().expect("it was just put there");
            let limit = service.ready_timeout_s.map_or(READY_LIMIT, Duration::from_secs).min(left);
            let ended = started.await_ready(service, limit);
            if ended.is_ok() {
                place.tell(ServiceStarted { service: started.id.clone(), port: started.port })?;
            }
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
            Some(below) => place.for_services().path.join(below),
            None => dir.join("data"),
        };
        disk::place_dir(&data)?;
        let lease = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let lease = lease.map_err(|e| Error::machine("there is no free port").because(e))?;
        let port = lease.local_addr().map_err(|e| Error::machine("a port").because(e))?.port();
        let told =
            Told { own: Some((port, data.to_string_lossy().into_owned())), ..self.told(None) };
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
        let command = Command::new(argv.clone(), &place.for_services().path, env)
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
            data,
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
        let only = if let [one] = self.all.as_slice() { Some(one.id.as_str()) } else { None };
        let told = self.told(only);
        let argv: Vec<String> = fixture.argv.iter().map(|word| told.filled(word)).collect();
        let output = dir.join(format!("{}.out", fixture.id));
        let done = Command::new(argv, &place.for_services().path, env)
            .sandbox(contained(place, dir)?.own(self.data()).reach(self.ports()))
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

    /// What is wrong at the end of a check: one is not up any more although nobody asked it to leave.
    pub fn fault(&mut self) -> Option<NotUp> {
        self.all.iter_mut().find_map(Started::fault)
    }

    /// Stops all; what they printed, as evidence.
    pub fn stop(mut self, place: &Place<'_>) -> Result<Vec<EvidenceRef>> {
        let mut kept = Vec::new();
        // The last first: it may need the others to leave well.
        for service in self.all.iter_mut().rev() {
            let before = disk::read_if_there(&service.output)?.unwrap_or_default().len();
            let how = service.end().map_or("was stopped", |e| how(e.ended));
            place.tell(ServiceStopped { service: service.id.clone() })?;
            let said = disk::read_if_there(&service.output)?.unwrap_or_default();
            let said = tail(&told_at_its_end(&said, before), TOLD);
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

/// What a service printed. Many tell of being stopped as of a fault, so it says where that begins.
fn told_at_its_end(said: &[u8], before: usize) -> String {
    let (working, ending) = said.split_at(before.min(said.len()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match ending.is_empty() {
        true => text(working),
        false => format!(
            "{}\n--- stopped by Otto; it then said\n{}",
            text(working).trim_end(),
            text(ending)
        ),
    }
}

/// The sandbox of a service or a fixture, with folders of its own.
fn contained(place: &Place<'_>, dir: &std::path::Path) -> Result<Sandbox> {
    let sandbox = place.containment.in_worktree(place.for_services(), dir)?;
    Ok(sandbox.read(place.packages.paths()))
}

/// The outcome of a check whose services are not up.
pub fn outcome(why: NotUp, of: Provenance) -> Outcome {
    Outcome::red(why.reason, why.detail, of)
}
