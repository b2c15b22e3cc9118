//! Long things, short: what is left out is counted.

use crate::base::terminal::strip_controls;

/// A line over this is cut.
const WIDEST: usize = 300;

/// The first and the last lines of a text, without what controls a terminal; `None` where nothing
/// is left to show.
pub(super) fn fold(text: &str, (first, last): (usize, usize)) -> Option<String> {
    let plain = strip_controls(text);
    let lines: Vec<&str> = plain.trim_end().lines().map(str::trim_end).collect();
    if lines.iter().all(|line| line.is_empty()) {
        return None;
    }
    // A fold of one line would take as much room as the line.
    if lines.len() <= first + last + 1 {
        return Some(joined(&lines));
    }
    let left_out = lines.len() - first - last;
    let (head, tail) = (&lines[..first], &lines[lines.len() - last..]);
    Some(format!("{}\n… {left_out} more lines …\n{}", joined(head), joined(tail)))
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| cut(line)).collect::<Vec<_>>().join("\n")
}

/// One line of any length.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDEST) {
        None => line.to_owned(),
        Some((at, _)) => {
            format!("{} … {} more characters", &line[..at], line[at..].chars().count())
        }
    }
}

/// A text that has to stay on one line.
pub(super) fn keep(text: &str) -> String {
    cut(&text.trim().replace(['\n', '\t'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let text: String = (1..=20).map(|n| format!("{n}\n")).collect();
        assert_eq!(fold(&text, (2, 1)).expect("text"), "1\n2\n… 17 more lines …\n20");
        assert_eq!(fold("1\n2\n3\n4\n", (2, 1)).expect("text"), "1\n2\n3\n4");
        assert_eq!(fold(" \n\n", (2, 1)), None);
        let wide = "é".repeat(WIDEST + 7);
        assert!(cut(&wide).ends_with("é … 7 more characters"));
    }
}
