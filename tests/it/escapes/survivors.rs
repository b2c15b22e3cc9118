//! What an attacker leaves running is gone when its sandbox is, whatever it did to be forgotten.

use super::table::working;
use crate::harness::{GOOD, Sandbox, Shape};

/// In front of a program that shall live on: a session of its own, and what else it does.
const WAYS: [&str; 5] = [
    "setsid",
    "env -i setsid",
    "env OTTO_SCOPE=nobodys setsid",
    "env OTTO_SCOPE= setsid",
    "env OTTO_SCOPE=\"$OTTO_SCOPE/1-2-3\" setsid",
];

/// Processes whose command line has these words.
fn running(words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.starts_with(words) {
            found.push(line);
        }
    }
    found
}

#[test]
fn nothing_lives_on_whatever_mark_it_carries() {
    let s = Sandbox::project();
    for tier in working() {
        for (n, way) in WAYS.iter().enumerate() {
            // Told apart by how long it would sleep.
            let sleeper = format!("sleep 9{n}{}", std::process::id());
            let script = format!(
                "mkfifo ready; at=$PWD/ready; (cd /; {way} sh -c 'echo x >\"$1\"; exec {sleeper}' sh \"$at\" \
                 >/dev/null 2>&1 </dev/null &); read x <ready; rm ready"
            );
            s.run(0, &["sandbox", "--tier", tier, "--", "sh", "-c", &script]);
            assert_eq!(running(&sleeper), [""; 0], "{tier}: {way}");
        }
    }
}

/// Landlock lets an agent open the pipe on which its provider speaks to Otto.
#[test]
fn an_agent_that_keeps_its_providers_voice_does_not_hold_up_the_run() {
    for tier in working() {
        let s = Sandbox::project();
        let sleeper = format!("sleep 8{}", std::process::id());
        s.agent(&format!(
            "{GOOD}\nexec 7>/proc/$PPID/fd/1\n\
             (OTTO_SCOPE=x setsid {sleeper} >/dev/null 2>&1 </dev/null 6>&7 &)\nexec 7>&-"
        ));
        let spec = s.spec(&Shape::of(1));
        let keep = format!("sandbox.tier={tier}");
        s.run(0, &["run", "--from-spec", &spec, "-c", &keep]);
        s.assert_landed_once(&["g1"]);
        assert_eq!(running(&sleeper), [""; 0], "{tier}");
    }
}
