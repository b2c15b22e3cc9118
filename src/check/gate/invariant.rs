//! Judges an expression over files and earlier replies. Expressions have no side effects, cannot
//! reach files or the network, and are limited in steps.

use std::fmt;

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use super::pass;
use crate::base::text::one_line;
use crate::check::{Outcome, Provenance, Reason};

/// Steps of minijinja's machine. A filter over 10,000 rows takes some 100,000.
const FUEL: u64 = 5_000_000;

/// Why an expression did not come out as `true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTrue {
    /// It came out as this.
    Else(String),
    /// It cannot be evaluated: syntax, an unknown name, too many steps.
    Error(String),
}

impl fmt::Display for NotTrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTrue::Else(value) => write!(f, "is {value}, not true"),
            NotTrue::Error(cause) => write!(f, "cannot be evaluated: {cause}"),
        }
    }
}

/// `Ok` when `expr` is the boolean `true` for these names. A number, a text or a list that
/// counts as true in a condition is not enough: `items | length` is a slip for a comparison.
pub fn evaluate(expr: &str, values: &Map<String, Value>) -> Result<(), NotTrue> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let error = |e: minijinja::Error| {
        let detail = e.detail().map(|d| format!(": {d}")).unwrap_or_default();
        NotTrue::Error(format!("{}{detail}", e.kind()))
    };
    let compiled = environment.compile_expression(expr).map_err(error)?;
    let value = compiled.eval(minijinja::Value::from(Serde(values))).map_err(error)?;
    match value.kind() {
        ValueKind::Bool if value.is_true() => Ok(()),
        // A name that is missing at the top level comes out as an undefined value.
        ValueKind::Undefined => Err(NotTrue::Error("it is undefined".to_owned())),
        kind => Err(NotTrue::Else(format!("the {kind} {}", one_line(&value.to_string(), 60)))),
    }
}

pub fn judge_invariant(expr: &str, values: &Map<String, Value>, of: Provenance) -> Outcome {
    if expr.trim().is_empty() {
        return Outcome::red(Reason::EmptySelector, "the expression is empty", of);
    }
    let shown = one_line(expr, 120);
    match evaluate(expr, values) {
        Ok(()) => pass(None, None, format!("{shown} is true"), of),
        Err(why) => {
            let reason = match why {
                NotTrue::Else(_) => Reason::InvariantFalse,
                NotTrue::Error(_) => Reason::CannotEvaluate,
            };
            Outcome::red(reason, format!("{shown} {why}"), of)
        }
    }
}
