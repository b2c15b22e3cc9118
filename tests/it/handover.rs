//! The file that is handed over: checked in a plain clone, with nothing of Otto's there.

use std::path::{Path, PathBuf};

use otto::stage::handover::Packet;
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
    assert_eq!(other.code, 65, "{}", other.stdout);
    assert!(other.stdout.contains("is an earlier landing"), "{}", other.stdout);
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
/// What a stranger types first, and what they are told.
#[test]
fn without_a_commit_it_is_the_one_that_the_packet_is_of() {
    let handed = Handed::new();
    let s = &handed.s;
    let run = |args: &[&str]| s.finish(s.command(args).current_dir(&handed.clone));
    let packet = handed.packet.to_string_lossy().into_owned();
    let tip = s.git_in(&handed.clone, &["rev-parse", "HEAD"]);
    let done = run(&["verify", "--packet", &packet, "--passed"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains(&tip[..10]), "{}", done.stdout);
    // Whoever names another is told which one it is of.
    let done = run(&["verify", "HEAD~1", "--packet", &packet]);
    assert!(done.stdout.contains("not to be believed"), "{}", done.stdout);
    assert!(done.stderr.contains(&format!("the packet is of commit {tip}")), "{}", done.stderr);
    // Nothing of the session is here.
    let done = run(&["verify", "HEAD"]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert!(
        done.stderr.contains("--packet FILE") && !done.stderr.contains("start one"),
        "{}",
        done.stderr
    );
    let done = run(&["verify", "--packet", "/etc/passwd"]);
    assert_eq!(done.code, 65, "{}", done.stdout);
    assert!(!done.stderr.contains("root:"), "{}", done.stderr);
    let done = run(&["verify", "--packet", "nowhere.tar"]);
    assert!(done.stderr.contains("nowhere.tar"), "{}", done.stderr);
}

/// Who asks for a signature gets no yes without one.
#[test]
fn a_packet_without_a_signature_is_by_nobody() {
    let handed = Handed::new();
    let signers = handed.s.at("signers");
    for (text, says) in [
        (Some("ann@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ\n"), "not signed"),
        (Some("# nobody yet\n\n"), "names no signer"),
        (None, "signers"),
    ] {
        drop(std::fs::remove_file(&signers));
        if let Some(text) = text {
            std::fs::write(&signers, text).expect("written");
        }
        let signers = signers.to_string_lossy();
        let done = handed.verify(&handed.packet, &["--allowed-signers", &signers]);
        assert!(![0, 1].contains(&done.code), "{}", done.stdout);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(says), "{said}");
    }
}

/// What is true is one question, whether it is good another.
#[test]
fn a_product_that_did_not_pass_is_true_and_not_passed() {
    let s = Sandbox::project();
    s.agent(r#"mkdir -p g1; [ "$OTTO_GROUP" = g1 ] && echo "done g1" >g1/work || exit 1"#);
    let spec = s.spec(&Shape::of(2));
    s.run(1, &["run", "--from-spec", &spec]);
    let packet = s.at("packet.tar").to_string_lossy().into_owned();
    s.run(0, &["proof", "export", "--out", &packet]);
    for args in [&["verify"][..], &["verify", "--packet", &packet]] {
        assert!(s.run(0, args).stdout.contains(": partial"), "{args:?}");
        s.run(1, &[args, &["--passed"]].concat());
    }
}

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
    assert!(unknown.stdout.contains("signed by an unknown key SHA256:"), "{}", unknown.stdout);
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
    let done = s.run(0, &["verify", "main"]);
    assert!(done.stdout.contains(&s.session()), "{}", done.stdout);
    assert!(
        done.stdout.contains("same g1-tests: passed (1 run, 0 failed, 0 skipped)"),
        "{}",
        done.stdout
    );
    // A check that comes to something else here is told.
    s.on_check("echo 1..1; echo not ok 1; exit 1");
    let done = s.run(1, &["verify"]);
    assert!(done.stdout.contains("BAD  g1-tests: was passed"), "{}", done.stdout);
    let none = s.run(2, &["verify", "main~3"]);
    assert!(none.stderr.contains("no session"), "{}", none.stderr);
}

/// The file alone says which checks there are; they run on the clone's objects, elsewhere.
#[test]
fn the_checks_of_a_packet_run_again_and_leave_nothing_in_the_clone() {
    let handed = Handed::new();
    let s = &handed.s;
    let all = |dir: &Path| {
        let listed = s.prepared("find".as_ref()).arg(".").current_dir(dir).output().expect("find");
        let mut lines: Vec<String> =
            String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (clone, cache) = (all(&handed.clone), all(&s.at("cache")));
    let done = handed.verify(&handed.packet, &["--rerun"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    for group in ["g1", "g2"] {
        let line = format!("same {group}-tests: passed (1 run, 0 failed, 0 skipped) again");
        assert!(done.stdout.contains(&line), "{}", done.stdout);
    }
    assert_eq!(all(&handed.clone), clone);
    assert_eq!(all(&s.at("cache")), cache);
    s.on_check("echo 1..1; echo not ok 1; exit 1");
    let done = handed.verify(&handed.packet, &["--rerun", "--json"]);
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["again"][0]["differs"]["check"], "g1-tests", "{told}");
}

/// An older packet says nothing about a newer commit, and the newer commit says so.
#[test]
fn a_packet_is_of_one_commit() {
    let handed = Handed::new();
    let s = &handed.s;
    std::fs::write(handed.clone.join("later"), "more").expect("written");
    s.git_in(&handed.clone, &["add", "--all"]);
    s.git_in(&handed.clone, &["commit", "--quiet", "-m", "later"]);
    let later = handed.verify(&handed.packet, &[]);
    assert_eq!(later.code, 65, "{}", later.stdout);
    assert!(later.stdout.contains("its Otto-Session says nothing"), "{}", later.stdout);
    // Nor does it help to claim it.
    let body = s.git_in(&handed.clone, &["log", "-1", "--format=%B", "HEAD~1"]);
    s.git_in(&handed.clone, &["commit", "--quiet", "--amend", "-m", &body]);
    let claimed = handed.verify(&handed.packet, &[]);
    assert_eq!(claimed.code, 65, "{}", claimed.stdout);
    assert!(claimed.stdout.contains("is no landing of this packet"), "{}", claimed.stdout);
}

/// Each byte of the small members, and a sample of the large ones: nothing that was changed passes.
#[test]
fn every_byte_of_a_packet_counts() {
    use otto::git::{Project, Repo};
    use otto::stage::handover::{Allowed, check};
    let handed = Handed::new();
    let repo = Repo::open(&Project::discover(&handed.clone).expect("a clone")).expect("it opens");
    let commit = repo.resolve_commit("HEAD").expect("a commit");
    let good = std::fs::read(&handed.packet).expect("a packet");
    let is_good = |bytes: &[u8]| {
        let read = Packet::parse(bytes, "it")?;
        let looked = check(&repo, commit, &read, &Allowed::Nobody)?;
        Ok::<_, otto::base::Error>(looked.problems.is_empty())
    };
    assert!(is_good(&good).expect("it can be read"));
    let mut seed = 7_u64;
    for at in (0..good.len()).step_by(good.len() / 400) {
        // Not the same place in each block, nor the same bit.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let place = (at + (seed >> 33) as usize % 97).min(good.len() - 1);
        let mut bad = good.clone();
        bad[place] ^= 1 << (seed >> 60 & 7);
        assert!(!is_good(&bad).unwrap_or(false), "byte {place} of {}", good.len());
    }
}

/// What came after the last landing is bound by the signature: made again without it, it shows.
#[test]
fn what_was_written_again_behind_a_signature_is_found() {
    if otto::process::on_path("ssh-keygen").is_none() {
        assert!(std::env::var_os("CI").is_none(), "ssh-keygen is not installed");
        return;
    }
    let handed = Handed::new();
    let s = &handed.s;
    let key = s.at("key").to_string_lossy().into_owned();
    let mut made = s.prepared("ssh-keygen".as_ref());
    made.args(["-q", "-t", "ed25519", "-N", "", "-f", &key]);
    assert!(made.status().expect("it starts").success());
    // The key that git signs with, by its public half.
    s.git(&["config", "gpg.format", "ssh"]);
    s.git(&["config", "user.signingkey", &format!("{key}.pub")]);
    let packet = s.at("signed.tar").to_string_lossy().into_owned();
    s.run(0, &["proof", "export", "--out", &packet, "--sign"]);
    let public = std::fs::read_to_string(format!("{key}.pub")).expect("a key");
    std::fs::write(s.at("signers"), format!("ann@example.org {public}")).expect("written");
    s.git_in(
        &handed.clone,
        &["config", "gpg.ssh.allowedSignersFile", &s.at("signers").to_string_lossy()],
    );
    let known = handed.verify(Path::new(&packet), &[]);
    assert_eq!(known.code, 0, "{}{}", known.stdout, known.stderr);
    assert!(known.stdout.contains("signed by ann@example.org"), "{}", known.stdout);
    // Each part of the signature counts, also what its readers forgive.
    let good = std::fs::read(&packet).expect("a packet");
    let begin = b"-----BEGIN SSH SIGNATURE";
    let from = good.windows(begin.len()).position(|w| w == begin).expect("a signature");
    for step in [0, 29, 30, 60, 99, 100, 200, 290] {
        let mut bad = good.clone();
        bad[from + step] ^= 1;
        std::fs::write(s.at("bad.tar"), bad).expect("written");
        let found = handed.verify(&s.at("bad.tar"), &[]);
        assert_eq!(found.code, 65, "byte {step}: {}", found.stdout);
        assert!(found.stdout.contains("attestation.json.sig"), "byte {step}: {}", found.stdout);
    }
    // The session goes on, and its packet is made again: the old signature does not fit it.
    s.run(0, &["audit", "--session", "latest"]);
    let newer = s.at("newer.tar").to_string_lossy().into_owned();
    s.run(0, &["proof", "export", "--out", &newer]);
    let mut mixed = Packet::read(Path::new(&newer)).expect("a packet");
    let signed = Packet::read(Path::new(&packet)).expect("a packet");
    let signature = signed.get("attestation.json.sig").expect("a signature").to_vec();
    mixed.members.insert("attestation.json.sig".into(), signature);
    std::fs::write(s.at("mixed.tar"), tar(&mixed)).expect("written");
    let found = handed.verify(&s.at("mixed.tar"), &[]);
    assert_eq!(found.code, 65, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("BAD  'attestation.json.sig'"), "{}", found.stdout);
}

/// As `otto proof export` writes it.
fn tar(packet: &Packet) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in &packet.members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, name, bytes.as_slice()).expect("a member");
    }
    builder.into_inner().expect("a tar")
}

/// `docs/verify.md` shows a whole statement: it has the keys of a real one.
#[test]
fn the_statement_is_as_documented() {
    fn keys(value: &Value, at: &str, out: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                out.insert(format!("{at}/{key}"));
                keys(value, &format!("{at}/{key}"), out);
            }),
            Value::Array(list) => list.iter().for_each(|value| keys(value, at, out)),
            _ => {}
        }
    }
    let page = include_str!("../../docs/verify.md");
    let (_, rest) = page.split_once("## The statement").expect("a section");
    let (_, rest) = rest.split_once("```json\n").expect("a sample");
    let sample = rest.split("\n```").next().expect("its end");
    let sample: Value = serde_json::from_str(sample).expect("JSON");
    let handed = Handed::new();
    let packet = Packet::read(&handed.packet).expect("a packet");
    let told: Value =
        serde_json::from_slice(packet.get("attestation.json").expect("a member")).expect("JSON");
    let (mut documented, mut real) = Default::default();
    keys(&sample, "", &mut documented);
    keys(&told, "", &mut real);
    assert_eq!(documented, real);
    let tip = handed.s.git(&["rev-parse", &handed.s.integ()]);
    assert_eq!(told["subject"][0]["digest"]["gitCommit"], tip);
    let agents = told["predicate"]["runDetails"]["byproducts"].as_array().expect("a list");
    let agents: Vec<_> = agents
        .iter()
        .filter(|b| b["name"].as_str().is_some_and(|n| n.starts_with("agent:")))
        .collect();
    assert!(!agents.is_empty() && agents.iter().all(|a| a["annotations"]["trusted"] == false));
}
