//! SIGINT, SIGTERM and SIGHUP as a flag that every wait looks at. Once: finish what must not be left
//! half done, then leave. Twice, or SIGQUIT: end everything that was started and leave now.

use std::io::{PipeReader, Read};
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::reap::end_descendants;
use crate::base::{Error, Result};

static SIGNAL: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// A program of the person's has the terminal: what they type there is for it.
static LENT: AtomicBool = AtomicBool::new(false);

/// Installs the handlers; call once at start-up.
pub fn install() -> Result<()> {
    let fail = |e| Error::machine("cannot handle signals").because(e);
    let (reader, writer) = std::io::pipe().map_err(fail)?;
    std::thread::Builder::new()
        .name("stop".into())
        .stack_size(128 << 10)
        .spawn(move || leave_when_told(reader))
        .map_err(fail)?;
    // Open as long as this process lives.
    let writer = writer.into_raw_fd();
    for signal in [SIGINT, SIGTERM, SIGQUIT] {
        handle(signal, writer).map_err(fail)?;
    }
    // nohup(1) is a wish to go on when the terminal is closed.
    if !is_ignored(SIGHUP) {
        handle(SIGHUP, writer).map_err(fail)?;
    }
    // A file that may not grow is an error of that write (EFBIG), and not the end of the program. A
    // handler, because children would inherit that a signal is ignored.
    // SAFETY: the handler does nothing.
    unsafe { signal_hook::low_level::register(libc::SIGXFSZ, || {}) }.map_err(fail)?;
    become_subreaper();
    Ok(())
}

fn handle(signal: i32, leave: RawFd) -> std::io::Result<()> {
    // SAFETY: the handler only touches atomics, write(2) and _exit, which are async-signal-safe.
    let registered = unsafe {
        signal_hook::low_level::register(signal, move || {
            if matches!(signal, SIGINT | SIGQUIT) && LENT.load(Ordering::SeqCst) {
                return;
            }
            SIGNAL.store(signal as usize, Ordering::SeqCst);
            let before = COUNT.fetch_add(1, Ordering::SeqCst);
            if before >= 2 {
                libc::_exit(128 + signal);
            }
            if before == 1 || signal == SIGQUIT {
                libc::write(leave, [0_u8].as_ptr().cast(), 1);
            }
        })
    };
    registered.map(drop)
}

/// While it lives, Ctrl-C and Ctrl-\\ do not stop us: see system(3).
#[derive(Debug)]
pub(super) struct Lent(());

pub(super) fn lend_terminal() -> Lent {
    LENT.store(true, Ordering::SeqCst);
    Lent(())
}

impl Drop for Lent {
    fn drop(&mut self) {
        LENT.store(false, Ordering::SeqCst);
    }
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: sigaction(2) without a new action only fills in the old one.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

/// A thread of its own, because whoever does the work may be in the middle of a long call.
fn leave_when_told(mut reader: PipeReader) {
    if reader.read_exact(&mut [0]).is_ok() {
        end_descendants();
        // SAFETY: _exit(2) ends this process and runs nothing more of it: that is what was asked.
        unsafe { libc::_exit(128 + requested().unwrap_or(SIGTERM)) };
    }
}

/// Does not return while everything that this process started is being ended: nothing more may
/// begin.
pub fn wait_if_leaving() {
    let count = COUNT.load(Ordering::SeqCst);
    while count >= 2 || (count == 1 && SIGNAL.load(Ordering::SeqCst) == SIGQUIT as usize) {
        std::thread::park();
    }
}

/// Orphans of our children come to us instead of to init, so that they can be found and ended.
fn become_subreaper() {
    // SAFETY: prctl(PR_SET_CHILD_SUBREAPER) takes plain integers and affects this process only.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// The signal that asked us to stop, if any.
pub fn requested() -> Option<i32> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(signal as i32),
    }
}

/// Fails with the interruption once a stop was requested.
pub fn check() -> Result<()> {
    match requested() {
        None => Ok(()),
        Some(signal) => Err(Error::interrupted(signal)),
    }
}

/// Asks this process to stop, as the signal would.
pub fn request(signal: i32) {
    SIGNAL.store(signal as usize, Ordering::SeqCst);
}
