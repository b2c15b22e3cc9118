//! Names of the dependencies in a manifest, as its own tool reads them: npm, Cargo, Python, Go. What
//! cannot be read has none. Versions do not matter here.

use std::collections::BTreeSet;

use serde_json::Value;

/// Text of a manifest in, names out.
pub type Reader = fn(&str) -> BTreeSet<String>;

/// How a file is read, by its name; `None` for what is no manifest.
pub fn reader_of(path: &str) -> Option<Reader> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "package.json" => Some(npm),
        "Cargo.toml" => Some(cargo),
        "pyproject.toml" => Some(pyproject),
        "go.mod" => Some(go),
        _ if name.starts_with("requirements") && name.ends_with(".txt") => Some(requirements),
        _ => None,
    }
}

fn npm(text: &str) -> BTreeSet<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
        .iter()
        .filter_map(|key| value[*key].as_object())
        .flat_map(|map| map.keys().cloned())
        .collect()
}

/// The lines of a TOML file that say something, each with the table that it stands in.
fn lines(text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut table = String::new();
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(move |line| {
        // A line such as `["x"]` begins an array's element and no table.
        if line.starts_with('[')
            && line.ends_with(']')
            && !line.contains('"')
            && !line.contains(',')
        {
            table = line.trim_matches(['[', ']']).trim().to_owned();
        }
        (table.clone(), line)
    })
}

/// The key of `key = value`, without what follows a dot in it.
fn key(line: &str) -> Option<String> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim().split('.').next()?.trim_matches(['"', '\'']).trim();
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    (plain && !key.is_empty()).then(|| key.to_owned())
}

fn cargo(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (table, line) in lines(text) {
        let mut parts = table.rsplit('.');
        let last = parts.next().unwrap_or("");
        let is_list = |name: &str| name.ends_with("dependencies");
        if is_list(last) && !line.starts_with('[') {
            out.extend(key(line));
        } else if parts.next().is_some_and(is_list) && line.starts_with('[') {
            out.insert(last.to_owned());
        }
    }
    out
}

/// The name at the start of a requirement (PEP 508).
fn name_of(requirement: &str) -> Option<String> {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(requirement.len());
    (end > 0).then(|| requirement[..end].to_lowercase())
}

fn pyproject(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut in_list = false;
    for (table, line) in lines(text) {
        if line.starts_with('[') && !in_list {
            continue;
        }
        let poetry = table.starts_with("tool.poetry") && table.ends_with("dependencies");
        if poetry {
            out.extend(key(line).filter(|name| name != "python"));
            continue;
        }
        let lists = ["project.optional-dependencies", "dependency-groups"];
        let begins = (table == "project" && line.starts_with("dependencies"))
            || lists.contains(&table.as_str());
        let rest = match (in_list, line.split_once('[')) {
            (true, _) => line,
            (false, Some((_, rest))) if begins => rest,
            (false, _) => continue,
        };
        out.extend(quoted(rest).filter_map(name_of));
        in_list = !closes(rest);
    }
    out
}

/// Whether a list ends in this line: at a bracket that is in no text.
fn closes(line: &str) -> bool {
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            (None, ']') => return true,
            (None, '#') => return false,
            (None | Some(_), _) => {}
        }
    }
    false
}

/// What stands between quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\''])?;
        let quote = rest[start..].chars().next()?;
        let from = &rest[start + 1..];
        let end = from.find(quote)?;
        rest = &from[end + 1..];
        Some(&from[..end])
    })
}

fn requirements(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|l| !l.starts_with(['#', '-'])).filter_map(name_of).collect()
}

fn go(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines().map(str::trim) {
        let line = line.split("//").next().unwrap_or("").trim();
        let module = match (in_block, line.strip_prefix("require")) {
            (true, _) if line == ")" => {
                in_block = false;
                continue;
            }
            (true, _) => line,
            (false, Some(rest)) if rest.trim() == "(" => {
                in_block = true;
                continue;
            }
            (false, Some(rest)) => rest.trim(),
            (false, None) => continue,
        };
        out.extend(module.split_whitespace().next().map(str::to_owned));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Vec<String> {
        reader_of(path).expect("a manifest")(text).into_iter().collect()
    }

    #[test]
    fn names_are_read_as_each_tool_has_them() {
        let text = r#"{"dependencies": {"a": "1"}, "devDependencies": {"@x/b": "2"}, "scripts": {"c": "d"}}"#;
        assert_eq!(read("web/package.json", text), ["@x/b", "a"]);
        let text = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\nb.workspace = true\n[dev-dependencies.c]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nd = { version = \"1\" }\n[features]\ne = []\n";
        assert_eq!(read("Cargo.toml", text), ["a", "b", "c", "d"]);
        let text = "[project]\nname = \"x\"\ndependencies = [\"Flask>=2\", 'b[extra]~=1']\n[project.optional-dependencies]\ntest = [\n  \"pytest\", # why\n  \"c ; python_version < '3'\",\n]\n[dependency-groups]\ndev = [\"d\"]\n[tool.poetry.dependencies]\npython = \"^3\"\ne = \"1\"\n[tool.x]\nf = [\"g\"]\n";
        assert_eq!(read("pyproject.toml", text), ["b", "c", "d", "e", "flask", "pytest"]);
        let text = "# all\nFlask==2\n-r other.txt\nrequests[socks]>=2 # http\n\n";
        assert_eq!(read("requirements-dev.txt", text), ["flask", "requests"]);
        let text = "module x\ngo 1.22\nrequire a.b/c v1\nrequire (\n\td.e/f v2 // indirect\n)\nreplace g => h v1\n";
        assert_eq!(read("go.mod", text), ["a.b/c", "d.e/f"]);
        assert!(reader_of("src/main.rs").is_none());
    }

    #[test]
    fn what_cannot_be_read_has_none() {
        assert_eq!(read("package.json", "not json"), [""; 0]);
        assert_eq!(read("Cargo.toml", "[dependencies"), [""; 0]);
        assert_eq!(read("pyproject.toml", "dependencies = ["), [""; 0]);
    }
}
