//! Judges a journey through a browser: every step came true, nothing broke on the way, and at least
//! one thing that was expected came from what the journey did.

use super::pass;
use crate::base::text::count;
use crate::check::{Outcome, Provenance, Reason};

/// One step, as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    pub shown: String,
    /// Why it did not come true.
    pub wrong: Option<String>,
}

/// Something expected after the journey acted, and whether it holds where nobody did anything: at
/// the same address, in a fresh browser, with a fresh product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub shown: String,
    pub holds_anyway: bool,
}

/// What was seen of a journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// Those that were tried; the last one may have failed.
    pub steps: Vec<Stepped>,
    /// Scripts that failed, and requests that did; empty where they are allowed.
    pub errors: Vec<String>,
    /// Requests that the journey means to be refused, and that were not.
    pub not_refused: Vec<String>,
    /// Of a journey whose steps all came true.
    pub controls: Vec<Control>,
}

pub fn judge_journey(journey: &Journey, of: Provenance) -> Outcome {
    let total = journey.steps.len();
    let failed =
        journey.steps.iter().enumerate().find_map(|(n, s)| Some((n, s, s.wrong.as_ref()?)));
    if let Some((n, step, wrong)) = failed {
        let mut detail = format!("step {}, {}: {wrong}", n + 1, step.shown);
        if let Some(error) = journey.errors.first() {
            detail.push_str(&format!("; and the page broke: {error}"));
        }
        return Outcome::red(Reason::Expectation, detail, of);
    }
    if !journey.errors.is_empty() {
        let detail =
            format!("every step came true, and the page broke: {}", journey.errors.join("; "));
        return Outcome::red(Reason::PageErrors, detail, of);
    }
    if !journey.not_refused.is_empty() {
        let detail = format!("nothing refused {}", journey.not_refused.join(", "));
        return Outcome::red(Reason::Expectation, detail, of);
    }
    if journey.controls.iter().all(|c| c.holds_anyway) {
        let told: Vec<&str> = journey.controls.iter().map(|c| c.shown.as_str()).collect();
        let detail = match told.as_slice() {
            [] => "nothing is expected after the journey did something".to_owned(),
            told => format!("the page is like that without the journey: {}", told.join("; ")),
        };
        return Outcome::red(Reason::NothingChanged, detail, of);
    }
    pass(None, None, format!("{}, all came true", count(total, "step")), of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of() -> Provenance {
        Provenance { commit: "c".into(), tree: "t".into(), ..Provenance::default() }
    }

    fn step(wrong: Option<&str>) -> Stepped {
        Stepped { shown: "expect text \"x\"".into(), wrong: wrong.map(str::to_owned) }
    }

    fn control(holds_anyway: bool) -> Control {
        Control { shown: "expect text \"x\"".into(), holds_anyway }
    }

    #[test]
    fn only_a_journey_that_changed_something_passes() {
        let good = Journey {
            steps: vec![step(None)],
            errors: Vec::new(),
            not_refused: Vec::new(),
            controls: vec![control(true), control(false)],
        };
        assert!(judge_journey(&good, of()).is_pass());
        for (bad, reason) in [
            (Journey { controls: vec![control(true)], ..good.clone() }, Reason::NothingChanged),
            (Journey { controls: Vec::new(), ..good.clone() }, Reason::NothingChanged),
            (Journey { errors: vec!["POST /x: 500".into()], ..good.clone() }, Reason::PageErrors),
            (
                Journey { not_refused: vec!["POST /x: 401".into()], ..good.clone() },
                Reason::Expectation,
            ),
            (Journey { steps: vec![step(None), step(Some("no"))], ..good }, Reason::Expectation),
        ] {
            assert_eq!(judge_journey(&bad, of()).reason(), reason, "{bad:?}");
        }
    }
}
