//! Pictures: PNG and JPEG by their first bytes and nothing else, so that none is a document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A larger one is named by its hash.
const LARGEST: u64 = 3 << 19;
/// More than this is a picture made to be unpacked, not to be seen.
const MOST_PIXELS: u64 = 40_000_000;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// A `data:` address; `None` where the page has no room for it.
    pub src: Option<String>,
    /// In pixels, where the file says so.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Why it is not shown.
    pub why: &'static str,
}

pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG) || bytes.starts_with(JPEG)
}

/// Takes what it needs from `room`.
pub fn read(bytes: &[u8], room: &mut u64) -> Picture {
    let size = size(bytes);
    let (width, height) = (size.map(|s| s.0), size.map(|s| s.1));
    let gone = |why| Picture { src: None, width, height, why };
    let pixels = size.map_or(0, |(w, h)| u64::from(w) * u64::from(h));
    let bytes_long = bytes.len() as u64;
    if bytes_long > LARGEST {
        return gone("it is larger than a page should be");
    }
    if pixels > MOST_PIXELS {
        return gone("it has too many pixels");
    }
    if bytes_long > *room {
        return gone("the page has as many pictures as it may");
    }
    *room -= bytes_long;
    let kind = if bytes.starts_with(PNG) { "png" } else { "jpeg" };
    let src = format!("data:image/{kind};base64,{}", STANDARD.encode(bytes));
    Picture { src: Some(src), width, height, why: "" }
}

/// Width and height of a PNG (its first chunk, 11.2.2 of the specification).
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(PNG)?.get(4..16)?;
    let word = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    (header.starts_with(b"IHDR")).then_some((word(4)?, word(8)?))
}
