//! The network `provider`: a small forward proxy on a Unix socket, run by whoever started the
//! sandbox. It connects to the declared hosts and to nothing else, and resolves names itself, so
//! that nothing inside needs a network.
//!
//! It speaks what HTTP clients ask of a proxy: `CONNECT host:port` (RFC 9110, 9.3.6) and a request
//! with an absolute target. What is said inside a connection is not looked at.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::{Error, Result};

/// A longer head of a request is none.
const MAX_HEAD: u64 = 64 << 10;
/// More connections at a time are hung up on: each has two threads of ours.
const MOST: usize = 256;
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// After a failure to accept: without descriptors there is nothing to do but wait for some.
const PAUSE: Duration = Duration::from_millis(20);

/// Ends with its value: nothing is accepted any more, and what was is hung up on. That needs
/// nothing that those inside could take away.
#[derive(Debug)]
pub(in crate::process) struct Proxy {
    /// Of the socket alone. Those inside see it, and cannot write there.
    folder: tempfile::TempDir,
    listener: Arc<UnixListener>,
    served: Arc<Served>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens at `name` in a new folder below this one. The socket is made through the folder's
    /// descriptor: its path has at most 107 bytes (unix(7)).
    pub fn start(below: &Path, name: &str, hosts: &[String]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("proxy-").tempdir_in(below);
        let folder = folder.map_err(|e| Error::file("make a folder in", below, e))?;
        let fail = |e| {
            let at = folder.path().display();
            Error::machine(format!("cannot listen in '{at}'")).because(e)
        };
        let open = std::fs::File::open(folder.path()).map_err(fail)?;
        let socket = PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd()));
        let listener = Arc::new(UnixListener::bind(&socket).map_err(fail)?);
        let served = Arc::new(Served::default());
        let (listening, all, hosts) =
            (Arc::clone(&listener), Arc::clone(&served), Arc::<[String]>::from(hosts));
        let accepting = std::thread::Builder::new()
            .name("proxy".into())
            .spawn(move || accept(&listening, &all, &hosts))
            .map_err(fail)?;
        Ok(Self { folder, listener, served, accepting: Some(accepting) })
    }

    /// Where the socket is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.served.end();
        // Wakes the thread that accepts. Closing alone is not the end: a child of ours that was
        // forked just now holds the socket until its exec.
        // SAFETY: shutdown(2) takes plain integers, and the listener is open.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
        drop(self.accepting.take().map(JoinHandle::join));
    }
}

/// Until it is over.
fn accept(listener: &UnixListener, served: &Arc<Served>, hosts: &Arc<[String]>) {
    while !served.is_over() {
        let Ok((client, _)) = listener.accept() else {
            std::thread::sleep(PAUSE);
            continue;
        };
        // Who cannot be served is hung up on.
        let Some(place) = Served::enter(served, &client) else { continue };
        let hosts = Arc::clone(hosts);
        drop(std::thread::Builder::new().spawn(move || drop(serve(client, &hosts, &place))));
    }
}

/// Everybody who is served, so that they can be hung up on.
#[derive(Debug, Default)]
pub(super) struct Served(Mutex<Connections>);

#[derive(Debug, Default)]
struct Connections {
    over: bool,
    next: u64,
    open: HashMap<u64, (UnixStream, Option<TcpStream>)>,
}

/// One of them, while it is served.
pub(super) struct Place {
    served: Arc<Served>,
    id: u64,
}

impl Served {
    fn all(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_over(&self) -> bool {
        self.all().over
    }

    pub(super) fn enter(served: &Arc<Self>, client: &UnixStream) -> Option<Place> {
        let mut all = served.all();
        if all.over || all.open.len() >= MOST {
            return None;
        }
        let (id, client) = (all.next, client.try_clone().ok()?);
        all.next += 1;
        all.open.insert(id, (client, None));
        Some(Place { served: Arc::clone(served), id })
    }

    pub(super) fn end(&self) {
        let mut all = self.all();
        all.over = true;
        for (client, server) in all.open.values() {
            // Hung up already is as good.
            drop(client.shutdown(Shutdown::Both));
            drop(server.as_ref().map(|s| s.shutdown(Shutdown::Both)));
        }
    }
}

impl Place {
    /// Whom the client speaks to; `false` once it is over.
    pub(super) fn leads_to(&self, server: &TcpStream) -> std::io::Result<bool> {
        let server = server.try_clone()?;
        let mut all = self.served.all();
        if let Some((_, to)) = all.open.get_mut(&self.id) {
            *to = Some(server);
        }
        Ok(!all.over)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.served.all().open.remove(&self.id);
    }
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// `host:port`, as it is compared with the declared ones.
    to: String,
    /// What is sent on; nothing for a tunnel.
    head: Vec<u8>,
}

/// Reads the head of a request.
fn asked(head: &str) -> Option<Asked> {
    let (line, rest) = head.split_once("\r\n")?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if method == "CONNECT" {
        return Some(Asked { to: target.to_ascii_lowercase(), head: Vec::new() });
    }
    let after = target.strip_prefix("http://")?;
    let at = after.find('/').unwrap_or(after.len());
    let (host, path) = after.split_at(at);
    let path = if path.is_empty() { "/" } else { path };
    let is_of_proxy = |l: &&str| {
        let name = l.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name.starts_with("proxy-") || name == "connection"
    };
    // One request a connection: what follows it would go to the same host unread.
    let kept: Vec<&str> = rest.split("\r\n").filter(|l| !l.is_empty() && !is_of_proxy(l)).collect();
    let fields = kept.iter().map(|l| format!("{l}\r\n")).collect::<String>();
    let head = format!("{method} {path} {version}\r\n{fields}Connection: close\r\n\r\n");
    let port = host.rsplit_once(':').is_some_and(|(_, p)| p.chars().all(|c| c.is_ascii_digit()));
    let to = if port { host.to_owned() } else { format!("{host}:80") };
    Some(Asked { to: to.to_ascii_lowercase(), head: head.into_bytes() })
}

fn serve(client: UnixStream, hosts: &[String], place: &Place) -> std::io::Result<()> {
    client.set_read_timeout(Some(CONNECT_LIMIT))?;
    let mut reader = BufReader::new(client.try_clone()?.take(MAX_HEAD));
    let mut head = String::new();
    while reader.read_line(&mut head)? > 0 && !head.ends_with("\r\n\r\n") {}
    let mut client = client;
    let Some(asked) = asked(&head) else {
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    };
    if !hosts.iter().any(|host| host.eq_ignore_ascii_case(&asked.to)) {
        let said = format!("the sandbox does not reach {}\n", asked.to);
        return client.write_all(
            format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{said}",
                said.len()
            )
            .as_bytes(),
        );
    }
    let Ok(mut server) = connect(&asked.to) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    };
    if !place.leads_to(&server)? {
        return Ok(());
    }
    client.set_read_timeout(None)?;
    if asked.head.is_empty() {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    } else {
        server.write_all(&asked.head)?;
    }
    // What came with the head.
    server.write_all(reader.buffer())?;
    join(client, server)
}

fn connect(to: &str) -> std::io::Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in to.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Both directions until both are over.
pub(super) fn join(unix: UnixStream, tcp: TcpStream) -> std::io::Result<()> {
    let (mut from_unix, mut to_unix) = (unix.try_clone()?, unix);
    let (mut from_tcp, mut to_tcp) = (tcp.try_clone()?, tcp);
    let there = std::thread::Builder::new().spawn(move || {
        drop(std::io::copy(&mut from_unix, &mut to_tcp));
        drop(to_tcp.shutdown(Shutdown::Write));
    })?;
    drop(std::io::copy(&mut from_tcp, &mut to_unix));
    drop(to_unix.shutdown(Shutdown::Write));
    drop(there.join());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_asks_for_is_understood() {
        let tunnel = asked("CONNECT API.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(tunnel, Some(Asked { to: "api.example.com:443".into(), head: Vec::new() }));
        let plain = asked(
            "POST http://127.0.0.1:8080/v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive\r\n\r\n",
        )
        .expect("a request");
        assert_eq!(plain.to, "127.0.0.1:8080");
        assert_eq!(
            String::from_utf8_lossy(&plain.head),
            "POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(asked("GET http://a HTTP/1.1\r\n\r\n").expect("a request").to, "a:80");
        for wrong in ["", "GET / HTTP/1.1\r\n\r\n", "GET\r\n", "GET https://a/ HTTP/1.1\r\n\r\n"] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_declared_hosts_are_reached_and_the_end_is_an_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = server.local_addr().expect("bound").to_string();
        let echo = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("a client");
            let mut said = [0; 4];
            stream.read_exact(&mut said).expect("four bytes");
            stream.write_all(&said).expect("written");
        });
        let proxy = Proxy::start(dir.path(), "s", std::slice::from_ref(&at)).expect("it listens");
        let socket = proxy.folder().join("s");
        let ask = |to: &str| {
            let mut stream = UnixStream::connect(&socket).expect("it listens");
            write!(stream, "CONNECT {to} HTTP/1.1\r\n\r\nping").expect("written");
            stream.shutdown(Shutdown::Write).expect("half");
            let mut said = String::new();
            stream.read_to_string(&mut said).expect("an answer");
            said
        };
        assert!(ask("127.0.0.1:1").starts_with("HTTP/1.1 403"));
        assert!(ask(&at).ends_with("\r\n\r\nping"));
        echo.join().expect("it ended");
        drop(proxy);
        assert!(UnixStream::connect(&socket).is_err());
    }
    #[test]
    fn it_ends_without_its_socket_and_with_servers_that_do_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = server.local_addr().expect("bound").to_string();
        let proxy = Proxy::start(dir.path(), "s", std::slice::from_ref(&at)).expect("it listens");
        let socket = proxy.folder().join("s");
        let mut client = UnixStream::connect(&socket).expect("it listens");
        write!(client, "CONNECT {at} HTTP/1.1\r\n\r\nping").expect("written");
        // It says nothing and hangs up on nobody.
        let (mut silent, _) = server.accept().expect("a client");
        silent.read_exact(&mut [0; 4]).expect("it was connected");
        std::fs::remove_file(&socket).expect("it was there");
        let served = Arc::downgrade(&proxy.served);
        drop(proxy);
        let mut rest = Vec::new();
        silent.read_to_end(&mut rest).expect("hung up on");
        let mut said = String::new();
        client.read_to_string(&mut said).expect("hung up on");
        // The threads have let go of what they served.
        while served.strong_count() > 0 {
            std::thread::yield_now();
        }
    }
}
