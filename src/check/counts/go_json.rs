//! `go test -json`: one event a line (`go doc test2json`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Tally;
use super::go::{End, Tests, is_cached, not_run_now, note_end, package};

/// The keys that matter here; the format is go's and may grow.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    package: String,
    test: Option<String>,
    output: Option<String>,
}

#[derive(Default)]
struct Package {
    tests: Tests,
    end: Option<End>,
    cached: bool,
}

impl Package {
    fn tally(&self) -> Tally {
        match (self.cached, self.end) {
            (true, Some(End::Pass)) => not_run_now(&self.tests),
            (_, end) => package(&self.tests, end),
        }
    }
}

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    let mut earlier: Vec<Package> = Vec::new();
    for line in lines {
        if !line.starts_with('{') || !line.contains("\"Action\"") {
            continue;
        }
        let Ok(event) = serde_json::from_str::<Event>(line) else { continue };
        let of = packages.entry(event.package).or_default();
        let end = End::of(&event.action);
        // The same package again: a second command in the same output.
        if of.end.is_some() && (end.is_some() || matches!(&*event.action, "start" | "run")) {
            earlier.push(std::mem::take(of));
        }
        match (event.test, event.action.as_str()) {
            (Some(test), "run") => {
                of.tests.insert(test, None);
            }
            // Before go 1.20 a test that prints without a line end has no event of its end.
            (Some(_), "output") => note_end(&mut of.tests, &event.output.unwrap_or_default()),
            (Some(test), _) if end.is_some() => {
                if let Some(state) = of.tests.get_mut(&test) {
                    *state = end;
                }
            }
            (None, _) if end.is_some() => of.end = end,
            (None, "output") => of.cached |= is_cached(event.output.as_deref().unwrap_or_default()),
            (Some(_) | None, _) => {}
        }
    }
    if packages.is_empty() {
        return None;
    }
    let mut sum = Tally::sum(packages.values().chain(&earlier).map(Package::tally))?;
    // Before go 1.24 a package that does not compile is a plain line among the events.
    for line in lines {
        let failed = line.strip_prefix("FAIL\t").and_then(|rest| rest.split_once(' '));
        if let Some((name, "[build failed]" | "[setup failed]")) = failed
            && !packages.contains_key(name)
        {
            sum = sum.plus(Tally::new(1, 1, 0));
        }
    }
    Some(sum)
}
