//! Text from agents and programs, made safe to show.
//!
//! Escaping for HTML is not enough: a text direction control can make a line read as something
//! else than it says, and a terminal escape is noise. Both are handled here, for the page and for
//! the pictures in it alike.

/// `text` as it may be shown: terminal sequences are dropped, line ends are `\n`, and every other
/// character that steers and does not show is spelled out.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{1b}' => skip_sequence(&mut chars),
            '\u{0}'..='\u{1f}' => out.push(picture(c as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => out.push(char::REPLACEMENT_CHARACTER),
            _ if steers(c) => out.push_str(&format!("[U+{:04X}]", c as u32)),
            _ => out.push(c),
        }
    }
    out
}

/// [`visible`], then escaped for HTML and SVG, in text and in quoted attributes.
pub fn escape(text: &str) -> String {
    let shown = visible(text);
    let mut out = String::with_capacity(shown.len() + shown.len() / 8);
    for c in shown.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// The symbol for a C0 control, from Unicode's "Control Pictures".
fn picture(code: u32) -> char {
    char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Direction controls, invisible spaces, line separators and tag characters. The joiners stay:
/// several scripts need them.
fn steers(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Leaves out what follows an escape character: a control sequence (ECMA-48, 5.4), an operating
/// system command up to its terminator, or a single character.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            // A sequence consists of parameters and ends with its first byte of 0x40 to 0x7e. On
            // anything else it was not one, and the text goes on.
            while let Some(c) = chars.peek().copied() {
                match c {
                    '\u{20}'..='\u{3f}' => {
                        chars.next();
                    }
                    '\u{40}'..='\u{7e}' => {
                        chars.next();
                        return;
                    }
                    _ => return,
                }
            }
        }
        Some(']') => {
            // Without a terminator on this line it is text like any other.
            let ends = |c: char| matches!(c, '\u{7}' | '\u{1b}');
            let rest = chars.clone().skip(1).take_while(|c| *c != '\n').position(ends);
            if let Some(length) = rest {
                for _ in 0..=length {
                    chars.next();
                }
                if chars.next() == Some('\u{1b}') && chars.peek() == Some(&'\\') {
                    chars.next();
                }
            }
        }
        Some('(' | ')') => {
            chars.next();
            chars.next();
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_is_spelled_out() {
        assert_eq!(visible("a\u{202e}b"), "a[U+202E]b");
        assert_eq!(visible("\u{1b}[1;31mred\u{1b}[0m"), "red");
        assert_eq!(visible("\u{1b}]8;;x\u{7}link\u{1b}]8;;\u{1b}\\."), "link.");
        assert_eq!(visible("\u{1b}]no end\nnext"), "]no end\nnext");
        assert_eq!(visible("a\r\nb\rc\td\u{7}"), "a\nb\nc\td\u{2407}");
        assert_eq!(visible("مرحبا"), "مرحبا");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }

    proptest! {
        #[test]
        fn nothing_can_leave_its_place(text in "\\PC*|(.|\\n)*") {
            let out = escape(&text);
            let bad = ['<', '>', '"', '\'', '\u{1b}', '\u{202e}', '\u{0}'];
            prop_assert!(!out.contains(bad), "{}", out);
            prop_assert_eq!(visible(&visible(&text)), visible(&text));
        }
    }
}
