//! Who listens at a port of this machine: `/proc/net/tcp` names the socket (proc_net(5)), and
//! `/proc/<pid>/fd` whose it is.

use std::collections::BTreeSet;

use super::reap::of_scope;

/// Whether a living process of this child's scope listens at the port.
pub fn serves(scope: &str, port: u16) -> bool {
    let sockets = listening(port);
    !sockets.is_empty() && of_scope(scope).into_iter().any(|pid| holds(pid, &sockets))
}

/// Inodes of the sockets that listen there.
fn listening(port: u16) -> BTreeSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    let rows = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    rows.filter_map(|row| socket(row, port)).collect()
}

/// The inode of a row of the table, if it listens at the port.
fn socket(row: &str, port: u16) -> Option<String> {
    /// TCP_LISTEN.
    const LISTENS: &str = "0A";
    let columns: Vec<&str> = row.split_whitespace().collect();
    let (_, at) = columns.get(1)?.rsplit_once(':')?;
    let is_there = u16::from_str_radix(at, 16).ok()? == port && *columns.get(3)? == LISTENS;
    is_there.then(|| columns.get(9).map(ToString::to_string))?
}

fn holds(pid: i32, sockets: &BTreeSet<String>) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| {
        let name = target.to_string_lossy().into_owned();
        let inode = name.strip_prefix("socket:[").and_then(|n| n.strip_suffix(']'));
        inode.is_some_and(|inode| sockets.contains(inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let sockets = listening(port);
        assert_eq!(sockets.len(), 1);
        assert!(holds(std::process::id() as i32, &sockets));
        assert!(!serves("no-such-scope", port));
        drop(listener);
        assert!(listening(port).is_empty());
    }
}
