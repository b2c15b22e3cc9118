//! Ports of a sandbox that has a loopback of its own: what it serves is reached from outside at the
//! same port, and what it may reach is there inside at the same port. Outside, whoever started the
//! sandbox carries both, over Unix sockets in a folder; so nobody else can answer at an exposed
//! port, and nothing else is reached.
//!
//! All sockets are made outside. Those inside cannot write where they are: a name that they could
//! put there, a link to a socket of the person's say, would be followed by us. So they call us, and
//! for each exposed port a call waits until a client comes ([`Line`]).
//!
//! The inner end is `otto sandbox --expose … --reach …`, before the command.

use std::ffi::OsString;
use std::io::{Read, Result as Io, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::line::Line;
use super::proxy::{Served, join};
use crate::base::{Error, Result};

/// Where the folder is inside.
pub(super) const FOLDER: &str = "/run/otto-ports";

/// After a failure to accept: without descriptors there is nothing to do but wait for some.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a client waits for a call, and for the program behind it to take the connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The outer end; it ends with its value, and everybody who is served is hung up on.
#[derive(Debug)]
pub(in crate::process) struct Relay {
    folder: tempfile::TempDir,
    served: Arc<Served>,
    /// To be woken at the end.
    listening: Vec<Arc<dyn AsFd>>,
    accepting: Vec<JoinHandle<()>>,
}

/// A listener of either kind.
trait AsFd: AsRawFd + std::fmt::Debug + Send + Sync {}
impl AsFd for TcpListener {}
impl AsFd for UnixListener {}

/// Of a port that is reached.
fn outward(port: u16) -> String {
    format!("out-{port}.sock")
}

/// Where calls for an exposed port arrive.
fn inward(port: u16) -> String {
    format!("in-{port}.sock")
}

/// A path of at most 107 bytes (unix(7)) to a name in a folder, however long the folder's is.
fn short(folder: &std::fs::File, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

impl Relay {
    /// Listens outside; `below` is a folder that those inside do not see. 75 where a port is taken.
    pub fn start(below: &Path, expose: &[u16], reach: &[u16]) -> Result<Self> {
        let made = tempfile::Builder::new().prefix("ports-").tempdir_in(below);
        let mut relay = Self {
            folder: made.map_err(|e| Error::file("make a folder in", below, e))?,
            served: Arc::default(),
            listening: Vec::new(),
            accepting: Vec::new(),
        };
        for port in expose {
            relay.expose(*port)?;
        }
        for port in reach {
            relay.reach(*port)?;
        }
        Ok(relay)
    }

    /// Of the sockets, outside.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn listen(&self, name: &str) -> Result<Arc<UnixListener>> {
        let fail = |e| Error::machine("cannot carry a port into a sandbox").because(e);
        let folder = std::fs::File::open(self.folder.path()).map_err(fail)?;
        UnixListener::bind(short(&folder, name)).map(Arc::new).map_err(fail)
    }

    fn expose(&mut self, port: u16) -> Result<()> {
        let taken = |e| Error::later(format!("cannot listen at the port {port}"), None).because(e);
        let listener = Arc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?);
        let calls = self.listen(&inward(port))?;
        let line = Arc::new(Line::default());
        let (from, waiting, served) =
            (Arc::clone(&calls), Arc::clone(&line), Arc::clone(&self.served));
        self.accepting.push(thread(move || {
            while !served.is_over() {
                match from.accept() {
                    Ok((call, _)) => waiting.put(call),
                    Err(_) => std::thread::sleep(PAUSE),
                }
            }
            waiting.end();
        })?);
        let (from, served) = (Arc::clone(&listener), Arc::clone(&self.served));
        let lead = move |tcp: TcpStream| -> Io<()> { pair(&served, line.dial(PATIENCE)?, tcp) };
        let served = Arc::clone(&self.served);
        self.accepting.push(thread(move || accept(&served, || from.accept().map(|a| a.0), lead))?);
        self.listening.extend([listener as Arc<dyn AsFd>, calls]);
        Ok(())
    }

    fn reach(&mut self, port: u16) -> Result<()> {
        let listener = self.listen(&outward(port))?;
        let (from, served) = (Arc::clone(&listener), Arc::clone(&self.served));
        let lead = move |unix: UnixStream| -> Io<()> {
            pair(&served, unix, TcpStream::connect((Ipv4Addr::LOCALHOST, port))?)
        };
        let served = Arc::clone(&self.served);
        self.accepting.push(thread(move || accept(&served, || from.accept().map(|a| a.0), lead))?);
        self.listening.push(listener);
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.served.end();
        for listener in &self.listening {
            // Wakes the thread that accepts; see the proxy.
            // SAFETY: shutdown(2) takes plain integers, and the listener is open.
            unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) };
        }
        for accepting in self.accepting.drain(..) {
            drop(accepting.join());
        }
    }
}

fn thread(run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let started = std::thread::Builder::new().name("relay".into()).spawn(run);
    started.map_err(|e| Error::machine("cannot start a thread").because(e))
}

/// One client to one server, both hung up on at the end.
fn pair(served: &Arc<Served>, unix: UnixStream, tcp: TcpStream) -> Io<()> {
    let Some(place) = Served::enter(served, &unix) else { return Ok(()) };
    if !place.leads_to(&tcp)? {
        return Ok(());
    }
    join(unix, tcp)
}

/// Each client gets a thread of its own, until it is over.
fn accept<C: Send + 'static>(
    served: &Arc<Served>,
    mut next: impl FnMut() -> Io<C>,
    lead: impl Fn(C) -> Io<()> + Send + Sync + 'static,
) {
    let lead = Arc::new(lead);
    while !served.is_over() {
        let Ok(client) = next() else {
            std::thread::sleep(PAUSE);
            continue;
        };
        let lead = Arc::clone(&lead);
        // Who cannot be served is hung up on.
        drop(std::thread::Builder::new().spawn(move || drop(lead(client))));
    }
}

/// The arguments of `otto sandbox` that make it the inner end.
pub(super) fn arguments(expose: &[u16], reach: &[u16]) -> Vec<OsString> {
    let mut argv = Vec::new();
    for (flag, ports) in [("--expose", expose), ("--reach", reach)] {
        for port in ports {
            argv.extend([OsString::from(flag), port.to_string().into()]);
        }
    }
    argv
}

/// Serves inside until this process ends.
pub fn serve(expose: &[u16], reach: &[u16]) -> Result<()> {
    let fail = |e| Error::machine("cannot carry a port out of the sandbox").because(e);
    for port in expose.iter().copied() {
        let at = Path::new(FOLDER).join(inward(port));
        let first = UnixStream::connect(&at).map_err(fail)?;
        drop(thread(move || answer(first, &at, port))?);
    }
    let served: Arc<Served> = Arc::default();
    for port in reach.iter().copied() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(fail)?;
        let (all, ours) = (Arc::clone(&served), Arc::clone(&served));
        let lead = move |tcp: TcpStream| -> Io<()> {
            pair(&ours, UnixStream::connect(Path::new(FOLDER).join(outward(port)))?, tcp)
        };
        drop(thread(move || accept(&all, || listener.accept().map(|a| a.0), lead))?);
    }
    Ok(())
}

/// Keeps a call waiting outside; each that is taken up is led to the port, and the next one waits.
fn answer(first: UnixStream, at: &Path, port: u16) {
    let mut call = Ok(first);
    // Outside nobody takes calls any more, when there is an end.
    while let Ok(mut taken) = call {
        if taken.read_exact(&mut [0]).is_err() {
            return;
        }
        drop(std::thread::Builder::new().spawn(move || {
            // Nobody listens yet: hung up on, as by a port that is closed.
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
            if taken.write_all(&[1]).is_ok() {
                drop(join(taken, server));
            }
        }));
        call = UnixStream::connect(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port that nobody has at this moment.
    fn free() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").port()
    }

    #[test]
    fn an_exposed_port_leads_to_who_called_and_ends_with_the_relay() {
        let dir = tempfile::tempdir().expect("a folder");
        let port = free();
        let relay = Relay::start(dir.path(), &[port], &[]).expect("it listens");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_err(), "nobody else answers there");
        let mut early = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        assert_eq!(early.read(&mut [0]).expect("hung up on"), 0, "nobody has called");
        let mut call = UnixStream::connect(relay.folder().join(inward(port))).expect("outside");
        let echo = std::thread::spawn(move || {
            call.read_exact(&mut [0]).expect("a client is there");
            call.write_all(&[1]).expect("it is led on");
            let mut said = [0; 4];
            call.read_exact(&mut said).expect("four bytes");
            call.write_all(&said).expect("written");
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        client.write_all(b"ping").expect("written");
        let mut said = [0; 4];
        // A call that has not arrived yet is one that nobody made.
        while client.read_exact(&mut said).is_err() {
            client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            client.write_all(b"ping").expect("written");
        }
        assert_eq!(&said, b"ping");
        echo.join().expect("it ended");
        drop(relay);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }

    #[test]
    fn only_what_is_named_is_reached() {
        let dir = tempfile::tempdir().expect("a folder");
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = server.local_addr().expect("bound").port();
        let relay = Relay::start(dir.path(), &[], &[port]).expect("it listens");
        let at = relay.folder();
        let names: Vec<_> = std::fs::read_dir(at).expect("a folder").flatten().collect();
        assert_eq!(names.len(), 1);
        let mut client = UnixStream::connect(at.join(outward(port))).expect("it listens");
        client.write_all(b"x").expect("written");
        let (mut stream, _) = server.accept().expect("a client");
        let mut said = [0];
        stream.read_exact(&mut said).expect("a byte");
        drop(relay);
        assert_eq!(client.read(&mut said).expect("hung up on"), 0);
    }
}
