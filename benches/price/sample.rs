//! Repeated measurements: the product and its floor take turns, so that whatever else the machine
//! does falls on both, and the median of each counts.

use std::time::Instant;

/// Seconds of the product and of its floor, medians.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub ours: f64,
    pub floor: f64,
}

impl Pair {
    pub fn ratio(&self) -> f64 {
        self.ours / self.floor
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "something was measured");
    values.sort_by(f64::total_cmp);
    let mid = values.len() / 2;
    if values.len() % 2 == 1 { values[mid] } else { (values[mid - 1] + values[mid]) / 2.0 }
}

/// Seconds that `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let result = work();
    (started.elapsed().as_secs_f64(), result)
}

/// Both, in turns, `runs` times; each returns its own seconds.
pub fn in_turns(
    runs: usize,
    mut ours: impl FnMut() -> f64,
    mut floor: impl FnMut() -> f64,
) -> Pair {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        b.push(floor());
        a.push(ours());
    }
    Pair { ours: median(a), floor: median(b) }
}
