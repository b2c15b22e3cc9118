//! The page against a good packet and a hostile one.

use super::*;

const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");
const BAD: &str = include_str!("../../../../tests/fixtures/proof/bad.json");

fn page(json: &str) -> String {
    html(&ProofPacket::from_json(json).expect("a sample parses")).expect("it renders")
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
    assert!(!low.contains("<script") && !low.contains("<img") && !low.contains("<iframe"));
    assert!(low.contains("&lt;script&gt;"));
    assert_eq!(low.matches("</style").count(), 1);
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{2067}', '\u{7}']));
    assert!(page.contains("[U+202E]"));
    let quoted = regex::Regex::new("\"[^\"]*\"").expect("a pattern");
    let handler = regex::Regex::new(r"\son[a-z]+\s*=").expect("a pattern");
    for tag in tags(&page) {
        // What stands inside of quotes is text.
        assert!(!handler.is_match(&quoted.replace_all(&tag, "")), "{tag}");
    }
    // No angle bracket is left that is not one of a tag.
    let rest = tag_pattern().replace_all(&page, "").replace(STYLE, "");
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
    let page = html(&packet).expect("it renders");
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
    assert!(html(&packet).expect("it renders").contains("Nothing landed."));
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
    let page = html(&packet).expect("it renders");
    assert_eq!(page.matches("class=\"node good\"").count(), 1000);
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
}
