//! The table: one row a figure, as text and as the part of `docs/performance.md` between its marks.

use std::path::Path;

const BEGIN: &str = "<!-- begin price: made by make bench -->";
const END: &str = "<!-- end price -->";
const HEAD: [&str; 6] = ["what", "took", "floor", "ratio", "goal", ""];

/// One line of the table.
pub struct Row {
    what: String,
    took: String,
    floor: String,
    ratio: String,
    goal: String,
    met: Option<bool>,
}

impl Row {
    /// What was measured, and what it is measured against.
    pub fn new(what: impl Into<String>, took: String, floor: String) -> Self {
        let (ratio, goal) = (String::new(), String::new());
        Self { what: what.into(), took, floor, ratio, goal, met: None }
    }

    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = format!("{ratio:.2}");
        self
    }

    pub fn goal(mut self, goal: &str, met: bool) -> Self {
        self.goal = goal.to_owned();
        self.met = Some(met);
        self
    }

    fn cells(&self) -> [&str; 6] {
        let word = match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        [&self.what, &self.took, &self.floor, &self.ratio, &self.goal, word]
    }
}

/// Seconds as a person reads them.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 0.01 => format!("{:.2} ms", s * 1e3),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

pub fn markdown(machine: &str, rows: &[Row]) -> String {
    let lines = rows.iter().map(|r| r.cells().map(str::to_owned));
    let all: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(lines).collect();
    let width = |c: usize| all.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut out = format!("{machine}\n\n");
    for (n, row) in all.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            out.push_str(&format!("| {cell:width$} "));
        }
        out.push_str("|\n");
        if n == 0 {
            widths.iter().for_each(|w| out.push_str(&format!("|{}", "-".repeat(w + 2))));
            out.push_str("|\n");
        }
    }
    out
}

/// Puts the table between the marks of the page.
pub fn write(page: &Path, table: &str) {
    let text = std::fs::read_to_string(page).expect("docs/performance.md");
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark where it begins");
    let (_, after) = rest.split_once(END).expect("the page has the mark where it ends");
    let new = format!("{before}{BEGIN}\n{table}{END}{after}");
    std::fs::write(page, new).expect("docs/performance.md is written");
}
