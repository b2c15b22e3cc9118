//! What the programs say about themselves: help, manual pages, examples.

use std::path::Path;

use crate::harness::{Sandbox, names};

#[test]
fn help_is_what_it_was() {
    let s = Sandbox::new();
    insta::assert_snapshot!("otto", s.run(0, &["--help"]).stdout);
    for name in names() {
        let verb = name.trim_start_matches("otto-");
        insta::assert_snapshot!(name.as_str(), s.run(0, &["help", verb]).stdout);
    }
}

#[test]
fn manual_pages_are_those_of_the_help() {
    let s = Sandbox::new();
    let man = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    s.run(0, &["pages", "--man", &man.to_string_lossy(), "--check"]);
    let share = s.at("share");
    s.run(0, &["pages", "--completions", &share.to_string_lossy()]);
    assert!(share.join("zsh/site-functions/_otto-merge").exists());
}

/// The words of one command line of an example; quotes group, as in a shell.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), _) if q == c => quote = None,
            (None, ' ') => out.push(String::new()),
            (_, c) => out.last_mut().expect("one at least").push(c),
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

/// `-h` at the end of what is ours makes clap parse what stands before it and run nothing.
#[test]
fn every_example_parses() {
    let s = Sandbox::new();
    let mut seen = 0;
    for name in names() {
        let help = s.run(0, &["help", name.trim_start_matches("otto-")]).stdout;
        let (_, examples) = help.split_once("EXAMPLES\n").unwrap_or_else(|| panic!("{name}"));
        let lines = examples.lines().take_while(|l| !l.starts_with("EXIT"));
        for command in lines.flat_map(|l| l.split(['|', ';', '&'])) {
            let command = command.split("   #").next().expect("one part").trim();
            let Some(rest) = command.strip_prefix("otto ") else { continue };
            let mut args = words(rest);
            seen += 1;
            // What stands behind `--` is for another program.
            let end = args.iter().position(|a| a == "--").unwrap_or(args.len());
            args.insert(end, "-h".into());
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let done = s.run(0, &args);
            assert!(done.stdout.contains("Usage:"), "{command}");
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn a_word_that_is_no_command_is_answered_with_the_nearest() {
    let s = Sandbox::new();
    let done = s.run(2, &["mrege"]);
    assert!(done.stderr.contains("otto merge"), "{}", done.stderr);
    s.run(2, &[]);
    assert!(s.run(0, &["--version"]).stdout.starts_with("otto "));
    // A program of somebody else's, as with git.
    s.script(&s.at("home/otto-hello"), "#!/bin/sh\necho hello \"$@\"\n");
    let line = "PATH=$HOME:$PATH otto hello you";
    assert_eq!(s.shell(0, line).stdout, "hello you\n");
}
