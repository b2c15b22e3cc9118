//! Who listens at a port of this machine: `/proc/net/tcp` names the socket (proc_net(5)), and
//! `/proc/<pid>/fd` whose it is.

use std::collections::BTreeSet;

use super::reap::of_scope;

/// Whether living processes of this child's scope, and nobody else, listen where a connection to
/// 127.0.0.1 at this port arrives.
pub fn serves(scope: &str, port: u16) -> bool {
    let sockets = listening(port);
    !sockets.is_empty() && sockets.is_subset(&sockets_of(of_scope(scope)))
}

/// Inodes of the sockets that listen there. Several can (SO_REUSEPORT of socket(7)): the kernel
/// chooses among them.
fn listening(port: u16) -> BTreeSet<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    tables.iter().flatten().flat_map(|table| rows(table, port)).collect()
}

/// The inodes of one table.
fn rows(table: &str, port: u16) -> Vec<u64> {
    /// TCP_LISTEN.
    const LISTENS: &str = "0A";
    let socket = |row: &str| {
        let columns: Vec<&str> = row.split_whitespace().collect();
        let (address, at) = columns.get(1)?.rsplit_once(':')?;
        let is_there = u16::from_str_radix(at, 16).ok()? == port && *columns.get(3)? == LISTENS;
        (is_there && takes_loopback(address)).then(|| columns.get(9)?.parse().ok())?
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// 127.0.0.1, every address, or one of these as an IPv6 one. Words are in the order of the machine.
fn takes_loopback(address: &str) -> bool {
    let one = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
    let mapped = format!("0000000000000000{:08X}", u32::from_ne_bytes([0, 0, 0xff, 0xff]));
    let v4 = address.strip_prefix(mapped.as_str()).unwrap_or(address);
    v4 == one || v4.bytes().all(|b| b == b'0')
}

fn sockets_of(pids: Vec<i32>) -> BTreeSet<u64> {
    let open = |pid: i32| std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let inode = |fd: std::fs::DirEntry| {
        let target = std::fs::read_link(fd.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    pids.into_iter().flat_map(open).flatten().filter_map(inode).collect()
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
        assert!(sockets.is_subset(&sockets_of(vec![std::process::id() as i32])));
        assert!(!serves("no-such-scope", port));
        drop(listener);
        // A child that another test starts has a copy until it runs its program, and somebody else
        // may get the port: ours is gone once the copies are.
        while !listening(port).is_disjoint(&sockets) {
            std::thread::yield_now();
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn only_what_a_connection_to_127_0_0_1_meets_counts() {
        let four = "head\n\
            0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 11 1\n\
            1: 0100007F:1F90 0100007F:CAFE 01 0:0 00:0 0 1000 0 12 1\n\
            2: 0200007F:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 13 1\n\
            3: 00000000:1F91 00000000:0000 0A 0:0 00:0 0 1000 0 14 1\n";
        assert_eq!(rows(four, 8080), [11]);
        assert_eq!(rows(four, 8081), [14]);
        let six = "head\n\
            0: 00000000000000000000000000000000:1F90 0:0 0A 0:0 0:0 0 0 0 21 1\n\
            1: 00000000000000000000000001000000:1F90 0:0 0A 0:0 0:0 0 0 0 22 1\n\
            2: 0000000000000000FFFF00000100007F:1F90 0:0 0A 0:0 0:0 0 0 0 23 1\n";
        assert_eq!(rows(six, 8080), [21, 23]);
    }
}
