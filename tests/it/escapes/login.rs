//! A person's log-in file: the agent finds it where it looks for it, renews it, and no copy of it
//! is anywhere.

use super::table::working;
use crate::harness::{Sandbox, Shape, write};

/// Renews by writing into the file, as `claude` and `codex` do, or by a new one of that name.
const WAYS: [&str; 2] = [
    "printf renewed-%s \"$token\" >\"$CLAUDE_CONFIG_DIR/.credentials.json\"",
    "printf renewed-%s \"$token\" >\"$CLAUDE_CONFIG_DIR/new\"; \
     mv -f \"$CLAUDE_CONFIG_DIR/new\" \"$CLAUDE_CONFIG_DIR/.credentials.json\" || exit 3",
];

fn fake_claude(s: &Sandbox, renew: &str) {
    let words = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts/claude_c2.jsonl");
    let words = std::fs::read_to_string(words).expect("a transcript");
    write(&s.at("bin/words"), &words);
    let text = format!(
        "#!/bin/sh\nif [ \"${{1-}}\" = --version ]; then echo '9.9.9 (Claude Code)'; exit 0; fi\n\
         cat >/dev/null\nmkdir -p g1\necho 'done g1' >g1/work\n\
         token=$(cat \"$CLAUDE_CONFIG_DIR/.credentials.json\") || exit 4\n{renew}\ncat '{}'\n",
        s.at("bin/words").display(),
    );
    s.script(&s.at("bin/claude"), &text);
}

/// Files below `dir` that hold the words, links not followed.
fn holding(dir: &std::path::Path, words: &str) -> Vec<String> {
    let files = walkdir::WalkDir::new(dir).into_iter().flatten();
    let files = files.filter(|e| e.file_type().is_file());
    let holds = |e: &walkdir::DirEntry| {
        String::from_utf8_lossy(&std::fs::read(e.path()).unwrap_or_default()).contains(words)
    };
    files.filter(holds).map(|e| e.path().display().to_string()).collect()
}

#[test]
fn a_log_in_is_renewed_where_it_lies_and_copied_nowhere() {
    for tier in working() {
        // A name that is a mount cannot be given to another file.
        for renew in &WAYS[..if tier == "bwrap" { 1 } else { 2 }] {
            let s = Sandbox::project();
            fake_claude(&s, renew);
            let file = s.home(".claude/.credentials.json");
            write(&file, "log-in-of-7");
            let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            std::fs::File::options()
                .append(true)
                .open(&file)
                .and_then(|f| f.set_modified(past))
                .expect("a time");
            let spec = s.spec(&Shape::of(1));
            let program = format!("providers.claude.program={}", s.at("bin/claude").display());
            let (tier_is, read) = (
                format!("sandbox.tier={tier}"),
                format!("sandbox.read=[\"{}\"]", s.at("bin").display()),
            );
            s.run(
                0,
                &[
                    "run",
                    "--from-spec",
                    &spec,
                    "--build-provider",
                    "claude",
                    "-c",
                    &program,
                    "-c",
                    &tier_is,
                    "-c",
                    &read,
                ],
            );
            s.assert_landed_once(&["g1"]);
            let found = std::fs::read_to_string(&file).expect("it is there");
            assert_eq!(found, "renewed-log-in-of-7", "{tier}: {renew}");
            for place in [s.project.join("otto_logs"), s.project.join(".git")] {
                let copies = holding(&place, "log-in-of-7");
                assert!(copies.is_empty(), "{tier}: {copies:?}");
            }
        }
    }
}
