//! What may be between the lines of a report, and what is left of one that was cut.

use super::fixtures::{all, noise};
use super::*;
use proptest::prelude::*;

fn is_green(text: &str) -> bool {
    matches!(
        count(text),
        Counted::Found { counts, completeness: Completeness::Complete, .. }
            if counts.run > 0 && counts.failed == 0
    )
}

/// `cargo test` and `go test` make a report for each binary and each package and no total: what is
/// before the next one is whole. Their exit code, and whether all output was kept, say the rest.
fn has_a_total(format: Format) -> bool {
    !matches!(format, Format::Cargo | Format::Go)
}

/// What a cut does to a report: nothing green may come of it that was not there.
fn cut_shows_no_more(format: Format, name: &str, text: &str, at: usize) {
    // A test of this one prints mocha's own summary, and mocha has no header that would tell.
    if name == "mocha/dot" {
        return;
    }
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let cut = whole_lines(&text[..at]);
    if !has_a_total(format) || !is_green(cut) {
        return;
    }
    assert!(is_green(text), "{name}: red, and green when cut at byte {at}: …{:?}", tail(cut));
    assert_eq!(count(cut), count(text), "{name}: cut at byte {at}: …{:?}", tail(cut));
}

fn tail(text: &str) -> &str {
    let mut at = text.len().saturating_sub(80);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    &text[at..]
}

#[test]
fn a_report_cut_at_any_line_shows_no_more() {
    for (format, _, name, text, _) in all() {
        for (at, _) in text.match_indices('\n') {
            cut_shows_no_more(format, name, text, at);
            cut_shows_no_more(format, name, text, at + 1);
        }
    }
}

#[test]
fn a_last_line_cut_at_any_byte_shows_no_more() {
    for (format, _, name, text, _) in all() {
        for at in text.len().saturating_sub(250)..text.len() {
            cut_shows_no_more(format, name, text, at);
        }
    }
}

#[test]
fn a_green_report_without_its_summary_is_not_green() {
    for (format, _, name, text, _) in all() {
        if !has_a_total(format) || !is_green(text) {
            continue;
        }
        // The first cut that is green holds the summary; all before it are not.
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let first = ends.iter().position(|at| is_green(&text[..*at])).expect("the whole is");
        assert!(first > 0 || ends.len() == 1, "{name}: its first line is enough");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_report_cut_at_any_byte_shows_no_more(case in 0usize..1000, at in 0usize..6000) {
        let all = all();
        let (format, _, name, text, _) = all[case % all.len()];
        cut_shows_no_more(format, name, text, at % text.len().max(1));
    }

    #[test]
    fn noise_between_any_lines_turns_nothing_green(
        case in 0usize..1000,
        lines in proptest::collection::vec((0usize..400, noise(), any::<bool>()), 0..6),
    ) {
        let all = all();
        let (_, _, name, text, _) = all[case % all.len()];
        let mut noisy: Vec<String> = text.lines().map(str::to_owned).collect();
        for (at, line, coloured) in lines {
            let line = if coloured { format!("\x1b[32m{line}\x1b[0m\x1b[K") } else { line };
            noisy.insert(at % (noisy.len() + 1), line);
        }
        let noisy = noisy.join("\n") + "\n";
        prop_assert!(is_green(text) || !is_green(&noisy), "{}:\n{}", name, noisy);
    }
}
