use super::*;
use crate::spec::sample;

fn problems(judge: Judge, ran: &[&str], left: usize, answer: Value) -> Vec<String> {
    let spec = sample::good();
    let taken = ["probe-old".to_owned()];
    let rules = Rules {
        spec: &spec,
        judge,
        probes_left: left,
        rounds_left: 1,
        ran: ran.to_vec(),
        taken: &taken,
    };
    read(&answer, &rules).err().unwrap_or_default()
}

fn of(answer: Value) -> Vec<String> {
    problems(Judge::Certifier, &["probe-a"], 2, answer)
}

fn whole() -> Value {
    json!({"features": [{"id": "listing", "verdict": "passed", "evidence": ["sha256:x"]},
                        {"id": "login", "verdict": "partial", "why": "it forgets"}]})
}

fn with(pointer: &str, value: Value) -> Value {
    let mut answer = whole();
    let (at, key) = pointer.rsplit_once('/').expect("a pointer");
    match (answer.pointer_mut(at).expect("there"), key.parse::<usize>()) {
        (list, Ok(n)) => list[n] = value,
        (map, Err(_)) => map[key] = value,
    }
    answer
}

#[test]
fn an_answer_is_a_judgement_of_every_feature_or_probes() {
    assert_eq!(of(whole()), [""; 0]);
    for (answer, wanted) in [
        (json!([]), "is not of type \"object\""),
        (json!({"feature": []}), "feature"),
        (
            with("/features/0/verdict", json!("passd")),
            "features[0].verdict: \"passd\" is not one of",
        ),
        (with("/features/0/verdict", json!("nothing")), "features[0].verdict: "),
        (with("/features/0/id", json!("listng")), "did you mean 'listing'?"),
        (with("/features/1/id", json!("listing")), "features[1].id: 'listing' is judged twice"),
        (with("/features/1/why", json!(" ")), "features[1].why: is missing"),
        (with("/features/1/severity", json!("huge")), "features[1].severity: "),
        (json!({"features": []}), "features: 'listing' is not judged"),
        (json!({}), "features: 'login' is not judged"),
        (with("/coverage", json!([{"risk": "injection", "not_applicable": "x"}])), "coverage: "),
    ] {
        let found = of(answer.clone());
        assert!(found.iter().any(|p| p.contains(wanted)), "{answer}: {found:?}");
    }
    let lost = json!({"id": "login", "verdict": "missing", "why": "x", "severity": "polish"});
    assert!(of(with("/features/1", lost))[0].contains("more than 'polish'"));
}

#[test]
fn findings_name_what_there_is() {
    let finding = |more: Value| {
        let mut one = json!({"kind": "opinion", "severity": "polish", "text": "x"});
        one.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        of(with("/findings", json!([one])))
    };
    assert_eq!(finding(json!({})), [""; 0]);
    let failure = json!({"kind": "product_failure", "probe": "probe-a", "features": ["login"]});
    assert_eq!(finding(failure), [""; 0]);
    for (more, wanted) in [
        (json!({"text": ""}), "findings[0].text: is empty"),
        (json!({"kind": "bug"}), "findings[0].kind: "),
        (json!({"features": ["logn"]}), "(did you mean 'login'?)"),
        (
            json!({"kind": "product_failure", "features": ["login"]}),
            "findings[0].probe: is missing",
        ),
        (json!({"kind": "product_failure", "probe": "probe-a"}), "findings[0].features: is empty"),
        (json!({"probe": "probe-b"}), "there is no probe 'probe-b'"),
        (json!({"non_goal": "x"}), "findings[0].non_goal: is for"),
        (json!({"kind": "scope", "non_goal": "telepathy"}), "there is no non-goal 'telepathy'"),
    ] {
        let found = finding(more.clone());
        assert!(found.iter().any(|p| p.contains(wanted)), "{more}: {found:?}");
    }
}

#[test]
fn probes_are_few_new_and_like_checks() {
    let probe = |id: &str| json!({"id": id, "kind": "cli_probe", "argv": ["./shop"], "exit": 0});
    assert_eq!(of(json!({"probes": [probe("probe-b"), probe("probe-c")]})), [""; 0]);
    // What stands beside probes is not read yet.
    assert_eq!(of(json!({"probes": [probe("probe-b")], "features": []})), [""; 0]);
    for (list, wanted) in [
        (
            json!([probe("probe-b"), probe("probe-c"), probe("probe-d")]),
            "3 are asked for, and 2 may",
        ),
        (json!([probe("probe-a")]), "'probe-a' is the id of another probe"),
        (json!([probe("probe-old")]), "'probe-old' is the id of another probe"),
        (json!([probe("probe-b"), probe("probe-b")]), "probes[1].id: "),
        (json!([probe("b")]), "does not begin with 'probe-'"),
        (
            json!([{"id": "probe-b", "kind": "cli_probe", "argv": ["false"], "exit": 0}]),
            "never pass",
        ),
        (json!([{"id": "probe-b", "kind": "pytest", "select": ["x"]}]), "probes[0].kind: "),
        (json!(["x"]), "probes[0]: "),
    ] {
        let found = of(json!({"probes": list}));
        assert!(found.iter().any(|p| p.contains(wanted)), "{list}: {found:?}");
    }
    let none = problems(Judge::Certifier, &[], 0, json!({"probes": [probe("probe-b")]}));
    assert!(none[0].contains("no more are run"), "{none:?}");
}

#[test]
fn an_adversary_covers_every_risk() {
    let adversary = |coverage: Value| {
        problems(Judge::Adversary, &["probe-a"], 0, json!({"coverage": coverage, "findings": []}))
    };
    let all = |first: Value| {
        let mut list = vec![first];
        for risk in ["authorisation", "isolation", "bad_input", "concurrency"] {
            list.push(json!({"risk": risk, "not_applicable": "there is one user"}));
        }
        adversary(list.into())
    };
    assert_eq!(all(json!({"risk": "injection", "probes": ["probe-a"]})), [""; 0]);
    let found = adversary(json!([]));
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(all(json!({"risk": "injection"}))[0].contains("neither"));
    assert!(all(json!({"risk": "injection", "probes": ["probe-z"]}))[0].contains("'probe-z'"));
    assert!(all(json!({"risk": "isolation", "not_applicable": "x"}))[0].contains("twice"));
    let both = all(json!({"risk": "injection", "probes": ["probe-a"], "not_applicable": "x"}));
    assert!(both[0].contains("is not applicable"), "{both:?}");
    let judged = problems(Judge::Adversary, &[], 0, whole());
    assert!(judged[0].starts_with("features: "), "{judged:?}");
}

#[test]
fn what_is_asked_for_is_a_schema() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let probe = json!({"id": "probe-b", "kind": "cli_probe", "argv": ["./shop"], "exit": 0});
    let mut answer = whole();
    answer["probes"] = json!([probe]);
    assert!(validator.is_valid(&answer), "{:?}", validator.iter_errors(&answer).next());
    answer["probes"][0]["exti"] = json!(1);
    assert!(!validator.is_valid(&answer));
}
