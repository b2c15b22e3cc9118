//! Time and randomness from one place, so that tests can drive both.
//!
//! `OTTO_CLOCK` (an RFC 3339 instant) fixes the time and `OTTO_SEED` (a number) the random
//! suffixes; both exist for tests and reproducible recordings. In a development build
//! `OTTO_CLOCK_SHIFT` names a file with a number of seconds, read at every look: a machine whose
//! clock is set while it works.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// See the module.
pub const SHIFT_VAR: &str = "OTTO_CLOCK_SHIFT";

/// Time since the machine was started, without the time in which it was suspended: the same for
/// all processes, and nobody can set it (clock_gettime(2), `CLOCK_MONOTONIC`).
pub fn monotonic() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours; this clock exists on every system we run on.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// An instant as it is written down: UTC, milliseconds.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A source of instants and of small random numbers.
#[derive(Debug)]
pub struct Clock {
    fixed: Option<Timestamp>,
    shift: Option<PathBuf>,
    seed: Option<AtomicU64>,
    started: Instant,
}

impl Clock {
    /// The machine's clock, unless the environment fixes it.
    pub fn from_env() -> Self {
        let fixed = std::env::var("OTTO_CLOCK").ok().and_then(|s| s.parse().ok());
        let seed = std::env::var("OTTO_SEED").ok().and_then(|s| s.parse().ok());
        let shift = std::env::var_os(SHIFT_VAR).filter(|_| cfg!(debug_assertions));
        let shift = shift.map(PathBuf::from);
        Self { fixed, shift, seed: seed.map(AtomicU64::new), started: Instant::now() }
    }

    pub fn fixed(at: Timestamp, seed: u64) -> Self {
        let seed = Some(AtomicU64::new(seed));
        Self { fixed: Some(at), shift: None, seed, started: Instant::now() }
    }

    /// Now, in UTC, cut to milliseconds: what the journal stores.
    pub fn now(&self) -> Timestamp {
        let now = self.fixed.unwrap_or_else(Timestamp::now) + self.shift();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn shift(&self) -> jiff::SignedDuration {
        let text = self.shift.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let seconds = text.and_then(|t| t.trim().parse().ok()).unwrap_or(0);
        jiff::SignedDuration::from_secs(seconds)
    }

    /// Seconds since this clock was made, monotonic: for durations, never for dates.
    pub fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// 64 bits, not for secrets.
    pub fn random(&self) -> u64 {
        let x = match &self.seed {
            Some(seed) => seed.fetch_add(1, Ordering::Relaxed),
            None => {
                use std::hash::{BuildHasher, Hasher};
                // `RandomState` is seeded by the operating system for every instance.
                std::collections::hash_map::RandomState::new().build_hasher().finish()
            }
        };
        split_mix(x)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a counter over 64 bits.
pub fn split_mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `1h 02m`, `4m 05s`, `12.3s`: a duration as a person reads it.
pub fn human_duration(seconds: f64) -> String {
    let s = seconds.max(0.0);
    if s < 60.0 {
        return format!("{s:.1}s");
    }
    let whole = s as u64;
    if whole < 3600 {
        format!("{}m {:02}s", whole / 60, whole % 60)
    } else {
        format!("{}h {:02}m", whole / 3600, whole % 3600 / 60)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_well() {
        assert_eq!(super::human_duration(3.21), "3.2s");
        assert_eq!(super::human_duration(65.0), "1m 05s");
        assert_eq!(super::human_duration(3720.0), "1h 02m");
    }
}
