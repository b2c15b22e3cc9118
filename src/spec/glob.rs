//! Path entries of a spec: globs, where `*` and `?` stay within one path segment, `**` spans
//! segments, and an entry without wildcards also stands for everything below it.
//!
//! Whether two entries can mean the same file is decided over small automata of both patterns,
//! byte by byte as globset matches them. Where a pattern has more to it than the automaton knows
//! (a character class, `**` or nothing inside braces), the automaton accepts more than the
//! pattern does: two entries may then be said to overlap although they do not, never the other
//! way round.

use globset::{Glob, GlobBuilder};

/// Whether some path may be matched by both entries. Never false if one is.
pub fn may_overlap(a: &str, b: &str) -> bool {
    Entry::new(a).may_overlap(&Entry::new(b))
}

/// What is wrong with an entry, or `None`.
pub(super) fn fault(entry: &str) -> Option<String> {
    if let Some(fault) = path_fault(entry.strip_suffix('/').unwrap_or(entry)) {
        return Some(fault);
    }
    patterns(entry)
        .iter()
        .find_map(|p| compile(p).err())
        .map(|e| format!("'{entry}' is not a glob: {}", e.kind()))
}

/// What is wrong with a path in the tree, or `None`.
pub(super) fn path_fault(path: &str) -> Option<String> {
    let shown = path.escape_debug();
    if path.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    if path.contains(super::validate::breaks_line) || path.contains('\\') {
        return Some(format!("'{shown}' has a backslash, a line break or a control character"));
    }
    if path.starts_with('/') {
        return Some(format!("'{shown}' is absolute; paths are relative to the project"));
    }
    path.split('/').find_map(|segment| match segment {
        ".." | "." | "" => Some(format!("'{shown}' has the segment '{segment}'")),
        _ if segment.eq_ignore_ascii_case(".git") => {
            Some(format!("'{shown}' is inside git's own folder"))
        }
        _ => None,
    })
}

/// The globs that an entry stands for: itself, and for a plain path or a folder all below it.
pub(super) fn patterns(entry: &str) -> Vec<String> {
    let path = entry.trim_end_matches('/');
    let wild = path.contains(['*', '?', '[', '{']);
    let path = if wild { path.to_owned() } else { globset::escape(path) };
    match (wild, entry.ends_with('/')) {
        (true, false) => vec![path],
        (true, true) => vec![format!("{path}/**")],
        (false, _) => vec![format!("{path}/**"), path],
    }
}

pub(super) fn compile(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()
}

/// A parsed entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    text: String,
    automata: Vec<Automaton>,
}

impl Entry {
    pub(super) fn new(text: &str) -> Self {
        let automata = patterns(text).iter().map(|p| Automaton::new(p)).collect();
        Self { text: text.to_owned(), automata }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether some path may be matched by both. Never false if one is.
    pub(super) fn may_overlap(&self, other: &Entry) -> bool {
        self.automata.iter().any(|a| other.automata.iter().any(|b| a.meets(b)))
    }

    /// Whether every path of `other` is one of this entry. Never true if one is not.
    pub(super) fn covers(&self, other: &Entry) -> bool {
        self.text == other.text
            || other.automata.iter().all(|b| self.automata.iter().any(|a| a.covers(b)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Byte(u8),
    /// Any byte but `/`.
    One,
    /// Any byte.
    Any,
    /// Any number of bytes, none of which is `/`.
    Star,
    /// Any number of bytes.
    Deep,
    /// Goes on at the next step or at this one.
    Split(usize),
    /// Goes on at this step.
    Jump(usize),
}

#[derive(Debug, Clone)]
struct Automaton {
    steps: Vec<Step>,
    /// Accepts more than the pattern does.
    wider: bool,
}

impl Automaton {
    fn new(pattern: &str) -> Self {
        let mut parser =
            Parser { pattern: pattern.as_bytes(), at: 0, steps: Vec::new(), wider: false };
        parser.sequence(0);
        Self { steps: parser.steps, wider: parser.wider }
    }

    fn step(&self, at: usize) -> Option<Step> {
        self.steps.get(at).copied()
    }

    /// Whether the two have a text in common: a walk through the product of both.
    fn meets(&self, other: &Automaton) -> bool {
        let width = other.steps.len() + 1;
        let mut seen = vec![false; (self.steps.len() + 1) * width];
        let mut queue = vec![(0, 0)];
        while let Some((a, b)) = queue.pop() {
            if std::mem::replace(&mut seen[a * width + b], true) {
                continue;
            }
            let (step_a, step_b) = (self.step(a), other.step(b));
            if step_a.is_none() && step_b.is_none() {
                return true;
            }
            queue.extend(free(step_a, a).map(|a| (a, b)));
            queue.extend(free(step_b, b).map(|b| (a, b)));
            if let (Some(x), Some(y)) = (step_a, step_b)
                && common(x, y)
            {
                queue.push((after(x, a), after(y, b)));
            }
        }
        false
    }

    /// Whether this one accepts whatever `other` does. It keeps the steps that are reached
    /// whichever text of `other` was read; where `other` repeats, those that also repeat.
    fn covers(&self, other: &Automaton) -> bool {
        !self.wider && self.covers_from(&self.closure(vec![0]), other, 0)
    }

    fn covers_from(&self, reached: &[usize], other: &Automaton, at: usize) -> bool {
        let Some(step) = other.step(at) else { return reached.contains(&self.steps.len()) };
        let moved = match step {
            Step::Jump(to) => return self.covers_from(reached, other, to),
            Step::Split(to) => {
                return self.covers_from(reached, other, at + 1)
                    && self.covers_from(reached, other, to);
            }
            Step::Star | Step::Deep => {
                let same =
                    |i: &usize| self.step(*i).is_some_and(|s| repeats(s) && accepts(s, step));
                reached.iter().copied().filter(same).collect()
            }
            Step::Byte(_) | Step::One | Step::Any => reached
                .iter()
                .filter_map(|i| self.step(*i).filter(|s| accepts(*s, step)).map(|s| after(s, *i)))
                .collect(),
        };
        self.covers_from(&self.closure(moved), other, at + 1)
    }

    fn closure(&self, from: Vec<usize>) -> Vec<usize> {
        let mut out = Vec::new();
        let mut queue = from;
        while let Some(at) = queue.pop() {
            if !out.contains(&at) {
                out.push(at);
                queue.extend(free(self.step(at), at));
            }
        }
        out
    }
}

/// Where a step leads without reading anything.
fn free(step: Option<Step>, at: usize) -> impl Iterator<Item = usize> {
    let (first, second) = match step {
        Some(Step::Star | Step::Deep) => (Some(at + 1), None),
        Some(Step::Split(to)) => (Some(at + 1), Some(to)),
        Some(Step::Jump(to)) => (Some(to), None),
        Some(Step::Byte(_) | Step::One | Step::Any) | None => (None, None),
    };
    first.into_iter().chain(second)
}

fn repeats(step: Step) -> bool {
    matches!(step, Step::Star | Step::Deep)
}

/// Where a step leads once it has read a byte.
fn after(step: Step, at: usize) -> usize {
    if repeats(step) { at } else { at + 1 }
}

/// Whether there is a byte that both steps read.
fn common(a: Step, b: Step) -> bool {
    match (a, b) {
        (Step::Split(_) | Step::Jump(_), _) | (_, Step::Split(_) | Step::Jump(_)) => false,
        (Step::Byte(a), Step::Byte(b)) => a == b,
        (Step::Byte(c), Step::One | Step::Star) | (Step::One | Step::Star, Step::Byte(c)) => {
            c != b'/'
        }
        (
            Step::Byte(_) | Step::One | Step::Any | Step::Star | Step::Deep,
            Step::Byte(_) | Step::One | Step::Any | Step::Star | Step::Deep,
        ) => true,
    }
}

/// Whether `a` reads every byte that `b` can read.
fn accepts(a: Step, b: Step) -> bool {
    match a {
        Step::Byte(c) => b == Step::Byte(c),
        Step::One | Step::Star => match b {
            Step::Byte(c) => c != b'/',
            Step::One | Step::Star => true,
            Step::Any | Step::Deep | Step::Split(_) | Step::Jump(_) => false,
        },
        Step::Any | Step::Deep => true,
        Step::Split(_) | Step::Jump(_) => false,
    }
}

struct Parser<'a> {
    pattern: &'a [u8],
    at: usize,
    steps: Vec<Step>,
    wider: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.pattern.get(self.at).copied()
    }

    /// Parses up to the end, or inside braces up to `,` or `}`.
    fn sequence(&mut self, depth: usize) {
        while let Some(c) = self.peek() {
            match c {
                b',' | b'}' if depth > 0 => return,
                b'*' => self.star(depth),
                b'?' => self.single(Step::One),
                b'[' => self.class(),
                b'{' => self.braces(depth),
                b'\\' => {
                    self.at += 1;
                    let c = self.peek().unwrap_or(b'\\');
                    self.single(Step::Byte(c));
                }
                _ => self.single(Step::Byte(c)),
            }
        }
    }

    fn single(&mut self, step: Step) {
        self.steps.push(step);
        self.at += 1;
    }

    fn star(&mut self, depth: usize) {
        let start = self.at;
        while self.peek() == Some(b'*') {
            self.at += 1;
        }
        let stars = self.at - start;
        let before = start == 0 || self.pattern[start - 1] == b'/';
        let next = self.peek();
        if stars == 1 {
            self.steps.push(Step::Star);
        } else if depth > 0 {
            // What `**` means inside braces depends on its neighbours there: anything.
            self.wider = true;
            self.steps.push(Step::Deep);
            if next == Some(b'/') {
                self.optional_slash();
            }
        } else if stars == 2 && before && next.is_none() {
            self.steps.push(Step::Deep);
        } else if stars == 2 && before && next == Some(b'/') {
            // `**/` is nothing, or anything that ends in a slash.
            self.at += 1;
            let end = self.steps.len() + 3;
            self.steps.extend([Step::Split(end), Step::Deep, Step::Byte(b'/')]);
            // globset folds `**/**` together.
            self.wider |= self.pattern[self.at..].starts_with(b"**");
        } else {
            // `a**b` is `*` twice; three and more are left to globset, at most anything.
            self.wider |= stars > 2;
            self.steps.push(if stars > 2 { Step::Deep } else { Step::Star });
            if stars > 2 && next == Some(b'/') {
                self.optional_slash();
            }
        }
    }

    fn optional_slash(&mut self) {
        self.at += 1;
        let end = self.steps.len() + 2;
        self.steps.extend([Step::Split(end), Step::Byte(b'/')]);
    }

    /// A class is any byte; one with letters of several bytes, or without an end, is any text.
    fn class(&mut self) {
        self.wider = true;
        let from = self.at + 1;
        let negated = usize::from(matches!(self.pattern.get(from), Some(b'!' | b'^')));
        // A `]` right at the start is a member.
        let first = from + negated + 1;
        let end = (first..self.pattern.len()).find(|i| self.pattern[*i] == b']');
        match end {
            Some(end) if self.pattern[from..end].is_ascii() => self.steps.push(Step::Any),
            Some(_) | None => self.steps.push(Step::Deep),
        }
        self.at = end.map_or(self.pattern.len(), |end| end + 1);
    }

    /// `{a,b}`: each branch behind a split, each but the last with a jump to the end.
    fn braces(&mut self, depth: usize) {
        self.at += 1;
        let mut jumps = Vec::new();
        loop {
            let split = self.steps.len();
            self.steps.push(Step::Split(split));
            self.sequence(depth + 1);
            // globset leaves an empty branch out.
            self.wider |= self.steps.len() == split + 1;
            let more = self.peek() == Some(b',');
            self.at += 1;
            if !more {
                // The last branch has no alternative.
                self.steps[split] = Step::Jump(split + 1);
                break;
            }
            jumps.push(self.steps.len());
            self.steps.push(Step::Jump(0));
            self.steps[split] = Step::Split(self.steps.len());
        }
        for jump in jumps {
            self.steps[jump] = Step::Jump(self.steps.len());
        }
        self.at = self.at.min(self.pattern.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample::Dice;
    use proptest::prelude::*;

    fn matches(entry: &str, path: &str) -> bool {
        patterns(entry).iter().any(|p| compile(p).is_ok_and(|g| g.compile_matcher().is_match(path)))
    }

    const PIECES: [&str; 26] = [
        "a",
        "b",
        "a",
        "b",
        "/",
        "/",
        "/",
        "*",
        "?",
        "**",
        "**/",
        "/**",
        "/**/",
        "{a,b}",
        "{a/,b*}",
        "{,a}",
        "[ab]",
        "[!a]",
        "{a,{b,/a}}",
        "é",
        ".",
        "***",
        "{**/a,b}",
        "{a,b/**}",
        "[^é]",
        "[a-z]",
    ];

    fn entry(dice: &mut Dice) -> String {
        (0..1 + dice.roll(5)).map(|_| *dice_pick(dice, &PIECES)).collect()
    }

    fn dice_pick<'a, T>(dice: &mut Dice, from: &'a [T]) -> &'a T {
        &from[dice.roll(from.len())]
    }

    /// A path of the alphabet that the entries are made of.
    fn path(dice: &mut Dice) -> String {
        let alphabet = ["a", "b", "/", "é", "."];
        let text: String = (0..1 + dice.roll(6)).map(|_| *dice_pick(dice, &alphabet)).collect();
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_both_match_overlaps(seed in any::<u64>()) {
            let dice = &mut Dice::new(seed);
            let (a, b) = (entry(dice), entry(dice));
            let (x, y) = (Entry::new(&a), Entry::new(&b));
            let (overlap, covers) = (x.may_overlap(&y), x.covers(&y));
            for _ in 0..30 {
                let path = path(dice);
                let (in_a, in_b) = (matches(&a, &path), matches(&b, &path));
                prop_assert!(overlap || !(in_a && in_b), "{:?} and {:?} share {:?}", a, b, path);
                prop_assert!(!covers || in_a || !in_b, "{:?} covers {:?} but {:?}", a, b, path);
            }
            prop_assert_eq!(overlap, y.may_overlap(&x), "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn entries_that_share_nothing_do_not_overlap() {
        for (a, b) in [
            ("src/a/**", "src/b/**"),
            ("src/a", "src/ab"),
            ("*.rs", "src/*.rs"),
            ("src/*.rs", "src/*.py"),
            ("src/?.rs", "src/ab.rs"),
            ("{a,b}/x", "c/x"),
            ("a/**/z", "a/**/y"),
            ("docs/", "doc/**"),
        ] {
            assert!(!may_overlap(a, b), "{a} {b}");
        }
    }

    #[test]
    fn entries_that_share_a_path_overlap() {
        for (a, b) in [
            ("src", "src/a/b.rs"),
            ("src/", "src/a"),
            ("**", "x"),
            ("**/test_*.py", "tests/**"),
            ("a/**/b", "a/b"),
            ("a/*/c", "a/{b,d}/c"),
            ("a[/b]c", "a/c"),
            ("x/**", "**/y"),
        ] {
            assert!(may_overlap(a, b), "{a} {b}");
        }
    }

    #[test]
    fn covering_is_recognised() {
        let covers = |a, b| Entry::new(a).covers(&Entry::new(b));
        for (a, b) in [
            ("src", "src/a/*.rs"),
            ("**", "src/**"),
            ("src/**", "src/*/x/**"),
            ("src/*", "src/{a,b}.rs"),
            ("Makefile", "Makefile"),
        ] {
            assert!(covers(a, b), "{a} {b}");
        }
        for (a, b) in [("src/*", "src/**"), ("src/a", "src"), ("a", "b"), ("{a,b}", "?")] {
            assert!(!covers(a, b), "{a} {b}");
        }
    }
}
