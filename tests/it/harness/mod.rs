//! A hermetic place for one test: a private home, a private cache, a cleared environment, and a
//! repository whose agent is a shell script.

mod faults;
mod hold;
mod matrix;
mod programs;
mod running;
mod sandbox;
mod scenes;
mod shape;
mod watched;

pub use faults::{Faults, Point, Survives};
pub use matrix::Matrix;
pub use programs::{bin_dir, names};
pub use running::Running;
pub use sandbox::{Done, GOOD, Sandbox, write};
pub use scenes::{SKIPPED, Scene, play};
pub use shape::Shape;
pub use watched::Watched;

/// Waits until `look` finds something. Markers decide, not time: the bound only ends a test that
/// would hang.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..24_000 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    panic!("this never came: {what}");
}
