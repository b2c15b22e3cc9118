//! Who works when a provider asks to wait: the next one in `fallback`, or nobody until the first of
//! them is free again. Values in, values out, time included. How long to wait where a provider does
//! not say is decided here and not in the agents: what they sleep away, nobody sees and nobody can
//! cancel.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::agent::ErrorClass;
use crate::session::state::Waiting;

/// Who takes the next turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Use(String),
    /// Everybody waits; this one is free first.
    Wait {
        provider: String,
        until: Timestamp,
    },
}

/// `first` if it is free, else the first of `fallback` that is, else the one to wait for.
pub fn choose(
    first: &str,
    fallback: &[String],
    waits: &BTreeMap<String, Waiting>,
    now: Timestamp,
) -> Choice {
    let all = || std::iter::once(first).chain(fallback.iter().map(String::as_str));
    let busy = |name: &str| waits.get(name).map(|w| w.until).filter(|until| *until > now);
    if let Some(free) = all().find(|name| busy(name).is_none()) {
        return Choice::Use(free.to_owned());
    }
    let (until, provider) = all()
        .filter_map(|name| busy(name).map(|until| (until, name)))
        .min()
        .expect("because nobody is free, so the first one waits");
    Choice::Wait { provider: provider.to_owned(), until }
}

/// Until when to wait: what the provider said if that lies ahead, else longer each time it asks
/// again without having worked. `times` counts from 0.
pub fn until(class: ErrorClass, said: Option<Timestamp>, times: u32, now: Timestamp) -> Timestamp {
    if let Some(said) = said.filter(|said| *said > now) {
        return said;
    }
    let (first, most) = match class {
        ErrorClass::Quota => (15 * 60, 2 * 3600),
        ErrorClass::RateLimit => (60, 15 * 60),
        ErrorClass::Overloaded | ErrorClass::Network => (15, 10 * 60),
        ErrorClass::Auth
        | ErrorClass::ContextLength
        | ErrorClass::Refused
        | ErrorClass::BadRequest
        | ErrorClass::MissingTool
        | ErrorClass::Interrupted
        | ErrorClass::Unknown => (60, 15 * 60),
    };
    let seconds = i64::min(first << times.min(12), most);
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

/// Whether a turn that ended so is a matter of waiting.
pub fn is_wait(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Quota
        | ErrorClass::RateLimit
        | ErrorClass::Overloaded
        | ErrorClass::Network => true,
        ErrorClass::Auth
        | ErrorClass::ContextLength
        | ErrorClass::Refused
        | ErrorClass::BadRequest
        | ErrorClass::MissingTool
        | ErrorClass::Interrupted
        | ErrorClass::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("an instant")
    }

    fn waits(all: &[(&str, i64)]) -> BTreeMap<String, Waiting> {
        let one = |(name, until): &(&str, i64)| {
            ((*name).to_owned(), Waiting { until: at(*until), class: "quota".into(), seq: 0 })
        };
        all.iter().map(one).collect()
    }

    #[test]
    fn the_next_one_takes_over_and_the_first_one_comes_back() {
        let fallback = ["codex".to_owned()];
        let choose = |w, now| choose("claude", &fallback, &waits(w), at(now));
        assert_eq!(choose(&[], 0), Choice::Use("claude".into()));
        assert_eq!(choose(&[("claude", 10)], 5), Choice::Use("codex".into()));
        assert_eq!(choose(&[("claude", 10)], 10), Choice::Use("claude".into()));
        let both = [("claude", 30), ("codex", 20)];
        assert_eq!(choose(&both, 5), Choice::Wait { provider: "codex".into(), until: at(20) });
        assert_eq!(choose(&both, 25), Choice::Use("codex".into()));
    }

    proptest! {
        /// It lies ahead, never further than said or two hours, and never comes nearer with each
        /// time.
        #[test]
        fn a_wait_ends_and_grows(said in proptest::option::of(-100_i64..100_000), times in 0_u32..100) {
            for class in [ErrorClass::Quota, ErrorClass::RateLimit, ErrorClass::Overloaded] {
                let said = said.map(at);
                let first = until(class, said, times, at(0));
                prop_assert!(first > at(0));
                prop_assert!(first <= said.unwrap_or(at(0)).max(at(2 * 3600)));
                prop_assert!(until(class, None, times + 1, at(0)) >= until(class, None, times, at(0)));
            }
        }
    }
}
