//! Whether a file says that it is not to be checked, or not for all: what a checker lists, and does
//! not judge. Pure.

use crate::spec::type_check::Checker;

pub fn is_silenced(checker: Checker, text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    match checker {
        Checker::Tsc => head_comments(text)
            .any(|line| line.trim_start_matches(['/', '*', ' ', '\t']).starts_with("@ts-nocheck")),
        Checker::Mypy | Checker::Pyright => {
            let settings = python_comments(text).any(|said| switches_off(checker, &said));
            settings
                || python_head(text).any(|said| {
                    said == "type:ignore" || checker == Checker::Pyright && said == "pyright:ignore"
                })
        }
        Checker::Cargo | Checker::Go => false,
    }
}

const LINE_ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

/// The lines of all comments before the first statement of a TypeScript file.
fn head_comments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    if rest.starts_with("#!") {
        rest = rest.find(LINE_ENDS).map_or("", |end| &rest[end..]);
    }
    let next = move || {
        rest = rest.trim_start();
        let end = if rest.starts_with("//") {
            rest.find(LINE_ENDS).unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else {
            return None;
        };
        let (comment, after) = rest.split_at(end);
        rest = after;
        Some(comment)
    };
    std::iter::from_fn(next).flat_map(|comment| comment.split(LINE_ENDS)).map(str::trim)
}

/// What a line that is a comment says, without blanks and in small letters.
fn said(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix('#')?;
    Some(rest.trim_start_matches('#').split_whitespace().collect::<String>().to_lowercase())
}

fn python_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// Settings count wherever they stand.
fn python_comments(text: &str) -> impl Iterator<Item = String> {
    python_lines(text).filter_map(said)
}

/// Comments before the first statement; a docstring is none here.
fn python_head(text: &str) -> impl Iterator<Item = String> {
    let after = after_docstring(text);
    [text, after].into_iter().flat_map(|part| {
        let in_head = |l: &&str| l.trim().is_empty() || l.trim_start().starts_with('#');
        python_lines(part).take_while(in_head).filter_map(said)
    })
}

/// What follows the string that a file begins with, from the end of its line.
fn after_docstring(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]).trim_start();
    }
    let string = rest.trim_start_matches(['r', 'R', 'u', 'U']);
    let Some(quote) = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| string.starts_with(q))
    else {
        return "";
    };
    let mut chars = string[quote.len()..].char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if string[quote.len() + at..].starts_with(quote) {
            let after = &string[quote.len() + at + quote.len()..];
            return after.trim_start_matches([' ', '\t', ';']);
        }
    }
    ""
}

/// A comment that is a setting, and takes rules away.
fn switches_off(checker: Checker, said: &str) -> bool {
    let name = if checker == Checker::Mypy { "mypy:" } else { "pyright:" };
    said.strip_prefix(name).is_some_and(|settings| {
        settings.split(',').any(|setting| {
            let (key, value) = match setting.split_once('=') {
                Some((key, value)) => (key, Some(value.trim_matches(['"', '\'']))),
                None => (setting, None),
            };
            match checker {
                Checker::Mypy => is_off_for_mypy(key, value),
                _ => is_off_for_pyright(key, value),
            }
        })
    })
}

fn is_off_for_mypy(key: &str, value: Option<&str>) -> bool {
    match key.replace('-', "_").as_str() {
        "ignore_errors" => value.is_none_or(|v| ["1", "yes", "true", "on"].contains(&v)),
        "disable_error_code" => true,
        _ => false,
    }
}

fn is_off_for_pyright(key: &str, value: Option<&str>) -> bool {
    match value {
        None => matches!(key, "basic" | "off"),
        Some(value) => {
            let weak = ["false", "none", "off", "warning", "information"].contains(&value);
            key.starts_with("report") && weak
        }
    }
}
