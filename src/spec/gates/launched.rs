//! Which line of its own file a launcher starts: `npm run bench` starts `scripts.bench`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{BaseTree, table, words_of};

/// Lines of the base that the words of a command start, and lines that those start. The recipes of
/// `make` name the product's own sources as well: only what prints a number is looked up there.
pub(super) fn scripts(argv: &[String], recipes: bool, base: &dyn BaseTree) -> Vec<String> {
    let mut words: BTreeSet<String> = argv.iter().flat_map(|arg| words_of(arg)).collect();
    let mut found: Vec<String> = Vec::new();
    loop {
        let mut lines = Vec::new();
        for (launchers, file) in table::LAUNCHERS {
            if !launchers.iter().any(|l| words.contains(*l)) {
                continue;
            }
            let Some(text) = base.text(file) else { continue };
            match file {
                "package.json" => lines.extend(of_package(&text, &words)),
                _ if recipes => lines.extend(of_recipes(&text, &words)),
                _ => {}
            }
        }
        lines.retain(|line| !found.contains(line));
        if lines.is_empty() {
            return found;
        }
        words.extend(lines.iter().flat_map(|line| words_of(line)));
        found.extend(lines);
    }
}

fn of_package(text: &str, words: &BTreeSet<String>) -> Vec<String> {
    let Ok(Value::Object(package)) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let Some(Value::Object(scripts)) = package.get("scripts") else { return Vec::new() };
    let names = words.iter().flat_map(|word| {
        // A name such as `bench:cold` is several words.
        let own = scripts.keys().filter(move |name| words_of(name).any(|part| part == *word));
        own.flat_map(|name| [name.clone(), format!("pre{name}"), format!("post{name}")])
    });
    let line = |name: String| Some(scripts.get(&name)?.as_str()?.to_owned());
    names.collect::<BTreeSet<String>>().into_iter().filter_map(line).collect()
}

/// The lines below a target, or below the first one where the words name none.
fn of_recipes(text: &str, words: &BTreeSet<String>) -> Vec<String> {
    let mut targets: Vec<(BTreeSet<String>, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, recipe)) = targets.last_mut() {
                recipe.push(line.trim_start_matches([' ', '\t', '@', '-']).to_owned());
            }
        } else if let Some((names, needs)) = line.split_once(':')
            && !needs.starts_with('=')
            && !names.starts_with(['.', '#'])
        {
            let names = names.split_whitespace().map(ToOwned::to_owned).collect();
            let recipe = needs.split_once(';').map(|(_, line)| line.trim().to_owned());
            targets.push((names, recipe.into_iter().collect()));
        }
    }
    let is_named = |names: &BTreeSet<String>| !names.is_disjoint(words);
    if !targets.iter().any(|(names, _)| is_named(names)) {
        targets.truncate(1);
    } else {
        targets.retain(|(names, _)| is_named(names));
    }
    targets.into_iter().flat_map(|(_, recipe)| recipe).collect()
}
