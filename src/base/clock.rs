//! Time and randomness from one place, so that tests can drive both.
//!
//! `OTTO_CLOCK` (an RFC 3339 instant) fixes the time and `OTTO_SEED` (a number) the random
//! suffixes; both exist for tests and reproducible recordings.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;

/// A source of instants and of small random numbers.
#[derive(Debug)]
pub struct Clock {
    fixed: Option<Timestamp>,
    seed: Option<AtomicU64>,
    started: Instant,
}

impl Clock {
    /// The machine's clock, unless the environment fixes it.
    pub fn from_env() -> Self {
        let fixed = std::env::var("OTTO_CLOCK").ok().and_then(|s| s.parse().ok());
        let seed = std::env::var("OTTO_SEED").ok().and_then(|s| s.parse().ok());
        Self { fixed, seed: seed.map(AtomicU64::new), started: Instant::now() }
    }

    pub fn fixed(at: Timestamp, seed: u64) -> Self {
        Self { fixed: Some(at), seed: Some(AtomicU64::new(seed)), started: Instant::now() }
    }

    /// Now, in UTC, cut to milliseconds: what the journal stores.
    pub fn now(&self) -> Timestamp {
        let now = self.fixed.unwrap_or_else(Timestamp::now);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
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
