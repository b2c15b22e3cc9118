//! Parts that the spec's structure names and that are nowhere in the product: looked for by name.

use crate::base::Result;
use crate::git::Oid;
use crate::stage::Context;

/// What is missing, each as the spec writes it.
pub(super) fn missing(ctx: &Context<'_>, tip: Oid) -> Result<Vec<String>> {
    let structure = &ctx.spec.structure;
    let files = ctx.ws.repo.files_of(tip)?;
    let mut out = Vec::new();
    let named = [&structure.routes, &structure.components, &structure.commands]
        .into_iter()
        .chain([&structure.public_api, &structure.endpoints, &structure.health_checks])
        .flatten();
    for (item, name) in named.filter_map(|item| Some((item, name_of(item)?))) {
        let in_path = files.iter().any(|file| file.contains(name));
        if !in_path && !ctx.ws.repo.mentions(tip, name)? {
            out.push(item.clone());
        }
    }
    for place in structure.entry_point.iter().filter(|place| is_path(place)) {
        let place = place.trim_start_matches("./");
        if !files.iter().any(|file| file == place) {
            out.push(place.to_owned());
        }
    }
    Ok(out)
}

/// Whether an entry point is the path of a file, and no command line or `module:function`.
fn is_path(place: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    place.contains('/') && place.chars().all(plain)
}

/// The part of a route, an endpoint or a command by which it can be found: the longest word of what
/// does not vary. `None` where everything does.
fn name_of(item: &str) -> Option<&str> {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let varies = |word: &&str| word.starts_with(['{', ':', '<', '[', '$']);
    let words = item.split(|c: char| c.is_whitespace() || c == '/').filter(|w| !varies(w));
    let parts = words.flat_map(|w| w.split(|c| !is_name(c)));
    // Dashes at the start are how an option is written.
    let parts = parts.map(|p| p.trim_start_matches('-'));
    parts.filter(|p| p.len() > 1 && !METHODS.contains(p)).max_by_key(|p| p.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_what_does_not_vary() {
        assert_eq!(name_of("GET /api/expenses/{id}"), Some("expenses"));
        assert_eq!(name_of("/users/:user"), Some("users"));
        assert_eq!(name_of("app approve ID"), Some("approve"));
        assert_eq!(name_of("parse_roman(text)"), Some("parse_roman"));
        assert_eq!(name_of("/"), None);
        assert_eq!(name_of("/{id}"), None);
    }

    #[test]
    fn an_entry_point_may_be_a_file() {
        assert!(is_path("bin/expense") && is_path("./cli.d/main.py"));
        assert!(!is_path("python -m expense") && !is_path("expense:main") && !is_path("expense"));
    }
}
