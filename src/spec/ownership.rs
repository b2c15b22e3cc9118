//! Who may write which path.

use globset::{GlobSet, GlobSetBuilder};

use super::glob::{compile, patterns};
use super::model::{ContractRule, Spec};
use crate::base::error::Context;
use crate::base::{Error, Result};

/// Whether a group may write a path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The group's own.
    Owned,
    /// Every group may write it.
    Scaffold,
    /// A contract's path, owned by nobody or another group; the rule says what may change.
    Contract(ContractRule),
    /// No group may write it, because of this glob.
    Protected { by: String },
    /// Another group's own.
    OwnedBy { group: String },
    /// Nobody's, or no path inside the project.
    Outside,
}

/// Always protected, whatever the spec says; `.git` folders are besides, at any depth.
const ALWAYS: [&str; 3] = ["otto.yaml", "otto/**", ".gitmodules"];

/// The paths of a spec, compiled.
#[derive(Debug)]
pub struct Ownership {
    groups: Vec<String>,
    owned: Table<usize>,
    scaffold: Table<()>,
    protected: Table<String>,
    contracts: Table<(Option<String>, ContractRule)>,
    /// Entries that name a file or a folder, of the group or (`None`) of every group.
    named: Table<Option<usize>>,
}

impl Ownership {
    /// `extra_protected` are further protected globs (`protected_paths` of `otto.yaml`). A glob
    /// that does not compile is an input error that names it.
    pub fn new(spec: &Spec, extra_protected: &[String]) -> Result<Self> {
        let owned = spec.groups.iter().enumerate();
        let owned = owned.flat_map(|(g, group)| group.owned_paths.iter().map(move |e| (e, g)));
        let always = ALWAYS.map(str::to_owned);
        let protected = always.iter().chain(&spec.protected_paths).chain(extra_protected);
        let contract = |c: &super::model::Contract| (c.owner.clone(), c.rule);
        let shared = spec.shared_scaffold.iter().chain(spec.contracts.iter().map(|c| &c.path));
        let named = owned.clone().map(|(e, g)| (e, Some(g))).chain(shared.map(|e| (e, None)));
        let named = named.filter(|(entry, _)| names_a_place(entry));
        Ok(Self {
            groups: spec.groups.iter().map(|g| g.id.clone()).collect(),
            owned: Table::new(owned)?,
            scaffold: Table::new(spec.shared_scaffold.iter().map(|e| (e, ())))?,
            protected: Table::new(protected.map(|e| (e, e.clone())))?,
            contracts: Table::new(spec.contracts.iter().map(|c| (&c.path, contract(c))))?,
            named: Table::new(named)?,
        })
    }

    /// What the spec says about `group` writing `path` (relative, with `/`, as git names it).
    /// Protection comes first, then contracts, then ownership, then the shared scaffold.
    pub fn may_write(&self, group: &str, path: &str) -> Verdict {
        if path.split('/').any(|segment| segment.eq_ignore_ascii_case(".git")) {
            return Verdict::Protected { by: ".git/**".to_owned() };
        }
        // A path that leaves the project cannot be compared with globs.
        if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Verdict::Outside;
        }
        if let Some(by) = self.protected.find(path) {
            return Verdict::Protected { by: by.clone() };
        }
        if let Some((owner, rule)) = self.contracts.find(path) {
            let owner = owner.as_deref().or_else(|| self.in_owned_paths(path));
            let own = owner == Some(group);
            return if own { Verdict::Owned } else { Verdict::Contract(*rule) };
        }
        let owners: Vec<&str> = self.owned.all(path).map(|g| self.groups[*g].as_str()).collect();
        if owners.contains(&group) {
            return Verdict::Owned;
        }
        if self.scaffold.find(path).is_some() {
            return Verdict::Scaffold;
        }
        match owners.first() {
            Some(other) => Verdict::OwnedBy { group: (*other).to_owned() },
            None => Verdict::Outside,
        }
    }

    /// Whether an entry that names a file or a folder, and no catch-all alone, lets `group` write
    /// `path`.
    pub fn is_named(&self, group: &str, path: &str) -> bool {
        self.named.all(path).any(|g| g.is_none_or(|g| self.groups[g] == group))
    }

    /// The group that answers for `path`: the owner of its contract, or the group whose paths it
    /// is among.
    pub fn owner_of(&self, path: &str) -> Option<&str> {
        let contract = self.contracts.find(path).and_then(|(owner, _)| owner.as_deref());
        contract.or_else(|| self.in_owned_paths(path))
    }

    fn in_owned_paths(&self, path: &str) -> Option<&str> {
        self.owned.find(path).map(|g| self.groups[*g].as_str())
    }
}

/// Whether the entry begins with the name of a file or a folder: `tests/**` and `Cargo.toml` do,
/// `**`, `*.toml` and `**/tests/**` do not.
fn names_a_place(entry: &str) -> bool {
    match entry.find(['*', '?', '[', '{']) {
        Some(wild) => entry[..wild].contains('/'),
        None => true,
    }
}

/// Entries with what each of them means, in the order in which they were given.
#[derive(Debug)]
struct Table<T> {
    set: GlobSet,
    /// Beside each glob of the set.
    meaning: Vec<T>,
}

impl<T: Clone> Table<T> {
    fn new<'a>(entries: impl IntoIterator<Item = (&'a String, T)>) -> Result<Self> {
        let mut set = GlobSetBuilder::new();
        let mut meaning = Vec::new();
        for (entry, value) in entries {
            if entry.is_empty() {
                return Err(Error::input("an empty string is no glob of paths"));
            }
            for pattern in patterns(entry) {
                set.add(compile(&pattern).or_input(|| format!("the glob '{entry}'"))?);
                meaning.push(value.clone());
            }
        }
        let set = set.build().or_input(|| "the globs of the spec".to_owned())?;
        Ok(Self { set, meaning })
    }

    fn find(&self, path: &str) -> Option<&T> {
        self.set.matches(path).first().map(|i| &self.meaning[*i])
    }

    fn all(&self, path: &str) -> impl Iterator<Item = &T> {
        self.set.matches(path).into_iter().map(|i| &self.meaning[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    #[test]
    fn each_path_has_one_answer() {
        let extra = ["secrets/*.pem".to_owned()];
        let who = Ownership::new(&sample::good(), &extra).expect("well-formed globs");
        let protected = |by: &str| Verdict::Protected { by: by.to_owned() };
        for (path, wanted) in [
            ("src/store/a/b.py", Verdict::Owned),
            ("src/login", Verdict::OwnedBy { group: "login".to_owned() }),
            ("src/login/deep/x.py", Verdict::OwnedBy { group: "login".to_owned() }),
            ("src/api.py", Verdict::Owned),
            ("Makefile", Verdict::Scaffold),
            ("README.md", Verdict::Outside),
            ("../x", Verdict::Outside),
            ("/src/store/x", Verdict::Outside),
            ("src/store/../../x", Verdict::Outside),
            ("LICENSE", protected("LICENSE")),
            (".ci/a/b", protected(".ci/**")),
            ("secrets/a.pem", protected("secrets/*.pem")),
            ("otto.yaml", protected("otto.yaml")),
            ("otto/prompts/x.md", protected("otto/**")),
            (".gitmodules", protected(".gitmodules")),
            (".git/hooks/pre-commit", protected(".git/**")),
            ("src/store/.GIT/config", protected(".git/**")),
        ] {
            assert_eq!(who.may_write("store", path), wanted, "{path}");
        }
        assert_eq!(who.may_write("login", "src/api.py"), Verdict::Contract(ContractRule::Additive));
        assert_eq!(who.owner_of("src/api.py"), Some("store"));
        assert_eq!(who.owner_of("src/login/x"), Some("login"));
        assert_eq!(who.owner_of("README.md"), None);
        assert_eq!(
            who.may_write("nobody", "src/store/x"),
            Verdict::OwnedBy { group: "store".into() }
        );
    }

    #[test]
    fn a_contract_without_an_owner_is_the_path_owners() {
        let mut spec = sample::good();
        spec.contracts[0].owner = None;
        spec.contracts[0].rule = ContractRule::Exact;
        spec.groups[1].owned_paths.push("src/api.py".to_owned());
        let who = Ownership::new(&spec, &[]).expect("well-formed globs");
        assert_eq!(who.may_write("login", "src/api.py"), Verdict::Owned);
        assert_eq!(who.may_write("store", "src/api.py"), Verdict::Contract(ContractRule::Exact));
    }

    #[test]
    fn a_catch_all_names_nothing() {
        let mut spec = sample::good();
        spec.groups[0].owned_paths =
            ["**", "*.toml", "lib/**", "go.mod", "{a,b}/c"].map(str::to_owned).to_vec();
        spec.shared_scaffold = vec!["Makefile".to_owned(), "*.cfg".to_owned()];
        let who = Ownership::new(&spec, &[]).expect("well-formed globs");
        for (path, named) in [
            ("lib/conftest.py", true),
            ("go.mod", true),
            ("Makefile", true),
            ("src/api.py", true),
            ("conftest.py", false),
            ("Cargo.toml", false),
            ("setup.cfg", false),
            ("a/c", false),
        ] {
            assert_eq!(who.is_named("store", path), named, "{path}");
        }
        assert!(who.is_named("login", "Makefile") && !who.is_named("login", "go.mod"));
    }

    #[test]
    fn a_bad_glob_is_named() {
        let error = Ownership::new(&sample::good(), &["a[".to_owned()]).expect_err("unclosed");
        assert!(error.to_string().contains("'a['"), "{error}");
    }
}
