//! `otto attach`: a copy to look around in, of which the agent never knows.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Sandbox, Shape, Watched, until};

/// Half of the work, a gate, the other half.
const AGENT: &str = r#"mkdir -p "$OTTO_GROUP" build/out; echo "half $OTTO_GROUP" >"$OTTO_GROUP/work"
echo new >"$OTTO_GROUP/untracked"; ln -s /etc/hostname "$OTTO_GROUP/link"; echo big >build/out/object
pwd >"$HOME/worktree"
: >"$HOME/marks/half"
if [ -p "$HOME/go" ]; then read -r go <"$HOME/go"; fi
rm "$OTTO_GROUP/link"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

fn copies(s: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(s.at("tmp")).expect("a folder").flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    names.filter(|n| n.starts_with("otto-attach-")).collect()
}

/// Names, kinds, modes and bytes of everything in a folder.
fn listing(s: &Sandbox, dir: &Path) -> String {
    let dir = dir.display();
    s.shell(0, &format!("cd '{dir}' && find . -printf '%p %y %m %l\\n' | sort && find . -type f | sort | xargs cat")).stdout
}

#[test]
fn of_a_running_turn_it_is_what_lies_there_now() {
    let s = Sandbox::project();
    s.agent(AGENT);
    s.gate("go");
    s.write(".gitignore", "build/\n");
    s.commit("what is built is ignored");
    let spec = s.spec(&Shape::of(1));
    let run = s.start_as("run", &["run", "--from-spec", &spec]);
    s.mark("half");
    let worktree = std::fs::read_to_string(s.home("worktree")).expect("a worktree");
    let worktree = Path::new(worktree.trim());
    let (before, user) = (listing(&s, worktree), Watched::of(&s));

    let seen = s.shell(
        0,
        "otto attach --group g1 -- sh -c 'pwd; cat g1/work g1/untracked; ls -a; readlink g1/link'",
    );
    assert!(
        seen.stderr.contains("attempt 1 (at work now)")
            && seen.stderr.contains("a copy, read-only")
    );
    let mut lines = seen.stdout.lines();
    let place = lines.next().expect("a folder");
    assert!(place.contains("otto-attach-") && place.ends_with("/project"), "{place}");
    let rest: Vec<&str> = lines.collect();
    assert_eq!(
        rest,
        [
            "half g1",
            "new",
            ".",
            "..",
            ".gitignore",
            "README.md",
            "g1",
            "otto.yaml",
            "tests",
            "/etc/hostname"
        ]
    );
    let all = s.shell(0, "otto attach --group g1 --ignored -- cat build/out/object").stdout;
    assert_eq!(all, "big\n");

    // Whoever breaks it breaks a copy.
    let modes = s.shell(0, "otto attach --group g1 -- stat -c %a . g1 g1/work").stdout;
    assert_eq!(modes, "555\n555\n400\n");
    s.shell(
        0,
        "otto attach --group g1 -- sh -c 'chmod -R u+w . && rm -rf g1 && echo mine >otto.yaml'",
    );
    s.shell(128, "otto attach --group g1 -- git status");
    assert_eq!(listing(&s, worktree), before);
    user.assert_same(&Watched::of(&s));
    assert_eq!(copies(&s), [""; 0], "they are removed");

    s.open_gate("go");
    assert_eq!(run.end(), 0);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn without_a_turn_it_is_the_newest_commit() {
    let s = Sandbox::project();
    s.agent(&AGENT.replace("read -r go", ": "));
    s.write(".gitignore", "build/\n");
    // A filter of somebody's: a copy runs none.
    s.write(".gitattributes", "README.md filter=evil\n");
    s.git(&["config", "filter.evil.smudge", "touch \"$HOME/ran\"; cat"]);
    s.commit("what is built is ignored");
    let spec = s.spec(&Shape::of(2).needs("g2", &["g1"]).check("g2", &["false"]));
    s.run(0, &["compile", "--from-spec", &spec]);
    let none = s.run(1, &["attach", "--group", "g1", "--", "true"]);
    assert!(
        none.stderr.contains("no work yet") && none.stderr.contains("hint:"),
        "{}",
        none.stderr
    );
    let wrong = s.run(2, &["attach", "--group", "g3", "--", "true"]);
    assert!(wrong.stderr.contains("did you mean"), "{}", wrong.stderr);
    s.run(0, &["build-group", "--group", "g1", "--session", "latest"]);
    let user = Watched::of(&s);

    let commit = s.git(&["rev-parse", &s.build_ref("g1")]);
    let seen = s.run(0, &["attach", "--group", "g1", "--", "cat", "g1/work"]);
    assert_eq!(seen.stdout, "done g1\n");
    assert!(seen.stderr.contains(&commit[..10]) && seen.stderr.contains("no attempt runs"));
    assert!(!s.home("ran").exists(), "the filter ran");
    // The command's own exit code; a shell's is nothing.
    s.run(7, &["attach", "--group", "g1", "--", "sh", "-c", "exit 7"]);
    s.run(69, &["attach", "--group", "g1", "--", "no-such-program"]);
    s.script(
        &s.home("shell"),
        "#!/bin/sh\nread -r line; echo \"$line in $(cat g1/work)\"; exit 3\n",
    );
    let shell = s.shell(0, "echo typed | SHELL=$HOME/shell otto attach --group g1");
    assert_eq!(shell.stdout, "typed in done g1\n");
    assert_eq!(copies(&s), [""; 0]);

    let printed = s.run(0, &["attach", "--group", "g1", "--print"]).stdout;
    let kept = Path::new(printed.trim());
    let mode = kept.join("g1/work").metadata().expect("it is kept").permissions().mode();
    assert_eq!(mode & 0o222, 0, "{mode:o}");
    assert!(!kept.join(".git").exists());
    // What is kept is the person's: nobody sweeps it.
    s.run(0, &["attach", "--group", "g1", "--", "true"]);
    assert_eq!(copies(&s).len(), 1);
    user.assert_same(&Watched::of(&s));
}

#[test]
fn whoever_is_stopped_leaves_no_copy_for_long() {
    let s = Sandbox::project();
    s.gate("never");
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let wait = r#": >"$HOME/marks/inside"; read -r x <"$HOME/never""#;
    let args = ["attach", "--group", "g1", "--", "sh", "-c", wait];
    // Asked to stop: its program is hung up on and the copy goes.
    let attached = s.start_as("attach", &args);
    s.mark("inside");
    assert_eq!(copies(&s).len(), 1);
    // Ctrl-C is for the program that has the terminal.
    attached.signal_taken(libc::SIGINT);
    attached.signal_taken(libc::SIGINT);
    attached.signal(libc::SIGTERM);
    assert_eq!(attached.end(), 143);
    s.nothing_runs();
    assert_eq!(copies(&s), [""; 0]);
    // Killed: the program goes with it, and the copy with the next one.
    std::fs::remove_file(s.home("marks/inside")).expect("it was there");
    let attached = s.start_as("attach", &args);
    s.mark("inside");
    attached.kill();
    until("its program to go", || s.leftovers().is_empty().then_some(()));
    let left = copies(&s);
    assert_eq!(left.len(), 1);
    s.run(0, &["attach", "--group", "g1", "--", "true"]);
    assert_eq!(copies(&s), left, "one that is young may be somebody's");
    let lease = s.at("tmp").join(&left[0]).join("lease.lock");
    s.shell(0, &format!("touch -d '2 minutes ago' '{}'", lease.display()));
    s.run(0, &["attach", "--group", "g1", "--", "true"]);
    assert_eq!(copies(&s), [""; 0]);
}
