//! The types of `spec.json` (`docs/spec.schema.json` is generated from them).

mod api_probe;
mod browser_journey;

pub use api_probe::{ApiExpectation, ApiProbe, ApiRequest, JsonExpectation};
pub use browser_journey::{
    BrowserJourney, CountOf, Fill, Locator, PageExpectation, Press, RefusedRequest, Select, Step,
    Upload, ValueOf, Viewport,
};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::import_check::ImportCheck;
use super::metric::Metric;
use super::type_check::TypeCheck;
use crate::base::text::nearest;
use crate::base::{Error, Sha256};

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// The contract of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Format version, 1.
    pub v: u32,
    /// What the person asked for, verbatim.
    pub intent: String,
    /// SHA-256 of `intent`, 64 lowercase hex digits.
    pub intent_sha256: String,
    pub project_kind: ProjectKind,
    /// What the product consists of; the keys depend on `project_kind`.
    #[serde(default, skip_serializing_if = "Structure::is_empty")]
    pub structure: Structure,
    pub features: Vec<Feature>,
    pub groups: Vec<Group>,
    /// Checks of the integrated product as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cross_group_checks: Vec<Check>,
    /// Globs of paths that every group may write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_scaffold: Vec<String>,
    /// Globs of paths that no group may write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected_paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<Contract>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<Prepare>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixtures: Vec<Fixture>,
    /// What the product deliberately does not do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub non_goals: Vec<String>,
    /// When a person would call it done, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done_means: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amendments: Vec<Amendment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectKind {
    Webapp,
    Cli,
    Library,
    Api,
    Service,
}

/// What the product consists of. Which keys may be set depends on the project kind:
/// `webapp`: routes, components, health_checks · `cli`: entry_point, commands ·
/// `library`: package, public_api · `api` and `service`: endpoints, health_checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_api: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<String>,
}

impl Structure {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Unit of value and of verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Statements that a person can check, at least one.
    pub acceptance: Vec<String>,
    /// The group that builds it.
    pub group: String,
}

/// Unit of dispatch: one agent owns it end to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// Groups that must be passing before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<String>,
    /// Features that this group builds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Globs of paths that this group may write; a folder stands for all below it.
    pub owned_paths: Vec<String>,
    /// At least one that can fail.
    pub checks: Vec<Check>,
}

/// One check. The keys that depend on `kind` stand beside the common ones; [`Check::body`]
/// parses them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub id: String,
    /// A built-in kind, or the `<kind>` of an `otto-check-<kind>` program.
    pub kind: String,
    #[serde(default)]
    pub purpose: Purpose,
    /// Features that it is evidence for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Wall time limit in seconds; the run's deadline applies besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// Globs of files, written by the check, to keep as evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Environment variables set for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Services that run beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// The keys that belong to `kind`.
    #[serde(flatten)]
    pub params: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Shows that a feature is there; must fail without it.
    #[default]
    Acceptance,
    /// Shows that nothing else broke; no evidence for a feature.
    Regression,
}

/// The kind-specific part of a [`Check`], parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckBody {
    RepoTest(RepoTest),
    Pytest(Pytest),
    CliProbe(CliProbe),
    StateInvariant(StateInvariant),
    ApiProbe(ApiProbe),
    BrowserJourney(Box<BrowserJourney>),
    ImportCheck(ImportCheck),
    TypeCheck(TypeCheck),
    Metric(Metric),
    /// `otto-check-<kind>`; it gets the whole check as written.
    External {
        kind: String,
    },
}

/// The kinds that Otto runs itself.
pub const BUILT_IN_KINDS: [&str; 9] = [
    "repo_test",
    "pytest",
    "cli_probe",
    "state_invariant",
    "api_probe",
    "browser_journey",
    "import_check",
    "type_check",
    "metric",
];

/// The project's own test command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepoTest {
    /// Program and arguments; never a shell line.
    pub argv: Vec<String>,
    #[serde(default)]
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// The number of tests is read from the output; none found is `not_run`.
    #[default]
    Auto,
    /// The command prints none and is judged by its exit code alone.
    Exit,
}

/// A pytest selector, in the project's own environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pytest {
    /// A path, a node id, or several of them.
    pub select: Vec<String>,
    /// How pytest is called; default `["python3", "-m", "pytest"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runner: Vec<String>,
}

/// One call of a program and what it must answer. At least one expectation besides the exit code,
/// or an exit code that is expected, is required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CliProbe {
    pub argv: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Expected exit code, default 0.
    #[serde(default)]
    pub exit: i32,
    #[serde(default, skip_serializing_if = "TextExpectation::is_empty")]
    pub stdout: TextExpectation,
    #[serde(default, skip_serializing_if = "TextExpectation::is_empty")]
    pub stderr: TextExpectation,
}

/// What a text must be like; every key that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextExpectation {
    /// The whole text, without the last line end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_contains: Vec<String>,
    /// A regular expression, found anywhere; `^` and `$` are ends of lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
}

impl TextExpectation {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An expression without side effects over files and earlier probe replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateInvariant {
    /// A minijinja expression that must be true. Known names: each key of `files`, and
    /// `probes.<check id>.{stdout,stderr,exit}` for the probes that ran before it.
    pub expr: String,
    /// Name → path in the tree. `.json` files are parsed, others are text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// A path that several groups rely on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub rule: ContractRule,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Check>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractRule {
    /// Nobody but the owner changes it.
    Exact,
    /// Anybody may add lines; nobody but the owner removes or changes one.
    Additive,
    /// Anybody may change it as long as the probes pass.
    Semantic,
}

/// What a fresh worktree needs before anything runs in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    pub argv: Vec<String>,
    /// Files whose content decides whether it has to run again (lock files).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Paths that it makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    #[serde(default)]
    pub network: bool,
}

/// A program that checks talk to. Otto starts it, on a port that is leased to it, for each check
/// that names it, and stops it. In `argv` and in the values of `env`, `{port}` is its port, `{data}`
/// its data folder, and `{url:ID}` and `{port:ID}` are those of a service before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub id: String,
    /// Program and arguments; it also gets `PORT` and `OTTO_DATA_DIR`.
    pub argv: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// A path that is answered with a status below 400 when it is ready; without it, it is ready
    /// when it accepts a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Seconds until it must be ready; default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_timeout_s: Option<u64>,
    /// A folder of the worktree for its data, made if it is not there; without it, an empty one
    /// elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<String>,
}

/// A command that puts seed data into services, when they are ready and before the check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub id: String,
    pub argv: Vec<String>,
}

/// One link of the amendment chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    pub reason: String,
    /// `user:<name>` or `group:<id>`.
    pub actor: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Hash of the spec without its amendments, before and after.
    pub sha256_before: String,
    pub sha256_after: String,
    /// What made it necessary.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trigger: String,
}

impl Spec {
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == id)
    }

    pub fn feature(&self, id: &str) -> Option<&Feature> {
        self.features.iter().find(|f| f.id == id)
    }

    /// Every check with the group it belongs to; `None` for the cross-group ones.
    pub fn checks(&self) -> impl Iterator<Item = (Option<&Group>, &Check)> {
        self.groups
            .iter()
            .flat_map(|g| g.checks.iter().map(move |c| (Some(g), c)))
            .chain(self.cross_group_checks.iter().map(|c| (None, c)))
    }

    /// The hash that approvals, landings and amendments bind to: of the canonical form (compact,
    /// keys sorted) without the amendment chain, so that a link can name the hash of what it leads
    /// to.
    pub fn content_hash(&self) -> Sha256 {
        let mut bare = self.clone();
        bare.amendments.clear();
        let mut value = serde_json::to_value(&bare).expect("a spec is plain data");
        value.sort_all_objects();
        Sha256::of(value.to_string().as_bytes())
    }

    /// `spec.json` as it is written: two spaces, a line end at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a spec is plain data");
        text.push('\n');
        text
    }
}

impl Check {
    /// Parses the kind-specific keys. A spec that went through validation cannot fail here.
    pub fn body(&self) -> Result<CheckBody, Error> {
        fn parse<T: for<'de> Deserialize<'de>>(check: &Check) -> Result<T, Error> {
            serde_json::from_value(Value::Object(check.params.clone())).map_err(|e| {
                Error::input(format!("check '{}' ({})", check.id, check.kind)).because(e)
            })
        }
        Ok(match self.kind.as_str() {
            "repo_test" => CheckBody::RepoTest(parse(self)?),
            "pytest" => CheckBody::Pytest(parse(self)?),
            "cli_probe" => CheckBody::CliProbe(parse(self)?),
            "state_invariant" => CheckBody::StateInvariant(parse(self)?),
            "api_probe" => CheckBody::ApiProbe(parse(self)?),
            "browser_journey" => CheckBody::BrowserJourney(parse(self)?),
            "import_check" => CheckBody::ImportCheck(parse(self)?),
            "type_check" => CheckBody::TypeCheck(parse(self)?),
            "metric" => CheckBody::Metric(parse(self)?),
            other => CheckBody::External { kind: other.to_owned() },
        })
    }

    /// The words of its command and of its environment, in which `{url:ID}` and the like are put in.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let argv = self.params.get("argv").and_then(Value::as_array).into_iter().flatten();
        argv.filter_map(Value::as_str).chain(self.env.values().map(String::as_str))
    }

    /// The services that it names, the one that it asks first.
    pub fn named_services(&self) -> Vec<&str> {
        let asked = self.params.get("service").and_then(Value::as_str);
        let known = BUILT_IN_KINDS.contains(&self.kind.as_str());
        let asked = asked.filter(|_| known).into_iter();
        let mut all: Vec<&str> = asked.chain(self.services.iter().map(String::as_str)).collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|id| seen.insert(*id));
        all
    }

    /// The built-in kind that this one was probably meant to be.
    pub fn misspelt_kind(&self) -> Option<&'static str> {
        if BUILT_IN_KINDS.contains(&self.kind.as_str()) {
            return None;
        }
        nearest(&self.kind, BUILT_IN_KINDS)
    }
}
