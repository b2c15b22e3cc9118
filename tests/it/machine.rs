//! Places and machines on which Otto cannot work, or that are not the usual ones: a clear line, a
//! hint, the right exit code.

use crate::harness::{Sandbox, Shape, bin_dir};

fn says(done: &crate::harness::Done, what: &str) {
    assert!(done.stderr.contains(what), "no '{what}' in: {}", done.stderr);
    assert!(done.stderr.contains("hint: "), "no hint in: {}", done.stderr);
}

#[test]
fn not_a_repository() {
    let s = Sandbox::new();
    for args in
        [&["run", "x"][..], &["status"], &["build-group", "--all"], &["land"], &["sessions"]]
    {
        says(&s.run(78, args), "not in a git repository");
    }
    assert_eq!(std::fs::read_dir(&s.project).expect("a folder").count(), 0, "nothing is written");
    // `init` helps out of it.
    s.run(0, &["init", "--git"]);
    assert!(s.read("otto.yaml").contains("default_branch: main"));
    s.run(0, &["config"]);
}

#[test]
fn a_repository_without_a_commit() {
    let s = Sandbox::new();
    s.git(&["init", "--quiet"]);
    let spec = s.spec(&Shape::of(1));
    says(&s.run(78, &["run", "--from-spec", &spec]), "no commit");
    assert!(!s.project.join("otto_logs").exists());
}

#[test]
fn a_detached_head() {
    let s = Sandbox::project();
    s.git(&["switch", "--quiet", "--detach"]);
    let spec = s.spec(&Shape::of(1));
    says(&s.run(78, &["run", "--from-spec", &spec]), "detached");
    s.run(0, &["run", "--from-spec", &spec, "--target", "main"]);
    s.run(0, &["land"]);
    assert_eq!(s.git(&["show", "main:g1/work"]), "done g1");
    assert!(!s.project.join("g1").exists());
    says(&s.run(78, &["run", "--from-spec", &spec, "--target", "mian"]), "mian");
}

#[test]
fn a_bare_repository() {
    let s = Sandbox::project();
    let bare = s.at("bare.git");
    s.git(&["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()]);
    s.spec(&Shape::of(2));
    s.shell(0, "cd ../bare.git && otto run --from-spec ../spec.json && otto verify && otto land");
    assert_eq!(s.git_in(&bare, &["show", "main:g2/work"]), "done g2");
}

#[test]
fn a_linked_worktree_and_a_subfolder_are_the_same_project() {
    let s = Sandbox::project();
    let linked = s.at("linked");
    s.git(&["worktree", "add", "--quiet", "-b", "side", &linked.to_string_lossy()]);
    s.spec(&Shape::of(1));
    s.shell(0, "cd ../linked/tests && otto run --from-spec ../../spec.json --target main");
    assert!(s.project.join("otto_logs/latest").exists());
    assert!(!linked.join("otto_logs").exists());
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_path_with_spaces_and_other_letters() {
    let s = Sandbox::project_named("my project 'ü' $x");
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s.assert_landed_once(&["g1", "g2"]);
    s.run(0, &["land"]);
}

/// A superproject `s.project` with the submodule `lib`.
fn with_submodule() -> Sandbox {
    let s = Sandbox::project();
    let lib = s.at("lib.git");
    s.git(&["clone", "--quiet", "--bare", ".", &lib.to_string_lossy()]);
    let url = lib.to_string_lossy().into_owned();
    s.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "lib"]);
    s.commit("a submodule");
    s
}

#[test]
fn a_project_with_a_submodule() {
    let s = with_submodule();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.git(&["diff", "--name-only", "main", &s.integ()]), "g1/work");
    s.run(0, &["land"]);
    assert_eq!(s.git(&["status", "--porcelain"]), "");
}

#[test]
fn inside_a_submodule() {
    let s = with_submodule();
    s.spec(&Shape::of(1));
    s.shell(
        0,
        "cd lib && git checkout -q main && otto run --from-spec ../../spec.json && otto land",
    );
    assert_eq!(s.read("lib/g1/work"), "done g1\n");
    assert!(s.project.join("lib/otto_logs").exists());
    assert!(!s.project.join("otto_logs").exists());
}

/// A folder for PATH with only these programs of the system.
fn only(s: &Sandbox, programs: &[&str]) -> String {
    let dir = s.at("few");
    std::fs::create_dir_all(&dir).expect("a folder");
    for program in programs {
        let found = s.shell(0, &format!("command -v {program}")).stdout;
        std::os::unix::fs::symlink(found.trim(), dir.join(program)).expect("a link");
    }
    format!("{}:{}", dir.display(), bin_dir().display())
}

#[test]
fn git_is_missing() {
    let s = Sandbox::project();
    let path = only(&s, &["sh"]);
    let sh = s.shell(0, "command -v sh").stdout;
    for verb in ["run x", "status", "land"] {
        let line = format!("PATH='{path}' exec {} -c 'otto {verb}'", sh.trim());
        says(&s.shell(69, &line), "git was not found");
    }
    // What needs no repository works.
    s.shell(0, &format!("PATH='{path}' otto help"));
}

#[test]
fn git_is_too_old() {
    let s = Sandbox::project();
    s.script(&s.at("old/git"), "#!/bin/sh\necho git version 2.20.1\n");
    says(&s.shell(78, "PATH=$HOME/../old:$PATH otto run x"), "2.20 is too old");
}

#[test]
fn the_agent_is_missing() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let none = s.run(69, &["run", "x", "-c", "provider=nowhere"]);
    says(&none, "otto-provider-nowhere");
    assert!(!s.project.join("otto_logs").exists(), "nothing is started");
    // A spec needs no agent to be taken in; to build it does.
    let argv = "providers.command.argv=[\"./no-such-agent\"]";
    let gone = s.otto(&["run", "--from-spec", &spec, "-c", argv]);
    let output = gone.get_output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no-such-agent"), "{said}");
    assert!(!output.status.success());
    assert_eq!(s.landings(), [""; 0]);
}

#[test]
fn a_configuration_that_is_wrong_is_named_key_by_key() {
    let s = Sandbox::project();
    s.write("otto.yaml", "atempts: 2\njobs: many\nprovider: command\n");
    s.commit("wrong");
    let spec = s.spec(&Shape::of(1));
    let refused = s.run(65, &["run", "--from-spec", &spec]);
    assert!(refused.stderr.contains("attempts"), "{}", refused.stderr);
    assert!(refused.stderr.contains("jobs"), "{}", refused.stderr);
    assert!(!s.project.join("otto_logs/sessions").exists());
    s.git(&["revert", "--no-edit", "HEAD"]);
    let refused = s.run(2, &["run", "--from-spec", &spec, "-c", "jobz=2"]);
    assert!(refused.stderr.contains("jobs"), "{}", refused.stderr);
    assert!(!s.project.join("otto_logs/sessions").exists());
}
