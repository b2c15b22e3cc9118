//! `spec.json` to a [`Spec`]: shape and rules, all problems at once.

use serde_json::Value;

use super::model::{Spec, VERSION};
use super::problem::Problem;
use super::shape::Walk;
use super::{json, older, schema, validate};

/// A spec that holds all rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub spec: Spec,
    /// What a person should know although it is no error (the older format).
    pub warnings: Vec<String>,
}

/// Reads `spec.json`. Text that is not JSON, or a version that is newer than [`VERSION`], is one
/// problem; otherwise every fault of shape and every broken rule is reported.
pub fn parse(text: &str) -> Result<Parsed, Vec<Problem>> {
    let (value, duplicates) = json::parse(text).map_err(|problem| vec![problem])?;
    match parse_value(value) {
        Ok(parsed) if duplicates.is_empty() => Ok(parsed),
        Ok(_) => Err(duplicates),
        Err(problems) => Err(duplicates.into_iter().chain(problems).collect()),
    }
}

/// As [`parse`], for a document that is parsed already (an agent's structured answer).
pub fn parse_value(mut value: Value) -> Result<Parsed, Vec<Problem>> {
    if let Some(v) = value["v"].as_u64()
        && v > u64::from(VERSION)
    {
        let message = format!(
            "this spec has format version {v}, which is newer than what this program reads \
             ({VERSION}); use a newer Otto"
        );
        return Err(vec![Problem::new("v", message)]);
    }
    let warnings = older::modernise(&mut value);
    let mut walk = Walk::default();
    walk.walk(schema::document(), &mut value, "");
    let mut problems = walk.problems;
    match serde_json::from_value::<Spec>(value) {
        Ok(spec) => {
            problems.extend(validate::run(&spec, walk.doubt));
            if problems.is_empty() {
                return Ok(Parsed { spec, warnings });
            }
        }
        // The schema is generated from the types, so that this cannot differ; if it ever does,
        // the reader is told and nothing is accepted.
        Err(e) => problems.push(Problem::new("", e.to_string())),
    }
    Err(problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;
    use serde_json::json;

    fn faults(value: Value) -> Vec<String> {
        let text = serde_json::to_string(&value).unwrap();
        let problems = parse(&text).expect_err("it has faults");
        problems.iter().map(Problem::to_string).collect()
    }

    fn good() -> Value {
        serde_json::to_value(sample::good()).unwrap()
    }

    #[test]
    fn a_good_spec_is_read_as_written() {
        let spec = sample::good();
        let parsed = parse(&spec.to_json()).expect("no problems");
        assert_eq!(parsed, Parsed { spec, warnings: Vec::new() });
    }

    #[test]
    fn twelve_faults_are_twelve_problems() {
        let mut v = good();
        v["intnet"] = json!("x");
        v["project_kind"] = json!("clii");
        v["features"][0]["group"] = json!("stor");
        v["features"][1]["acceptance"] = json!([]);
        v["groups"][0]["id"] = json!("store");
        v["groups"][0]["depz"] = json!([]);
        v["groups"][0]["checks"][0]["select"] = json!([]);
        v["groups"][0]["checks"][1]["timeout_s"] = json!("60");
        v["groups"][1]["owned_paths"] = json!(["../src"]);
        v["groups"][1]["checks"][0]["stdout"]["matches"] = json!("(");
        v["groups"][1]["checks"][1]["kind"] = json!("state_invariants");
        v["contracts"][0]["owner"] = json!(null);
        v["prepare"][0].as_object_mut().unwrap().shift_remove("argv");
        let found = faults(v);
        let wanted = [
            "intnet: unknown key 'intnet' (did you mean 'intent'?)",
            "project_kind: unknown value 'clii', expected one of webapp, cli, library, api, service (did you mean 'cli'?)",
            "groups[0].depz: unknown key 'depz' (did you mean 'deps'?)",
            "groups[0].checks[1].timeout_s: expected an integer, found a string",
            "prepare[0].argv: key 'argv' is missing",
            "features[0].group: unknown group 'stor' (did you mean 'store'?)",
            "features[1].acceptance: ",
            "groups[0].checks[0].select: ",
            "groups[1].owned_paths[0]: ",
            "groups[1].checks[0].stdout.matches: ",
            "groups[1].checks[1].kind: unknown kind 'state_invariants' (did you mean 'state_invariant'?)",
            "contracts[0].owner: ",
        ];
        for start in wanted {
            assert!(found.iter().any(|p| p.starts_with(start)), "{start}\n{found:#?}");
        }
        assert_eq!(found.len(), 12, "{found:#?}");
    }

    #[test]
    fn a_fault_of_shape_does_not_drag_others_behind_it() {
        let mut v = good();
        v["groups"][0]["id"] = json!(7);
        assert_eq!(faults(v), ["groups[0].id: expected a string, found an integer"]);
        let mut v = good();
        let check = v["groups"][0]["checks"][0].as_object_mut().unwrap();
        let features = check.shift_remove("features").unwrap();
        check.insert("featurs".to_owned(), features);
        let wanted =
            "groups[0].checks[0].featurs: unknown key 'featurs' (did you mean 'features'?)";
        assert_eq!(faults(v), [wanted]);
        let mut v = good();
        v["features"] = json!("none");
        assert_eq!(faults(v), ["features: expected an array, found a string"]);
    }

    #[test]
    fn a_newer_version_is_one_clear_problem() {
        let found = faults(json!({ "v": 2, "novel": true }));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("v: this spec has format version 2"), "{}", found[0]);
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let text = sample::good().to_json().replacen("\"title\"", "\"title\": \"x\", \"title\"", 1);
        let problems = parse(&text).expect_err("a key is there twice");
        assert_eq!(problems[0].to_string(), "groups[0].title: key 'title' is there twice");
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn the_older_format_is_read_with_warnings() {
        let mut v = good();
        let object = v.as_object_mut().unwrap();
        for (new, old) in [("groups", "slices"), ("cross_group_checks", "cross_slice_checks")] {
            let value = object.shift_remove(new).unwrap();
            object.insert(old.to_owned(), value);
        }
        object.shift_remove("v");
        let parsed = parse_value(v).expect("the older format is read");
        assert_eq!(parsed.spec, sample::good());
        assert_eq!(parsed.warnings.len(), 3, "{:?}", parsed.warnings);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in
            ["", "null", "[]", "{}", "{\"v\":1}", "\"x\"", "{\"v\":[]}", "{\"groups\":[[]]}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
