//! `metric`: a command prints a number, and the number meets a goal.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A measurement and what it must come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Program and arguments; never a shell line.
    pub argv: Vec<String>,
    /// `p95_ms < 100`: a name, one of `<`, `<=`, `>`, `>=`, `==`, and a number.
    pub goal: String,
    /// The unit that must stand behind the number; without it none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The output is JSON, and this is the way to the number in it: `latency.p95`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// A regular expression whose one group is the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Runs before those that count.
    #[serde(default)]
    pub warmup: u32,
    #[serde(default = "one")]
    pub repetitions: u32,
    #[serde(default)]
    pub statistic: Statistic,
}

fn one() -> u32 {
    1
}

/// What is made of several samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    #[default]
    Median,
    Min,
    Max,
    Mean,
    P95,
}

impl Statistic {
    pub fn word(self) -> &'static str {
        match self {
            Statistic::Median => "median",
            Statistic::Min => "min",
            Statistic::Max => "max",
            Statistic::Mean => "mean",
            Statistic::P95 => "p95",
        }
    }

    /// Of finite samples; `None` of none. `p95` is the nearest rank.
    pub fn of(self, samples: &[f64]) -> Option<f64> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (n, middle) = (sorted.len(), sorted.len() / 2);
        let last = sorted.last().copied()?;
        let value = match self {
            Statistic::Min => sorted[0],
            Statistic::Max => last,
            // Halves first: the sum of two large numbers is no number.
            Statistic::Mean => sorted.iter().map(|x| x / n as f64).sum(),
            Statistic::Median if n % 2 == 1 => sorted[middle],
            Statistic::Median => sorted[middle - 1] / 2.0 + sorted[middle] / 2.0,
            Statistic::P95 => sorted[(n * 95).div_ceil(100).max(1) - 1],
        };
        value.is_finite().then_some(value)
    }
}

/// A parsed goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    pub name: String,
    pub op: Op,
    pub number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
}

/// The longer ones first: `<=` begins with `<`.
const OPS: [(&str, Op); 5] =
    [("<=", Op::AtMost), (">=", Op::AtLeast), ("==", Op::Equal), ("<", Op::Less), (">", Op::More)];

impl Goal {
    pub fn is_met_by(&self, value: f64) -> bool {
        match self.op {
            Op::Less => value < self.number,
            Op::AtMost => value <= self.number,
            Op::More => value > self.number,
            Op::AtLeast => value >= self.number,
            Op::Equal => value == self.number,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = OPS.iter().find(|(_, op)| *op == self.op).map_or("", |(word, _)| word);
        write!(f, "{} {word} {}", self.name, self.number)
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['<', '>', '=']).ok_or_else(|| {
            format!("'{text}' compares nothing; write it as: p95_ms < 100 (or <=, >, >=, ==)")
        })?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let found = OPS.iter().find_map(|(word, op)| Some((*op, rest.strip_prefix(word)?)));
        let (op, limit) = found.ok_or_else(|| format!("'{text}' has none of <, <=, >, >=, =="))?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || !name.chars().all(fits)
        {
            return Err(format!("'{name}' is no name of a number: letters, digits, _ . -"));
        }
        let number =
            number(limit.trim()).ok_or_else(|| format!("'{}' is no number", limit.trim()))?;
        Ok(Goal { name: name.to_owned(), op, number })
    }
}

/// A decimal number as people write it: digits, one point, an exponent. NaN, infinity, a number that
/// does not fit, and a zero below zero are none.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    let value: f64 = plain.then(|| text.parse().ok())??;
    let below_zero = value == 0.0 && value.is_sign_negative();
    (value.is_finite() && !below_zero).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read_to_the_letter() {
        for (text, op, number) in [
            ("p95_ms < 100", Op::Less, 100.0),
            ("p95_ms<=1.5e3", Op::AtMost, 1500.0),
            ("p95_ms >-2", Op::More, -2.0),
            ("p95_ms >= 0", Op::AtLeast, 0.0),
            ("p95_ms == 3", Op::Equal, 3.0),
        ] {
            let goal: Goal = text.parse().expect(text);
            assert_eq!((goal.name.as_str(), goal.op, goal.number), ("p95_ms", op, number));
            assert_eq!(goal.to_string().parse::<Goal>().expect("again"), goal);
        }
        for bad in [
            "",
            "p95",
            "p95 100",
            "< 100",
            "p95 = 100",
            "a b < 1",
            "1a < 1",
            "a < b",
            "a < NaN",
            "a < 1 ms",
            "a < inf",
            "a << 1",
            "a < -0",
            "a < 1 < 2",
            "a => 1",
        ] {
            assert!(bad.parse::<Goal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for (text, value) in [("12", 12.0), ("-1.5", -1.5), ("+2e-3", 0.002), ("0", 0.0)] {
            assert_eq!(number(text), Some(value));
        }
        for bad in [
            "", "NaN", "nan", "inf", "-inf", "infinity", "-0", "-0.0", "1e999", "0x10", "1_000",
            "1,000", "1.", ".5", "e5", "1e", "--1", "1 ", "½", "1-2", "-0e5",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn statistics() {
        let samples = [5.0, 1.0, 4.0, 2.0];
        let of = |s: Statistic| s.of(&samples).expect("a value");
        assert_eq!(of(Statistic::Median), 3.0);
        assert_eq!(of(Statistic::Min), 1.0);
        assert_eq!(of(Statistic::Max), 5.0);
        assert_eq!(of(Statistic::Mean), 3.0);
        assert_eq!(of(Statistic::P95), 5.0);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(Statistic::P95.of(&hundred), Some(95.0));
        assert_eq!(Statistic::P95.of(&[7.0]), Some(7.0));
        assert_eq!(Statistic::Median.of(&[]), None);
        assert_eq!(Statistic::Mean.of(&[f64::MAX, f64::MAX]), Some(f64::MAX));
    }
}
