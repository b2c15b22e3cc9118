//! The proof as one page: no network, no script, nothing of an agent's text left unescaped.

use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, context};

use super::escape::escape;
use super::packet::ProofPacket;
use super::view::View;
use super::{svg_dag, svg_timeline, values};
use crate::base::{Error, error::Context};

const PAGE: &str = include_str!("../../../templates/proof.html");
const STYLE: &str = include_str!("../../../templates/proof.css");

/// `proof-packet.html`. The same packet gives the same bytes.
///
/// An error is a bug of the template (70): the packet is typed, so no content can cause one.
pub fn html(packet: &ProofPacket) -> Result<String, Error> {
    let bug = || "cannot render the proof page".to_owned();
    let mut env = Environment::new();
    // An error must not carry the whole packet into a log.
    env.set_debug(false);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_formatter(write_escaped);
    env.add_filter("when", |at: &str| values::when(at));
    env.add_filter("clock", |at: &str| values::clock(at));
    env.add_filter("short", |hash: &str| values::short(hash));
    env.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    env.add_filter("thousands", values::thousands);
    env.add_filter("bytes", values::bytes);
    env.add_template("proof.html", PAGE).or_bug(bug)?;
    let view = serde_json::to_value(View::of(packet)).or_bug(bug)?;
    let page = env.get_template("proof.html").or_bug(bug)?;
    page.render(context! {
        v => values::template_value(&view),
        style => Value::from_safe_string(STYLE.to_owned()),
        dag => Value::from_safe_string(svg_dag::dag(&packet.groups)),
        timeline => Value::from_safe_string(svg_timeline::timeline(packet)),
    })
    .or_bug(bug)
}

/// `text` escaped, with what stands between two backticks on one line set as code.
fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    let mut at = 0;
    while at < pieces.len() {
        out.push_str(&escape(pieces[at]));
        match pieces.get(at + 1) {
            Some(code) if at + 2 < pieces.len() && !code.is_empty() && !code.contains('\n') => {
                out.push_str(&format!("<code>{}</code>", escape(code)));
                at += 2;
            }
            Some(_) => {
                out.push('`');
                at += 1;
            }
            None => at += 1,
        }
    }
    out
}

/// Everything the template prints goes through here. Only our own style sheet, our own pictures
/// and the output of the template's macros are marked safe; a missing value is an error rather
/// than the word "none" on a customer's page.
fn write_escaped(
    out: &mut Output<'_>,
    _: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    let text = match value.as_str() {
        Some(text) if value.is_safe() => text.to_owned(),
        Some(text) => escape(text),
        None if value.is_none() || value.is_undefined() => {
            let kind = minijinja::ErrorKind::BadSerialization;
            return Err(minijinja::Error::new(kind, "the template prints a missing value"));
        }
        None => escape(&value.to_string()),
    };
    out.write_str(&text).map_err(minijinja::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../tests/fixtures/proof/sample.json");
    const BAD: &str = include_str!("../../../tests/fixtures/proof/bad.json");

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

    /// All start tags of the page, lower case.
    fn tags(page: &str) -> Vec<String> {
        let tag = regex::Regex::new(r#"<[a-zA-Z!/](?:[^<>"]|"[^"]*")*>"#).expect("a pattern");
        tag.find_iter(page).map(|m| m.as_str().to_lowercase()).collect()
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
        let handler = regex::Regex::new(r"\son[a-z]+\s*=").expect("a pattern");
        for tag in tags(&page) {
            // What stands inside of quotes is text.
            let bare = regex::Regex::new("\"[^\"]*\"").expect("a pattern").replace_all(&tag, "");
            assert!(!handler.is_match(&bare), "{tag}");
        }
        // No angle bracket is left that is not one of a tag.
        let mut rest = page.clone();
        for tag in regex::Regex::new(r#"<[a-zA-Z!/](?:[^<>"]|"[^"]*")*>"#)
            .expect("a pattern")
            .find_iter(&page)
        {
            rest = rest.replacen(tag.as_str(), "", 1);
        }
        let body = rest.split(STYLE).collect::<String>();
        assert!(!body.contains(['<', '>']));
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
                let Some(level) = tag.strip_prefix("<h").and_then(|t| t[..1].parse::<u8>().ok())
                else {
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
        assert!(!page.contains(">none<") || page.contains("Files changed"));
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
}
