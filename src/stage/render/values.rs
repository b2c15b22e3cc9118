//! How single values are written on the page: instants, hashes, sizes, numbers.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What is shown for a number that nobody reported. Never 0.
pub const NOT_REPORTED: &str = "not reported";

/// `20 Nov 2026, 10:11:12 UTC`; what is no instant stays as it is.
pub fn when(at: &str) -> String {
    pattern(at, "%-d %b %Y, %H:%M:%S UTC")
}

/// `20 Nov, 10:11:12`.
pub fn clock(at: &str) -> String {
    pattern(at, "%-d %b, %H:%M:%S")
}

fn pattern(at: &str, pattern: &str) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime(pattern).to_string(),
        Err(_) => at.to_owned(),
    }
}

/// `1 048 576`, grouped by threes.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            // A narrow space that no line is broken at.
            out.push('\u{202f}');
        }
        out.push(d);
    }
    out
}

/// `812 bytes`, `1.0 MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return if n == 1 { "1 byte".to_owned() } else { format!("{n} bytes") };
    }
    let mut size = n as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

pub fn tokens(n: Option<u64>) -> String {
    n.map_or_else(|| NOT_REPORTED.to_owned(), thousands)
}

pub fn dollars(n: Option<f64>) -> String {
    n.map_or_else(|| NOT_REPORTED.to_owned(), |n| format!("${n:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(when("2026-11-20T10:11:12.345Z"), "20 Nov 2026, 10:11:12 UTC");
        assert_eq!(when("yesterday"), "yesterday");
        assert_eq!(thousands(1_048_576), "1\u{202f}048\u{202f}576");
        assert_eq!(thousands(999), "999");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1_048_576), "1.0 MiB");
        assert_eq!(bytes(1_048_575), "1.0 MiB");
        assert_eq!(tokens(None), "not reported");
        assert_eq!(tokens(Some(0)), "0");
        assert_eq!(dollars(Some(1.5)), "$1.50");
    }
}
