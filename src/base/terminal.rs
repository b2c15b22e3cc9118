//! Text of others, made safe to show: an agent must not draw on the terminal of whoever reads what
//! it said, nor turn the order of its words around.

/// Removes escape sequences (ECMA-48, section 5.6 and 8.3: CSI, OSC, DCS and their kin, in their
/// 7-bit and 8-bit forms), control characters and bidirectional overrides. Line ends and tabs stay.
/// Where a line was written over with a carriage return, what was written last is kept.
pub fn strip_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut line = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek().copied() {
                Some('[') => {
                    chars.next();
                    skip_control_sequence(&mut chars);
                }
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    chars.next();
                    skip_string(&mut chars);
                }
                // nF: intermediate bytes, then a final one, as in `ESC ( B`.
                Some(' '..='/') => {
                    while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
                    chars.next_if(|c| ('0'..='~').contains(c));
                }
                Some('0'..='~') => drop(chars.next()),
                Some(_) | None => {}
            },
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\r' => match chars.peek() {
                Some('\n' | '\r') | None => {}
                Some(_) => out.truncate(line),
            },
            '\n' => {
                out.push(c);
                line = out.len();
            }
            '\u{2028}' | '\u{2029}' => out.push(' '),
            '\t' => out.push(c),
            c if c.is_control() || is_bidi_override(c) => {}
            c => out.push(c),
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Parameters and intermediate bytes up to the final byte. A byte that cannot stand there ends it
/// and is kept.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Up to BEL or ST; one that is never ended ends with its line.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}

/// Unicode Standard Annex 9: embeddings, overrides, isolates and marks.
fn is_bidi_override(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_and_the_words_stay() {
        for (text, plain) in [
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;a title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9d}0;title\u{9c}text", "text"),
            ("\u{1b}Pq#0;2;0;0;0\u{1b}\\after", "after"),
            ("\u{1b}(Bplain\u{1b}=", "plain"),
            ("\u{9b}2Jcleared", "cleared"),
            ("never ended \u{1b}]0;title\nnext", "never ended \nnext"),
            ("cut \u{1b}[", "cut "),
            ("cut \u{1b}", "cut "),
            // A sequence with a byte that cannot be in it swallows nothing more.
            ("a\u{1b}[1é", "aé"),
            ("10%\r20%\rdone\nnext\r\nlast", "done\nnext\nlast"),
            ("a\u{8}b\u{0}c\td", "abc\td"),
            ("admin\u{202e}nimda\u{2066}", "adminnimda"),
            ("one\u{2028}two", "one two"),
        ] {
            assert_eq!(strip_controls(text), plain, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_controls_is_left(text in "(\\PC|[\u{0}-\u{9f}]|\u{202e}|\u{1b}[\\[\\]P(]){0,80}") {
            let plain = strip_controls(&text);
            prop_assert!(plain.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()), "{plain:?}");
            prop_assert_eq!(strip_controls(&plain), plain.clone());
        }
    }
}
