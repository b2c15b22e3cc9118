//! SIGINT and SIGTERM as a flag that every wait looks at. Once: finish what must not be left half
//! done, then leave. Twice: leave now.

use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::base::{Error, Result};

static SIGNAL: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Installs the handlers; call once at start-up.
pub fn install() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // SAFETY: the handler only touches atomics and _exit, which are async-signal-safe.
        let registered = unsafe {
            signal_hook::low_level::register(signal, move || {
                SIGNAL.store(signal as usize, Ordering::SeqCst);
                if COUNT.fetch_add(1, Ordering::SeqCst) >= 1 {
                    libc::_exit(128 + signal);
                }
            })
        };
        registered.map_err(|e| Error::machine("cannot handle signals").because(e))?;
    }
    become_subreaper();
    Ok(())
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
