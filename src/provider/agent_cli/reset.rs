//! When a limit is over, from the words in which agents say it: seconds since 1970, a length of
//! time, or a time of day that comes next.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use regex::Regex;
use std::sync::LazyLock;

use crate::agent::ErrorClass;

/// Nobody's limit lasts longer than this; such a number is no reset time.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 40);
/// A time of day that was named and passed no longer ago than this is not tomorrow's: vendors name
/// whole hours, and clocks differ.
const JUST_PASSED: SignedDuration = SignedDuration::from_mins(30);

/// The moment after which it can be tried again, as a message about a limit has it. In one about
/// anything else times are those of something else. `zone` is the one of times of day that name
/// none. `None`, rather than a time that may be wrong: whoever waits then asks again by itself.
pub(in crate::provider) fn reset_time(
    class: ErrorClass,
    words: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    if !matches!(class, ErrorClass::Quota | ErrorClass::RateLimit) {
        return None;
    }
    let found = epoch(words)
        .or_else(|| instant(words))
        .or_else(|| length(words, now))
        .or_else(|| time_of_day(words, now, zone))?;
    let ahead = found.duration_since(now);
    (ahead > SignedDuration::ZERO && ahead < LONGEST).then_some(found)
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("because it is a constant"));
    };
}

pattern!(EPOCH, r"\|\s*(\d{13}|\d{10})\b");

/// `usage limit reached|1735689600`, in seconds or milliseconds.
fn epoch(words: &str) -> Option<Timestamp> {
    let digits = &EPOCH.captures(words)?[1];
    let n: i64 = digits.parse().ok()?;
    if digits.len() == 13 { Timestamp::from_millisecond(n) } else { Timestamp::from_second(n) }.ok()
}

pattern!(INSTANT, r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)");

fn instant(words: &str) -> Option<Timestamp> {
    INSTANT.find(words)?.as_str().parse().ok()
}

pattern!(
    LENGTH,
    r"(?i)\b(?:again|resets?|wait|(?:re)?try(?:ing)?|retry-after|available)(?: (?:in|after|for))?:?\s+(?:about )?((?:[\d.]+\s*(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|ms)\b[ ,]*(?:and )?)+)"
);
pattern!(PART, r"(?i)([\d.]+)\s*(days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)\b");
pattern!(BARE_SECONDS, r"(?i)retry[- ]after:?\s+(\d+)\b");

/// `try again in 2h 5m`, `try again in 3 days 2 hours 5 minutes`, `retry-after: 30`.
fn length(words: &str, now: Timestamp) -> Option<Timestamp> {
    let seconds: f64 = match LENGTH.captures(words) {
        Some(found) => PART.captures_iter(&found[1]).filter_map(|part| part_seconds(&part)).sum(),
        None => BARE_SECONDS.captures(words)?[1].parse().ok()?,
    };
    // A moment too late is no harm; a moment too early is another refusal.
    let length = SignedDuration::try_from_secs_f64(seconds.ceil()).ok()?;
    now.checked_add(length).ok()
}

fn part_seconds(part: &regex::Captures<'_>) -> Option<f64> {
    let n: f64 = part[1].parse().ok()?;
    let unit = part[2].to_lowercase();
    Some(match unit.as_str() {
        "ms" => n / 1000.0,
        _ if unit.starts_with('d') => n * 86_400.0,
        _ if unit.starts_with('h') => n * 3_600.0,
        _ if unit.starts_with('m') => n * 60.0,
        _ => n,
    })
}

pattern!(
    CLOCK,
    r"(?i)(?:resets?|again|until|available)(?: at| on)?\s+(?:([a-z]{3})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?(?:, (\d{4}))?,?(?: at)? )?(\d{1,2})(?::(\d\d))? ?(am|pm)?\b(?:\s*\(([a-z0-9_+/:-]+)\)|\s+((?-i:[A-Z]{2,5})\b|[a-z]+/[a-z_+/-]+))?"
);

/// `resets 3pm`, `resets 3:30pm (Europe/Berlin)`, `resets Nov 30 at 9am (UTC)`,
/// `try again at Nov 30th, 2026 3:05 PM`: the next such time. `None` for one that has just passed,
/// and for one in a zone that is not known here.
fn time_of_day(words: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let found = CLOCK.captures(words)?;
    let text = |at: usize| found.get(at).map(|m| m.as_str());
    // A number alone is no time of day.
    if text(5).is_none() && text(6).is_none() {
        return None;
    }
    let zone = match text(7).or(text(8)) {
        Some(name) => TimeZone::get(name).ok()?,
        None => zone.clone(),
    };
    let time = clock_time(text(4)?, text(5), text(6))?;
    let here = now.to_zoned(zone.clone());
    let at = |date: Date| date.to_datetime(time).to_zoned(zone.clone()).ok();
    let next = match (text(1), text(2)) {
        (Some(month), Some(day)) => {
            let (month, day) = (month_of(month)?, day.parse().ok()?);
            let year =
                |year: i16| DateTime::from_parts(Date::new(year, month, day).ok()?, time).into();
            match text(3) {
                Some(given) => dated(year(given.parse().ok()?), &zone)?,
                None => coming(dated(year(here.year()), &zone), &here)
                    .or_else(|| dated(year(here.year() + 1), &zone))?,
            }
        }
        (_, _) => {
            let today = here.date();
            let earlier = [Some(today), today.yesterday().ok()];
            let mut passed = earlier.into_iter().flatten().filter_map(at);
            if passed.any(|at| at <= here && here.duration_since(&at) <= JUST_PASSED) {
                return None;
            }
            coming(at(today), &here).or_else(|| at(today.tomorrow().ok()?))?
        }
    };
    Some(next.timestamp())
}

fn dated(when: Option<DateTime>, zone: &TimeZone) -> Option<Zoned> {
    when?.to_zoned(zone.clone()).ok()
}

fn coming(when: Option<Zoned>, now: &Zoned) -> Option<Zoned> {
    when.filter(|when| when > now)
}

fn clock_time(hour: &str, minute: Option<&str>, half: Option<&str>) -> Option<Time> {
    let hour: i8 = hour.parse().ok()?;
    let hour = match half.map(str::to_lowercase).as_deref() {
        Some("pm") if hour < 12 => hour + 12,
        Some("am") if hour == 12 => 0,
        Some(_) | None => hour,
    };
    Time::new(hour, minute.map_or(Some(0), |m| m.parse().ok())?, 0, 0).ok()
}

fn month_of(name: &str) -> Option<i8> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let at = MONTHS.find(&name.to_lowercase())?;
    (at % 3 == 0).then_some((at / 3) as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_saying_it_is_understood() {
        let now: Timestamp = "2026-11-27T14:00:00Z".parse().expect("an instant");
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        for (words, wanted) in [
            ("Claude AI usage limit reached|1795805999", "2026-11-27T18:59:59Z"),
            ("Claude AI usage limit reached|1795805999000", "2026-11-27T18:59:59Z"),
            ("limit until 2026-11-27T20:00:00+01:00", "2026-11-27T19:00:00Z"),
            ("try again in 2h 5m", "2026-11-27T16:05:00Z"),
            ("Try again in 3 days 2 hours 5 minutes.", "2026-11-30T16:05:00Z"),
            ("Please try again in 1 hour, 30 minutes", "2026-11-27T15:30:00Z"),
            ("Please try again in 28.5s. Visit", "2026-11-27T14:00:29Z"),
            ("please try again in 120ms", "2026-11-27T14:00:01Z"),
            ("retry-after: 90", "2026-11-27T14:01:30Z"),
            ("Retry after 30 seconds", "2026-11-27T14:00:30Z"),
            // 14:00 UTC is 15:00 in Berlin.
            ("5-hour limit reached ∙ resets 4pm", "2026-11-27T15:00:00Z"),
            ("You've hit your limit · resets 2:29pm", "2026-11-28T13:29:00Z"),
            ("available in 20 minutes", "2026-11-27T14:20:00Z"),
            ("please wait for 20s", "2026-11-27T14:00:20Z"),
            ("try again at 4 PM UTC", "2026-11-27T16:00:00Z"),
            ("resets 12am (UTC)", "2026-11-28T00:00:00Z"),
            ("resets 3:30pm (America/New_York)", "2026-11-27T20:30:00Z"),
            ("resets Nov 30 at 9am (UTC)", "2026-11-30T09:00:00Z"),
            ("resets Nov 30, 9:15am (UTC)", "2026-11-30T09:15:00Z"),
            ("or try again at Nov 30th, 2026 3:05 PM.", "2026-11-30T14:05:00Z"),
            ("try again at 16:20", "2026-11-27T15:20:00Z"),
            ("resets Jan 2 at 1am (UTC)", "2027-01-02T01:00:00Z"),
        ] {
            for class in [ErrorClass::Quota, ErrorClass::RateLimit] {
                let found = reset_time(class, words, now, &berlin).map(|t| t.to_string());
                assert_eq!(found.as_deref(), Some(wanted), "{words}");
            }
            assert_eq!(reset_time(ErrorClass::Network, words, now, &berlin), None, "{words}");
        }
    }

    #[test]
    fn an_hour_that_has_just_passed_is_not_tomorrows() {
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        let at = |words: &str, now: &str| {
            let now = now.parse().expect("an instant");
            reset_time(ErrorClass::Quota, words, now, &berlin).map(|at| at.to_string())
        };
        // 14:00 UTC is 15:00 in Berlin. Refused again in the second in which it was to be over.
        for now in ["2026-11-27T14:00:00Z", "2026-11-27T14:00:01Z", "2026-11-27T14:30:00Z"] {
            assert_eq!(at("You've hit your limit · resets 3pm", now), None, "{now}");
        }
        let tomorrow = Some("2026-11-28T14:00:00Z".to_owned());
        assert_eq!(at("resets 3pm", "2026-11-27T14:30:01Z"), tomorrow);
        // Around midnight it was yesterday's.
        assert_eq!(at("resets 11:50pm", "2026-11-27T23:05:00Z"), None);
        assert_eq!(at("resets 12am", "2026-11-27T23:05:00Z"), None);
        assert_eq!(at("resets Nov 27 at 3pm", "2026-11-27T14:05:00Z"), None);
    }

    #[test]
    fn what_is_no_time_is_none() {
        let now: Timestamp = "2026-11-27T14:00:00Z".parse().expect("an instant");
        for words in [
            "",
            "You've hit your usage limit. Try again later.",
            "usage limit reached|1735689600",
            "try again 3 times",
            "resets 99pm",
            "resets Foo 30 at 9am",
            "resets at 9999999999999 days",
            "error 429 on 2026-11-27",
            // What happened after a while is over.
            "idle timeout waiting for the model after 300 seconds",
            "gave up after 3 days",
            // A zone that is not known is not the local one.
            "resets 3pm (PST)",
            "resets 3pm PST",
            "resets 3pm (Mars/Olympus)",
            "try again at 16:20 (UTC+2)",
        ] {
            assert_eq!(reset_time(ErrorClass::Quota, words, now, &TimeZone::UTC), None, "{words}");
        }
    }
}
