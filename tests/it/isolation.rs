//! Nothing outside of what is Otto's changes, and nothing of the repository's runs.

use crate::harness::{Sandbox, Shape, Watched};

/// A checkout in the middle of somebody's work.
fn untidy(s: &Sandbox) {
    s.write("README.md", "Changed, not staged.\n");
    s.write("staged.txt", "staged\n");
    s.git(&["add", "staged.txt"]);
    s.write("untracked.txt", "untracked\n");
    s.git(&["tag", "v1"]);
    s.git(&["branch", "feature/x"]);
}

#[test]
fn a_run_leaves_the_users_checkout_byte_for_byte() {
    let s = Sandbox::project();
    untidy(&s);
    let before = Watched::of(&s);
    let spec = s.spec(&Shape::of(3).needs("g3", &["g1"]));
    s.run(0, &["run", "--from-spec", &spec]);
    for args in [["status", "latest"], ["log", "latest"], ["verify", "latest"]] {
        s.run(0, &args);
    }
    before.assert_same(&Watched::of(&s));
    let exclude = s.read(".git/info/exclude");
    assert_eq!(exclude.lines().filter(|l| l.contains("otto_logs")).count(), 1, "{exclude}");
    assert!(!s.git(&["status", "--porcelain"]).contains("otto_logs"));
    assert_eq!(s.git(&["fsck", "--no-dangling", "--no-progress"]), "");
}

/// Hooks, fsmonitor, filters, merge drivers, signing: programs that a repository can name.
#[test]
fn nothing_that_the_repository_names_is_run() {
    let s = Sandbox::project();
    let spy = s.at("spy.sh");
    s.script(&spy, "#!/bin/sh\necho \"$0 $*\" >>\"$HOME/marks/spied\"\nexit 1\n");
    s.write(".gitattributes", "*.bin filter=evil diff=evil merge=evil\nREADME.md merge=evil\n");
    s.write("asset.bin", "as it is\n");
    s.commit("attributes");
    let spy = spy.to_string_lossy().into_owned();
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "pre-push",
        "reference-transaction",
        "post-index-change",
        "post-rewrite",
        "pre-auto-gc",
        "prepare-commit-msg",
        "update",
        "post-update",
        "pre-receive",
        "post-receive",
    ] {
        let path = s.project.join(".git/hooks").join(hook);
        s.script(&path, &format!("#!/bin/sh\nexec '{spy}' {hook}\n"));
    }
    for (key, value) in [
        ("core.fsmonitor", spy.as_str()),
        ("filter.evil.clean", &spy),
        ("filter.evil.smudge", &spy),
        ("filter.evil.process", &spy),
        ("filter.evil.required", "true"),
        ("diff.evil.command", &spy),
        ("diff.evil.textconv", &spy),
        ("merge.evil.driver", &spy),
        ("diff.external", &spy),
        ("core.pager", &spy),
        ("core.editor", &spy),
        ("commit.gpgSign", "true"),
        ("gpg.program", &spy),
        ("credential.helper", &spy),
    ] {
        s.git(&["config", key, value]);
    }
    // What setting this up has run is not what is asked here.
    drop(std::fs::remove_file(s.home("marks/spied")));
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    // In their own checkout the user's filters are the user's business; the rest is not.
    for key in ["clean", "smudge", "process", "required"] {
        s.git(&["config", "--unset", &format!("filter.evil.{key}")]);
    }
    s.run(0, &["land"]);
    let spied = std::fs::read_to_string(s.home("marks/spied")).unwrap_or_default();
    assert_eq!(spied, "", "these were run");
    assert_eq!(s.read("g1/work"), "done g1\n");
}

#[test]
fn a_changed_path_with_a_filter_is_refused_and_not_committed_raw() {
    let s = Sandbox::project();
    s.write(".gitattributes", "*.bin filter=lfs\n");
    s.commit("attributes");
    s.agent(r#"mkdir -p g1; echo "done g1" >g1/work; echo big >g1/big.bin"#);
    let spec = s.spec(&Shape::of(1));
    let refused = s.run(78, &["run", "--from-spec", &spec]);
    assert!(refused.stderr.contains("g1/big.bin"), "{}", refused.stderr);
    assert!(refused.stderr.contains("filters: [lfs]"), "{}", refused.stderr);
    assert_eq!(s.landings(), [""; 0]);
}

#[test]
fn variables_of_the_caller_do_not_reach_agents_or_git() {
    let s = Sandbox::project();
    s.agent(
        r#"env >"$HOME/env"; mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(1));
    let line = format!(
        "GIT_DIR=/nowhere GIT_INDEX_FILE=/nowhere GIT_WORK_TREE=/nowhere MY_TOKEN=hunter22 LD_PRELOAD= otto run --from-spec '{spec}'"
    );
    s.shell(0, &line);
    let env = std::fs::read_to_string(s.home("env")).expect("an environment");
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "MY_TOKEN", "GIT_AUTHOR_NAME"] {
        assert!(!env.lines().any(|l| l.starts_with(&format!("{name}="))), "{name} in {env}");
    }
    assert!(env.contains("OTTO_GROUP=g1"));
}

#[test]
fn a_secret_is_given_by_name_and_hidden_in_what_is_kept() {
    let s = Sandbox::project();
    s.agent(
        r#"echo "the key is $MY_TOKEN" >&2; echo "the key is $MY_TOKEN"; mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(1));
    let line =
        format!("MY_TOKEN=hunter22hunter22 otto run --from-spec '{spec}' -c 'secrets=[MY_TOKEN]'");
    s.shell(0, &line);
    let dir = s.session_dir().join("build/g1/attempt-01");
    let said = std::fs::read_to_string(dir.join("narrative.log")).expect("a narrative");
    assert!(said.contains("the key is [MY_TOKEN hidden]"), "{said}");
    let found = s.shell(1, "grep -rl hunter22 otto_logs");
    assert_eq!(found.stdout, "");
}

#[test]
fn what_an_agent_started_ends_with_it() {
    let s = Sandbox::project();
    s.gate("never");
    s.agent(
        r#"setsid sh -c 'read -r x <"$HOME/never"' >/dev/null 2>&1 &
(trap '' TERM HUP; read -r x <"$HOME/never") &
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    assert_eq!(s.leftovers(), [0; 0]);
}
