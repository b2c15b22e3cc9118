//! Ids, single lines, hashes, structure: what can be judged by looking at one place.

use std::collections::HashMap;

use jiff::Timestamp;

use super::can_fail::vacuous;
use super::{Rules, located};
use crate::base::Sha256;
use crate::base::ids::is_group_id;
use crate::base::text::nearest;
use crate::spec::amend::Actor;
use crate::spec::model::{ProjectKind, Structure, VERSION};
use crate::spec::placeholders;
use crate::spec::problem::{Problem, item, key};

pub(super) fn run(rules: &mut Rules) {
    head(rules);
    ids(rules);
    texts(rules);
    programs(rules);
    structure(rules);
    amendments(rules);
}

/// Whether `c` may not stand in a field of one line. Other control characters are refused with
/// the line breaks: they would garble a terminal and a commit subject.
pub(in crate::spec) fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn head(rules: &mut Rules) {
    let spec = rules.spec;
    if spec.v != VERSION {
        rules.say("v", format!("format version {} is unknown; it is {VERSION}", spec.v));
    }
    if spec.intent.trim().is_empty() {
        rules.say("intent", "is empty");
    }
    let hash = Sha256::of(spec.intent.as_bytes()).to_string();
    if spec.intent_sha256 != hash {
        let message = format!("does not match the intent, whose SHA-256 is {hash}");
        rules.report_given(&["intent"], Problem::new("intent_sha256", message));
    }
    if spec.features.is_empty() {
        rules.say("features", "is empty; a spec promises at least one feature");
    }
    if spec.groups.is_empty() {
        rules.say("groups", "is empty; a spec has at least one group");
    }
}

fn ids(rules: &mut Rules) {
    let spec = rules.spec;
    let in_list = |list: &str, ids: Vec<&String>| -> Vec<(String, String)> {
        ids.iter().enumerate().map(|(i, id)| (key(&item(list, i), "id"), (*id).clone())).collect()
    };
    let check_ids =
        located(spec).iter().map(|at| (key(&at.path, "id"), at.check.id.clone())).collect();
    unique(rules, "feature", in_list("features", spec.features.iter().map(|f| &f.id).collect()));
    unique(rules, "group", in_list("groups", spec.groups.iter().map(|g| &g.id).collect()));
    unique(rules, "check", check_ids);
    unique(rules, "service", in_list("services", spec.services.iter().map(|s| &s.id).collect()));
    unique(rules, "fixture", in_list("fixtures", spec.fixtures.iter().map(|f| &f.id).collect()));
}

fn unique(rules: &mut Rules, what: &str, ids: Vec<(String, String)>) {
    let mut first: HashMap<String, String> = HashMap::new();
    for (path, id) in ids {
        if !is_group_id(&id) {
            let message = format!(
                "'{}' is not an id (a lowercase letter, then up to 47 of a-z 0-9 _ -)",
                id.escape_debug()
            );
            rules.report(Problem::new(&path, message).nearest(slug(&id)));
        }
        match first.get(&id) {
            Some(other) => {
                let message =
                    format!("{what} id '{}' is used already at {other}", id.escape_debug());
                rules.report(Problem::new(path, message));
            }
            None => {
                first.insert(id, path);
            }
        }
    }
}

/// The id that a name suggests: `Log in!` → `log-in`.
fn slug(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' => out.push(c),
            '0'..='9' | '_' if !out.is_empty() => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(48);
    let out = out.trim_end_matches('-');
    is_group_id(out).then(|| out.to_owned())
}

fn texts(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, feature) in spec.features.iter().enumerate() {
        let path = item("features", i);
        line(rules, key(&path, "name"), &feature.name);
        if feature.acceptance.is_empty() {
            rules.say(key(&path, "acceptance"), "is empty; a feature says what makes it accepted");
        }
        said(rules, &key(&path, "acceptance"), &feature.acceptance);
    }
    for (i, group) in spec.groups.iter().enumerate() {
        line(rules, key(&item("groups", i), "title"), &group.title);
        said(rules, &key(&item("groups", i), "tasks"), &group.tasks);
    }
    for (i, contract) in spec.contracts.iter().enumerate() {
        lines(rules, &key(&item("contracts", i), "exports"), &contract.exports);
    }
    said(rules, "non_goals", &spec.non_goals);
    said(rules, "done_means", &spec.done_means);
}

/// A text that must be there, on one line.
fn line(rules: &mut Rules, path: String, text: &str) {
    if text.trim().is_empty() {
        rules.say(path, "is empty");
    } else if text.contains(breaks_line) {
        rules.say(path, "must be one line, without control characters");
    }
}

fn lines(rules: &mut Rules, path: &str, texts: &[String]) {
    for (i, text) in texts.iter().enumerate() {
        line(rules, item(path, i), text);
    }
}

/// Texts that may have several lines, and none of which is blank.
fn said(rules: &mut Rules, path: &str, texts: &[String]) {
    for (i, text) in texts.iter().enumerate() {
        if text.trim().is_empty() {
            rules.say(item(path, i), "is empty");
        }
    }
}

/// The commands that are not checks.
fn programs(rules: &mut Rules) {
    let spec = rules.spec;
    let prepare = spec.prepare.iter().map(|p| &p.argv).enumerate().map(|e| ("prepare", e));
    let services = spec.services.iter().map(|s| &s.argv).enumerate().map(|e| ("services", e));
    let fixtures = spec.fixtures.iter().map(|f| &f.argv).enumerate().map(|e| ("fixtures", e));
    for (list, (i, argv)) in prepare.chain(services).chain(fixtures) {
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            rules.say(key(&item(list, i), "argv"), "names no program");
        }
    }
    of_services(rules);
}

fn of_services(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, service) in spec.services.iter().enumerate() {
        let at = item("services", i);
        if service.ready.as_ref().is_some_and(|path| !path.starts_with('/')) {
            rules.say(key(&at, "ready"), "is a path of the service; it must begin with '/'");
        }
        if service.ready_timeout_s == Some(0) {
            rules.say(key(&at, "ready_timeout_s"), "must be more than 0");
        }
        if let Some(fault) = service.data_dir.as_deref().and_then(crate::spec::glob::path_fault) {
            rules.say(key(&at, "data_dir"), fault);
        }
        let before = || spec.services[..i].iter().map(|s| s.id.as_str());
        for text in service.argv.iter().chain(service.env.values()) {
            for id in placeholders::services(text).filter(|id| !before().any(|b| b == *id)) {
                let message = format!("refers to '{id}', which is no service before it");
                rules.report(Problem::new(&at, message).nearest(nearest(id, before())));
            }
        }
    }
    let known = || spec.services.iter().map(|s| s.id.as_str());
    for (i, fixture) in spec.fixtures.iter().enumerate() {
        let at = key(&item("fixtures", i), "argv");
        let is_named = fixture.argv.first().is_some_and(|program| !program.trim().is_empty());
        if let Some(why) = vacuous(&fixture.argv).filter(|_| is_named) {
            rules.say(&at, format!("{why}; what it puts there must not be missed in silence"));
        }
        if spec.services.len() != 1 && fixture.argv.iter().any(|w| placeholders::is_of_one(w)) {
            rules.say(
                &at,
                "says '{port}' or '{data}', and there is not one service alone; say '{port:ID}'",
            );
        }
        for id in fixture.argv.iter().flat_map(|w| placeholders::services(w)) {
            if !known().any(|k| k == id) {
                let message = format!("refers to '{id}', which is no service");
                rules.report(Problem::new(&at, message).nearest(nearest(id, known())));
            }
        }
    }
}

fn structure(rules: &mut Rules) {
    let Structure {
        routes,
        components,
        entry_point,
        commands,
        package,
        public_api,
        endpoints,
        health_checks,
    } = &rules.spec.structure;
    let one = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let keys = [
        ("routes", routes.clone()),
        ("components", components.clone()),
        ("entry_point", one(entry_point)),
        ("commands", commands.clone()),
        ("package", one(package)),
        ("public_api", public_api.clone()),
        ("endpoints", endpoints.clone()),
        ("health_checks", health_checks.clone()),
    ];
    let (kind, fitting): (&str, &[&str]) = match rules.spec.project_kind {
        ProjectKind::Webapp => ("webapp", &["routes", "components", "health_checks"]),
        ProjectKind::Cli => ("cli", &["entry_point", "commands"]),
        ProjectKind::Library => ("library", &["package", "public_api"]),
        ProjectKind::Api => ("api", &["endpoints", "health_checks"]),
        ProjectKind::Service => ("service", &["endpoints", "health_checks"]),
    };
    for (name, texts) in keys {
        let path = key("structure", name);
        if !texts.is_empty() && !fitting.contains(&name) {
            let message =
                format!("does not fit project_kind '{kind}', which has {}", fitting.join(", "));
            rules.report_given(&["project_kind"], Problem::new(path, message));
        } else if matches!(name, "entry_point" | "package") {
            texts.iter().for_each(|text| line(rules, path.clone(), text));
        } else {
            lines(rules, &path, &texts);
        }
    }
}

/// The form of the amendments; whether they link is [`crate::spec::amend`]'s to say.
fn amendments(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, link) in spec.amendments.iter().enumerate() {
        let path = item("amendments", i);
        if link.reason.trim().is_empty() {
            rules.say(key(&path, "reason"), "is empty");
        }
        if let Err(problem) = link.actor.parse::<Actor>() {
            rules.say(key(&path, "actor"), problem.to_string());
        }
        if link.at.parse::<Timestamp>().is_err() || !link.at.ends_with('Z') {
            let message = format!("'{}' is not a UTC time (RFC 3339)", link.at.escape_debug());
            rules.say(key(&path, "at"), message);
        }
        for (name, hash) in
            [("sha256_before", &link.sha256_before), ("sha256_after", &link.sha256_after)]
        {
            if let Err(problem) = hash.parse::<Sha256>() {
                rules.say(key(&path, name), problem);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{problems, sample};

    #[test]
    fn slugs_are_ids() {
        assert_eq!(slug("Log in!").as_deref(), Some("log-in"));
        assert_eq!(slug("2 Fast").as_deref(), Some("fast"));
        assert_eq!(slug("日本"), None);
    }

    #[test]
    fn each_place_is_judged() {
        let mut spec = sample::good();
        spec.v = 0;
        spec.intent_sha256 = "0".repeat(64);
        spec.features[0].name = "two\nlines".to_owned();
        spec.groups[0].title = " ".to_owned();
        spec.groups[1].checks[0].id = "suite".to_owned();
        spec.groups[1].checks[1].id = "Big Check".to_owned();
        spec.structure.routes = vec!["/".to_owned()];
        spec.prepare[0].argv.clear();
        spec.amendments = vec![crate::spec::Amendment {
            reason: String::new(),
            actor: "root".to_owned(),
            at: "yesterday".to_owned(),
            sha256_before: "x".to_owned(),
            sha256_after: Sha256::ZERO.to_string(),
            trigger: String::new(),
        }];
        let found = problems(&spec);
        let paths: Vec<&str> = found.iter().map(|p| p.path.as_str()).collect();
        let wanted = [
            "v",
            "intent_sha256",
            "groups[1].checks[0].id",
            "groups[1].checks[1].id",
            "features[0].name",
            "groups[0].title",
            "prepare[0].argv",
            "structure.routes",
            "amendments[0].reason",
            "amendments[0].actor",
            "amendments[0].at",
            "amendments[0].sha256_before",
        ];
        for path in wanted {
            assert!(paths.contains(&path), "{path}\n{found:#?}");
        }
    }
}
