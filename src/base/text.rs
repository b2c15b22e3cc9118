//! Small text functions: nearest names for "did you mean", cutting, counting words.

/// Deserializes what parses itself from text, without making a `String` where the text is there.
pub fn parsed<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: serde::Deserializer<'de>,
{
    struct Text<T>(std::marker::PhantomData<T>);
    impl<T: std::str::FromStr<Err: std::fmt::Display>> serde::de::Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    from.deserialize_str(Text(std::marker::PhantomData))
}

/// The candidate closest to `wanted` by Levenshtein distance, if it is close enough to be a
/// likely slip (at most a third of the letters, and never a wholly different word).
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(wanted, c), c))
        .filter(|(d, c)| *d <= limit && *d < c.chars().count().max(2))
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Edit distance with insertions, deletions, substitutions and neighbouring swaps
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut d = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = d;
        }
    }
    rows[a.len()][b.len()]
}

/// At most `max` characters of the first line, with `…` where something was cut.
pub fn one_line(text: &str, max: usize) -> String {
    let line = text.trim().lines().next().unwrap_or("");
    let more = text.trim().lines().count() > 1;
    if line.chars().count() <= max && !more {
        return line.to_owned();
    }
    let cut: String = line.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The last `max` bytes of `text`, from a line start, with a note of what was left out.
pub fn tail(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut from = text.len() - max;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let from = text[from..].find('\n').map_or(from, |n| from + n + 1);
    format!("[{from} bytes left out]\n{}", &text[from..])
}

/// `1 group`, `2 groups`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Quotes an argument for a POSIX shell, for commands that a person may copy.
pub fn shell_quote(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

/// An argument vector as one line that a person may copy into a shell.
pub fn shell_line<S: AsRef<str>>(argv: &[S]) -> String {
    argv.iter().map(|a| shell_quote(a.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_only() {
        assert_eq!(nearest("statsu", ["status", "start"]), Some("status"));
        assert_eq!(nearest("jbos", ["jobs", "provider"]), Some("jobs"));
        assert_eq!(nearest("zebra", ["jobs", "provider"]), None);
    }

    #[test]
    fn tail_starts_at_a_line() {
        assert_eq!(tail("ab\ncd\nef\n", 5), "[6 bytes left out]\nef\n");
        assert_eq!(tail("ab", 5), "ab");
    }

    #[test]
    fn one_line_marks_what_it_cuts() {
        assert_eq!(one_line("hello\nworld", 20), "hello…");
        assert_eq!(one_line("hello", 20), "hello");
        assert_eq!(one_line("hello world", 6), "hello…");
    }

    #[test]
    fn shell_lines_can_be_copied() {
        assert_eq!(shell_line(&["sh", "-c", "echo 'a b'"]), r"sh -c 'echo '\''a b'\'''");
    }
}
