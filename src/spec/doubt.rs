//! What is not known for certain about a document whose shape is wrong. The rules run over what
//! could be read; a finding that may only follow from a fault reported already is left out, so
//! that a slip in one key is one problem and not five.

/// Paths whose values are stand-ins for something unreadable.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    paths: Vec<String>,
}

impl Doubt {
    pub(super) fn add(&mut self, path: impl Into<String>) {
        self.paths.push(path.into());
    }

    pub(super) fn extend(&mut self, more: Doubt) {
        self.paths.extend(more.paths);
    }

    /// Whether a finding at `path` is about a stand-in, or about a list that contains one.
    pub(super) fn hides(&self, path: &str) -> bool {
        self.paths.iter().any(|p| {
            under(path, p) || p.strip_prefix(path).is_some_and(|rest| rest.starts_with('['))
        })
    }

    /// Whether anything of this kind is a stand-in; `what` is a path without indices, such as
    /// `groups[].id`.
    pub(super) fn about(&self, what: &str) -> bool {
        self.paths.iter().any(|p| {
            let p = without_indices(p);
            under(&p, what) || under(what, &p)
        })
    }
}

/// Whether `path` is `root` or a part of it.
fn under(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| root.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

fn without_indices(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => {
                inside = false;
                out.push_str("[]");
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_spreads_to_what_contains_and_what_is_contained() {
        let mut doubt = Doubt::default();
        doubt.add("groups[3].id");
        assert!(doubt.about("groups[].id"));
        assert!(!doubt.about("groups[].deps"));
        assert!(doubt.hides("groups[3].id"));
        assert!(!doubt.hides("groups[3]"));
        assert!(!doubt.hides("groups[31].id"));
        doubt.add("features[0].acceptance[2]");
        assert!(doubt.hides("features[0].acceptance"));
        assert!(!doubt.hides("features[0]"));
        doubt.add("groups[1]");
        assert!(doubt.about("groups[].deps"));
    }
}
