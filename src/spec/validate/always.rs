//! Whether an invariant is true whatever its files hold. It is tried on a few worlds in which they
//! hold nothing, much, other things than each other, and the words of the expression itself; one that
//! can fail fails in one of them.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde_json::json;

/// Far more than such a small file needs.
const FUEL: u64 = 2_000_000;

/// Names of files, with whether they are parsed, and of probes.
pub(super) fn holds(expr: &str, files: &[(&str, bool)], probes: &[&str]) -> bool {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let Ok(compiled) = environment.compile_expression(expr) else { return false };
    let texts = texts(expr);
    let parsed: Vec<Value> = texts.iter().cloned().map(Value::from).chain(others()).collect();
    let worlds = parsed.len();
    // In half of them all hold the same, and in the others each another thing.
    (0..2 * worlds).all(|n| {
        let text = |nth: usize| match n < worlds {
            true => texts[n % texts.len()].clone(),
            false => format!("{}{nth}", texts[(n + nth) % texts.len()]),
        };
        let value = |nth: usize| match (n + 1).cmp(&(2 * worlds)) {
            std::cmp::Ordering::Equal => Value::from(nth),
            _ if n < worlds => parsed[n].clone(),
            _ => parsed[(n + nth) % worlds].clone(),
        };
        let of_file = |(nth, (name, is_parsed)): (usize, &(&str, bool))| {
            ((*name).to_owned(), if *is_parsed { value(nth) } else { Value::from(text(nth)) })
        };
        let of_probe = |(nth, id): (usize, &&str)| {
            let nth = nth + files.len();
            let (exit, status) = if n % 2 == 0 { (0, 200) } else { (7, 500) };
            let (text, json) = (Value::from(text(nth)), value(nth));
            let told = context! {
                stdout => &text, stderr => &text, body => &text, exit, status, json,
            };
            ((*id).to_owned(), told)
        };
        let probes: BTreeMap<String, Value> = probes.iter().enumerate().map(of_probe).collect();
        let files = files.iter().enumerate().map(of_file);
        let probes = ("probes".to_owned(), Value::from_object(probes));
        let world: BTreeMap<String, Value> = files.chain([probes]).collect();
        compiled.eval(Value::from_object(world)).is_ok_and(|v| v.is_true())
    })
}

fn texts(expr: &str) -> Vec<String> {
    vec![String::new(), "\u{7}".into(), expr.into(), "x\n".repeat(20_000)]
}

fn others() -> Vec<Value> {
    let big: Vec<u32> = (0..2_000).collect();
    [
        json!(null),
        json!(true),
        json!(0),
        json!(-1e12),
        json!(1e12),
        json!({}),
        json!([]),
        json!(big),
    ]
    .iter()
    .map(|v| Value::from(Serde(v)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_fail_is_told_from_what_cannot() {
        let files = [("f", false), ("g", false), ("data", true), ("other", true)];
        let of = |expr: &str| holds(expr, &files, &["p"]);
        for always in [
            "f is defined",
            "f is string",
            "f == f",
            "f or true",
            "not (f and not f)",
            "f | length >= 0",
            "data is defined",
            "data == data",
            "probes.p is defined",
            "probes.p.exit == 0 or probes.p.exit != 0",
            "'' in f",
        ] {
            assert!(of(always), "{always}");
        }
        for sometimes in [
            "f == g",
            "data == other",
            "'error' not in f",
            "f | length < 500",
            "data is mapping",
            "data | length < 5",
            "data.total == 3",
            "probes.p.exit == 0",
            "f in probes.p.stdout",
            "'a' in f",
            "data != 0",
            "f != ''",
            "data | length > 0",
            "probes.p.stdout == f",
        ] {
            assert!(!of(sometimes), "{sometimes}");
        }
    }
}
