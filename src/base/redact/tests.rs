//! Every shape, whole and in pieces, where it is usually printed; and what must not be hidden.

use proptest::prelude::*;
use serde_json::json;

use super::corpus::{Sample, private_key, samples};
use super::{Redactor, Secrets};

fn shapes() -> Secrets {
    Secrets::default()
}

/// Nothing longer than a fragment that helps nobody is left of a secret.
fn assert_gone(shown: &str, secret: &str, what: &str) {
    let shown = &shown.replace(&format!("[{what} hidden]"), "[hidden]");
    for piece in secret.split('\n').filter(|p| !p.starts_with("---")) {
        let bytes = piece.as_bytes();
        for at in (0..bytes.len().saturating_sub(7)).filter(|at| piece.is_char_boundary(*at)) {
            let part = &piece[at..at + 8];
            assert!(!shown.contains(part), "{what}: '{part}' is left in\n{shown}");
        }
    }
}

fn in_pieces(mut redactor: Redactor, pieces: &[&[u8]]) -> String {
    let mut out = Vec::new();
    pieces.iter().for_each(|piece| redactor.take(piece, &mut out));
    redactor.finish(&mut out);
    String::from_utf8(out).expect("text")
}

fn secret_body(s: &Sample) -> &str {
    // What a header of a key says of the cipher is no secret.
    s.secret.rsplit("\n\n").next().unwrap_or(&s.secret).trim_start_matches("PRIVATE KEY-----\n")
}

#[test]
fn every_shape_is_hidden_by_its_name_and_nothing_beside_it() {
    for s in samples() {
        for (before, after) in [
            ("", ""),
            ("see ", " there"),
            ("a=\"", "\"\n"),
            ("\u{1b}[31m", "\u{1b}[0m"),
            ("x\\n", "\\n"),
        ] {
            let text = format!("{before}{}{after}", s.text());
            let wanted = format!("{before}{}[{} hidden]{}{after}", s.before, s.name, s.after);
            assert_eq!(shapes().hide(&text), wanted, "{text}");
        }
    }
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    for s in samples() {
        let text = format!("one line\nkey {} and more\n", s.text());
        let whole = shapes().hide(&text);
        for at in 0..=text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            let shown = in_pieces(shapes().stream(), &[a, b]);
            assert_eq!(shown, whole, "cut at {at}: {}", s.name);
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(in_pieces(shapes().stream(), &bytes), whole, "byte by byte: {}", s.name);
    }
}

#[test]
fn in_json_in_json_and_in_a_diff() {
    for s in samples() {
        let message = json!({"m": {"output": format!("found: {}\nbye", s.text())}});
        let once = message.to_string();
        let twice = json!({"line": once}).to_string();
        let body = secret_body(&s);
        for text in [once.clone(), twice] {
            let shown = shapes().hide(&text);
            assert_gone(&shown, body, &s.name);
            assert!(shown.contains("bye"), "{shown}");
        }
        let hidden = shapes().hide_json(&message);
        let shown = hidden["m"]["output"].as_str().expect("text");
        assert_eq!(shown, format!("found: {}[{} hidden]{}\nbye", s.before, s.name, s.after));
        let diff: String = s.text().lines().map(|l| format!("+{l}\n")).collect();
        let shown = shapes().hide(&format!("@@ -0,0 +1 @@\n{diff} fn main() {{}}\n"));
        assert_gone(&shown, body, &s.name);
        assert!(shown.ends_with(" fn main() {}\n"), "{shown}");
    }
}

#[test]
fn a_private_key_printed_in_other_ways() {
    let key = private_key("RSA ", "");
    let body = secret_body(&key);
    let lines: Vec<&str> = Vec::from_iter(key.before.lines().chain(key.secret.lines()));
    let text = key.text();
    let numbered: String =
        text.lines().enumerate().map(|(n, l)| format!("{:6}\t{l}\n", n + 1)).collect();
    let messages: String =
        text.lines().map(|l| format!("{}\n", json!({"event": "text", "text": l}))).collect();
    let listed = json!({"key": text.lines().collect::<Vec<_>>()}).to_string();
    let code = text.lines().map(|l| format!("    \"{l}\\n\" +\n")).collect::<String>();
    assert!(lines.len() > 10);
    for printed in [numbered, messages, listed, code] {
        assert_gone(&shapes().hide(&printed), body, &printed);
    }
    // The end is missing: ordinary text goes on after it.
    let cut = text.split("-----END").next().expect("a part").to_owned();
    let after = "and then it said a lot of other things, one after the other, in plain words, \
                 for as long as it took to be sure";
    let shown = shapes().hide(&format!("{cut}{after}"));
    assert_gone(&shown, body, "cut");
    assert!(shown.ends_with("for as long as it took to be sure"), "{shown}");
}

#[test]
fn known_values_in_every_form() {
    let value = "pass \"word\"/ü+1\nsecond line";
    let secrets = Secrets::of([("DB".to_owned(), value.to_owned())]);
    let once = json!(value).to_string();
    let twice = json!({"t": once}).to_string();
    use base64::Engine;
    let encode = |t: String| base64::engine::general_purpose::STANDARD.encode(t);
    let hex: String = value.bytes().map(|b| format!("{b:02x}")).collect();
    for text in [
        value.to_owned(),
        once,
        twice,
        hex,
        "pass%20%22word%22%2F%C3%BC%2B1%0Asecond%20line".into(),
    ] {
        let shown = secrets.hide(&format!("<{text}>"));
        assert!(shown.contains("[DB hidden]"), "{text}: {shown}");
        assert!(!shown.contains("word") && !shown.contains("second"), "{shown}");
    }
    for before in ["", "a", "ab", "user:"] {
        let shown = secrets.hide(&encode(format!("{before}{value}:x")));
        assert!(shown.contains("[DB hidden]") && shown.len() < 30, "{before}: {shown}");
    }
    let value: String =
        (0..90_u32).map(|n| crate::base::Sha256::of(&n.to_le_bytes()).to_string()).collect();
    let long = Secrets::of([("LONG".to_owned(), value.clone())]);
    let printed = format!("say {value} end");
    let bytes: Vec<&[u8]> = printed.as_bytes().chunks(7).collect();
    let shown = in_pieces(long.stream(), &bytes);
    assert_eq!(shown.replace("[LONG hidden]", ""), "say  end");
    assert!(!format!("{secrets:?}").contains("word"));
}

#[test]
fn values_that_stand_everywhere_are_no_secrets() {
    let pairs = [("A_TOKEN", "false"), ("B_TOKEN", "100000"), ("C_TOKEN", "abc")];
    let secrets = Secrets::of(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())));
    assert_eq!(secrets.hide("false 100000 abc"), "false 100000 abc");
}

#[test]
fn a_line_without_an_end_is_held_in_bounded_memory() {
    let secrets = Secrets::of([("K".to_owned(), "s3cret-value-0".to_owned())]);
    let key = samples().into_iter().find(|s| s.name == "anthropic key").expect("one");
    for unit in
        ["x", "eyJ", "sk-", "://", "token=", "a:b@", "-----BEGIN PRIVATE KEY-----", "s3cret-"]
    {
        let mut redactor = secrets.stream();
        let mut out = Vec::new();
        let chunk = unit.repeat(1 + 8192 / unit.len());
        for _ in 0..40 {
            redactor.take(chunk.as_bytes(), &mut out);
            assert!(redactor.held() <= 2048, "{unit}: {}", redactor.held());
        }
        redactor.take(format!(" {} ", key.secret).as_bytes(), &mut out);
        redactor.finish(&mut out);
        let shown = String::from_utf8(out).expect("text");
        let end = &shown[shown.len() - 80..];
        assert!(end.trim_end().ends_with(" hidden]") && !end.contains("sk-ant"), "{unit}: {end}");
    }
    // A token that never ends is hidden to its end and not kept.
    let mut redactor = secrets.stream();
    let mut out = Vec::new();
    redactor.take(key.secret.as_bytes(), &mut out);
    for _ in 0..1000 {
        redactor.take(&[b'a'; 10_000], &mut out);
        assert!(redactor.held() == 0);
    }
    redactor.take(b" end", &mut out);
    redactor.finish(&mut out);
    assert_eq!(String::from_utf8(out).expect("text"), "[anthropic key hidden] end");
}

/// No text makes the rules look at each of its bytes many times: not one that is full of anchors.
#[test]
fn what_is_looked_at_is_bounded_by_the_length_of_a_text() {
    use super::scan::LOOKED_AT;
    const LEN: usize = 1_500;
    let mut units = vec!["-----BEGIN PRIVATE KEY-----".to_owned(), "a:b@".into(), "x".into()];
    for anchor in super::rules::RULES.iter().flat_map(|rule| rule.anchors) {
        for end in
            ["", "-", "_", "a1", "=", "=*", "x9B", ".", "/", ":", " ", "=a1b", "-Abcdefghijk1."]
        {
            units.extend([format!("{anchor}{end}"), format!("-{anchor}{end}")]);
        }
        // A run of them that ends well, or not.
        for (n, last) in [(20, "Ab1"), (250, "Ab1"), (250, "-")] {
            units.push(format!("{}.{}", format!("-{anchor}").repeat(n), last.repeat(13)));
        }
    }
    let mut most = (0.0, String::new());
    for unit in units {
        let text = unit.repeat(1 + LEN / unit.len());
        LOOKED_AT.with(|n| n.set(0));
        shapes().hide_bytes(text.as_bytes());
        let times = LOOKED_AT.with(std::cell::Cell::get) as f64 / text.len() as f64;
        if times > most.0 {
            most = (times, unit);
        }
    }
    println!("at most {:.0} times, in '{}'", most.0, &most.1[..most.1.len().min(40)]);
    assert!(most.0 < 64.0, "{most:?}");
}

/// Everything in this repository that is text, and its like: figures in docs/redaction.md.
#[test]
fn ordinary_code_is_shown_as_it_is() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut bytes, mut files, mut wrong) = (0, 0, Vec::new());
    for dir in [
        "src",
        "bin",
        "docs",
        "tests",
        "benches",
        "man",
        "prompts",
        "templates",
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "CHANGELOG.md",
        "Makefile",
    ] {
        for entry in walkdir::WalkDir::new(root.join(dir)).into_iter().flatten() {
            if !entry.file_type().is_file() {
                continue;
            }
            if entry.path().ends_with("fixtures/secrets/shapes.txt") {
                continue;
            }
            let text = std::fs::read(entry.path()).expect("a file");
            files += 1;
            bytes += text.len();
            if shapes().hide_bytes(&text) != text {
                let text = String::from_utf8_lossy(&text).into_owned();
                let lines = text.lines().filter(|l| shapes().hide(l) != **l);
                // Passwords that tests made up are what they look like.
                let lines = lines.filter(|l| !l.contains("hunter22"));
                wrong.extend(lines.map(|l| format!("{}: {l}", entry.path().display())));
            }
        }
    }
    for text in look_alikes() {
        bytes += text.len();
        let shown = shapes().hide(&text);
        let lines = shown.lines().zip(text.lines()).filter(|(a, b)| a != b);
        wrong.extend(lines.map(|(shown, _)| shown.chars().take(300).collect()));
    }
    println!("{} false positives in {files} files, {bytes} bytes", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lock files, hashes, identifiers and pictures, by the thousand.
fn look_alikes() -> Vec<String> {
    use base64::Engine;
    let hash = |n: u32| crate::base::Sha256::of(&n.to_le_bytes()).to_string();
    let mut lock = String::from("{\"packages\": {\n");
    let mut shas = String::new();
    let mut uuids = String::new();
    let mut image = Vec::new();
    for n in 0..4000 {
        let h = hash(n);
        let raw: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&h[i * 2..i * 2 + 2], 16).expect("hex")).collect();
        let b64 = base64::engine::general_purpose::STANDARD.encode([&raw[..], &raw[..]].concat());
        lock.push_str(&format!(
            "\"node_modules/token-{n}\": {{\"version\": \"1.{n}.0\", \"resolved\": \"https://npm.example/token/-/token-1.{n}.0.tgz\", \"integrity\": \"sha512-{b64}==\"}},\n"
        ));
        shas.push_str(&format!(
            "{} task: keep {}\nsecret_sha256 of {}\n",
            &h[..40],
            &h[..7],
            &h[..12]
        ));
        uuids.push_str(&format!(
            "id={}-{}-{}-{}-{}\n",
            &h[..8],
            &h[8..12],
            &h[12..16],
            &h[16..20],
            &h[20..32]
        ));
        image.extend_from_slice(&raw);
    }
    let picture = format!(
        "<img src=\"data:image/png;base64,{}\">",
        base64::engine::general_purpose::STANDARD.encode(&image)
    );
    let words = "git clone ssh://git@host/x; see https://user:password@example.com/ and http://{user}:{pass}@host, \
                 https://localhost:8080/a@b, mailto:a@b, password = os.environ['PASSWORD'], token: String, \
                 let secret = vault.read(path_to_the_secret_2)?; Authorization: Bearer <token>; TOKEN=$(cat file_1) \
                 risk-management-and-other-things-2024; task-0123-disk-4567-desk; AKIA is a prefix; key=sk-example";
    vec![lock, shas, uuids, picture, words.to_owned()]
}

proptest! {
    /// However a text is cut, the same is shown, and what is no secret is shown as it is.
    #[test]
    fn pieces_are_as_good_as_the_whole(
        before in "[ -~\n]{0,60}", after in "[ -~\n]{0,60}", which in 0usize..1000,
        cuts in prop::collection::vec(1usize..40, 1..40),
    ) {
        let all = samples();
        let sample = &all[which % all.len()];
        let text = format!("{before} {} {after}", sample.text());
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        prop_assert_eq!(in_pieces(shapes().stream(), &pieces), shapes().hide(&text));
    }
}

/// Megabytes a second: `cargo test --release --lib -- --ignored --nocapture redact::tests::speed`.
#[test]
#[ignore = "prints a figure"]
fn speed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = Vec::new();
    for entry in walkdir::WalkDir::new(root.join("src")).into_iter().flatten() {
        if entry.file_type().is_file() {
            text.extend(std::fs::read(entry.path()).expect("a file"));
        }
    }
    let text = text.repeat(1 + (32 << 20) / text.len());
    let values = (0..20).map(|n| (format!("V{n}"), format!("{}", crate::base::Sha256::of(&[n]))));
    let secrets = Secrets::of(values);
    for (what, chunk) in
        [("whole", text.len()), ("64 KiB", 64 << 10), ("4 KiB", 4 << 10), ("100 B", 100)]
    {
        let started = std::time::Instant::now();
        let mut redactor = secrets.stream();
        let mut out = Vec::with_capacity(text.len());
        text.chunks(chunk).for_each(|c| redactor.take(c, &mut out));
        redactor.finish(&mut out);
        let rate = text.len() as f64 / 1e6 / started.elapsed().as_secs_f64();
        println!("{what:>8}: {rate:.0} MB/s");
    }
}
