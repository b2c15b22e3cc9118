//! A filter of system calls (seccomp(2)) for what neither tier keeps by itself: sockets that lead
//! around it, input put into a terminal, and interfaces of the kernel that no build needs.

use libc::sock_filter;

/// What a filter refuses besides the list. Sockets to the hypervisor (vsock(7)) always: they are in
/// no network namespace, and services of clouds and of Windows listen there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Only Unix and netlink sockets can be made.
    UnixOnly,
    /// These, and TCP: no rule of Landlock is about datagrams.
    UnixAndTcp,
    /// Those of a network namespace that is the sandbox's own.
    OfNamespace,
    Any,
}

impl Sockets {
    /// Families that can be made; `None` is all but the hypervisor's.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn families(self) -> Option<&'static [libc::c_int]> {
        match self {
            Sockets::UnixOnly => Some(&[libc::AF_UNIX, libc::AF_NETLINK]),
            Sockets::UnixAndTcp | Sockets::OfNamespace => {
                Some(&[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK])
            }
            Sockets::Any => None,
        }
    }
}

/// Whether attributes of files can be set, besides modes and times. Landlock has no right for that,
/// and an access list hands a file to others; namespaces keep files outside by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    Refused,
    Free,
}

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

/// Refused with EPERM.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];

/// Refused with ENOTSUP, as by a file system that has none: programs that keep attributes where they
/// can go on without.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const OF_ATTRIBUTES: &[libc::c_long] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    // setxattrat, removexattrat and file_setattr have the same number everywhere.
    463,
    466,
    469,
];

/// Offsets in `struct seccomp_data`; arguments are read by their lower half (little endian).
const NR: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn argument(n: u32) -> u32 {
    16 + 8 * n
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const HAS: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

fn step(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

fn errno(n: i32) -> sock_filter {
    step(RETURN, libc::SECCOMP_RET_ERRNO | n as u32, 0, 0)
}

fn accept() -> sock_filter {
    step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0)
}

/// Whether this machine's calls are known to the filter.
pub(super) const IS_KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The program. Calls of another architecture (32-bit ones on a 64-bit kernel) are answered as not
/// there: their numbers mean something else.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) fn filter(sockets: Sockets, attributes: Attributes) -> Vec<sock_filter> {
    let number = |call: libc::c_long| call as u32;
    let mut out = vec![
        step(LOAD, ARCHITECTURE, 0, 0),
        step(EQUAL, ARCH, 1, 0),
        errno(libc::ENOSYS),
        step(LOAD, NR, 0, 0),
        // The x32 calls of x86_64.
        step(AT_LEAST, 0x4000_0000, 0, 1),
        errno(libc::ENOSYS),
        // Its operations are not seen by filters.
        step(EQUAL, number(libc::SYS_io_uring_setup), 0, 1),
        errno(libc::ENOSYS),
    ];
    for call in REFUSED {
        out.extend([step(EQUAL, number(*call), 0, 1), errno(libc::EPERM)]);
    }
    let kept = match attributes {
        Attributes::Refused => OF_ATTRIBUTES,
        Attributes::Free => &[],
    };
    for call in kept {
        out.extend([step(EQUAL, number(*call), 0, 1), errno(libc::ENOTSUP)]);
    }
    // ioctl(2) that types into a terminal: TIOCSTI, and TIOCLINUX of a console.
    out.extend([
        step(EQUAL, number(libc::SYS_ioctl), 0, 5),
        step(LOAD, argument(1), 0, 0),
        step(EQUAL, libc::TIOCSTI as u32, 1, 0),
        step(EQUAL, libc::TIOCLINUX as u32, 0, 1),
        errno(libc::EPERM),
        accept(),
    ]);
    let refused = errno(libc::EACCES);
    if sockets == Sockets::UnixAndTcp {
        // Data that is sent before a connection is made connects without asking Landlock (tcp(7),
        // Fast Open).
        let with_flags = [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)];
        for (call, flags) in with_flags {
            out.extend([
                step(EQUAL, number(call), 0, 4),
                step(LOAD, argument(flags), 0, 0),
                step(HAS, libc::MSG_FASTOPEN as u32, 0, 1),
                errno(libc::EOPNOTSUPP),
                accept(),
            ]);
        }
        // socket(2) of a family of the internet: TCP itself, whatever flags are in its type. No rule
        // of Landlock is about the other protocols that are streams.
        out.extend([
            step(EQUAL, number(libc::SYS_socket), 0, 11),
            step(LOAD, argument(0), 0, 0),
            step(EQUAL, libc::AF_INET as u32, 1, 0),
            step(EQUAL, libc::AF_INET6 as u32, 0, 7),
            step(LOAD, argument(2), 0, 0),
            step(EQUAL, 0, 1, 0),
            step(EQUAL, libc::IPPROTO_TCP as u32, 0, 3),
            step(LOAD, argument(1), 0, 0),
            step(AND, 0xf, 0, 0),
            step(EQUAL, libc::SOCK_STREAM as u32, 1, 0),
            refused,
            step(LOAD, NR, 0, 0),
        ]);
    }
    match sockets.families() {
        None => out.extend([
            step(EQUAL, number(libc::SYS_socket), 0, 3),
            step(LOAD, argument(0), 0, 0),
            step(EQUAL, libc::AF_VSOCK as u32, 0, 1),
            refused,
        ]),
        Some(families) => {
            let n = families.len() as u8;
            out.extend([
                step(EQUAL, number(libc::SYS_socket), 0, n + 2),
                step(LOAD, argument(0), 0, 0),
            ]);
            for (family, after) in families.iter().zip((0..n).rev()) {
                out.push(step(EQUAL, *family as u32, after + 1, 0));
            }
            out.push(refused);
        }
    }
    out.push(accept());
    out
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn filter(_sockets: Sockets, _attributes: Attributes) -> Vec<sock_filter> {
    Vec::new()
}

/// Puts the filter on; needs no_new_privs.
pub(super) fn install(filter: &[sock_filter]) -> std::io::Result<()> {
    if filter.is_empty() {
        return Ok(());
    }
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program during the call and does not write to it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program, 0, 0)
    };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
