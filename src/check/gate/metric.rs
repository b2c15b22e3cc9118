//! Judges numbers that a command printed against a goal. A run that prints no number, or two, has
//! measured nothing.

use regex::Regex;
use serde_json::Value;

use super::{Capture, Execution, exit_code, pass, repo_test};
use crate::base::text::one_line;
use crate::check::counts::strip_ansi;
use crate::check::{Outcome, Provenance, Reason};
use crate::spec::json;
use crate::spec::metric::{Goal, Metric, number};

/// The number that one run printed, or the outcome of a run that printed none.
pub fn sample(
    run: &Execution,
    metric: &Metric,
    goal: &Goal,
    of: &Provenance,
) -> Result<f64, Box<Outcome>> {
    let exit = exit_code(run, of)?;
    if exit != 0 {
        let output = format!("{}\n{}", run.stdout, run.stderr);
        return Err(Box::new(repo_test::no_report(exit, &output, of.clone())));
    }
    let red =
        |reason, why: &str| Box::new(Outcome::red(reason, why, of.clone()).with_exit(Some(exit)));
    if run.capture == Capture::Truncated {
        return Err(red(Reason::OutputTruncated, "the output is too long and was cut"));
    }
    let text = strip_ansi(&run.stdout);
    let found = match (&metric.json, &metric.pattern) {
        (Some(way), _) => in_json(&text, way),
        (None, Some(pattern)) => by_pattern(&text, pattern),
        (None, None) => by_line(&text, &goal.name, metric.unit.as_deref()),
    };
    found.map_err(|why| red(Reason::NoNumber, &why))
}

/// All numbers that a text gives for one name must be the same one.
fn only(mut found: Vec<f64>, missing: String) -> Result<f64, String> {
    let first = found.pop().ok_or(missing)?;
    match found.iter().find(|other| **other != first) {
        Some(other) => Err(format!("it printed two numbers, {other} and {first}")),
        None => Ok(first),
    }
}

fn read(text: &str) -> Result<f64, String> {
    number(text).ok_or_else(|| format!("'{}' is no number", one_line(text, 40)))
}

/// The last line is `name: 12.5 ms`. Every other line of that name must say the same.
fn by_line(text: &str, name: &str, unit: Option<&str>) -> Result<f64, String> {
    let value_of = |line: &str| -> Option<Result<f64, String>> {
        let rest = line.trim().strip_prefix(name)?.trim_start().strip_prefix([':', '='])?.trim();
        let words: Vec<&str> = rest.split_whitespace().collect();
        Some(match (words.as_slice(), unit) {
            ([value], None) => read(value),
            ([value], Some(unit)) => match value.strip_suffix(unit) {
                Some(value) => read(value),
                None => Err(format!("'{}' has not the unit '{unit}'", one_line(rest, 40))),
            },
            ([value, word], Some(unit)) if *word == unit => read(value),
            (_, Some(unit)) => Err(format!("'{}' is no number of {unit}", one_line(rest, 40))),
            (_, None) => Err(format!(
                "'{}' is no bare number; a unit has to be named by 'unit'",
                one_line(rest, 40)
            )),
        })
    };
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let last = lines.last().and_then(|l| value_of(l));
    last.ok_or_else(|| format!("its last line is not '{name}: <number>'"))??;
    let found: Result<Vec<f64>, String> = lines.iter().filter_map(|l| value_of(l)).collect();
    only(found?, format!("no line '{name}: <number>'"))
}

/// The output, or its last line, is JSON with a number there. Every other line that is JSON with
/// something there must say the same.
fn in_json(text: &str, way: &str) -> Result<f64, String> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let whole = json::parse(text);
    let last = whole.or_else(|_| json::parse(lines.last().copied().unwrap_or_default()));
    let last = last.map_err(|_| "the output, and its last line, are not JSON".to_owned())?;
    let number = value_at(&last, way)?.ok_or_else(|| format!("its JSON has no '{way}'"))?;
    let others = values_in(text).into_iter().filter_map(|value| value_at(&value, way).transpose());
    let found: Result<Vec<f64>, String> = others.chain([Ok(number)]).collect();
    only(found?, format!("its JSON has no '{way}'"))
}

type Parsed = (Value, Vec<crate::spec::Problem>);

/// Every JSON object or list that begins a line, over as many lines as it takes.
fn values_in(text: &str) -> Vec<Parsed> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let start = rest[..line_end].trim_start();
        let mut taken = line_end;
        if start.starts_with(['{', '[']) {
            let from = line_end - start.len();
            let mut values = serde_json::Deserializer::from_str(&rest[from..])
                .into_iter::<serde::de::IgnoredAny>();
            if let Some(Ok(_)) = values.next() {
                let end = from + values.byte_offset();
                found.extend(json::parse(&rest[from..end]));
                taken = end;
            }
        }
        rest = &rest[taken..];
    }
    found
}

fn value_at((value, twice): &Parsed, way: &str) -> Result<Option<f64>, String> {
    if let Some(problem) = twice.first() {
        return Err(format!("its JSON has a key twice: {problem}"));
    }
    let at = way.split('.').try_fold(value, |at, part| match at {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    });
    match at {
        Some(Value::Number(n)) => read(&n.to_string()).map(Some),
        Some(other) => Err(format!("'{way}' is {}, no number", one_line(&other.to_string(), 40))),
        None => Ok(None),
    }
}

fn by_pattern(text: &str, pattern: &str) -> Result<f64, String> {
    let regex = Regex::new(pattern).map_err(|_| format!("the pattern '{pattern}' is none"))?;
    let found: Result<Vec<f64>, String> = regex
        .captures_iter(text)
        .map(|c| c.get(1).map_or_else(|| Err("the group is empty".into()), |m| read(m.as_str())))
        .collect();
    only(found?, format!("nothing matches '{pattern}'"))
}

/// What the samples come to.
pub fn judge_metric(metric: &Metric, goal: &Goal, samples: &[f64], of: Provenance) -> Outcome {
    let Some(value) = metric.statistic.of(samples) else {
        return Outcome::red(Reason::NoNumber, "there is no sample", of);
    };
    let unit = metric.unit.as_ref().map(|u| format!(" {u}")).unwrap_or_default();
    let how = match samples.len() {
        1 => String::new(),
        n => format!(" ({} of {n})", metric.statistic.word()),
    };
    let said = format!("{} is {value}{unit}{how}", goal.name);
    if goal.is_met_by(value) {
        return pass(None, Some(0), format!("{said}; the goal is {goal}"), of);
    }
    Outcome::red(Reason::GoalMissed, format!("{said}, and not {goal}"), of).with_exit(Some(0))
}

#[cfg(test)]
mod tests {
    use super::super::Ending;
    use super::*;
    use serde_json::json;

    fn metric(more: Value) -> Metric {
        let mut all = json!({"argv": ["./bench"], "goal": "p95 < 100"});
        all.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        serde_json::from_value(all).expect("a metric")
    }

    fn of() -> Provenance {
        Provenance { commit: "c".into(), tree: "t".into(), ..Provenance::default() }
    }

    fn read_of(metric: &Metric, stdout: &str) -> Result<f64, Reason> {
        let run = Execution {
            ending: Ending::Exited(0),
            stdout: stdout.into(),
            stderr: String::new(),
            capture: Capture::Whole,
        };
        let goal = metric.goal.parse().expect("a goal");
        sample(&run, metric, &goal, &of()).map_err(|o| o.reason())
    }

    #[test]
    fn one_number_is_read_however_it_is_printed() {
        let ms = metric(json!({"unit": "ms"}));
        let way = metric(json!({"json": "a.0.p95"}));
        let pattern = metric(json!({"pattern": "p95=([0-9.]+)"}));
        for (metric, text) in [
            (&metric(json!({})), "warming up\np95: 12.5\n"),
            (&metric(json!({})), "p95 = 12.5"),
            (&metric(json!({})), "p95: 12.5\n\u{1b}[1mp95\u{1b}[0m: 12.50\n\n"),
            (&ms, "p95: 12.5 ms\n"),
            (&ms, "p95: 12.5ms\n"),
            (&way, "{\"a\": [{\"p95\": 12.5}]}"),
            (&way, "hello\n{\"a\": [{\"p95\": 12.5}]}\n"),
            (&way, "{\"a\": [\n{\"p95\": 12.5}]}\n"),
            (&way, "{\"b\": 1}\n[x]\n{\"a\": [{\"p95\": 12.50}]}\n{\"a\": [{\"p95\": 12.5}]}\n"),
            (&pattern, "done, p95=12.5\n"),
        ] {
            assert_eq!(read_of(metric, text), Ok(12.5), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_two_is_none() {
        let ms = metric(json!({"unit": "ms"}));
        let way = metric(json!({"json": "p95"}));
        let pattern = metric(json!({"pattern": "p95=(\\S+)"}));
        for (metric, text) in [
            (&metric(json!({})), ""),
            (&metric(json!({})), "12.5"),
            (&metric(json!({})), "p95: NaN"),
            (&metric(json!({})), "p95: inf"),
            (&metric(json!({})), "p95: -0"),
            (&metric(json!({})), "p95: 12.5 ms"),
            (&metric(json!({})), "p95: 900\np95: 12.5"),
            (&metric(json!({})), "p95: 12.5\nall is well"),
            (&metric(json!({})), "p950: 12.5"),
            (&metric(json!({})), "p95: 12.5 or so"),
            (&ms, "p95: 12.5"),
            (&ms, "p95: 0.0125 s"),
            (&way, "{\"p95\": \"12.5\"}"),
            (&way, "{\"p95\": null}"),
            (&way, "{\"p95\": 900, \"p95\": 12.5}"),
            (&way, "{\"p95\": NaN}"),
            (&way, "{\"p95\": 1e999}"),
            (&way, "{\"p95\": -0.0}"),
            (&way, "{}"),
            (&way, "{\"p95\": 300}\n{\"p95\": 1}\n"),
            (&way, "{\"p95\": 300} {\"p95\": 1}\n"),
            (&way, "{\n\"p95\": 300\n}\n{\"p95\": 1}\n"),
            (&way, "{\"p95\": 300}, done\n{\"p95\": 1}\n"),
            (&way, "{\"p95\": 1}\n{\"p95\": 300}\n{}\n"),
            (&pattern, "p95=900 p95=12.5"),
            (&pattern, "p95=NaN"),
            (&pattern, "nothing"),
        ] {
            assert_eq!(read_of(metric, text), Err(Reason::NoNumber), "{text}");
        }
    }

    #[test]
    fn the_goal_decides() {
        let plain = metric(json!({"repetitions": 3}));
        let goal: Goal = plain.goal.parse().expect("a goal");
        let good = judge_metric(&plain, &goal, &[90.0, 300.0, 80.0], of());
        assert_eq!(
            (good.is_pass(), good.detail()),
            (true, "p95 is 90 (median of 3); the goal is p95 < 100")
        );
        let bad = judge_metric(&plain, &goal, &[100.0], of());
        assert_eq!(
            (bad.reason(), bad.detail()),
            (Reason::GoalMissed, "p95 is 100, and not p95 < 100")
        );
        assert_eq!(judge_metric(&plain, &goal, &[], of()).reason(), Reason::NoNumber);
        assert_eq!(
            judge_metric(&plain, &goal, &[1.0], Provenance::default()).reason(),
            Reason::NoCommit
        );
    }
}
