//! The page against a good packet and a hostile one.

mod words;

use super::*;
use crate::stage::render::change::Change;
use crate::stage::render::exhibit::tests;
use crate::stage::render::packet::{
    CheckOutcome, Feature, FeatureVerdict, Judge, Judged, JudgedWord, Severity, StruckCitation,
    Word,
};

const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");
const BAD: &str = include_str!("../../../../tests/fixtures/proof/bad.json");

fn page(json: &str) -> String {
    html(&ProofPacket::from_json(json).expect("a sample parses"), &Exhibits::default())
        .expect("it renders")
}

#[test]
fn backticks_become_code_and_nothing_else_does() {
    assert_eq!(prose("run `a <b>` now"), "run <code>a &lt;b&gt;</code> now");
    assert_eq!(prose("one ` only <b>"), "one ` only &lt;b&gt;");
    assert_eq!(prose("``` x"), "``` x");
    assert_eq!(prose("a `b\n` c"), "a `b\n` c");
}

fn tag_pattern() -> regex::Regex {
    regex::Regex::new(r#"<[a-zA-Z!/](?:[^<>"]|"[^"]*")*>"#).expect("a pattern")
}

/// All start tags of the page, lower case.
fn tags(page: &str) -> Vec<String> {
    tag_pattern().find_iter(page).map(|m| m.as_str().to_lowercase()).collect()
}

#[test]
fn every_reason_and_limit_is_on_the_page() {
    for json in [SAMPLE, BAD] {
        let packet = ProofPacket::from_json(json).expect("a sample parses");
        let page = page(json);
        let reasons = packet
            .verdict
            .reasons
            .iter()
            .flat_map(|r| std::iter::once(r.text.as_str()).chain(r.subject.as_deref()));
        let features = packet.features.iter().flat_map(|f| &f.reasons).map(String::as_str);
        let limits = packet.sandbox.limits.iter().chain(&packet.not_verified);
        for text in reasons.chain(features).chain(limits.map(String::as_str)) {
            assert!(page.contains(&escape(text)), "{text}");
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let page = page(BAD);
    let low = page.to_lowercase();
    assert!(!low.contains("<img"));
    assert!(low.contains("&lt;script&gt;"));
    assert!(page.contains("[U+202E]"));
    stays_text(&page);
}

/// Nothing on the page is markup but ours.
fn stays_text(page: &str) {
    let low = page.to_lowercase();
    assert!(!low.contains("<script") && !low.contains("<iframe") && !low.contains("<object"));
    assert_eq!(low.matches("</style").count(), 1);
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{2067}', '\u{7}']));
    let quoted = regex::Regex::new("\"[^\"]*\"").expect("a pattern");
    let handler = regex::Regex::new(r"\son[a-z]+\s*=").expect("a pattern");
    for tag in tags(page) {
        if let Some((_, src)) = tag.split_once(" src=\"") {
            let (src, _) = src.split_once('"').expect("an end");
            let data = src.strip_prefix("data:image/png;base64,").expect("a picture of ours");
            assert!(data.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)));
        }
        // What stands inside of quotes is text.
        assert!(!handler.is_match(&quoted.replace_all(&tag, "")), "{tag}");
    }
    // No angle bracket is left that is not one of a tag.
    let rest = tag_pattern().replace_all(page, "").replace(STYLE, "");
    assert!(!rest.contains(['<', '>']));
}

#[test]
fn nothing_is_loaded_and_every_link_stays_on_the_page() {
    for json in [SAMPLE, BAD] {
        let page = page(json);
        assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
        assert!(!STYLE.contains("@import") && !STYLE.contains("http"));
        let ids: Vec<String> = values_of(&page, "id");
        for tag in tags(&page) {
            for name in ["src", "srcset", "data", "action", "poster", "xlink:href"] {
                assert!(!tag.contains(&format!(" {name}=")), "{tag}");
            }
        }
        for link in values_of(&page, "href") {
            let id = link.strip_prefix('#').expect("a link within the page");
            assert!(ids.iter().any(|i| i == id), "{link}");
        }
        let labels = values_of(&page, "aria-labelledby");
        for id in labels.iter().flat_map(|l| l.split(' ')) {
            assert!(ids.iter().any(|i| i == id), "{id}");
        }
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
    }
}

/// The values of one attribute, in order.
fn values_of(page: &str, name: &str) -> Vec<String> {
    let at = regex::Regex::new(&format!(r#"\s{name}="([^"]*)""#)).expect("a pattern");
    let found = tags(page)
        .into_iter()
        .flat_map(|tag| at.captures_iter(&tag).map(|c| c[1].to_owned()).collect::<Vec<_>>());
    found.collect()
}

#[test]
fn headings_go_down_one_level_at_a_time() {
    for json in [SAMPLE, BAD] {
        let mut last = 0;
        for tag in tags(&page(json)) {
            let Some(level) = tag.strip_prefix("<h").and_then(|t| t[..1].parse::<u8>().ok()) else {
                continue;
            };
            assert!(level <= last + 1, "{tag} after h{last}");
            last = level;
        }
    }
}

#[test]
fn the_same_packet_is_the_same_page() {
    assert!(page(SAMPLE) == page(SAMPLE));
}

#[test]
fn what_was_not_reported_is_never_zero() {
    let page = page(BAD);
    assert!(page.contains("not reported"));
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    packet.usage.retain(|role, _| role == "build");
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    assert!(!page.contains("$0.00"));
}

#[test]
fn an_empty_session_has_a_page() {
    let mut packet = ProofPacket::from_json(BAD).expect("a sample parses");
    packet.features.clear();
    packet.groups.clear();
    packet.landings.clear();
    packet.checks.clear();
    packet.timeline.clear();
    packet.findings.clear();
    packet.usage.clear();
    packet.tip = None;
    assert!(html(&packet, &Exhibits::default()).expect("it renders").contains("Nothing landed."));
}

#[test]
fn a_thousand_groups_have_a_page() {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    let one = packet.groups[0].clone();
    packet.groups = (0..1000_usize)
        .map(|n| {
            let deps = (1..4).filter_map(|d| n.checked_sub(d * 37)).map(|d| format!("g{d}"));
            super::super::packet::Group { id: format!("g{n}"), deps: deps.collect(), ..one.clone() }
        })
        .collect();
    let page = html(&packet, &Exhibits::default()).expect("it renders");
    assert_eq!(page.matches("class=\"node good\"").count(), 1000);
}

/// Relative luminance (WCAG 2.2, 1.4.3).
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hex")) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn every_text_can_be_read_in_light_and_dark() {
    let names = regex::Regex::new(r"--([a-z-]+): (#[0-9a-f]{6});").expect("a pattern");
    let (light, dark) =
        STYLE.split_once("@media screen and (prefers-color-scheme: dark)").expect("both");
    let (dark, _) = dark.split_once("*, *::before").expect("an end");
    for (mode, text) in [("light", light), ("dark", dark)] {
        let palette: std::collections::BTreeMap<&str, f64> = names
            .captures_iter(text)
            .map(|c| (c.get(1).expect("a name").as_str(), luminance(&c[2])))
            .collect();
        let tones = ["good", "warn", "bad", "grey"];
        let mut pairs: Vec<(String, String)> = Vec::new();
        for ground in ["paper", "panel", "faint", "code"] {
            pairs.extend(["ink", "soft", "link"].map(|t| (t.to_owned(), ground.to_owned())));
        }
        for tone in tones {
            let own = format!("{tone}-bg");
            pairs.extend([
                (tone.into(), own.clone()),
                (tone.into(), "panel".into()),
                (tone.into(), "paper".into()),
            ]);
            pairs.extend([("ink".into(), own.clone()), ("soft".into(), own)]);
        }
        for (fore, ground) in pairs {
            let (a, b) = (palette[fore.as_str()], palette[ground.as_str()]);
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{mode}: {fore} on {ground} is {contrast:.2}");
        }
    }
}

/// The certifier says `why` of the first feature, and cites what is not there.
fn say(packet: &mut ProofPacket, why: &str, cited: &str) {
    let feature = packet.features[0].id.clone();
    packet.audit.struck_citations = vec![StruckCitation {
        judge: Judge::Certifier,
        cited: cited.into(),
        by: format!("feature {feature}"),
    }];
    packet.audit.judged = [JudgedWord::Partial, JudgedWord::Passed, JudgedWord::Nothing]
        .map(|word| Judged {
            judge: Judge::Certifier,
            provider: "claude".into(),
            feature: feature.clone(),
            word,
            severity: Severity::Low,
            why: why.into(),
            evidence: vec!["sha256:0123456789abcdef".into()],
        })
        .to_vec();
}

/// A session with every kind of evidence, failures, long names and many features.
fn rich() -> (ProofPacket, Exhibits) {
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    let mut exhibits = Exhibits::default();
    let shots: Vec<Vec<u8>> = [[230, 236, 245], [250, 240, 220], [225, 240, 228], [248, 225, 224]]
        .iter()
        .map(|colour| tests::png(320, 200, *colour))
        .collect();
    let views: Vec<&[u8]> = shots.iter().map(Vec::as_slice).collect();
    let record = tests::journey("buys-tea", &views, "the text \"Saved\" did not appear within 5 s");
    let mut pieces = vec![&record[..]];
    pieces.extend(&views);
    tests::add(&mut packet, &mut exhibits, "buys-tea", "browser_journey", &pieces);
    let record = tests::api("items-api", &["status: expected 200, no answer came"]);
    tests::add(&mut packet, &mut exhibits, "items-api", "api_probe", &[&record]);
    let bench = b"$ ./bench --runs 25\n80\n--- exit 0\n";
    tests::add(&mut packet, &mut exhibits, "fast", "metric", &[bench, &tests::metric("fast")]);
    let long: String = (0..400).map(|n| format!("line {n}: working on it\n")).collect();
    let told = format!(
        "$ make test\n# CI=true\n{long}--- standard error\nwarning: deprecated\n--- exit 2\n"
    );
    tests::add(&mut packet, &mut exhibits, "all-tests", "repo_test", &[told.as_bytes()]);
    let values = br#"{"expr": "db.users | length > 0", "values": {"db": {"users": []}}}"#;
    tests::add(&mut packet, &mut exhibits, "has-users", "state_invariant", &[values]);
    for (n, run) in packet.checks.iter_mut().rev().take(5).enumerate() {
        run.expects = vec!["status 201".into(), "`$.title` is `\"Tea\"`".into()];
        if n > 2 {
            run.outcome = CheckOutcome::Failed;
            run.reason = "expectation".into();
            run.detail = "step 4: the text \"Saved\" did not appear".into();
        }
    }
    let checks = ["buys-tea", "items-api", "fast", "all-tests", "has-users"];
    packet.features[0].checks.extend(checks.map(str::to_owned));
    packet.features[0].verdict = FeatureVerdict::Failed;
    packet.features[0].reasons = vec!["`buys-tea` failed on the integrated product.".into()];
    packet.features[1].checks.push("items-api".into());
    packet.verdict.word = Word::Failed;
    let one = packet.features[2].clone();
    for n in packet.features.len()..30 {
        let name = format!(
            "A feature with a name that goes on and on, number {n}: SupercalifragilisticexpialidociousAntidisestablishmentarianism_{n}"
        );
        packet.features.push(Feature { id: format!("f{n}"), name, ..one.clone() });
    }
    packet.sandbox.tier = "worktree".into();
    packet.audit.struck = 2;
    say(
        &mut packet,
        "A wrong password is `refused`, and nobody tried an empty one.",
        "sha256:feed",
    );
    let mut then = packet.clone();
    then.session = "20261101-101112-abcd".parse().expect("an id");
    then.features[0].verdict = FeatureVerdict::Passed;
    then.features[3].verdict = FeatureVerdict::Failed;
    then.features.remove(5);
    then.verdict.word = Word::Partial;
    packet.since = Some(Change::between(&then, &packet));
    (packet, exhibits)
}

#[test]
fn a_feature_has_a_page_with_all_that_shows_it() {
    let (packet, exhibits) = rich();
    let page = html(&packet, &exhibits).expect("it renders");
    let (_, mine) = page.split_once("id=\"feature-1\"").expect("a page");
    let (mine, _) = mine.split_once("id=\"feature-2\"").expect("another page");
    for there in [
        "class=\"shot bad\"",
        "src=\"data:image/png;base64,",
        "<b>POST</b> <code>/items</code>",
        "<b>no answer</b>",
        "status: expected 200, no answer came",
        "<svg class=\"samples\"",
        "db.users | length &gt; 0",
        "$ </span><code>make test</code>",
        "warning: deprecated",
        "undefined is not a function",
        "Who asked for it",
        "commit of the attempt",
        "commit that landed",
    ] {
        assert!(mine.contains(there), "{there}");
    }
    assert!(
        mine.contains(&escape(&packet.intent))
            && mine.contains(&prose(&packet.features[0].acceptance[0]))
    );
    // What two features share is shown once.
    assert_eq!(page.matches("<b>POST</b> <code>/items</code>").count(), 1);
    assert_eq!(page.matches("data:image/png").count(), 4);
    assert!(page.contains("is on the page of <a href=\"#feature-1\">"));
}

#[test]
fn what_changed_and_what_to_beware_of_is_on_the_front() {
    let (packet, exhibits) = rich();
    let page = html(&packet, &exhibits).expect("it renders");
    let (front, _) = page.split_once("id=\"feature-1\"").expect("a front");
    for there in [
        "20261101-101112-abcd",
        "no longer passed",
        "newly passed",
        "not there then",
        "tier <code>worktree</code>",
        "cited 2 pieces of evidence",
        "is not signed",
    ] {
        assert!(front.contains(there), "{there}");
    }
    let warned = front.matches("!</span>warning").count();
    assert!(warned >= 4, "{warned}");
}

#[test]
fn evidence_cannot_leave_its_place() {
    let evil = "</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"x\u{202e}\u{1b}[31m";
    let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
    let mut exhibits = Exhibits::default();
    let shot = tests::png(4, 4, [1, 2, 3]);
    let replace = |bytes: Vec<u8>, words: &[&str]| {
        let mut text = String::from_utf8(bytes).expect("JSON");
        let inner = serde_json::to_string(evil).expect("a string");
        for word in words {
            assert!(text.contains(word), "{word}");
            text = text.replace(word, &inner[1..inner.len() - 1]);
        }
        text.into_bytes()
    };
    let api = replace(
        tests::api("x", &["wrong"]),
        &["POST", "/items/7", "content-type", "wrong-not", "Tea"][..3],
    );
    let journey = replace(
        tests::journey("y", &[&shot], "oh"),
        &[
            "click role",
            "oh",
            "http://127.0.0.1:4411/",
            "Chromium 150.0",
            "app.js:3",
            "/icon.png",
            "undefined is",
        ],
    );
    let metric = replace(tests::metric("z"), &["p95_ms < 100", "median", "\"ms\",\"v"][..2]);
    tests::add(&mut packet, &mut exhibits, "x", "api_probe", &[&api]);
    tests::add(&mut packet, &mut exhibits, "y", "browser_journey", &[&journey, &shot]);
    let told = format!("$ {evil}\n# A={evil}\n{evil}\n--- standard error\n{evil}\n--- {evil}\n");
    tests::add(&mut packet, &mut exhibits, "z", "metric", &[told.as_bytes(), &metric]);
    for run in packet.checks.iter_mut().rev().take(3) {
        run.expects = vec![evil.into()];
        run.detail = evil.into();
    }
    packet.features[0].checks = vec!["x".into(), "y".into(), "z".into()];
    packet.features[0].name = evil.into();
    say(&mut packet, evil, evil);
    let mut then = packet.clone();
    then.features[0].verdict = FeatureVerdict::Failed;
    then.findings.clear();
    packet.findings[0].text = evil.into();
    packet.since = Some(Change::between(&then, &packet));
    let page = html(&packet, &exhibits).expect("it renders");
    assert!(page.matches("alert(1)").count() > 20, "all of it is there, as text");
    stays_text(&page);
}

#[test]
fn a_thousand_features_have_a_page() {
    let (mut packet, exhibits) = rich();
    let one = packet.features[2].clone();
    packet.features = (0..1000).map(|n| Feature { id: format!("f{n}"), ..one.clone() }).collect();
    let page = html(&packet, &exhibits).expect("it renders");
    assert_eq!(page.matches("class=\"fpage\"").count(), 1000);
    assert!(page.len() < 12 << 20, "{}", page.len());
}

/// `OTTO_PROOF_OUT=DIR cargo test proof_pages` writes the pages there, to be looked at.
#[test]
fn proof_pages_for_the_eye() {
    let Some(dir) = std::env::var_os("OTTO_PROOF_OUT").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, json) in [("sample", SAMPLE), ("bad", BAD)] {
        std::fs::write(dir.join(format!("{name}.html")), page(json)).expect("it is written");
    }
    let (packet, exhibits) = rich();
    std::fs::write(dir.join("rich.html"), html(&packet, &exhibits).expect("it renders"))
        .expect("it is written");
}
