//! The file that is handed over: checked in a plain clone, with nothing of Otto's there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Done, Sandbox, Shape};

/// A session that passed and landed, its packet, and a plain clone of the product.
struct Handed {
    s: Sandbox,
    clone: PathBuf,
    packet: PathBuf,
}

impl Handed {
    fn new() -> Self {
        let s = Sandbox::project();
        let spec = s.spec(&Shape::of(2));
        s.run(0, &["run", "--from-spec", &spec]);
        s.run(0, &["land"]);
        let packet = s.at("packet.tar");
        s.run(0, &["proof", "export", "--out", &packet.to_string_lossy()]);
        let clone = s.at("clone");
        let from = s.project.to_string_lossy().into_owned();
        s.git(&[
            "clone",
            "--quiet",
            "--no-local",
            "--single-branch",
            &from,
            &clone.to_string_lossy(),
        ]);
        Self { s, clone, packet }
    }

    fn verify(&self, packet: &Path, more: &[&str]) -> Done {
        let packet = packet.to_string_lossy().into_owned();
        let mut args = vec!["verify", "HEAD", "--packet", &packet];
        args.extend(more);
        let mut command = self.s.command(&args);
        self.s.finish(command.current_dir(&self.clone))
    }
}

#[test]
fn a_plain_clone_and_the_file_are_enough() {
    let handed = Handed::new();
    let done = handed.verify(&handed.packet, &["--json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["verdict"], "passed", "{told}");
    assert_eq!(told["problems"], serde_json::json!([]), "{told}");
    assert!(!handed.clone.join("otto_logs").exists(), "nothing is written there");
    assert_eq!(handed.s.git_in(&handed.clone, &["for-each-ref", "refs/otto", "refs/notes"]), "");
    // The same bytes each time.
    let again = handed.s.at("again.tar");
    handed.s.run(0, &["proof", "export", "--out", &again.to_string_lossy()]);
    assert_eq!(
        std::fs::read(&again).expect("a file"),
        std::fs::read(&handed.packet).expect("a file")
    );
    // Another commit is not what this file is about.
    let packet = handed.packet.to_string_lossy().into_owned();
    let mut command = handed.s.command(&["verify", "HEAD~1", "--packet", &packet]);
    let other = handed.s.finish(command.current_dir(&handed.clone));
    assert_eq!(other.code, if other.stdout.contains("BAD") { 65 } else { 0 }, "{}", other.stdout);
    let base = handed.s.git_in(&handed.clone, &["rev-list", "--max-parents=0", "HEAD"]);
    let mut command = handed.s.command(&["verify", &base, "--packet", &packet]);
    let other = handed.s.finish(command.current_dir(&handed.clone));
    assert_eq!(other.code, 65, "{}", other.stdout);
    assert!(other.stdout.contains("Otto-Session"), "{}", other.stdout);
}

/// Bytes all over the file, each changed by itself: every one is found, and the member is named.
#[test]
fn one_flipped_byte_anywhere_is_found_and_named() {
    let handed = Handed::new();
    let good = std::fs::read(&handed.packet).expect("a packet");
    let bad = handed.s.at("bad.tar");
    // Where each member is: a header of 512 bytes, then its bytes, padded.
    let mut places = Vec::new();
    let mut at = 0;
    while good[at] != 0 {
        let text = |from: usize, n: usize| {
            let field = &good[at + from..at + from + n];
            String::from_utf8_lossy(field).trim_end_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124, 12), 8).expect("a size");
        let name = text(0, 100);
        places.extend([at, at + 150].map(|place| (name.clone(), place)));
        places.extend([0, size / 2, size.saturating_sub(1)].map(|n| (name.clone(), at + 512 + n)));
        if size % 512 != 0 {
            places.push((name, at + 512 + size));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    places.push(("its end".into(), good.len() - 1));
    assert!(places.len() > 40, "{places:?}");
    for (name, place) in places {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        std::fs::write(&bad, bytes).expect("written");
        let done = handed.verify(&bad, &[]);
        assert_eq!(done.code, 65, "{name} at {place}: {}{}", done.stdout, done.stderr);
        let said = format!("{}{}", done.stdout, done.stderr);
        let short = name.rsplit('/').next().unwrap_or(&name);
        assert!(
            said.contains(&short[..short.len().min(12)]) || said.contains("is no packet"),
            "{name} at {place} is not named: {said}"
        );
    }
    assert_eq!(handed.verify(&handed.packet, &[]).code, 0);
}

/// A packet that was made consistent again after a change still does not fit the commit.
#[test]
fn a_packet_of_another_session_does_not_fit() {
    let handed = Handed::new();
    let s = &handed.s;
    let spec = s.spec(&Shape::of(3));
    // Two of its groups are there already; the third one lands.
    s.run(1, &["run", "--from-spec", &spec]);
    let later = s.at("later.tar");
    s.run(0, &["proof", "export", "--out", &later.to_string_lossy()]);
    let done = handed.verify(&later, &[]);
    assert_eq!(done.code, 65, "{}", done.stdout);
    assert!(done.stdout.contains("Otto-Session"), "{}", done.stdout);
}

#[test]
fn a_signature_says_whose_it_is() {
    if otto::process::on_path("ssh-keygen").is_none() {
        assert!(std::env::var_os("CI").is_none(), "ssh-keygen is not installed");
        return;
    }
    let handed = Handed::new();
    let s = &handed.s;
    for key in ["ours", "theirs"] {
        let path = s.at(key).to_string_lossy().into_owned();
        let mut made = s.prepared("ssh-keygen".as_ref());
        made.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", &path]);
        assert!(made.status().expect("it starts").success());
    }
    let public = std::fs::read_to_string(s.at("ours.pub")).expect("a key");
    std::fs::write(s.at("signers"), format!("ann@example.org {public}")).expect("written");
    let signed = s.at("signed.tar");
    let out = signed.to_string_lossy().into_owned();
    let signers = s.at("signers").to_string_lossy().into_owned();
    s.run(2, &["proof", "export", "--out", &out, "--sign"]);
    s.run(
        0,
        &["proof", "export", "--out", &out, "--sign", "--key", &s.at("ours").to_string_lossy()],
    );
    let unknown = handed.verify(&signed, &[]);
    assert_eq!(unknown.code, 0, "{}{}", unknown.stdout, unknown.stderr);
    assert!(unknown.stdout.contains("was not checked"), "{}", unknown.stdout);
    let known = handed.verify(&signed, &["--allowed-signers", &signers]);
    assert_eq!(known.code, 0, "{}{}", known.stdout, known.stderr);
    assert!(known.stdout.contains("signed by ann@example.org"), "{}", known.stdout);
    s.run(
        0,
        &["proof", "export", "--out", &out, "--sign", "--key", &s.at("theirs").to_string_lossy()],
    );
    let stranger = handed.verify(&signed, &["--allowed-signers", &signers]);
    assert_eq!(stranger.code, 65, "{}", stranger.stdout);
    assert!(stranger.stdout.contains("none of the allowed signers"), "{}", stranger.stdout);
}

#[test]
fn a_commit_leads_to_its_session_and_its_checks_run_again() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s.run(0, &["land"]);
    let done = s.run(0, &["verify", "main", "--rerun"]);
    assert!(done.stdout.contains(&s.session()), "{}", done.stdout);
    assert!(
        done.stdout.contains("same g1-tests: passed (1 run, 0 failed, 0 skipped)"),
        "{}",
        done.stdout
    );
    // A check that comes to something else here is told.
    s.on_check("echo 1..1; echo not ok 1; exit 1");
    let done = s.run(1, &["verify", "--rerun"]);
    assert!(done.stdout.contains("BAD  g1-tests: was passed"), "{}", done.stdout);
    let none = s.run(2, &["verify", "main~3"]);
    assert!(none.stderr.contains("no session"), "{}", none.stderr);
}
