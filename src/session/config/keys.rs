//! Every key of `otto.yaml`, with its default and what it is for: the one list behind parsing,
//! `otto config`, `otto init` and the documentation.

/// One key; dots separate levels.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    /// JSON of the default.
    pub default: &'static str,
    pub help: &'static str,
}

macro_rules! keys {
    ($($name:literal $default:literal $help:literal;)*) => {
        /// In the order in which they are shown.
        pub const KEYS: &[Key] =
            &[$(Key { name: $name, default: $default, help: $help }),*];
    };
}

keys! {
    "default_branch" "null" "the branch that `otto land` moves; detected when absent";
    "provider" "null" "which agent works: command, replay, or any otto-provider-<name>; none switches it off";
    "model" "null" "the model it uses, as that agent names it";
    "effort" "null" "how hard it thinks, as that agent names it";
    "fallback" "[]" "providers that take over while the first one has to wait";
    "patience_seconds" "21600" "how long `otto run` itself waits for a limit to reset before it ends with 75";
    "run_budget_seconds" "3600" "one deadline for the whole run";
    "budget_usd" "null" "stop for a person when this much is spent";
    "group_budget_usd" "null" "the same for each group";
    "prices" "{}" "US dollars a million tokens, to estimate what is not reported: {MODEL: {as_of, input, cached_input, output}}";
    "max_turns_per_call" "200" "an agent is stopped after this many turns";
    "attempts" "3" "tries of one group before it is failed";
    "merge_attempts" "2" "times that a group is sent back by the merge queue";
    "jobs" "0" "groups built at the same time; 0 is one per core";
    "test_command" "null" "the project's own tests (argv), offered to compile as a regression check";
    "prepare" "[]" "what a fresh worktree needs: [{argv, inputs, outputs, network}]";
    "protected_paths" "[]" "globs that no group may write";
    "git.filters" "[]" "filter drivers that may run, for example [lfs]";
    "secrets" "[]" "names of environment variables given to agents and hidden in logs";
    "sandbox.tier" "\"auto\"" "what keeps agents and checks in their folders: worktree, landlock or bwrap; auto is the highest that works here";
    "sandbox.check" "null" "the tier of checks, where it is another one; sandbox.<role> likewise";
    "sandbox.prepare" "null" "the tier of preparation";
    "sandbox.network.check" "null" "what checks reach: off, loopback, provider or on; sandbox.network.<role> likewise";
    "sandbox.read" "[]" "further files and folders that everything in a sandbox may read";
    "sandbox.write" "[]" "further files and folders that everything in a sandbox may write";
    "min_sandbox" "null" "refuse to work below this sandbox tier";
    "scenarios" "null" "folder of held-out scenarios, outside the tree";
    "worktree_dir" "null" "where disposable worktrees are made; default in the cache folder";
    "state_dir" "null" "where otto_logs is; for projects on a remote file system";
    "audit_mode" "\"standard\"" "how deep audits look: fast, standard or thorough";
    "review_gate" "false" "a person approves the spec before anything is built";
    "pilot" "true" "where something failed, one call to a model says how to go on; without an agent for the role there is none";
    "memory" "false" "keep what audits found, by commit, for later audits of the same project";
    "queue.concurrent" "3" "jobs of the queue at the same time";
    "queue.task_timeout_s" "4200" "wall time of one task";
    "queue.on_watcher_restart" "\"resume\"" "what happens to running tasks when the watcher restarts";
    "overrides" "false" "whether otto/bin/ of the project may replace programs; shown in the proof";
}

/// The roles that an agent can have, with what each is called for.
pub const ROLES: &[(&str, &str)] = &[
    ("spec", "compile the intent into a spec"),
    ("build", "build a group"),
    ("fix", "repair what an audit found"),
    ("certifier", "judge the integrated product"),
    ("merge", "resolve a conflict"),
    ("pilot", "decide how to go on after failures"),
    ("task", "propose actions for a task"),
];

/// Keys of `providers.<name>` that Otto itself reads; the others are the provider's own.
pub const PROVIDER_KEYS: &[&str] = &["model", "effort", "describe"];

/// Keys of `agents.<role>`.
pub const AGENT_KEYS: &[&str] = &["provider", "model", "effort"];

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/configuration.md");

    #[test]
    fn every_key_is_documented_with_its_default() {
        for key in KEYS {
            let row = format!("| `{}` | `{}` | ", key.name, key.default);
            assert!(PAGE.contains(&row), "docs/configuration.md has no row `{row}`");
        }
    }

    #[test]
    fn every_role_is_documented() {
        for (role, what) in ROLES {
            let row = format!("| `{role}` | {what}");
            assert!(PAGE.contains(&row), "docs/configuration.md has no row `{row}`");
        }
        for key in AGENT_KEYS {
            assert!(PAGE.contains(&format!("`agents.<role>.{key}`")), "{key}");
        }
        for key in PROVIDER_KEYS {
            assert!(PAGE.contains(&format!("`providers.<name>.{key}`")), "{key}");
        }
    }
}
