//! The tables of `docs/reliability.md` and `docs/threat-model.md`: a test makes each from what it saw, so that the page cannot
//! say more than was tried.

use std::path::Path;

/// A table of the page, between `<!-- begin NAME` and `<!-- end NAME -->`.
pub struct Matrix {
    page: &'static str,
    name: &'static str,
    lines: Vec<String>,
}

impl Matrix {
    pub fn new(name: &'static str, columns: &[&str]) -> Self {
        Self::on("docs/reliability.md", name, columns)
    }

    pub fn on(page: &'static str, name: &'static str, columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()];
        Self { page, name, lines: vec![line(columns), line(&rule)] }
    }

    /// One row: what was done to a run, and what was seen. Nothing that differs from run to run.
    pub fn row(&mut self, cells: &[&str]) {
        self.lines.push(line(cells));
    }

    /// The page holds exactly this table. `OTTO_UPDATE=1` writes it there.
    pub fn check(self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.page);
        // Tests that update run beside each other.
        let lock = std::fs::File::open(&path).expect("the page");
        lock.lock().expect("its lock");
        let page = std::fs::read_to_string(&path).expect("text");
        let begin = format!("<!-- begin {}", self.name);
        let end = format!("<!-- end {} -->", self.name);
        let from = page.find(&begin).unwrap_or_else(|| panic!("no '{begin}' in the page"));
        let from = from + page[from..].find("-->").expect("the mark ends") + "-->\n".len();
        let to = from + page[from..].find(&end).unwrap_or_else(|| panic!("no '{end}'"));
        let table = format!("\n{}\n\n", self.lines.join("\n"));
        if page[from..to] == table {
            return;
        }
        if std::env::var_os("OTTO_UPDATE").is_some() {
            let page = format!("{}{table}{}", &page[..from], &page[to..]);
            std::fs::write(&path, page).expect("written");
            return;
        }
        let hint = "refresh it: OTTO_UPDATE=1 cargo test --test it";
        panic!("{}: '{}' is not what was seen; {hint}\n{table}", self.page, self.name);
    }
}

fn line(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}
