//! What may happen to a file.

pub const NAMES: [&str; 9] =
    ["flip", "last byte", "cut", "torn", "empty", "duplicate", "swap", "zeros", "zero tail"];

/// Name and bytes of every damage that makes a difference, in a fixed order.
pub fn all(good: &[u8], long: bool) -> Vec<(&'static str, Vec<u8>)> {
    let mut out = Vec::new();
    let flips: Vec<usize> = if long { (0..64).collect() } else { vec![37] };
    out.extend(flips.iter().map(|part| ("flip", flip(good, good.len() * part / 64))));
    out.push(("last byte", flip_at(good, good.len().saturating_sub(1))));
    out.push(("cut", good[..good.len() * 2 / 3].to_vec()));
    out.push(("torn", good[..good.len() - good.len().min(7)].to_vec()));
    out.push(("empty", Vec::new()));
    out.push(("duplicate", duplicate(good)));
    out.push(("swap", swap(good)));
    out.push(("zeros", zeros(good)));
    out.push(("zero tail", [good, &[0; 512]].concat()));
    out.retain(|(_, bytes)| bytes != good);
    out
}

/// Another letter or digit, at or after `at`: never one that means the same.
fn flip(good: &[u8], at: usize) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric();
    let found = good.iter().skip(at).position(plain).map(|n| at + n);
    flip_at(good, found.unwrap_or(at))
}

fn flip_at(good: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    bytes
}

fn lines(good: &[u8]) -> Vec<&[u8]> {
    good.split_inclusive(|b| *b == b'\n').collect()
}

/// The line in the middle, twice.
fn duplicate(good: &[u8]) -> Vec<u8> {
    let mut lines = lines(good);
    if let Some(line) = lines.get(lines.len() / 2).copied() {
        lines.insert(lines.len() / 2, line);
    }
    lines.concat()
}

/// The two lines in the middle the other way round; of one line, its halves.
fn swap(good: &[u8]) -> Vec<u8> {
    let mut lines = lines(good);
    let middle = lines.len() / 2;
    if middle > 0 {
        lines.swap(middle - 1, middle);
        return lines.concat();
    }
    let (a, b) = good.split_at(good.len() / 2);
    [b, a].concat()
}

/// A block in the middle was not written.
fn zeros(good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let third = good.len() / 3;
    bytes[third..2 * third].fill(0);
    bytes
}
