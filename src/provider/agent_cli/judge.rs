//! How a turn ended: from the way in which the program ended, and what it said of its own end. Exit
//! 0 alone is no success, and neither is a success that was only said.

use serde_json::Value;

use super::ledger::Totals;
use crate::agent::ErrorClass;
use crate::process::Ended;

/// What the agent said of its own end.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::provider) enum Said {
    /// It stopped talking: killed or crashed.
    #[default]
    Nothing,
    Good,
    /// It ran into a cap of its own: the word for `done`.
    Capped(&'static str),
    Failed {
        class: ErrorClass,
        message: String,
        /// When it can be tried again, RFC 3339.
        until: Option<String>,
    },
}

#[derive(Debug, Default)]
pub(in crate::provider) struct Finding {
    pub said: Said,
    /// The structured answer, and nothing that only looks like one.
    pub answer: Option<Value>,
    /// What this conversation has used since it began.
    pub totals: Option<Totals>,
}

/// The last events of a turn.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    pub reason: &'static str,
    pub structured: Option<Value>,
    pub error: Option<(ErrorClass, String)>,
    pub until: Option<String>,
}

impl End {
    fn failed(class: ErrorClass, message: impl Into<String>) -> Self {
        let reason = match class {
            ErrorClass::Refused => "refused",
            ErrorClass::Interrupted => "interrupted",
            ErrorClass::Auth
            | ErrorClass::Quota
            | ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::Network
            | ErrorClass::ContextLength
            | ErrorClass::BadRequest
            | ErrorClass::MissingTool
            | ErrorClass::Unknown => "error",
        };
        Self { reason, structured: None, error: Some((class, message.into())), until: None }
    }
}

/// What a turn is judged by.
pub(super) struct Case<'a> {
    pub name: &'a str,
    pub ended: Ended,
    pub finding: Finding,
    /// It was ended because it gave up, and not because anybody asked.
    pub gave_up: bool,
    pub wants_answer: bool,
    /// What was printed last outside of the protocol, and what that means.
    pub words: &'a str,
    pub means: Option<ErrorClass>,
}

pub(super) fn judge(case: Case<'_>) -> End {
    let Case { name, ended, finding, .. } = case;
    let answer = finding.answer.filter(|_| case.wants_answer);
    match (&ended, finding.said) {
        (Ended::Stopped, said) if !case.gave_up => {
            let known = if said == Said::Nothing { "; its usage is unknown" } else { "" };
            let end = End::failed(ErrorClass::Interrupted, format!("{name} was stopped{known}"));
            End { structured: answer, ..end }
        }
        (Ended::TimedOut, _) => {
            let told = format!("{name} was still at work at its deadline");
            End { reason: "timed out", ..End::failed(ErrorClass::Interrupted, told) }
        }
        (_, Said::Failed { class, message, until }) => End { until, ..End::failed(class, message) },
        (_, Said::Capped(reason)) => End { reason, structured: None, error: None, until: None },
        (how, Said::Nothing) => {
            let told = format!("{name} ended without a result ({})", how_word(how));
            let told = if case.words.is_empty() { told } else { format!("{told}: {}", case.words) };
            End::failed(case.means.unwrap_or(ErrorClass::Unknown), told)
        }
        (Ended::Exited(0), Said::Good) => match answer {
            None if case.wants_answer => End::failed(
                ErrorClass::Unknown,
                format!("{name} gave no answer that follows the schema"),
            ),
            structured => End { reason: "end", structured, error: None, until: None },
        },
        (how, Said::Good) => End::failed(
            ErrorClass::Unknown,
            format!("{name} said that it was done and then failed ({})", how_word(how)),
        ),
    }
}

fn how_word(ended: &Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("exit {code}"),
        Ended::Signaled(signal) => format!("signal {signal}"),
        Ended::Stopped => "stopped".into(),
        Ended::TimedOut
        | Ended::TooMuchOutput
        | Ended::OverLimit(_)
        | Ended::NotFound
        | Ended::NotExecutable => "it could not go on".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(ended: Ended, said: Said, answer: Option<Value>, wants_answer: bool) -> End {
        let finding = Finding { said, answer, totals: None };
        judge(Case {
            name: "x",
            ended,
            finding,
            gave_up: false,
            wants_answer,
            words: "bye",
            means: Some(ErrorClass::Auth),
        })
    }

    #[test]
    fn only_a_good_word_and_exit_0_and_what_was_asked_for_is_an_end() {
        let failed = |class| Said::Failed { class, message: "m".into(), until: None };
        let answer = || Some(json!({"a": 1}));
        for (ended, said, given, wanted, reason, class) in [
            (Ended::Exited(0), Said::Good, None, false, "end", None),
            (Ended::Exited(0), Said::Good, answer(), true, "end", None),
            (Ended::Exited(0), Said::Good, None, true, "error", Some(ErrorClass::Unknown)),
            (Ended::Exited(1), Said::Good, answer(), true, "error", Some(ErrorClass::Unknown)),
            (Ended::Signaled(9), Said::Good, None, false, "error", Some(ErrorClass::Unknown)),
            (Ended::Exited(0), Said::Nothing, None, false, "error", Some(ErrorClass::Auth)),
            (Ended::Signaled(9), Said::Nothing, None, false, "error", Some(ErrorClass::Auth)),
            (Ended::Exited(1), Said::Capped("budget"), None, true, "budget", None),
            (
                Ended::Exited(0),
                failed(ErrorClass::Refused),
                None,
                false,
                "refused",
                Some(ErrorClass::Refused),
            ),
            (Ended::Stopped, Said::Good, None, false, "interrupted", Some(ErrorClass::Interrupted)),
            (Ended::TimedOut, Said::Good, None, false, "timed out", Some(ErrorClass::Interrupted)),
        ] {
            let end = case(ended, said, given, wanted);
            assert_eq!((end.reason, end.error.map(|e| e.0)), (reason, class), "{ended:?}");
        }
    }
}
