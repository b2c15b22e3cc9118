//! Markdown back to a document, with the line of everything in it.

use serde_json::{Map, Value};

use super::{
    DETAILS, FEATURES, Form, GROUPS, LISTS, Label, OF_FEATURE, OF_GROUP, TITLE, block, texts,
};
use crate::base::text::nearest;
use crate::spec::problem::{Problem, item, key};

/// The document as `spec.json` would hold it.
pub(super) struct Document {
    pub(super) value: Value,
    /// JSON path and line, from 1.
    places: Vec<(String, usize)>,
}

impl Document {
    /// The line of the closest thing around `path` whose line is known.
    pub(super) fn line_of(&self, path: &str) -> Option<usize> {
        let around = |place: &str| {
            path.strip_prefix(place).is_some_and(|r| r.is_empty() || r.starts_with(['.', '[']))
        };
        let best = self.places.iter().filter(|(place, _)| around(place));
        best.max_by_key(|(place, _)| place.len()).map(|(_, line)| *line)
    }
}

/// Reads the text; every line that does not fit is a problem.
pub(super) fn read(text: &str) -> Result<Document, Vec<Problem>> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = Reader {
        lines: text.split('\n').collect(),
        at: 0,
        root: Map::new(),
        section: Section::Head,
        list: None,
        problems: Vec::new(),
        places: Vec::new(),
    };
    while reader.at < reader.lines.len() {
        reader.next();
    }
    if reader.problems.is_empty() {
        Ok(Document { value: Value::Object(reader.root), places: reader.places })
    } else {
        Err(reader.problems)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Head,
    Features,
    Groups,
    List,
    Details,
    /// Under a heading that is unknown and reported; its content is not judged.
    Unknown,
}

/// A list that takes bullets: the key within the current object, and the form of its items.
type Open = (&'static str, Form);

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    root: Map<String, Value>,
    section: Section,
    list: Option<Open>,
    problems: Vec<Problem>,
    places: Vec<(String, usize)>,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem::new("", message).at_line(line + 1));
    }

    /// Reads what starts at the current line.
    fn next(&mut self) {
        let start = self.at;
        let line = self.lines[start];
        self.at += 1;
        let unknown = self.section == Section::Unknown && !line.starts_with("## ");
        if line.trim().is_empty() || unknown {
            return;
        }
        if let Some(title) = line.strip_prefix("## ") {
            self.open_section(start, title.trim());
        } else if line.starts_with("<!--") {
            self.comment(start);
        } else if let Some(title) = line.strip_prefix("# ") {
            if title.trim() != TITLE {
                self.problem(start, format!("the title is '# {TITLE}'"));
            }
        } else if let Some(heading) = line.strip_prefix("### ") {
            self.element(start, heading);
        } else if line.starts_with('>') {
            self.quote(start);
        } else if line.starts_with("```") {
            self.block(start);
        } else if let Some(text) = bullet(line) {
            self.bullet(start, text);
        } else {
            self.label(start, line);
        }
    }

    fn comment(&mut self, start: usize) {
        let mut at = start;
        while !self.lines[at].contains("-->") {
            at += 1;
            if at == self.lines.len() {
                self.problem(start, "this comment has no end ('-->')");
                break;
            }
        }
        self.at = at + 1;
    }

    fn open_section(&mut self, start: usize, title: &str) {
        self.list = None;
        if let Some((_, name, form)) = LISTS.iter().find(|(known, _, _)| *known == title) {
            self.section = Section::List;
            self.put(start, name, Value::Array(Vec::new()));
            self.list = Some((name, *form));
            return;
        }
        let section = match title {
            FEATURES => Section::Features,
            GROUPS => Section::Groups,
            DETAILS => Section::Details,
            _ => {
                let known = LISTS.iter().map(|(t, _, _)| *t).chain([FEATURES, GROUPS, DETAILS]);
                let problem = Problem::new("", format!("unknown section '{title}'"));
                let problem = problem.nearest(nearest(title, known)).at_line(start + 1);
                self.problems.push(problem);
                Section::Unknown
            }
        };
        // The list itself is a key of the document; what follows goes into its elements.
        self.section = Section::Details;
        match section {
            Section::Features => self.put(start, "features", Value::Array(Vec::new())),
            Section::Groups => self.put(start, "groups", Value::Array(Vec::new())),
            Section::Head | Section::List | Section::Details | Section::Unknown => {}
        }
        self.section = section;
    }

    /// The list of elements of this section, if it is one of elements.
    fn elements(&mut self) -> Option<(&'static str, &mut Vec<Value>)> {
        let name = match self.section {
            Section::Features => "features",
            Section::Groups => "groups",
            Section::Head | Section::List | Section::Details | Section::Unknown => return None,
        };
        self.root.get_mut(name).and_then(Value::as_array_mut).map(|list| (name, list))
    }

    /// The path and the object that keys go to now; none between a section and its first element.
    fn target(&mut self) -> Option<(String, &mut Map<String, Value>)> {
        match self.section {
            Section::Features | Section::Groups => {
                let (name, list) = self.elements()?;
                let path = item(name, list.len().checked_sub(1)?);
                list.last_mut().and_then(Value::as_object_mut).map(|object| (path, object))
            }
            Section::Head | Section::List | Section::Details | Section::Unknown => {
                Some((String::new(), &mut self.root))
            }
        }
    }

    /// Sets a key of the current object.
    fn put(&mut self, line: usize, name: &str, value: Value) {
        let Some((path, object)) = self.target() else {
            self.problem(line, format!("'{name}' stands before the first '### <id>: <name>'"));
            return;
        };
        let path = key(&path, name);
        if object.contains_key(name) {
            self.problem(line, format!("'{name}' is there twice"));
            return;
        }
        object.insert(name.to_owned(), value);
        self.places.push((path, line + 1));
    }

    fn element(&mut self, start: usize, heading: &str) {
        self.list = None;
        let name = if self.section == Section::Features { "name" } else { "title" };
        let parts = texts::take_id(heading, &[':']).and_then(|(id, rest)| {
            let rest = rest.strip_prefix(':').ok_or("a heading is '### <id>: <name>'")?;
            Ok((id, texts::decode(rest.trim())?))
        });
        let Some((list_name, list)) = self.elements() else {
            self.problem(start, format!("only '## {FEATURES}' and '## {GROUPS}' have parts"));
            return;
        };
        let mut object = Map::new();
        let path = item(list_name, list.len());
        let fault = match parts {
            Ok((id, text)) => {
                object.insert("id".to_owned(), Value::String(id));
                object.insert(name.to_owned(), Value::String(text));
                None
            }
            Err(fault) => Some(fault),
        };
        list.push(Value::Object(object));
        self.places.push((path, start + 1));
        if let Some(fault) = fault {
            self.problem(start, fault);
        }
    }

    fn quote(&mut self, start: usize) {
        self.list = None;
        let mut text = Vec::new();
        self.at = start;
        while let Some(line) = self.lines.get(self.at).and_then(|line| line.strip_prefix('>')) {
            text.push(line.strip_prefix(' ').unwrap_or(line));
            self.at += 1;
        }
        let name = match self.section {
            Section::Head => "intent",
            Section::Features => "description",
            Section::Groups | Section::List | Section::Details | Section::Unknown => {
                self.problem(start, "a quotation belongs to nothing here");
                return;
            }
        };
        match texts::decode(&text.join("\n")) {
            Ok(text) => self.put(start, name, Value::String(text)),
            Err(fault) => self.problem(start, fault),
        }
    }

    fn block(&mut self, start: usize) {
        self.list = None;
        let opening = self.lines[start];
        let language = opening.trim_start_matches('`');
        let fence = &opening[..opening.len() - language.len()];
        let body = start + 1;
        let Some(end) = (body..self.lines.len()).find(|n| self.lines[*n].trim_end() == fence)
        else {
            self.at = self.lines.len();
            self.problem(start, format!("this block has no end ('{fence}')"));
            return;
        };
        self.at = end + 1;
        let text: String = self.lines[body..end].iter().map(|line| format!("{line}\n")).collect();
        let keys = match block::read(language.trim(), &text) {
            Ok(keys) => keys,
            Err(faults) => {
                for fault in faults {
                    // A parser may see the end of the text one line behind it.
                    let line = fault.line.map_or(start, |n| (body + n).min(end));
                    self.problem(line, fault.message);
                }
                return;
            }
        };
        let within = block::places(&text);
        let line_of = |name: &str| {
            within.iter().find(|(place, _)| place == name).map_or(start, |(_, n)| body + n)
        };
        for (name, value) in keys {
            self.put(line_of(&name), &name, value);
        }
        let Some((path, _)) = self.target() else { return };
        for (place, n) in within.iter().filter(|(place, _)| place.ends_with(']')) {
            let dot = if path.is_empty() { "" } else { "." };
            self.places.push((format!("{path}{dot}{place}"), body + n + 1));
        }
    }

    fn bullet(&mut self, start: usize, first: &'a str) {
        let mut text = vec![first];
        // Blank lines belong to the bullet if an indented line follows.
        let mut blank = 0;
        while let Some(line) = self.lines.get(self.at + blank) {
            if line.is_empty() {
                blank += 1;
            } else if let Some(more) = line.strip_prefix("  ") {
                text.extend(std::iter::repeat_n("", blank));
                text.push(more);
                self.at += blank + 1;
                blank = 0;
            } else {
                break;
            }
        }
        let Some((name, form)) = self.list else {
            self.problem(
                start,
                "this bullet belongs to nothing; a label or a section opens a list",
            );
            return;
        };
        let text = text.join("\n");
        let decoded = match form {
            Form::Paths => texts::decode_path(text.trim()),
            Form::Word | Form::Words | Form::Texts => texts::decode(&text),
        };
        let text = match decoded {
            Ok(text) => text,
            Err(fault) => return self.problem(start, fault),
        };
        let Some((path, object)) = self.target() else { return };
        if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
            let path = item(&key(&path, name), list.len());
            list.push(Value::String(text));
            self.places.push((path, start + 1));
        }
    }

    fn label(&mut self, start: usize, line: &str) {
        let labels: &[Label] = match self.section {
            Section::Features => &OF_FEATURE,
            Section::Groups => &OF_GROUP,
            Section::Head | Section::List | Section::Details | Section::Unknown => &[],
        };
        self.list = None;
        let (label, rest) = line.split_once(':').unwrap_or((line, ""));
        let known = labels.iter().find(|(known, _, _)| *known == label.trim());
        let Some((_, name, form)) = known else {
            let problem = Problem::new("", "this line belongs to nothing");
            let guess = nearest(label.trim(), labels.iter().map(|(known, _, _)| *known));
            self.problems.push(problem.nearest(guess).at_line(start + 1));
            return;
        };
        match form {
            Form::Texts | Form::Paths if rest.trim().is_empty() => {
                self.put(start, name, Value::Array(Vec::new()));
                self.list = Some((name, *form));
            }
            Form::Texts | Form::Paths => {
                self.problem(start, format!("'{label}:' is followed by bullets"));
            }
            Form::Word => match texts::take_id(rest, &[]) {
                Ok((id, "")) => self.put(start, name, Value::String(id)),
                Ok((_, more)) => self.problem(start, format!("'{more}' is too much here")),
                Err(fault) => self.problem(start, fault),
            },
            Form::Words => match words(rest) {
                Ok(ids) => self.put(start, name, ids.into()),
                Err(fault) => self.problem(start, fault),
            },
        }
    }
}

fn bullet(line: &str) -> Option<&str> {
    if matches!(line, "-" | "*" | "+") {
        return Some("");
    }
    ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark))
}

/// Ids with commas between them.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (id, more) = texts::take_id(rest, &[','])?;
        ids.push(id);
        rest = match more.strip_prefix(',') {
            Some(more) => more.trim(),
            None if more.is_empty() => more,
            None => return Err(format!("expected a comma before '{more}'")),
        };
    }
    Ok(ids)
}
