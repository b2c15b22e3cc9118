//! Who worked when, as inline SVG: one lane for the session and one for each group, a bar for
//! each attempt, a diamond for each landing, a dot for everything else.

use std::fmt::Write;

use super::escape::{escape, visible};
use super::packet::{At, Attempt, Group, ProofPacket};
use super::svg_text::fit;
use super::values;
use super::words::{Mark, Tone};
use crate::base::clock::human_duration;

const WIDTH: f64 = 1000.0;
const LABEL_W: f64 = 196.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 30.0;
const LANE_H: f64 = 38.0;
/// Size of a lane's name (`.timeline .lane` in the style sheet).
const LANE_TEXT: f64 = 13.0;
const BAR_H: f64 = 20.0;
/// Width of a letter of a bar's label, and the space around the label.
const LETTER: f64 = 6.4;
const PAD: f64 = 8.0;
/// Half the width of a landing's diamond.
const DIAMOND: f64 = 6.5;

/// The picture of the whole session, from its start to its end.
pub fn timeline(packet: &ProofPacket) -> String {
    let scale = Scale::of(packet.created, packet.end());
    let height = TOP + LANE_H * (packet.groups.len() + 1) as f64 + 8.0;
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg class=\"timeline\" role=\"img\" aria-labelledby=\"time-title time-about\" \
         width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <title id=\"time-title\">Who worked when</title>\n<desc id=\"time-about\">From {} to {}, \
         {} in all. The same is in words below.</desc>\n<defs><pattern id=\"time-hatch\" \
         width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V7\"/></pattern></defs>\n",
            values::when(&packet.created.to_string()),
            values::when(&packet.end().to_string()),
            human_duration(scale.span_s),
        ),
    );
    axis(&mut out, &scale, height);
    session_lane(&mut out, packet, &scale);
    for (n, group) in packet.groups.iter().enumerate() {
        group_lane(&mut out, packet, group, n + 1, &scale);
    }
    out.push_str("</svg>\n");
    out
}

/// Instants to pixels.
struct Scale {
    start: At,
    span_s: f64,
}

impl Scale {
    fn of(start: At, end: At) -> Self {
        // One second at least, so that an empty session has an axis too.
        Self { start, span_s: (end.millis_since(start) as f64 / 1000.0).max(1.0) }
    }

    fn x(&self, at: At) -> f64 {
        self.x_of(at.millis_since(self.start) as f64 / 1000.0)
    }

    fn x_of(&self, seconds: f64) -> f64 {
        let part = (seconds / self.span_s).clamp(0.0, 1.0);
        LABEL_W + part * (WIDTH - LABEL_W - RIGHT)
    }

    /// Seconds between two ticks: a round number that leaves at most eight of them.
    fn step_s(&self) -> f64 {
        const STEPS: [f64; 18] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
            7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0,
        ];
        let days = || (self.span_s / 8.0 / 86_400.0).ceil() * 86_400.0;
        STEPS.into_iter().find(|s| self.span_s / s <= 8.0).unwrap_or_else(days)
    }
}

/// `0`, `30 s`, `10 min`, `1 h 30`, `2 d`: the time since the start.
fn tick_label(seconds: f64) -> String {
    let s = seconds as u64;
    match s {
        0 => "0".to_owned(),
        1..60 => format!("{s} s"),
        60..3600 if s.is_multiple_of(60) => format!("{} min", s / 60),
        60..3600 => format!("{}:{:02} min", s / 60, s % 60),
        _ if s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        _ if s.is_multiple_of(3600) => format!("{} h", s / 3600),
        _ => format!("{} h {:02}", s / 3600, s % 3600 / 60),
    }
}

fn axis(out: &mut String, scale: &Scale, height: f64) {
    let step = scale.step_s();
    let mut at = 0.0;
    while at <= scale.span_s {
        let x = scale.x_of(at);
        put(
            out,
            format_args!(
                "<path class=\"tick\" d=\"M{x:.1} {:.1}V{:.1}\"/><text class=\"axis\" x=\"{x:.1}\" \
             y=\"14\" text-anchor=\"middle\">{}</text>\n",
                TOP - 8.0,
                height - 6.0,
                tick_label(at)
            ),
        );
        at += step;
    }
}

/// `label` as it fits; `whole` is its tooltip.
fn lane_label(out: &mut String, label: &str, whole: &str, middle: f64) {
    let shown = visible(label);
    put(
        out,
        format_args!(
            "<text class=\"lane\" x=\"4\" y=\"{:.1}\"><title>{}</title>{}</text>\n",
            middle + 4.5,
            escape(whole),
            escape(&fit(&shown, LANE_TEXT, LABEL_W - 8.0))
        ),
    );
}

fn session_lane(out: &mut String, packet: &ProofPacket, scale: &Scale) {
    let middle = TOP + LANE_H / 2.0;
    lane_label(out, "session", "session", middle);
    let end = scale.x_of(scale.span_s);
    put(out, format_args!("<path class=\"rule\" d=\"M{LABEL_W} {middle:.1}H{end:.1}\"/>\n"));
    let known = |id: &str| packet.groups.iter().any(|g| g.id == id);
    for event in packet.timeline.iter().filter(|e| e.group.as_deref().is_none_or(|g| !known(g))) {
        dot(out, scale.x(event.at), middle, event.at, &event.label);
    }
    for landing in packet.landings.iter().filter(|l| l.group.as_deref().is_none_or(|g| !known(g))) {
        diamond(out, scale.x(landing.at), middle, landing.at, &landing.subject);
    }
}

fn group_lane(out: &mut String, packet: &ProofPacket, group: &Group, lane: usize, scale: &Scale) {
    let middle = TOP + LANE_H * (lane as f64 + 0.5);
    let top = middle - LANE_H / 2.0;
    put(out, format_args!("<path class=\"rule faint\" d=\"M0 {top:.1}H{WIDTH}\"/>\n"));
    // As the graph above names it.
    let label = if group.title.is_empty() { &group.id } else { &group.title };
    lane_label(out, label, &format!("{}: {}", group.id, group.title), middle);

    let here = |id: &Option<String>| id.as_deref() == Some(group.id.as_str());
    let landings: Vec<_> = packet.landings.iter().filter(|l| here(&l.group)).collect();
    let mut starts: Vec<f64> = group.attempts.iter().map(|a| scale.x(a.started)).collect();
    starts.extend(landings.iter().map(|l| scale.x(l.at) - DIAMOND));
    for attempt in &group.attempts {
        let from = scale.x(attempt.started);
        let next = starts.iter().copied().filter(|x| *x > from).fold(WIDTH, f64::min);
        bar(out, group, attempt, scale, Room { middle, next });
    }
    for landing in &landings {
        diamond(out, scale.x(landing.at), middle, landing.at, &landing.subject);
    }
    // A landing has its diamond, and an attempt its bar.
    let marked = |kind: &str| kind == "merge.landed" || kind.starts_with("group.attempt.");
    for event in packet.timeline.iter().filter(|e| here(&e.group) && !marked(&e.kind)) {
        let below = middle + BAR_H / 2.0 + 4.0;
        dot(out, scale.x(event.at), below, event.at, &event.label);
    }
}

/// Where a bar's label may be.
struct Room {
    middle: f64,
    /// Where the next thing in the lane begins.
    next: f64,
}

fn bar(out: &mut String, group: &Group, attempt: &Attempt, scale: &Scale, room: Room) {
    let mark = Mark::from(attempt.outcome);
    let class = mark.tone.class();
    let from = scale.x(attempt.started);
    let to = attempt.finished.map_or_else(|| scale.x_of(scale.span_s), |at| scale.x(at));
    let width = (to - from).max(3.0);
    let top = room.middle - BAR_H / 2.0;
    let lasted = attempt.finished.map_or_else(
        || "no end recorded".to_owned(),
        |at| human_duration(at.millis_since(attempt.started) as f64 / 1000.0),
    );
    let open = if attempt.finished.is_none() { " open" } else { "" };
    let title = format!(
        "{}, attempt {} ({}): {}, {} from {}",
        group.id,
        attempt.number,
        attempt.role,
        mark.word,
        lasted,
        values::clock(&attempt.started.to_string())
    );
    put(
        out,
        format_args!(
            "<g class=\"bar {class}{open}\"><title>{}</title><rect x=\"{from:.1}\" y=\"{top:.1}\" \
         width=\"{width:.1}\" height=\"{BAR_H}\" rx=\"4\"/>",
            escape(&title)
        ),
    );
    if mark.tone == Tone::Bad {
        put(
            out,
            format_args!(
                "<rect class=\"over\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{BAR_H}\" rx=\"4\"/>"
            ),
        );
    }
    // The longest text that fits, rather inside than beside; when none does, the title and the
    // words below the picture still say it.
    let texts = [
        format!("{} {} {}", mark.sign, attempt.number, mark.word),
        format!("{} {}", mark.sign, attempt.number),
        mark.sign.to_owned(),
    ];
    let gap = room.next - from - width;
    let y = room.middle + 4.0;
    for text in texts {
        let needs = text.chars().count() as f64 * LETTER + PAD;
        if needs <= width {
            label(out, "in", from + width / 2.0, y, "middle", &text);
            break;
        }
        if needs <= gap {
            label(out, "by", from + width + 5.0, y, "start", &text);
            break;
        }
    }
    out.push_str("</g>\n");
}

fn label(out: &mut String, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
    put(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        ),
    );
}

fn diamond(out: &mut String, x: f64, y: f64, at: At, what: &str) {
    put(
        out,
        format_args!(
            "<path class=\"landing\" d=\"M{:.1} {y:.1}l{DIAMOND} -{DIAMOND} {DIAMOND} {DIAMOND} \
         -{DIAMOND} {DIAMOND}Z\"><title>{} {}</title></path>\n",
            x - DIAMOND,
            values::clock(&at.to_string()),
            escape(what)
        ),
    );
}

fn dot(out: &mut String, x: f64, y: f64, at: At, what: &str) {
    put(
        out,
        format_args!(
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"><title>{} {}</title></circle>\n",
            values::clock(&at.to_string()),
            escape(what)
        ),
    );
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let start: At = "2026-11-20T09:00:00Z".to_owned().try_into().expect("an instant");
        for span_s in [1.0, 7.0, 59.0, 61.0, 3751.0, 90_000.0, 9_000_000.0] {
            let scale = Scale { start, span_s };
            assert!(span_s / scale.step_s() <= 8.0, "{span_s}");
        }
        assert_eq!(tick_label(90.0), "1:30 min");
        assert_eq!(tick_label(600.0), "10 min");
        assert_eq!(tick_label(5400.0), "1 h 30");
        assert_eq!(tick_label(172_800.0), "2 d");
    }
}
