//! `node --test`: the block of counts that ends its `tap` (`# tests 4`) and `spec` (`ℹ tests 4`)
//! reports.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

/// A file without a single test is reported as one passing test named by its absolute path.
static EMPTY_FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:ok \d+ - |✔ )/.*\.[cm]?[jt]sx?(?: \([\d.]+ms\))?$")
        .expect("because it is a constant")
});

/// The order is node's own; `suites` came with version 20.
const BLOCK: [&str; 8] =
    ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo", "duration_ms"];

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let (mut sum, mut from, mut at): (Option<Tally>, usize, usize) = (None, 0, 0);
    while at < lines.len() {
        let Some((counts, length)) = block(&lines[at..]) else {
            at += 1;
            continue;
        };
        let empty = lines[from..at].iter().filter(|l| EMPTY_FILE.is_match(l)).count() as u64;
        let [tests, _, pass, fail, cancelled, skipped, todo, _] = counts;
        let failed = fail.saturating_add(cancelled);
        let skipped = skipped.saturating_add(todo);
        let shown = pass.saturating_add(failed).saturating_add(skipped);
        let run = pass.saturating_sub(empty).saturating_add(failed);
        let tally = Tally::new(run, failed, skipped).shows(shown, tests);
        sum = Some(sum.map_or(tally, |s| s.plus(tally)));
        at += length;
        from = at;
    }
    // Without its counts it is no TAP report either: a file without tests is an `ok` in it.
    sum.or_else(|| is_node(lines).then(Tally::cut))
}

/// Whether it is node's TAP: each point has a block with its duration.
fn is_node(lines: &[&str]) -> bool {
    let block = |l: &&str| l.starts_with("  duration_ms: ");
    lines.contains(&"TAP version 13") && lines.iter().any(block)
}

/// The numbers of a whole block at the start of `lines`, and how many lines it has.
fn block(lines: &[&str]) -> Option<([u64; 8], usize)> {
    let sign = ["# ", "ℹ "].into_iter().find(|s| lines[0].starts_with(s))?;
    let (mut counts, mut at) = ([0u64; 8], 0);
    for (i, word) in BLOCK.iter().enumerate() {
        let line = lines.get(at)?.strip_prefix(sign)?;
        let number = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        match number {
            Some(_) if *word == "duration_ms" => {}
            Some(number) => counts[i] = number.trim_end().parse().ok()?,
            None if *word == "suites" => continue,
            None => return None,
        }
        at += 1;
    }
    Some((counts, at))
}
