//! A tier is kept or nothing runs: never a lower one.

use std::os::unix::fs::symlink;

use super::table::working;
use crate::harness::{Sandbox, Shape, until};

/// A PATH with everything but bwrap.
fn without_bwrap(s: &Sandbox) -> String {
    let dir = s.at("programs");
    std::fs::create_dir_all(&dir).expect("a folder");
    for folder in ["/usr/bin", "/bin"] {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.file_name() != "bwrap" {
                // The same name in the second folder is the same program.
                drop(symlink(entry.path(), dir.join(entry.file_name())));
            }
        }
    }
    format!("{}:{}", crate::harness::bin_dir().display(), dir.display())
}

#[test]
fn a_session_keeps_its_tier_and_a_weaker_machine_refuses_it() {
    if !working().contains(&"bwrap") {
        println!("bwrap does not work here: not tried");
        return;
    }
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec, "-c", "sandbox.tier=auto"]);
    let record = std::fs::read_to_string(s.session_dir().join("session.json")).expect("a record");
    assert!(record.contains("\"tier\": \"bwrap\""), "{record}");
    let before = s.journal().len();
    let id = s.session();
    let path = without_bwrap(&s);
    for args in [
        vec!["run", "--resume", &id],
        vec!["build-group", "--session", &id, "--all"],
        vec!["check", "--session", &id],
    ] {
        let done = s.finish(s.command(&args).env("PATH", &path));
        assert_eq!(done.code, 78, "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains("'bwrap'"), "{}", done.stderr);
        assert!(done.stderr.contains("hint: "), "{}", done.stderr);
    }
    let kinds: Vec<String> = s.journal()[before..].iter().map(|e| e["kind"].to_string()).collect();
    assert_eq!(kinds, [""; 0], "nothing was begun");
    // What only looks works anywhere.
    let looked = s.finish(s.command(&["status", &id]).env("PATH", &path));
    assert_ne!(looked.code, 78, "{}", looked.stderr);
    // A new session there takes what is left.
    let new = ["compile", "--from-spec", &spec, "-c", "sandbox.tier=auto"];
    s.finish(s.command(&new).env("PATH", &path));
    let record = std::fs::read_to_string(s.session_dir().join("session.json")).expect("a record");
    assert!(!record.contains("\"tier\": \"bwrap\""), "{record}");
}

#[test]
fn less_than_was_asked_for_is_refused_before_anything_is_written() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    for (set, why) in [
        (vec!["min_sandbox=landlock"], "`min_sandbox` is 'landlock'"),
        (vec!["sandbox.network.check=off"], "the network 'off' cannot be had"),
        (
            vec!["sandbox.tier=landlock", "sandbox.network.build=provider"],
            "'provider' cannot be had",
        ),
        (
            vec!["sandbox.tier=bwrap", "min_sandbox=bwrap", "sandbox.check=worktree"],
            "`min_sandbox` is 'bwrap'",
        ),
    ] {
        let mut args = vec!["run", "--from-spec", &spec];
        args.extend(set.iter().flat_map(|value| ["-c", value]));
        let done = s.run(78, &args);
        assert!(done.stderr.contains(why), "{set:?}: {}", done.stderr);
        assert!(!s.project.join("otto_logs/sessions").exists(), "{set:?}");
    }
}

#[test]
fn the_proof_names_tier_networks_and_limits() {
    for tier in working() {
        let s = Sandbox::project();
        let spec = s.spec(&Shape::of(1));
        s.run(0, &["run", "--from-spec", &spec, "-c", &format!("sandbox.tier={tier}")]);
        let proof = std::fs::read_to_string(s.session_dir().join("proof-packet.json"));
        let proof: serde_json::Value =
            serde_json::from_str(&proof.expect("a proof")).expect("JSON");
        assert_eq!(proof["sandbox"]["tier"], tier);
        let limits = proof["sandbox"]["limits"].to_string();
        let networks = match tier {
            "worktree" => {
                "all that the machine reaches for spec, build, fix, certifier, merge, pilot, task, check"
            }
            _ => "task; nothing for check",
        };
        assert!(limits.contains(networks), "{tier}: {limits}");
        let known = if tier == "worktree" { "No sandbox: agents" } else { tier };
        assert!(limits.contains(known), "{tier}: {limits}");
    }
}

#[test]
fn an_agent_that_is_stopped_is_gone_with_everything_inside() {
    for tier in working() {
        let s = Sandbox::project();
        s.agent("setsid sh -c 'exec sleep 600' & trap '' TERM INT HUP; echo x >started; while :; do sleep 600; done");
        let spec = s.spec(&Shape::of(1));
        let keep = format!("sandbox.tier={tier}");
        let run = s.start(&["run", "--from-spec", &spec, "-c", &keep]);
        until("the agent at work", || {
            let found = s.files_named("started");
            (!found.is_empty()).then_some(())
        });
        run.signal(libc::SIGTERM);
        run.end();
        assert_eq!(s.leftovers(), [0; 0], "{tier}");
    }
}

#[test]
fn what_is_hidden_is_not_shown_and_that_is_said() {
    let s = Sandbox::project();
    crate::harness::write(&s.home(".ssh/id"), "key");
    std::fs::create_dir_all(s.home(".cache/pip")).expect("a folder");
    let place = |name: &str| s.home(name).display().to_string();
    for tier in working().into_iter().filter(|t| *t != "worktree") {
        let inside = place(".ssh/id");
        let done = s.run(78, &["sandbox", "--tier", tier, "--write", &inside, "--", "true"]);
        assert!(done.stderr.contains("stays hidden"), "{tier}: {}", done.stderr);
        let done = s.run(78, &["sandbox", "--tier", tier, "--read", &inside, "--", "true"]);
        assert!(done.stderr.contains("cannot be read"), "{tier}: {}", done.stderr);
        let beside = place(".cache/pip");
        let script = format!("echo x >{beside}/{tier}");
        s.run(0, &["sandbox", "--tier", tier, "--write", &beside, "--", "sh", "-c", &script]);
        assert!(s.home(&format!(".cache/pip/{tier}")).exists(), "{tier}");
        // Around it: landlock cannot cover what lies in it.
        let home = place("");
        let around = ["sandbox", "--tier", tier, "--write", &home, "--", "sh", "-c"];
        let script = format!("echo x >{home}/made-{tier}");
        let code = if tier == "landlock" { 78 } else { 0 };
        let done = s.run(code, &[&around[..], &[script.as_str()]].concat());
        assert_eq!(s.home(&format!("made-{tier}")).exists(), code == 0, "{}", done.stderr);
    }
}
