//! Outcomes as JUnit XML: a test suite for each group, a test case for each check. What failed is a
//! `failure`, what did not run an `error`: no reader takes either for a pass.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::Judged;
use crate::base::{Error, Result};
use crate::check::Status;
use crate::check::counts::strip_ansi;

/// What stands for the checks across groups.
const ACROSS: &str = "across groups";

pub fn junit(judged: &[Judged]) -> Result<String> {
    let mut report = Report::new("otto check");
    let mut suites: Vec<TestSuite> = Vec::new();
    for each in judged {
        let group = each.group.as_deref().unwrap_or(ACROSS);
        let at = suites.iter().position(|s| s.name.as_str() == group).unwrap_or_else(|| {
            suites.push(TestSuite::new(group));
            suites.len() - 1
        });
        suites[at].add_test_case(case(each, group));
    }
    let seconds: f64 = judged.iter().map(|j| j.outcome.duration_s()).sum();
    report.set_time(time(seconds));
    report.add_test_suites(suites);
    report
        .to_string()
        .map(|text| text + "\n")
        .map_err(|e| Error::bug("the report cannot be written").because(e))
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn case(judged: &Judged, group: &str) -> TestCase {
    let outcome = &judged.outcome;
    let mut status = match outcome.status() {
        Status::Passed => TestCaseStatus::success(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::NotRun => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if outcome.status() != Status::Passed {
        let before = outcome.before().map(|b| format!("\n{}", b.sentence())).unwrap_or_default();
        status.set_message(xml_text(outcome.detail()));
        status.set_type(outcome.reason().word());
        status.set_description(xml_text(&format!("{}{before}", outcome.detail())));
    }
    let mut case = TestCase::new(judged.check.id.as_str(), status);
    case.set_classname(group).set_time(time(outcome.duration_s()));
    if !judged.printed.is_empty() {
        case.set_system_out(xml_text(&judged.printed));
    }
    case.add_property(Property::new("kind", judged.check.kind.as_str()));
    case.add_property(Property::new("commit", outcome.commit()));
    case.add_property(Property::new("tree", outcome.tree()));
    for evidence in outcome.evidence() {
        case.add_property(Property::new("evidence", evidence.to_string()));
    }
    case
}

/// The text with U+FFFD for what XML 1.0 cannot hold, in whatever form.
fn xml_text(text: &str) -> String {
    let is_char = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    strip_ansi(text)
        .chars()
        .map(|c| if is_char(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            xml_text("a\t\r\n\u{d7ff}\u{e000}\u{1f600}"),
            "a\t\r\n\u{d7ff}\u{e000}\u{1f600}"
        );
        assert_eq!(xml_text("\u{1b}[31m\u{fffe}\u{ffff}\0\u{1}"), "\u{fffd}".repeat(2));
    }
}
