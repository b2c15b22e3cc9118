//! What stands for services in the commands of a spec: `{url:ID}` and `{port:ID}` for one by name,
//! `{port}` and `{data}` for the one that the command is, or is about.

/// Services that a text refers to by name.
pub fn services(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('}')?;
        inside.strip_prefix("url:").or_else(|| inside.strip_prefix("port:"))
    })
}

/// Whether a text refers to one without its name.
pub fn is_of_one(text: &str) -> bool {
    text.contains("{port}") || text.contains("{data}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found() {
        assert_eq!(services("{url:a} {port:b-2} {port} {url:").collect::<Vec<_>>(), ["a", "b-2"]);
        assert!(is_of_one("x{data}/y") && is_of_one("{port}") && !is_of_one("{port:a} {x}"));
    }
}
