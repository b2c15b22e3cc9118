//! What a check expects, in words: the other half of what it observed.

use crate::base::text::{count, one_line};
use crate::spec::{ApiExpectation, Check, CheckBody, TextExpectation};

/// One line for each expectation; none where the check is judged by the tests that it runs.
pub(super) fn expects(check: &Check) -> Vec<String> {
    match check.body() {
        Ok(CheckBody::CliProbe(probe)) => {
            let mut out = vec![format!("exit code {}", probe.exit)];
            text("standard output", &probe.stdout, &mut out);
            text("standard error", &probe.stderr, &mut out);
            out
        }
        Ok(CheckBody::ApiProbe(probe)) => {
            let all = probe.requests.iter().enumerate();
            all.flat_map(|(n, r)| {
                let at = format!("{}. {} {}", n + 1, r.method, filled(&r.path));
                answer(&r.expect).into_iter().map(move |line| format!("{at}: {line}"))
            })
            .collect()
        }
        Ok(CheckBody::StateInvariant(_)) => vec!["the expression is true".to_owned()],
        // Kinds of which only this much is shown.
        Ok(_) | Err(_) => check
            .params
            .get("goal")
            .and_then(|goal| goal.as_str())
            .map(|goal| one_line(goal, 200))
            .into_iter()
            .collect(),
    }
}

/// A path with `{{name}}`, which an earlier reply fills in, as `<name>`.
pub(super) fn filled(path: &str) -> String {
    path.replace("{{", "<").replace("}}", ">")
}

fn text(what: &str, wanted: &TextExpectation, out: &mut Vec<String>) {
    let quoted = |text: &str| format!("`{}`", one_line(text, 160).replace('`', "'"));
    if let Some(text) = &wanted.equals {
        out.push(format!("{what} is {}", quoted(text)));
    }
    out.extend(wanted.contains.iter().map(|t| format!("{what} contains {}", quoted(t))));
    out.extend(
        wanted.not_contains.iter().map(|t| format!("{what} does not contain {}", quoted(t))),
    );
    if let Some(pattern) = &wanted.matches {
        out.push(format!("{what} matches {}", quoted(pattern)));
    }
}

fn answer(wanted: &ApiExpectation) -> Vec<String> {
    let status = wanted.status.map_or("200 to 299".to_owned(), |s| s.to_string());
    let mut out = vec![format!("status {status}")];
    for (name, value) in &wanted.headers {
        text(&format!("header {name}"), value, &mut out);
    }
    text("the body", &wanted.body, &mut out);
    for json in &wanted.json {
        let at = format!("`{}`", one_line(&json.path, 120));
        if let Some(value) = &json.equals {
            out.push(format!("{at} is `{}`", one_line(&value.to_string(), 160)));
        }
        if let Some(pattern) = &json.matches {
            out.push(format!("{at} matches `{}`", one_line(pattern, 160)));
        }
        if let Some(n) = json.count {
            out.push(format!("{at} is found {}", count(n as usize, "time")));
        }
    }
    if wanted.schema.is_some() {
        out.push("the body fits the JSON Schema of the check".to_owned());
    }
    out
}
