//! Steps of a `browser_journey`: one verb each, locators that say one thing, and at least one
//! expectation that an action of the journey can have changed.

use super::Rules;
use crate::spec::glob;
use crate::spec::model::{BrowserJourney, Check, Locator, PageExpectation, RefusedRequest, Step};
use crate::spec::problem::{item, key};

const KEYS: [&str; 14] = [
    "Enter",
    "Tab",
    "Escape",
    "Space",
    "Backspace",
    "Delete",
    "ArrowUp",
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "Home",
    "End",
    "PageUp",
    "PageDown",
];

pub(super) fn run(rules: &mut Rules, path: &str, check: &Check, journey: &BrowserJourney) {
    if !journey.argv.is_empty() {
        if !journey.steps.is_empty() {
            rules.say(key(path, "steps"), "and 'argv' exclude each other");
        }
        let of_steps = [
            ("viewport", journey.viewport.is_some()),
            ("step_timeout_s", journey.step_timeout_s.is_some()),
            ("allow_errors", journey.allow_errors),
            ("refused", !journey.refused.is_empty()),
        ];
        for (name, _) in of_steps.into_iter().filter(|(_, is_set)| *is_set) {
            rules.say(key(path, name), "goes with 'steps'; the command says itself how it browses");
        }
        if check.evidence.is_empty() {
            rules.say(
                key(path, "evidence"),
                "must name what the command leaves, such as screenshots",
            );
        }
        return;
    }
    if journey.service.is_none() {
        rules.say(key(path, "service"), "must name the service whose pages are visited");
    }
    if journey.step_timeout_s == Some(0) {
        rules.say(key(path, "step_timeout_s"), "must be more than 0");
    }
    if journey
        .viewport
        .is_some_and(|v| v.width < 200 || v.height < 200 || v.width > 8000 || v.height > 8000)
    {
        rules.say(key(path, "viewport"), "must be from 200 to 8000 pixels each way");
    }
    for (i, refusal) in journey.refused.iter().enumerate() {
        refused(rules, &item(&key(path, "refused"), i), refusal);
    }
    let steps = key(path, "steps");
    if journey.steps.is_empty() {
        rules.say(&steps, "is empty; it does nothing");
        return;
    }
    for (i, step) in journey.steps.iter().enumerate() {
        one(rules, &item(&steps, i), step);
    }
    if journey.steps[0].goto.is_none() {
        rules.say(item(&steps, 0), "must be a 'goto'");
    }
    let acted = journey.steps.iter().position(Step::acts);
    let after = journey.steps.iter().skip(acted.unwrap_or(journey.steps.len()));
    if !after.filter_map(|s| s.expect.as_ref()).any(PageExpectation::looks_beyond_fields) {
        rules.say(
            &steps,
            "expects nothing that its own action changes; that a page loads proves nothing",
        );
    }
}

fn refused(rules: &mut Rules, path: &str, refusal: &RefusedRequest) {
    let is_word =
        !refusal.method.is_empty() && refusal.method.chars().all(|c| c.is_ascii_alphabetic());
    if !is_word {
        rules.say(key(path, "method"), "is no method, such as POST");
    }
    if !refusal.path.starts_with('/') || refusal.path.contains(['?', '#']) {
        rules.say(
            key(path, "path"),
            "is a path of the service, without a query; it must begin with '/'",
        );
    }
    if !(400..500).contains(&refusal.status) {
        rules.say(key(path, "status"), "must be from 400 to 499; nothing else refuses");
    }
}

fn one(rules: &mut Rules, path: &str, step: &Step) {
    match step.verbs().as_slice() {
        [_] => {}
        [] => rules.say(path, "says nothing to do"),
        several => rules.say(path, format!("says several things at once: {}", several.join(", "))),
    }
    if step.goto.as_ref().is_some_and(|to| !to.starts_with('/')) {
        rules.say(key(path, "goto"), "is a path of the service; it must begin with '/'");
    }
    let fill = step.fill.as_ref().map(|f| ("fill", &f.r#in));
    let select = step.select.as_ref().map(|s| ("select", &s.r#in));
    let press = step.press.as_ref().and_then(|p| Some(("press", p.r#in.as_ref()?)));
    let upload = step.upload.as_ref().map(|u| ("upload", &u.r#in));
    for (name, place) in [fill, select, press, upload].into_iter().flatten() {
        locator(rules, &key(&key(path, name), "in"), place);
    }
    if let Some(place) = &step.click {
        locator(rules, &key(path, "click"), place);
    }
    if let Some(press) = &step.press
        && press.key.chars().count() != 1
        && !KEYS.contains(&press.key.as_str())
    {
        rules.say(
            key(&key(path, "press"), "key"),
            format!("is no key; known are {}", KEYS.join(", ")),
        );
    }
    if let Some(fault) = step.upload.as_ref().and_then(|u| glob::path_fault(&u.file)) {
        rules.say(key(&key(path, "upload"), "file"), fault);
    }
    if step.screenshot.as_ref().is_some_and(|name| name.trim().is_empty()) {
        rules.say(key(path, "screenshot"), "names no picture");
    }
    for (name, wanted) in [("expect", &step.expect), ("wait_for", &step.wait_for)] {
        if let Some(wanted) = wanted {
            expectation(rules, &key(path, name), wanted);
        }
    }
}

fn expectation(rules: &mut Rules, path: &str, wanted: &PageExpectation) {
    if wanted.is_empty() {
        rules.say(path, "expects nothing");
    }
    for (name, text) in [("text", &wanted.text), ("not_text", &wanted.not_text)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            rules.say(key(path, name), "is empty; every page contains it");
        }
    }
    if wanted.url.as_ref().is_some_and(|url| !url.starts_with('/')) {
        rules.say(key(path, "url"), "is a path of the service; it must begin with '/'");
    }
    let value = wanted.value.as_ref().map(|v| (key(&key(path, "value"), "in"), &v.r#in));
    let count = wanted.count.as_ref().map(|c| (key(&key(path, "count"), "of"), &c.of));
    let visible = wanted.visible.as_ref().map(|l| (key(path, "visible"), l));
    let hidden = wanted.hidden.as_ref().map(|l| (key(path, "hidden"), l));
    for (at, place) in [value, count, visible, hidden].into_iter().flatten() {
        locator(rules, &at, place);
    }
}

fn locator(rules: &mut Rules, path: &str, place: &Locator) {
    match place.ways().as_slice() {
        [(_, text)] if text.trim().is_empty() => rules.say(path, "is empty; it finds nothing"),
        [_] => {}
        _ => rules.say(path, "must have exactly one of role, label, text, test_id and css"),
    }
    if place.name.is_some() && place.role.is_none() {
        rules.say(key(path, "name"), "goes with 'role'; for a form control write 'label'");
    }
}
