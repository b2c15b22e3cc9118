//! The spec as Markdown.

use serde_json::{Map, Value};

use super::{
    DETAILS, FEATURES, Form, GROUPS, LISTS, Label, OF_FEATURE, OF_GROUP, TITLE, block, texts,
};
use crate::spec::model::Spec;

/// `spec.md`: readable first, and [`super::from_markdown`] gives back the same spec.
pub fn to_markdown(spec: &Spec) -> String {
    let Value::Object(mut rest) = serde_json::to_value(spec).expect("a spec is plain data") else {
        unreachable!("a struct is an object");
    };
    let mut out = Out(format!(
        "<!-- Edit the texts, lists and blocks; keep the headings and labels. -->\n\n# {TITLE}\n"
    ));
    out.part(&texts::quote(&take_text(&mut rest, "intent")));
    let head: Map<String, Value> = ["v", "project_kind", "intent_sha256", "structure"]
        .into_iter()
        .filter_map(|name| rest.shift_remove_entry(name))
        .collect();
    out.part(&block::write(&head));
    out.part(&format!("## {FEATURES}\n"));
    for feature in take_objects(&mut rest, "features") {
        out.element(feature, "name", &OF_FEATURE);
    }
    out.part(&format!("## {GROUPS}\n"));
    for group in take_objects(&mut rest, "groups") {
        out.element(group, "title", &OF_GROUP);
    }
    for (title, name, form) in LISTS {
        if let Some(Value::Array(items)) = rest.shift_remove(name) {
            out.part(&format!("## {title}\n"));
            out.list(&items, form);
        }
    }
    if !rest.is_empty() {
        out.part(&format!("## {DETAILS}\n"));
        out.part(&block::write(&rest));
    }
    out.0
}

struct Out(String);

impl Out {
    /// A part, with an empty line before it.
    fn part(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(text);
    }

    fn element(&mut self, mut rest: Map<String, Value>, name: &str, labels: &[Label]) {
        let id = texts::id(&take_text(&mut rest, "id"));
        self.part(&format!("### {id}: {}\n", texts::word(&take_text(&mut rest, name))));
        if rest.contains_key("description") {
            self.part(&texts::quote(&take_text(&mut rest, "description")));
        }
        for (label, key, form) in labels {
            match rest.shift_remove(*key) {
                Some(Value::Array(items)) if *form == Form::Words => {
                    let ids: Vec<String> = items.iter().map(|v| texts::id(text(v))).collect();
                    self.part(&format!("{label}: {}\n", ids.join(", ")));
                }
                Some(Value::Array(items)) => {
                    self.part(&format!("{label}:\n"));
                    self.list(&items, *form);
                }
                Some(word) => self.part(&format!("{label}: {}\n", texts::id(text(&word)))),
                None => {}
            }
        }
        if !rest.is_empty() {
            self.part(&block::write(&rest));
        }
    }

    fn list(&mut self, items: &[Value], form: Form) {
        let bullets: String = items
            .iter()
            .map(|item| match form {
                Form::Paths => format!("- {}\n", texts::path(text(item))),
                Form::Word | Form::Words | Form::Texts => texts::bullet(text(item)),
            })
            .collect();
        if !bullets.is_empty() {
            self.part(&bullets);
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the model has a text here")
}

fn take_text(from: &mut Map<String, Value>, name: &str) -> String {
    text(&from.shift_remove(name).expect("the model always writes this key")).to_owned()
}

fn take_objects(from: &mut Map<String, Value>, name: &str) -> Vec<Map<String, Value>> {
    let list = from.shift_remove(name);
    let items = list.as_ref().and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_object().cloned()).collect()
}
