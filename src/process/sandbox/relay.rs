//! Ports of a sandbox that has a loopback of its own: what it serves is reached from outside at the
//! same port, and what it may reach is there inside at the same port. Outside, whoever started the
//! sandbox carries both, over Unix sockets in two folders; so nobody else can answer at an exposed
//! port, and nothing else is reached.
//!
//! The inner end is `otto sandbox --expose … --reach …`, before the command.

use std::ffi::OsString;
use std::io::Result as Io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::proxy::{Served, join};
use crate::base::{Error, Result};

/// Where the folders are inside: what is served is written by those inside, what is reached is not.
pub(super) const EXPOSED: &str = "/run/otto-exposed";
pub(super) const REACHED: &str = "/run/otto-reached";

/// After a failure to accept: without descriptors there is nothing to do but wait for some.
const PAUSE: Duration = Duration::from_millis(20);

/// The outer end; it ends with its value, and everybody who is served is hung up on.
#[derive(Debug)]
pub(in crate::process) struct Relay {
    exposed: tempfile::TempDir,
    reached: tempfile::TempDir,
    served: Arc<Served>,
    /// To be woken at the end.
    listening: Vec<Arc<dyn AsFd>>,
    accepting: Vec<JoinHandle<()>>,
}

/// A listener of either kind.
trait AsFd: AsRawFd + std::fmt::Debug + Send + Sync {}
impl AsFd for TcpListener {}
impl AsFd for UnixListener {}

fn socket(port: u16) -> String {
    format!("{port}.sock")
}

/// A path of at most 107 bytes (unix(7)) to a name in a folder, however long the folder's is.
fn short(folder: &std::fs::File, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

impl Relay {
    /// Listens outside; `below` is a folder that those inside do not see. 75 where a port is taken.
    pub fn start(below: &Path, expose: &[u16], reach: &[u16]) -> Result<Self> {
        let folder = |prefix: &str| {
            let made = tempfile::Builder::new().prefix(prefix).tempdir_in(below);
            made.map_err(|e| Error::file("make a folder in", below, e))
        };
        let mut relay = Self {
            exposed: folder("exposed-")?,
            reached: folder("reached-")?,
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

    /// The two folders, outside.
    pub fn folders(&self) -> (&Path, &Path) {
        (self.exposed.path(), self.reached.path())
    }

    fn expose(&mut self, port: u16) -> Result<()> {
        let taken = |e| Error::later(format!("cannot listen at the port {port}"), None).because(e);
        let listener = Arc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?);
        let fail = |e| Error::machine("cannot carry a port into a sandbox").because(e);
        let folder = std::fs::File::open(self.exposed.path()).map_err(fail)?;
        let (from, served) = (Arc::clone(&listener), Arc::clone(&self.served));
        let lead = move |tcp: TcpStream| -> Io<()> {
            let unix = UnixStream::connect(short(&folder, &socket(port)))?;
            pair(&served, unix, tcp)
        };
        let served = Arc::clone(&self.served);
        self.accepting.push(thread(move || accept(&served, || from.accept().map(|a| a.0), lead))?);
        self.listening.push(listener);
        Ok(())
    }

    fn reach(&mut self, port: u16) -> Result<()> {
        let fail = |e| Error::machine("cannot carry a port into a sandbox").because(e);
        let folder = std::fs::File::open(self.reached.path()).map_err(fail)?;
        let listener = UnixListener::bind(short(&folder, &socket(port))).map_err(fail)?;
        let listener = Arc::new(listener);
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
    let served: Arc<Served> = Arc::default();
    for port in expose.iter().copied() {
        let at = Path::new(EXPOSED).join(socket(port));
        let listener = UnixListener::bind(at).map_err(fail)?;
        let (all, ours) = (Arc::clone(&served), Arc::clone(&served));
        let lead = move |unix: UnixStream| -> Io<()> {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(tcp) => pair(&ours, unix, tcp),
                // Nobody listens yet: hung up on, as by a port that is closed.
                Err(_) => unix.shutdown(Shutdown::Both),
            }
        };
        drop(thread(move || accept(&all, || listener.accept().map(|a| a.0), lead))?);
    }
    for port in reach.iter().copied() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(fail)?;
        let (all, ours) = (Arc::clone(&served), Arc::clone(&served));
        let lead = move |tcp: TcpStream| -> Io<()> {
            pair(&ours, UnixStream::connect(Path::new(REACHED).join(socket(port)))?, tcp)
        };
        drop(thread(move || accept(&all, || listener.accept().map(|a| a.0), lead))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// A port that nobody has at this moment.
    fn free() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").port()
    }

    #[test]
    fn an_exposed_port_leads_to_the_socket_and_ends_with_the_relay() {
        let dir = tempfile::tempdir().expect("a folder");
        let port = free();
        let relay = Relay::start(dir.path(), &[port], &[]).expect("it listens");
        assert!(TcpListener::bind(("127.0.0.1", port)).is_err(), "nobody else answers there");
        let inner = UnixListener::bind(relay.folders().0.join(socket(port))).expect("inside");
        let echo = std::thread::spawn(move || {
            let (mut stream, _) = inner.accept().expect("a client");
            let mut said = [0; 4];
            stream.read_exact(&mut said).expect("four bytes");
            stream.write_all(&said).expect("written");
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        client.write_all(b"ping").expect("written");
        let mut said = [0; 4];
        client.read_exact(&mut said).expect("an answer");
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
        let at = relay.folders().1;
        let names: Vec<_> = std::fs::read_dir(at).expect("a folder").flatten().collect();
        assert_eq!(names.len(), 1);
        let mut client = UnixStream::connect(at.join(socket(port))).expect("it listens");
        client.write_all(b"x").expect("written");
        let (mut stream, _) = server.accept().expect("a client");
        let mut said = [0];
        stream.read_exact(&mut said).expect("a byte");
        drop(relay);
        assert_eq!(client.read(&mut said).expect("hung up on"), 0);
    }
}
