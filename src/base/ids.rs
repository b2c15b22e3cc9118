//! Identifiers, parsed once at the edge. Neither a session id nor a group id can contain `.` or
//! `/`, so `<sid>.<gid>` is unambiguous and no ref can be the directory of another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;
use super::clock::Clock;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $check:path, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(s: &str) -> Result<Self, Error> {
                if $check(s) {
                    Ok(Self(s.to_owned()))
                } else {
                    Err(Error::input(format!(concat!("'{}' is not ", $what), s)))
                }
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(s: String) -> Result<Self, Error> {
                s.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id_type!(
    /// `YYYYMMDD-HHMMSS-xxxx`, UTC, then four lowercase base32 characters.
    SessionId,
    is_session_id,
    "a session id (YYYYMMDD-HHMMSS-xxxx)"
);
id_type!(
    /// `^[a-z][a-z0-9_-]{0,47}$`.
    GroupId,
    is_group_id,
    "a group id (a lowercase letter, then up to 47 of a-z 0-9 _ -)"
);

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn is_session_id(s: &str) -> bool {
    let b = s.as_bytes();
    b.len() == 20
        && b[8] == b'-'
        && b[15] == b'-'
        && b[..8].iter().chain(&b[9..15]).all(u8::is_ascii_digit)
        && b[16..].iter().all(|c| BASE32.contains(c))
}

/// Whether `s` may name a group; features and checks follow the same rule.
pub fn is_group_id(s: &str) -> bool {
    let b = s.as_bytes();
    (1..=48).contains(&b.len())
        && b[0].is_ascii_lowercase()
        && b.iter()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-'))
}

impl SessionId {
    /// A new id. Uniqueness is the caller's: it creates the session folder exclusively.
    pub fn generate(clock: &Clock) -> Self {
        let at = clock.now().strftime("%Y%m%d-%H%M%S").to_string();
        let n = clock.random();
        let tail: String = (0..4).map(|i| BASE32[((n >> (5 * i)) & 31) as usize] as char).collect();
        Self(format!("{at}-{tail}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strict() {
        assert!("20261120-101112-ab2z".parse::<SessionId>().is_ok());
        for bad in ["", "20261120-101112-ab1z", "20261120-101112-AB2Z", "2026112-101112-ab2zz"] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
        assert!("a".parse::<GroupId>().is_ok());
        assert!("saved-searches_2".parse::<GroupId>().is_ok());
        for bad in ["", "2a", "a.b", "a/b", "A", "é", &"a".repeat(49)] {
            assert!(bad.parse::<GroupId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn generated_ids_parse() {
        let clock = Clock::fixed("2026-11-20T10:11:12Z".parse().expect("a timestamp"), 7);
        let id = SessionId::generate(&clock);
        assert_eq!(id.as_str().parse::<SessionId>().expect("round trip"), id);
        assert!(id.as_str().starts_with("20261120-101112-"));
    }
}
