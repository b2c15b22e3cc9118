//! The proof as one page: no network, no script, nothing of an agent's text left unescaped.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, context};

use super::escape::escape;
use super::exhibit::Exhibits;
use super::packet::ProofPacket;
use super::view::View;
use super::{svg_dag, svg_timeline, values};
use crate::base::{Error, error::Context};

const PAGE: &str = include_str!("../../../templates/proof.html");
const STYLE: &str = include_str!("../../../templates/proof.css");

/// `proof-packet.html`. The same packet gives the same bytes.
///
/// An error is a bug of the template (70): the packet is typed, so no content can cause one.
pub fn html(packet: &ProofPacket, exhibits: &Exhibits) -> Result<String, Error> {
    let bug = || "cannot render the proof page".to_owned();
    let mut env = Environment::new();
    // An error must not carry the whole packet into a log.
    env.set_debug(false);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_formatter(write_escaped);
    env.add_filter("when", |at: &str| values::when(at));
    env.add_filter("clock", |at: &str| values::clock(at));
    env.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    // Only for pictures that are drawn from numbers.
    env.add_filter("drawn", |svg: &str| Value::from_safe_string(svg.to_owned()));
    env.add_filter("thousands", values::thousands);
    env.add_filter("bytes", values::bytes);
    env.add_template("proof.html", PAGE).or_bug(bug)?;
    let page = env.get_template("proof.html").or_bug(bug)?;
    page.render(context! {
        v => Value::from(Serde(View::of(packet, exhibits))),
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
mod tests;
