//! What a child does to itself between fork and exec. Only system calls: no memory is taken and no
//! lock (signal-safety(7)).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use libc::{rlimit, sock_filter};

use super::seccomp::{self, Attributes, Sockets};
use super::{Limits, Network, Sandbox, Tier, landlock};
use crate::base::{Error, Result};

/// The kernel's out-of-memory killer looks here first.
const FIRST_TO_GO: &[u8] = b"500";

/// Made in the parent, applied in the child.
#[derive(Debug)]
pub(in crate::process) struct Confine {
    limits: Limits,
    ruleset: Option<OwnedFd>,
    filter: Vec<sock_filter>,
    drop_capabilities: bool,
}

impl Confine {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self> {
        let sockets = match (sandbox.tier, sandbox.network) {
            (Tier::Landlock, Network::Off)
                if sandbox.expose.is_empty() && sandbox.reach.is_empty() =>
            {
                Sockets::UnixOnly
            }
            // To the ports that its rules name.
            (Tier::Landlock, Network::Off) => Sockets::UnixAndTcp,
            (Tier::Bwrap, Network::Off | Network::Loopback | Network::Provider) => {
                Sockets::OfNamespace
            }
            (_, _) => Sockets::Any,
        };
        if matches!(sockets, Sockets::UnixOnly | Sockets::UnixAndTcp) && !seccomp::IS_KNOWN {
            return Err(Error::machine(
                "the network 'off' cannot be had at the sandbox tier 'landlock' on this processor",
            )
            .hint("use the tier 'bwrap', or the network 'on'"));
        }
        Ok(match sandbox.tier {
            Tier::Worktree => return Err(Error::bug("nothing is enforced at 'worktree'")),
            Tier::Landlock => Self {
                limits: sandbox.limits,
                ruleset: Some(landlock::ruleset(sandbox)?),
                filter: seccomp::filter(sockets, Attributes::Refused),
                drop_capabilities: true,
            },
            // bwrap has to mount, and drops the capabilities itself.
            Tier::Bwrap => Self {
                limits: sandbox.limits,
                ruleset: landlock::scopes_only()?,
                filter: seccomp::filter(sockets, Attributes::Free),
                drop_capabilities: false,
            },
        })
    }

    /// A session of its own without a terminal; then what was prepared. Nothing but the three
    /// standard streams is inherited.
    pub(in crate::process) fn apply(&self) -> io::Result<()> {
        let limits = &self.limits;
        // SAFETY: these calls take plain integers, or memory of this frame.
        unsafe {
            check(libc::setsid())?;
            check(libc::syscall(
                libc::SYS_close_range,
                3_u32,
                u32::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            ))?;
            at_most(libc::RLIMIT_CORE, 0)?;
            at_most(libc::RLIMIT_FSIZE, limits.file)?;
            at_most(libc::RLIMIT_DATA, limits.memory)?;
            let score =
                libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
            if score >= 0 {
                // A machine that refuses this is no less safe.
                libc::write(score, FIRST_TO_GO.as_ptr().cast(), FIRST_TO_GO.len());
                libc::close(score);
            }
            if self.drop_capabilities {
                drop_capabilities()?;
            }
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            if let Some(ruleset) = &self.ruleset {
                check(libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32))?;
            }
        }
        seccomp::install(&self.filter)
    }
}

fn check(result: impl Into<i64>) -> io::Result<()> {
    if result.into() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lowers a limit; one that is lower already stays.
unsafe fn at_most(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    // SAFETY: the structure is of this frame, and the calls only read and write it.
    unsafe {
        let mut now = rlimit { rlim_cur: 0, rlim_max: 0 };
        check(libc::getrlimit(resource, &raw mut now))?;
        let least = now.rlim_max.min(most);
        check(libc::setrlimit(resource, &rlimit { rlim_cur: least, rlim_max: least }))
    }
}

/// For a root that is one: nothing is left that the rules would not apply to.
unsafe fn drop_capabilities() -> io::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3` of capget(2), with its two halves of each set.
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    // SAFETY: both structures are of this frame; the kernel reads them.
    unsafe {
        let mut capability = 0;
        // Ends at the first number that is none, or at once without the right to do it.
        while libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 {
            capability += 1;
        }
        let mut header = Header { version: 0x2008_0522, pid: 0 };
        let none = [0_u32; 6];
        check(libc::syscall(libc::SYS_capset, &raw mut header, none.as_ptr()))
    }
}
