//! Finds what is to be hidden in the bytes that are there so far, and says from where on more
//! bytes could change the answer.

use std::ops::Range;

use super::Secrets;
use super::pem::{Pem, START_REACH};
use super::rules::{Class, Kinds, Left, Look, RULES, SHAPES, Tail, is_real, looks_random};

/// Bytes to hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub range: Range<usize>,
    /// `None`: the rest of one that began earlier.
    pub name: Option<String>,
}

/// What a look found.
#[derive(Debug, Default)]
pub struct Found {
    /// In order, none touching another's bytes, all below `decided`.
    pub spans: Vec<Span>,
    /// What lies before this is decided.
    pub decided: usize,
}

#[derive(Debug, Clone, Default)]
enum Inside {
    #[default]
    Nothing,
    /// Of a token that was long enough to be hidden and may go on.
    Token(Class),
    /// The first line of a key was given out before anything was there of its body; so many bytes
    /// ago.
    Begun(usize),
    Pem(Pem),
}

/// So much of what is already decided is remembered: a rule may look back.
const BEHIND: usize = 64;

/// One stream, looked at piece by piece.
#[derive(Debug, Clone)]
pub struct Scan {
    secrets: Secrets,
    inside: Inside,
    /// The last bytes that were decided.
    behind: Vec<u8>,
}

/// A place where a secret may begin.
enum Candidate {
    Value { end: usize, pattern: usize },
    Anchor { rule: usize, anchor: usize },
}

/// What a rule says of a place.
enum Says {
    No,
    /// It depends on what comes.
    Wait,
    Hide(Range<usize>),
}

impl Scan {
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, inside: Inside::Nothing, behind: Vec::new() }
    }

    /// Looks at everything that is not decided yet. With `at_end` all of it becomes so.
    pub fn look(&mut self, text: &[u8], at_end: bool) -> Found {
        let mut found = Found::default();
        let begun = matches!(self.inside, Inside::Begun(_));
        if self.waits_for_body(text, at_end) {
            return found;
        }
        let mut at = self.go_on(text, 0, &mut found.spans);
        if let (true, Some(first)) = (begun, found.spans.first_mut()) {
            first.name = Some("private key".to_owned());
        }
        let mut decided = text.len();
        let mut runs = Runs::default();
        if at < text.len() {
            for (start, candidate) in self.candidates(text, at) {
                if start < at {
                    // Known values may overlap what a shape has found.
                    if let (Candidate::Value { end, .. }, Some(last)) =
                        (&candidate, found.spans.last_mut())
                        && *end > at
                        && start < last.range.end
                    {
                        last.range.end = *end;
                        at = *end;
                    }
                    continue;
                }
                match self.judge(text, start, &candidate, at_end, &mut runs) {
                    Says::No => {
                        if let Candidate::Anchor { rule, .. } = candidate
                            && RULES[rule].tail == Tail::Pem
                            && at_end
                            && text.len() - start < RULES[rule].reach
                            && self.may_stand_here(Left::Begin, text, start)
                        {
                            self.inside = Inside::Begun(0);
                        }
                    }
                    Says::Wait => {
                        decided = start;
                        break;
                    }
                    Says::Hide(range) => {
                        let (name, tail) = match candidate {
                            Candidate::Value { pattern, .. } => {
                                (self.secrets.values().name_of(pattern).to_owned(), Tail::Fixed)
                            }
                            Candidate::Anchor { rule, .. } => {
                                (RULES[rule].name.to_owned(), RULES[rule].tail)
                            }
                        };
                        at = range.end;
                        found.spans.push(Span { range, name: Some(name) });
                        self.inside = match tail {
                            Tail::Fixed => Inside::Nothing,
                            Tail::More(class) => Inside::Token(class),
                            Tail::Pem => Inside::Pem(Pem::default()),
                        };
                        at = self.go_on(text, at, &mut found.spans);
                    }
                }
            }
            if !at_end {
                decided = decided.min(text.len() - self.partial(&text[at..]));
            }
        }
        found.decided = decided;
        let from = decided.saturating_sub(BEHIND);
        self.behind.extend_from_slice(&text[from..decided]);
        let more = self.behind.len().saturating_sub(BEHIND);
        self.behind.drain(..more);
        found
    }

    /// A break in the stream, of which nobody knows whether it is one in the text, too: a token
    /// that was hidden goes on behind it, but not with what looks like a word.
    pub fn pause(&mut self, next: &[u8]) {
        if let Inside::Token(class) = self.inside {
            let n = next.iter().position(|b| !class.has(*b)).unwrap_or(next.len());
            let (first, rest) = next[..n].split_at(n.min(1));
            if first.iter().all(u8::is_ascii_alphabetic) && rest.iter().all(u8::is_ascii_lowercase)
            {
                self.inside = Inside::Nothing;
            }
        }
    }

    /// Whether it is still open if this is the body of a key that began before.
    fn waits_for_body(&mut self, text: &[u8], at_end: bool) -> bool {
        let Inside::Begun(before) = self.inside else { return false };
        let window = &text[..text.len().min(START_REACH)];
        if SHAPES.body.is_match(window) {
            self.inside = Inside::Pem(Pem::default());
        } else if !at_end && before + text.len() < START_REACH {
            return true;
        } else if before + text.len() < START_REACH {
            self.inside = Inside::Begun(before + text.len());
        } else {
            self.inside = Inside::Nothing;
        }
        false
    }

    /// Hides what belongs to something that began before; returns where that ends.
    fn go_on(&mut self, text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
        let rest = &text[at..];
        let (n, over) = match &mut self.inside {
            Inside::Nothing | Inside::Begun(_) => return at,
            Inside::Token(class) => {
                let n = rest.iter().position(|b| !class.has(*b)).unwrap_or(rest.len());
                (n, n < rest.len())
            }
            Inside::Pem(pem) => pem.take(rest),
        };
        if over {
            self.inside = Inside::Nothing;
        }
        if n > 0 {
            match spans.last_mut().filter(|s| s.range.end == at) {
                Some(last) => last.range.end += n,
                None => spans.push(Span { range: at..at + n, name: None }),
            }
        }
        at + n
    }

    fn candidates(&self, text: &[u8], from: usize) -> Vec<(usize, Candidate)> {
        let mut all = Vec::new();
        if let Some(finder) = &self.secrets.values().finder {
            for m in finder.find_iter(&text[from..]) {
                let (pattern, end) = (m.pattern().as_usize(), from + m.end());
                all.push((from + m.start(), Candidate::Value { end, pattern }));
            }
        }
        for m in SHAPES.anchors.find_overlapping_iter(&text[from..]) {
            let anchor = m.pattern().as_usize();
            let rule = SHAPES.rule_of[anchor];
            all.push((from + m.start(), Candidate::Anchor { rule, anchor }));
        }
        // A known value first: its name says more.
        all.sort_by_key(|(start, c)| match c {
            Candidate::Value { .. } => (*start, 0),
            Candidate::Anchor { rule, .. } => (*start, rule + 1),
        });
        all
    }

    fn judge(
        &self,
        text: &[u8],
        start: usize,
        candidate: &Candidate,
        at_end: bool,
        runs: &mut Runs,
    ) -> Says {
        let (rule, anchor) = match candidate {
            Candidate::Value { end, .. } => {
                // A longer value may begin with this one.
                let longer = !at_end && *end == text.len() && self.may_grow(&text[start..]);
                return if longer { Says::Wait } else { Says::Hide(start..*end) };
            }
            Candidate::Anchor { rule, anchor } => (*rule, SHAPES.texts[*anchor]),
        };
        let of = &RULES[rule];
        if !self.may_stand_here(of.left, text, start) {
            return Says::No;
        }
        let window = &text[start..(start + of.reach).min(text.len())];
        let open = !at_end && start + window.len() == text.len();
        let Some((whole, hidden)) = matched(rule, anchor, text, start, window, runs) else {
            let behind = window.get(anchor.len()..).unwrap_or_default();
            let hopeless = || behind.iter().any(|b| of.stop.contains(b));
            return if open && !hopeless() { Says::Wait } else { Says::No };
        };
        // What is looked at, or must be followed by something, has to be there whole.
        let waits = of.look != Look::None || of.tail == Tail::Fixed;
        if open && waits && whole == window.len() && window.len() < of.reach {
            return Says::Wait;
        }
        let followed = window.get(whole).is_some_and(u8::is_ascii_alphanumeric);
        if of.tail == Tail::Fixed && hidden == (0..whole) && followed {
            return Says::No;
        }
        let word = start + hidden.start..start + hidden.end;
        let right = match of.look {
            Look::None => true,
            Look::Random => runs.is_random(text, word.clone()),
            Look::Real => {
                work(word.len());
                is_real(&text[word.clone()])
            }
        };
        if right { Says::Hide(word) } else { Says::No }
    }

    /// Whether a known value begins with these bytes and is longer.
    fn may_grow(&self, bytes: &[u8]) -> bool {
        let all = &self.secrets.values().patterns;
        all.iter().any(|p| p.len() > bytes.len() && p.starts_with(bytes))
    }

    fn may_stand_here(&self, left: Left, text: &[u8], start: usize) -> bool {
        if left == Left::Anything {
            return true;
        }
        let joined;
        let before = match start.checked_sub(BEHIND) {
            Some(from) => &text[from..start],
            None => {
                joined = [&self.behind, &text[..start]].concat();
                &joined
            }
        };
        match left {
            Left::Anything => true,
            Left::Edge | Left::Word => {
                let base64 = |b: u8| left == Left::Word && b"+/".contains(&b);
                let inside = |b: &u8| b.is_ascii_alphanumeric() || base64(*b);
                // The mark of a line in a diff.
                if before == b"+" || before.ends_with(b"\n+") {
                    return true;
                }
                !before.last().is_some_and(inside) || ends_an_escape(before)
            }
            Left::Begin => {
                let from = before.len().saturating_sub(48);
                let near = &before[from..];
                let last = |word: &[u8]| near.windows(word.len()).rposition(|w| w == word);
                match (last(b"-----BEGIN "), last(b"-----END ")) {
                    (Some(begin), end) => end.is_none_or(|end| end < begin),
                    (None, _) => false,
                }
            }
        }
    }

    /// How many bytes at the end begin an anchor or a known value.
    fn partial(&self, text: &[u8]) -> usize {
        let values = self.secrets.values();
        let longest = SHAPES.longest_anchor.max(values.longest);
        let from = text.len().saturating_sub(longest.saturating_sub(1));
        let begins = |tail: &[u8]| {
            let Some(first) = tail.first() else { return false };
            let value = |n: &usize| {
                let p = &values.patterns[*n];
                p.len() > tail.len() && p.starts_with(tail)
            };
            let anchor = |n: &usize| {
                let a = SHAPES.texts[*n].as_bytes();
                a.len() > tail.len() && a[..tail.len()].eq_ignore_ascii_case(tail)
            };
            let lower = first.to_ascii_lowercase();
            SHAPES.starts.of(lower).iter().any(anchor) || values.starts.of(*first).iter().any(value)
        };
        (from..text.len()).find(|at| begins(&text[*at..])).map_or(0, |at| text.len() - at)
    }
}

/// What is known of the text around the last anchors: those inside of it do not look again.
#[derive(Debug, Default)]
struct Runs {
    /// The run of each class that was looked at last.
    last: [Range<usize>; 4],
    /// A part in which no word is random.
    dull: Range<usize>,
}

impl Runs {
    fn is_random(&mut self, text: &[u8], word: Range<usize>) -> bool {
        if self.dull.start <= word.start && word.end <= self.dull.end {
            return false;
        }
        work(word.len());
        let mut kinds = Kinds::default();
        text[word.clone()].iter().for_each(|b| kinds.take(*b));
        if !kinds.are_few() {
            return looks_random(&text[word]);
        }
        // As far as it is so.
        let more = text[word.end..].iter().take_while(|b| {
            kinds.take(**b);
            kinds.are_few()
        });
        let more = more.count();
        work(more);
        self.dull = word.start..word.end + more;
        false
    }

    fn len(&mut self, of: Class, text: &[u8], at: usize) -> usize {
        let last = &mut self.last[of as usize];
        if !last.contains(&at) {
            let n = text[at..].iter().position(|b| !of.has(*b));
            *last = at..n.map_or(text.len(), |n| at + n);
            work(last.len());
        }
        last.end - at
    }
}

/// The length of a rule's match at the beginning of `window`, which lies at `start`, and what of it
/// is hidden.
fn matched(
    rule: usize,
    anchor: &str,
    text: &[u8],
    start: usize,
    window: &[u8],
    runs: &mut Runs,
) -> Option<(usize, Range<usize>)> {
    let of = &RULES[rule];
    let mut lead = 0;
    if let Some(run) = of.run {
        // Anchors are looked for in either case, and the pattern does not see this one.
        if !window.starts_with(anchor.as_bytes()) {
            return None;
        }
        let n = runs.len(run.of, text, start + anchor.len());
        if n < run.least || n > run.most {
            return None;
        }
        lead = anchor.len() + n;
    }
    // As far as the pattern itself may reach.
    let runs_reach = [of.run, of.value, of.body].into_iter().flatten().map(|run| run.most);
    let end = lead + of.reach - runs_reach.sum::<usize>();
    let rest = window.get(lead..end.min(window.len()))?;
    #[cfg(test)]
    work(rest.iter().skip(anchor.len()).take_while(|b| !of.stop.contains(b)).count());
    let pattern = &SHAPES.patterns[rule];
    let whole = lead + pattern.find(rest)?.end();
    if let Some(run) = of.value.or(of.body) {
        let n = runs.len(run.of, text, start + whole).min(run.most).min(window.len() - whole);
        let from = if of.value.is_some() { whole } else { 0 };
        return (n >= run.least).then_some((whole + n, from..whole + n));
    }
    if pattern.captures_len() == 1 {
        return Some((whole, 0..whole));
    }
    work(whole);
    let group = pattern.captures(rest)?.get(1)?.range();
    Some((whole, lead + group.start..lead + group.end))
}

/// Counts the bytes that rules look at, at most.
#[cfg(test)]
fn work(bytes: usize) {
    LOOKED_AT.with(|n| n.set(n.get() + bytes));
}
#[cfg(not(test))]
fn work(_: usize) {}

#[cfg(test)]
thread_local! {
    pub(super) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// `\n`, `\u001b`, or a colour: the letter before a secret belongs to it.
fn ends_an_escape(before: &[u8]) -> bool {
    let n = before.len();
    let at = |back: usize| n.checked_sub(back).map(|i| before[i]);
    if at(2) == Some(b'\\') && b"nrtbf".contains(&before[n - 1]) {
        return true;
    }
    if at(6) == Some(b'\\') && at(5) == Some(b'u') {
        return before[n - 4..].iter().all(u8::is_ascii_hexdigit);
    }
    if before.last() != Some(&b'm') {
        return false;
    }
    let digits = before[..n - 1].iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';');
    let from = n - 1 - digits.count();
    from >= 2 && before[from - 1] == b'[' && matches!(before[from - 2], 0x1b | b'b' | b'3' | b'e')
}
