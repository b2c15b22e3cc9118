//! What `otto init` proposes for each lock file is what worktrees are prepared by: with stand-ins for the
//! tools, and with the real npm and cargo without the network.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Done, GOOD, Sandbox, Shape};

/// A project whose `otto.yaml` has the steps that `otto init` proposes.
fn project(files: &[(&str, &str)]) -> Sandbox {
    let s = Sandbox::project();
    for (name, text) in files {
        s.write(name, text);
    }
    s.commit("a project");
    let proposed = s.run(0, &["init", "--print"]).stdout;
    let (_, steps) = proposed.split_once("\nprepare:\n").unwrap_or_else(|| panic!("{proposed}"));
    let steps: String =
        steps.lines().take_while(|l| l.starts_with("  - ")).collect::<Vec<_>>().join("\n");
    let config = format!("{}prepare:\n{steps}\n", s.read("otto.yaml"));
    s.write("otto.yaml", &config);
    s.commit("prepared as proposed");
    s.agent(GOOD);
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    s
}

fn build(s: &Sandbox, change: impl FnOnce(&mut Command)) -> Done {
    let mut command = s.command(&["build-group", "--session", "latest", "--all"]);
    change(&mut command);
    s.finish(&mut command)
}

#[test]
fn every_lock_file_has_a_step_that_its_tool_is_called_with() {
    let package = ("package.json", "{\"name\": \"x\"}");
    for (files, tool, call, made) in [
        (&[package, ("package-lock.json", "{}")][..], "npm", "ci", "node_modules/made"),
        (
            &[package, ("pnpm-lock.yaml", "")],
            "pnpm",
            "install --frozen-lockfile",
            "node_modules/made",
        ),
        (&[package, ("yarn.lock", "")], "yarn", "install --frozen-lockfile", "node_modules/made"),
        (&[("pyproject.toml", ""), ("uv.lock", "")], "uv", "sync --frozen", ".venv/made"),
        (&[("Cargo.toml", ""), ("Cargo.lock", "")], "cargo", "fetch --locked", ""),
        (&[("go.mod", ""), ("go.sum", "")], "go", "mod download", ""),
    ] {
        let s = project(files);
        let fakes = s.at("fakes");
        std::fs::create_dir(&fakes).expect("a folder");
        let made_there = match made {
            "" => String::new(),
            made => format!("mkdir -p \"$(dirname {made})\"; echo {tool} >{made}\n"),
        };
        s.script(
            &fakes.join(tool),
            &format!("#!/bin/sh\necho \"{tool} $*\" >>\"$HOME/calls\"\n{made_there}"),
        );
        if !made.is_empty() {
            s.on_check(&format!("grep -qx {tool} {made} || exit 9"));
        }
        let done = build(&s, |command| {
            let path = command.get_envs().find(|(k, _)| *k == "PATH").and_then(|(_, v)| v);
            let path = path.expect("a PATH").to_string_lossy().into_owned();
            command.env("PATH", format!("{}:{path}", fakes.display()));
        });
        assert_eq!(done.code, 0, "{tool}: {}{}", done.stdout, done.stderr);
        let calls = std::fs::read_to_string(s.home("calls")).expect("it was called");
        // Once for the base and once for the attempt's own tree, or less: never with anything else.
        assert!(calls.lines().all(|l| l == format!("{tool} {call}")), "{calls}");
    }
}

#[test]
fn the_real_npm_and_cargo_prepare_without_the_network() {
    let lock = r#"{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
        "": {"name": "x", "version": "1.0.0", "dependencies": {"dep": "file:dep"}},
        "dep": {"version": "1.0.0"}, "node_modules/dep": {"resolved": "dep", "link": true}}}"#;
    let manifest = r#"{"name": "x", "version": "1.0.0", "dependencies": {"dep": "file:dep"}}"#;
    let s = project(&[
        ("package.json", manifest),
        ("package-lock.json", lock),
        ("dep/package.json", r#"{"name": "dep", "version": "1.0.0", "main": "a.js"}"#),
        ("dep/a.js", "module.exports = 42;\n"),
        ("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"0.1.0\"\n"),
        ("src/lib.rs", ""),
    ]);
    s.on_check("node -e 'process.exit(require(\"dep\") === 42 ? 0 : 9)' || exit 9");
    let done = build(&s, |command| {
        command.env("npm_config_offline", "true");
        for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(folder));
            if let Some(place) = std::env::var_os(name).map(PathBuf::from).or(home) {
                command.env(name, place);
            }
        }
    });
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
}
