use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::session::event::After;
use crate::spec::sample;

/// Groups `a`, `b` on `a`, `c` on `b`, and `d`, which passes.
fn scene() -> (Spec, Boundary) {
    let mut spec = sample::good();
    let like = spec.groups[0].clone();
    spec.groups = [("a", ""), ("b", "a"), ("c", "b"), ("d", "")]
        .map(|(id, dep)| crate::spec::Group {
            id: id.into(),
            deps: [dep].into_iter().filter(|d| !d.is_empty()).map(str::to_owned).collect(),
            ..like.clone()
        })
        .into();
    let at = Boundary {
        name: "build-x".into(),
        after: After::Build,
        number: 1,
        failing: vec!["a".into()],
        open: ["a", "b", "c"].map(str::to_owned).into(),
    };
    (spec, at)
}

fn judge(answer: Value) -> (Decision, Vec<Dropped>) {
    let (spec, at) = scene();
    validate(&answer, &spec, &at)
}

/// What was dropped, as `path: why`.
fn dropped(answer: Value) -> Vec<String> {
    judge(answer).1.into_iter().map(|d| format!("{}: {}", d.path, d.why)).collect()
}

#[test]
fn a_good_answer_counts_whole() {
    let (decision, dropped) = judge(json!({
        "failure_analysis": [{"group": "a", "cause": "no lock", "evidence": "a/x:3"}],
        "groups": {"a": {"strategy": "retry_different", "guidance": "lock it"},
                   "c": {"strategy": "skip"}},
        "context": [{"to": ["a", "b"], "text": "the port is leased"}],
        "learnings": ["tests need\n  TMPDIR", "tests need TMPDIR"],
        "batches": [["a"], ["b"]],
    }));
    assert_eq!(dropped, []);
    assert_eq!(decision.groups["a"].strategy, Course::RetryDifferent);
    assert_eq!(decision.groups["c"].strategy, Course::Skip);
    assert_eq!(decision.learnings, ["tests need TMPDIR"], "one line, once");
    assert_eq!(decision.batches, [["a"], ["b"]], "what is skipped is in none");
    assert_eq!(decision.failure_analysis.len(), 1);
    assert_eq!(decision.context[0].to, ["a", "b"]);
    assert_eq!(judge(json!({})), (Decision::default(), vec![]));
}

#[test]
fn each_bad_part_is_dropped_with_its_reason_and_the_rest_counts() {
    let long = "x".repeat(TEXT + 1);
    let (decision, _) = judge(json!({
        "groups": {"a": {"strategy": "retry", "guidance": long}, "z": {"strategy": "retry"}},
    }));
    assert_eq!(decision.groups.len(), 1);
    assert_eq!(decision.groups["a"].guidance, "");
    for (answer, path, why) in [
        (json!("prose"), "$", "no JSON object"),
        (json!([]), "$", "no JSON object"),
        (json!({"verdict": "passed"}), "$.verdict", "no such part"),
        (json!({"groups": {"z": {"strategy": "retry"}}}), "$.groups.z", "no such group"),
        (json!({"groups": {"d": {"strategy": "retry"}}}), "$.groups.d", "nothing of that group"),
        (json!({"groups": {"a": {"strategy": "pass"}}}), "$.groups.a.strategy", "none of retry,"),
        (json!({"groups": {"a": {"strategy": 1}}}), "$.groups.a.strategy", "none of"),
        (
            json!({"groups": {"a": {"strategy": "skip", "attempts": 99}}}),
            "$.groups.a.attempts",
            "no such",
        ),
        (json!({"groups": {"a": "skip"}}), "$.groups.a", "no object"),
        (json!({"groups": []}), "$.groups", "no object"),
        (json!({"learnings": "x"}), "$.learnings", "no list"),
        (json!({"learnings": [1]}), "$.learnings[0]", "no text"),
        (json!({"learnings": ["x".repeat(LEARNING + 1)]}), "$.learnings[0]", "longer than"),
        (json!({"context": [{"to": ["z"], "text": "x"}]}), "$.context[0].to[0]", "no such group"),
        (json!({"context": [{"to": [], "text": "x"}]}), "$.context[0]", "for nobody"),
        (json!({"context": [{"to": ["a"]}]}), "$.context[0].text", "no text"),
        (
            json!({"failure_analysis": [{"group": "d", "cause": "x"}]}),
            "$.failure_analysis[0].group",
            "nothing of",
        ),
        (json!({"batches": [["a"], ["b"]]}), "$.batches", "'c' is left out"),
        (json!({"batches": [["a"], ["b", "a"], ["c"]]}), "$.batches", "'a' is in it twice"),
        (json!({"batches": [["b"], ["a"], ["c"]]}), "$.batches", "'b' comes before 'a'"),
        (json!({"batches": [["a", "b", "c", "d"]]}), "$.batches", "'d' is no group"),
        (json!({"batches": "all"}), "$.batches", "no list"),
        (json!({"batches": [[{}]]}), "$.batches", "named by a text"),
    ] {
        let said = dropped(answer.clone());
        let hit = said.iter().any(|d| d.starts_with(&format!("{path}: ")) && d.contains(why));
        assert!(hit, "{answer}: {said:?}");
    }
}

#[test]
fn floods_are_cut() {
    let many: Vec<String> = (0..500).map(|n| format!("learning {n}")).collect();
    let (decision, dropped) = judge(json!({"learnings": many}));
    assert_eq!(decision.learnings.len(), LEARNINGS);
    assert_eq!(dropped.len(), DROPPED);
    let (decision, _) =
        judge(json!({"groups": {"a": {"strategy": "retry", "guidance": "a\u{1b}[2Jb"}}}));
    assert_eq!(decision.groups["a"].guidance, "a[2Jb");
}

#[test]
fn the_schema_names_every_part_and_every_word() {
    let text = schema().to_string();
    for word in ["failure_analysis", "guidance", "learnings", "batches"] {
        assert!(text.contains(word), "{word}");
    }
    for course in Course::ALL {
        assert!(text.contains(&format!("\"{}\"", course.word())), "{course:?}");
    }
}

/// Words that mean something somewhere, in places where they may or may not.
fn word() -> impl proptest::strategy::Strategy<Value = String> + Clone {
    prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just("d"),
        Just("z"),
        Just("retry"),
        Just("retry_different"),
        Just("skip"),
        Just("passed"),
        Just("")
    ]
    .prop_map(str::to_owned)
}

fn json_value() -> impl proptest::strategy::Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    let key = prop_oneof![
        word(),
        prop_oneof![
            Just("groups"),
            Just("batches"),
            Just("strategy"),
            Just("guidance"),
            Just("to"),
            Just("text"),
            Just("group"),
            Just("cause"),
            Just("context"),
            Just("learnings"),
            Just("failure_analysis")
        ]
        .prop_map(str::to_owned)
    ];
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever an answer holds, what counts of it is about open groups only, and its batches hold
    /// each of those that are not skipped once, after what it needs.
    #[test]
    fn nothing_reaches_beyond_what_is_open(answer in json_value()) {
        let (spec, at) = scene();
        let (decision, _) = validate(&answer, &spec, &at);
        let open = |g: &String| at.open.contains(g);
        prop_assert!(decision.groups.keys().all(open));
        prop_assert!(decision.context.iter().all(|c| !c.to.is_empty() && c.to.iter().all(open)));
        prop_assert!(decision.failure_analysis.iter().all(|a| open(&a.group)));
        if !decision.batches.is_empty() {
            let mut flat: Vec<&String> = decision.batches.iter().flatten().collect();
            let skip = |g: &String| decision.groups.get(g).is_some_and(|p| p.strategy == Course::Skip);
            let wanted: Vec<&String> = at.open.iter().filter(|g| !skip(g)).collect();
            flat.sort();
            prop_assert_eq!(flat, wanted);
            let place = |g: &str| decision.batches.iter().position(|b| b.iter().any(|x| x == g));
            for group in &spec.groups {
                for dep in &group.deps {
                    if let (Some(own), Some(needed)) = (place(&group.id), place(dep)) {
                        prop_assert!(needed <= own);
                    }
                }
            }
        }
    }
}
