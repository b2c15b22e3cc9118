//! How `otto proof` says what it found.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::text::count;
use crate::base::{Error, Exit, Result};
use crate::session::layout::shown;
use crate::session::{Session, Workspace};
use crate::stage::proof::{self, Depth, Plan, Rule};
use crate::stage::render::size;

/// A value as one line of JSON.
pub fn line(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value);
    text.map(|t| t + "\n").map_err(|e| Error::bug("a value cannot be written as JSON").because(e))
}

/// Where a file to hand over goes. A folder that is not there is a slip of the hand; and what
/// nobody named must not lie in the checkout, where the next `git add` takes it.
pub fn packet_place(ws: &Workspace, session: &Session, out: Option<PathBuf>) -> Result<PathBuf> {
    let Some(out) = out else {
        return Ok(ws.layout.logs.join(format!("otto-proof-{}.tar", session.id)));
    };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            Err(Error::usage(format!("the folder '{}' is not there", folder.display()))
                .hint("make it first, or write elsewhere: --out FILE"))
        }
        _ if out.is_dir() => Err(Error::usage(format!("'{}' is a folder", out.display()))
            .hint(format!("name the file: --out {}/otto-proof.tar", out.display()))),
        Some(_) | None => Ok(out),
    }
}

/// One row for each session.
pub fn list(ws: &Workspace, most: usize, json: bool) -> Result<Exit> {
    let rows = proof::list(ws, most)?;
    if rows.is_empty() && !json {
        crate::errln!("no session yet; start one: otto run \"what you want\"");
    }
    let mut table: Vec<[String; 6]> = Vec::new();
    for row in rows {
        match row {
            Ok(row) if json => crate::out!("{}", line(&row)?),
            Ok(row) => {
                let html = shown(&row.html, ws.root());
                table.push([
                    row.session.to_string(),
                    row.created.0.strftime("%Y-%m-%d %H:%M").to_string(),
                    row.words(),
                    format!("{}/{} features", row.features_passed, row.features),
                    crate::base::text::one_line(&row.title, 48),
                    if row.rendered { html } else { "(not rendered)".to_owned() },
                ]);
            }
            Err((id, e)) if json => {
                let row = serde_json::json!({"session": id, "unreadable": e.to_string()});
                crate::out!("{}", line(&row)?);
            }
            // One damaged session must not hide the others.
            Err((id, e)) => {
                let mut cells: [String; 6] = Default::default();
                cells[0] = id.to_string();
                cells[2] = format!("unreadable: {e}");
                table.push(cells);
            }
        }
    }
    let wide = |n: usize| {
        let whole = table.iter().filter(|r| !r[5].is_empty());
        whole.map(|r| r[n].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(wide).collect();
    for row in &table {
        let cells = row.iter().zip(widths.iter().chain([&0]));
        let text: Vec<String> = cells.map(|(cell, w)| format!("{cell:<w$}")).collect();
        crate::outln!("{}", text.join("  ").trim_end());
    }
    Ok(Exit::YES)
}

/// Which sessions are old, and what is done.
#[derive(Debug, Clone, Args)]
pub struct CleanupArgs {
    /// Only these sessions, whatever their age
    #[arg(value_name = "SESSION")]
    only: Vec<String>,
    /// Only sessions in which nothing happened for so long: 30d, 12h, 2w
    #[arg(long, value_name = "TIME", default_value = "30d")]
    older_than: String,
    /// Leave so many of the newest sessions as they are
    #[arg(long, value_name = "N", default_value_t = 10)]
    keep: usize,
    /// The whole folder of each session: its journal and evidence are gone for good
    #[arg(long)]
    all: bool,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// Says what goes by the rule, and with `--yes` removes it.
pub fn cleanup(ws: &Workspace, args: &CleanupArgs) -> Result<Exit> {
    let CleanupArgs { yes, json, .. } = *args;
    let only = args.only.iter().map(|wanted| crate::session::resolve(&ws.layout, wanted));
    let rule = Rule {
        before: proof::older_than(&args.older_than, ws.clock.now())?,
        keep: args.keep,
        only: only.collect::<Result<_>>()?,
        depth: if args.all { Depth::Whole } else { Depth::Parts },
    };
    let plan = proof::plan(ws, &rule)?;
    if yes {
        proof::remove(ws, &plan)?;
    }
    if json {
        let all = serde_json::json!({"v": 1, "removed": yes, "bytes": plan.bytes(), "plan": plan});
        crate::out!("{}", line(&all)?);
        return Ok(Exit::YES);
    }
    told(ws, &plan, yes);
    Ok(Exit::YES)
}

fn told(ws: &Workspace, plan: &Plan, yes: bool) {
    for part in &plan.parts {
        let dir = shown(&ws.layout.session(&part.session).dir, ws.root());
        let what = match plan.depth {
            Depth::Parts => count(part.paths.len(), "part"),
            Depth::Whole => "the whole folder, journal and evidence".to_owned(),
        };
        crate::outln!("{}  {}  {what}", part.session, size(part.bytes));
        for path in part.paths.iter().filter(|p| !p.as_os_str().is_empty()) {
            crate::outln!("  {dir}/{}", path.display());
        }
        if plan.depth == Depth::Whole {
            let refs = count(part.refs, "ref");
            crate::outln!("  {dir}\n  {refs} of it stay: no work goes");
        }
    }
    let spared = plan.spared.iter().filter(|s| s.why != "it was not named");
    for spared in spared.filter(|s| s.why.starts_with("it cannot")) {
        crate::outln!("{}  stays: {}", spared.session, spared.why);
    }
    let (n, bytes) = (count(plan.parts.len(), "session"), size(plan.bytes()));
    let stay = plan.spared.len();
    match (plan.parts.is_empty(), yes) {
        (true, _) => crate::outln!("nothing to remove; {} as they are", count(stay, "session")),
        (false, true) => crate::outln!("removed {bytes} of {n}"),
        (false, false) => {
            crate::outln!("{bytes} of {n} would go; nothing was removed: add --yes to do it");
        }
    }
}
