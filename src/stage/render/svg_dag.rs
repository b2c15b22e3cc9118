//! The graph of groups as inline SVG. Colours come from the page's style sheet by class, so the
//! picture follows light and dark.

use std::collections::HashMap;
use std::fmt::Write;

use super::dag_layout::{BOX_H, BOX_W, layout};
use super::escape::{escape, visible};
use super::packet::Group;
use super::svg_text::{fit, width};
use super::words::Mark;
use crate::base::text::count;

/// Pixels of one line of a box, and the sizes of its letters (`.dag` in the style sheet).
const ROOM: f64 = BOX_W - 31.0;
const NAME: f64 = 14.0;
const STATE: f64 = 12.0;

/// The picture of `groups` and their dependencies. A dependency that is not among them has no
/// line; the page names it in words.
pub fn dag(groups: &[Group]) -> String {
    let at: HashMap<&str, usize> =
        groups.iter().enumerate().map(|(i, g)| (g.id.as_str(), i)).collect();
    let lines: Vec<(usize, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(to, g)| g.deps.iter().filter_map(|d| at.get(d.as_str())).map(move |d| (*d, to)))
        .filter(|(from, to)| from != to)
        .collect();
    let l = layout(groups.len(), &lines);
    let mut out = String::new();
    let (w, h) = (l.width, l.height);
    let about = format!(
        "{} and {} between them, from left to right.",
        count(groups.len(), "group"),
        if lines.len() == 1 {
            "1 dependency".into()
        } else {
            format!("{} dependencies", lines.len())
        }
    );
    put(
        &mut out,
        format_args!(
            "<svg class=\"dag\" role=\"img\" aria-labelledby=\"dag-title dag-about\" width=\"{w}\" \
         height=\"{h}\" viewBox=\"0 0 {w} {h}\">\n<title id=\"dag-title\">Groups and what they \
         depend on</title>\n<desc id=\"dag-about\">{about}</desc>\n<defs><marker id=\"dag-arrow\" \
         viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"head\" d=\"M0 .5 8 4 0 7.5Z\"/></marker></defs>\n"
        ),
    );
    for points in &l.lines {
        put(
            &mut out,
            format_args!(
                "<path class=\"edge\" d=\"{}\" marker-end=\"url(#dag-arrow)\"/>\n",
                curve(points)
            ),
        );
    }
    for (group, (x, y)) in groups.iter().zip(&l.boxes) {
        node(&mut out, group, *x, *y);
    }
    out.push_str("</svg>\n");
    out
}

fn node(out: &mut String, group: &Group, x: f64, y: f64) {
    let mark = Mark::from(group.state);
    let class = mark.tone.class();
    put(
        out,
        format_args!(
            "<g class=\"node {class}\"><title>{}</title>\n<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_W}\" \
         height=\"{BOX_H}\" rx=\"9\"/><rect class=\"stripe\" x=\"{}\" y=\"{}\" width=\"4\" \
         height=\"{}\" rx=\"2\"/>\n",
            escape(&format!("{}: {} ({})", group.id, group.title, mark.word)),
            x + 9.0,
            y + 12.0,
            BOX_H - 24.0,
        ),
    );
    let title = wrap(&visible(&group.title));
    let first = if title.len() == 1 { y + 31.0 } else { y + 23.0 };
    for (n, line) in title.iter().enumerate() {
        let at = first + 17.0 * n as f64;
        put(
            out,
            format_args!(
                "<text class=\"name\" x=\"{}\" y=\"{at}\">{}</text>\n",
                x + 23.0,
                escape(line)
            ),
        );
    }
    let turns = match group.attempts.len() {
        0 => " · no attempt".to_owned(),
        n => format!(" · {}", count(n, "attempt")),
    };
    // They are listed below, too.
    let fits = width(&format!("{} {}{turns}", mark.sign, mark.word), STATE) <= ROOM;
    let turns = if fits { turns } else { String::new() };
    put(
        out,
        format_args!(
            "<text class=\"state\" x=\"{}\" y=\"{}\"><tspan class=\"word\">{} {}</tspan>{turns}\
         </text></g>\n",
            x + 23.0,
            y + BOX_H - 13.0,
            mark.sign,
            mark.word,
        ),
    );
}

/// At most two lines, cut with `…` where the box ends.
fn wrap(title: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in title.split_whitespace() {
        let line = lines.last_mut().expect("there is always one line");
        let longer = format!("{line} {word}");
        if line.is_empty() {
            line.push_str(word);
        } else if width(&longer, NAME) <= ROOM || lines.len() == 2 {
            // What does not fit on the second line is cut.
            *lines.last_mut().expect("the same") = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| fit(line, NAME, ROOM)).collect()
}

/// A smooth line through `points`, level where it passes a layer by.
fn curve(points: &[(f64, f64)]) -> String {
    let mut d = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let mid = (x0 + x1) / 2.0;
        put(&mut d, format_args!("C{mid:.1} {y0:.1} {mid:.1} {y1:.1} {x1:.1} {y1:.1}"));
    }
    d
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_take_two_lines_at_most() {
        assert_eq!(wrap("Short"), ["Short"]);
        assert_eq!(wrap("Approving and rejecting"), ["Approving and", "rejecting"]);
        assert_eq!(wrap("Export for the accountant"), ["Export for the", "accountant"]);
        let long = wrap(&"goes on ".repeat(20));
        assert_eq!(long.len(), 2);
        assert!(long[1].ends_with('…'));
        for title in [&"goes on ".repeat(20), &"W".repeat(90), "MMMM WWWW MMMM WWWW MMMM WWWW"] {
            assert!(wrap(title).iter().all(|l| width(l, NAME) <= ROOM), "{title}");
        }
        assert_eq!(wrap(""), [""]);
    }
}
