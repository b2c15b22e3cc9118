//! The body of a private key (RFC 7468), wherever it is printed: as a file, in a diff, as one JSON
//! string, as a line a message. Read byte by byte, so that it may come in any pieces.

/// What stands before the body, and its first bytes: separators with quotes and escapes before any
/// body, or whatever is printed around lines before a long one.
macro_rules! start {
    () => {
        r#"(?:(?:\\[nrt]|[\s"'+,>|#*\\-]|[0-9]{1,5}[\t :|])*[A-Za-z0-9/][A-Za-z0-9+/]{15}|[\x00-\x7f]{0,240}?[A-Za-z0-9+/]{48})"#
    };
}

/// From the end of the `BEGIN` line.
pub const HEAD: &str = concat!(r"\APRIVATE KEY(?: BLOCK)?-----", start!());
/// The same behind that line.
pub const START: &str = concat!(r"\A", start!());
/// Longer than any match of [`START`].
pub const START_REACH: usize = 600;

/// A line of a body; shorter runs are its last line, or something else.
const LINE: u32 = 40;
/// So many short runs, or bytes between two runs, and the body is over without an `END`.
const MAX_SHORT: u32 = 12;
const MAX_GAP: u32 = 64;
const MAX_FOOTER: u32 = 64;
/// No key is larger.
const MAX_BODY: u32 = 64 << 10;

/// Where in a body we are.
#[derive(Debug, Clone, Default)]
pub struct Pem {
    run: u32,
    short: u32,
    gap: u32,
    dashes: u32,
    /// Bytes since the dashes before `END`.
    footer: Option<u32>,
    total: u32,
}

impl Pem {
    /// How many bytes belong to the body, and whether it ends there.
    pub fn take(&mut self, text: &[u8]) -> (usize, bool) {
        for (at, b) in text.iter().enumerate() {
            self.total += 1;
            if self.total > MAX_BODY {
                return (at, true);
            }
            self.dashes = if *b == b'-' { self.dashes + 1 } else { 0 };
            if let Some(n) = &mut self.footer {
                *n += 1;
                if self.dashes == 5 && *n > 5 {
                    return (at + 1, true);
                }
                if *n > MAX_FOOTER {
                    return (at, true);
                }
            } else if self.dashes == 5 {
                self.footer = Some(0);
            } else if self.outside(*b) {
                return (at, true);
            }
        }
        (text.len(), false)
    }

    /// Whether the body has ended before this byte.
    fn outside(&mut self, b: u8) -> bool {
        if b.is_ascii_alphanumeric() || b"+/=".contains(&b) {
            self.run += 1;
            self.gap = 0;
            return false;
        }
        if self.run >= LINE {
            self.short = 0;
        } else if self.run > 0 {
            self.short += 1;
        }
        self.run = 0;
        self.gap += 1;
        !b.is_ascii() || self.short > MAX_SHORT || self.gap > MAX_GAP
    }
}
