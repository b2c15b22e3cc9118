//! The inner end of the network `provider`: in a network namespace with nothing but a loopback of
//! its own, ports of that loopback that lead to the proxy's socket.

use std::ffi::OsString;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::proxy::join;
use crate::base::{Error, Result};

/// Where clients inside find the proxy.
const PORT: u16 = 3128;

/// The name of the socket, in a folder of its own.
pub(super) const SOCKET: &str = "proxy.sock";

/// Where that folder is inside.
pub(super) const FOLDER: &str = "/run/otto";

/// The arguments of `otto sandbox` that make it the bridge.
pub(super) fn arguments(hosts: &[String]) -> Vec<OsString> {
    let socket = Path::new(FOLDER).join(SOCKET);
    let mut argv: Vec<OsString> = vec!["--inside".into(), socket.into()];
    for host in hosts.iter().filter(|host| local_port(host).is_some()) {
        argv.extend(["--host".into(), host.into()]);
    }
    argv
}

/// Variables by which clients find the proxy; names of loopback are reached without it.
pub(super) fn environment() -> Vec<(OsString, OsString)> {
    let proxy = format!("http://127.0.0.1:{PORT}");
    let to_proxy =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let mut out: Vec<(OsString, OsString)> =
        to_proxy.iter().map(|name| (name.into(), proxy.clone().into())).collect();
    for name in ["NO_PROXY", "no_proxy"] {
        out.push((name.into(), "127.0.0.1,localhost,::1".into()));
    }
    out
}

/// The port of a declared host of this machine: it is served inside at the same place.
fn local_port(host: &str) -> Option<u16> {
    let (name, port) = host.rsplit_once(':')?;
    let is_local = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    port.parse().ok().filter(|_| is_local)
}

/// Serves until this process ends.
pub fn serve(socket: &Path, hosts: &[String]) -> Result<()> {
    listen(PORT, socket, None)?;
    for host in hosts {
        if let Some(port) = local_port(host) {
            listen(port, socket, Some(host.clone()))?;
        }
    }
    Ok(())
}

/// Each connection to the port is one to the proxy's socket; with a host it is a tunnel there.
fn listen(port: u16, socket: &Path, tunnel: Option<String>) -> Result<()> {
    let fail = |e| Error::machine(format!("cannot listen at the port {port}")).because(e);
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(fail)?;
    let socket: PathBuf = socket.to_owned();
    let accepting = std::thread::Builder::new().spawn(move || {
        for client in listener.incoming().flatten() {
            let (socket, tunnel) = (socket.clone(), tunnel.clone());
            drop(std::thread::Builder::new().spawn(move || {
                drop(lead(client, &socket, tunnel.as_deref()));
            }));
        }
    });
    accepting.map(drop).map_err(fail)
}

fn lead(client: TcpStream, socket: &Path, tunnel: Option<&str>) -> std::io::Result<()> {
    use std::io::Read;
    let mut proxy = UnixStream::connect(socket)?;
    if let Some(host) = tunnel {
        write!(proxy, "CONNECT {host} HTTP/1.1\r\n\r\n")?;
        // The answer ends in an empty line, and nothing comes before the client has spoken or the
        // server has; a byte at a time, so that none of that is taken.
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            proxy.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Ok(());
        }
    }
    join(proxy, client)
}
