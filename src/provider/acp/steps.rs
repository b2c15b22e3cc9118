//! The steps before the prompt, each with a limit of its own: an agent that hangs in one of them
//! would use up the time of the whole turn, and nobody would know what for.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use futures::channel::oneshot;

/// Told when each step begins; dropped after the last one.
pub(super) type Steps = Sender<()>;

/// Tells when a step takes longer than `limit`.
pub(super) fn watch(limit: Duration) -> (Steps, oneshot::Receiver<()>) {
    let (steps, next) = channel();
    let (late, is_late) = oneshot::channel();
    std::thread::spawn(move || {
        loop {
            match next.recv_timeout(limit) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let _begun_already = late.send(());
                    return;
                }
            }
        }
    });
    (steps, is_late)
}
