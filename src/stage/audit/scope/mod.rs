//! What is in the product and not in the spec, as far as that can be seen without asking anybody:
//! files that nobody owns, programs that were put in, dependencies that the spec does not name, parts
//! that it names and that are nowhere. Static, so it advises: see `unasked` in the caps.
//!
//! What a person put in (adopted commits, merges of the target) is not looked at.

mod dependencies;
mod structure;

use std::collections::BTreeSet;

use crate::base::Result;
use crate::base::text::count;
use crate::git::diff::EntryKind;
use crate::git::{Change, Oid};
use crate::session::SYNC;
use crate::session::event::{Beyond, Finding, FindingKind, Severity};
use crate::session::state::State;
use crate::spec::Verdict;
use crate::stage::Context;
use crate::stage::audit::verdict::{MISSING_PARTS, is_in};

/// So many are named in one finding.
const NAMED: usize = 12;
/// A manifest that is larger is no manifest.
const LARGEST: usize = 4 << 20;

pub(super) fn beyond(ctx: &Context<'_>, tip: Oid) -> Result<Vec<Finding>> {
    let repo = &ctx.ws.repo;
    let state = ctx.state()?;
    let by_hand = by_hand(ctx, &state)?;
    let changes: Vec<Change> = repo
        .changes(repo.tree_of(ctx.base())?, repo.tree_of(tip)?)?
        .into_iter()
        .filter(|c| !by_hand.contains(&c.path))
        .collect();
    let mut out = Vec::new();
    let groups: Vec<&str> = ctx.spec.groups.iter().map(|g| g.id.as_str()).collect();
    let is_nobodys = |path: &str| {
        groups.iter().all(|g| {
            matches!(ctx.ownership.may_write(g, path), Verdict::Outside | Verdict::Protected { .. })
        })
    };
    let nobodys = changes.iter().map(|c| c.path.as_str()).filter(|path| is_nobodys(path));
    out.extend(finding("files", Severity::Polish, "changed, and owned by no group", nobodys));
    let told = spec_text(ctx);
    let mut programs = Vec::new();
    for change in &changes {
        let Some((kind, id)) = change.new else { continue };
        let is_new = change.old.is_none_or(|(old, _)| old != kind);
        match kind {
            EntryKind::File | EntryKind::Executable if change.old.is_none() => {
                if is_program(&repo.blob(id)?) {
                    programs.push(change.path.as_str());
                    continue;
                }
            }
            EntryKind::File | EntryKind::Executable | EntryKind::Symlink | EntryKind::Gitlink => {}
        }
        let name = change.path.rsplit('/').next().unwrap_or(&change.path);
        if kind == EntryKind::Executable && is_new && !told.contains(&name.to_lowercase()) {
            out.extend(finding(
                &format!("executable-{}", change.path),
                Severity::Polish,
                "can be executed, and the spec does not name it",
                [change.path.as_str()],
            ));
        }
    }
    let what = "is a compiled program, which nobody can read";
    out.extend(finding("programs", Severity::Important, what, programs));
    out.extend(new_dependencies(ctx, &changes, &told)?);
    // What a group was to bring is missing as long as its work is not in: that is said of the group.
    let all_in = groups.iter().all(|g| is_in(state.group(g)));
    let missing = if all_in { structure::missing(ctx, tip)? } else { Vec::new() };
    let what = "in the spec's structure, and nowhere in the product";
    let parts = finding("structure", Severity::Important, what, missing.iter().map(String::as_str));
    out.extend(parts.map(|f| Finding { id: MISSING_PARTS.to_owned(), ..f }));
    Ok(out)
}

fn finding<'a>(
    id: &str,
    severity: Severity,
    what: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<Finding> {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() {
        return None;
    }
    let more = names.len().saturating_sub(NAMED);
    let listed: Vec<String> = names.iter().take(NAMED).map(|n| format!("`{n}`")).collect();
    let rest = if more > 0 { format!(" and {}", count(more, "other")) } else { String::new() };
    Some(Finding {
        id: format!("scope-{id}"),
        kind: FindingKind::Scope,
        severity,
        text: format!("{}{rest}: {what}", listed.join(", ")),
        features: Vec::new(),
        group: None,
        check: None,
        reproduction: String::new(),
        evidence: Vec::new(),
        failure: None,
        beyond: Some(Beyond::Unasked),
    })
}

/// Paths that a person changed in the product.
fn by_hand(ctx: &Context<'_>, state: &State) -> Result<BTreeSet<String>> {
    let repo = &ctx.ws.repo;
    let mut out = BTreeSet::new();
    for landing in &state.landings {
        if landing.group == "adopted" || landing.group.starts_with(SYNC) {
            let changes = repo.changes(repo.tree_of(landing.old)?, repo.tree_of(landing.new)?)?;
            out.extend(changes.into_iter().map(|c| c.path));
        }
    }
    Ok(out)
}

/// Everything that the spec says, for looking a name up.
fn spec_text(ctx: &Context<'_>) -> String {
    let mut spec = ctx.spec.clone();
    spec.amendments.clear();
    spec.to_json().to_lowercase()
}

/// Programs for a machine: ELF, Mach-O, PE, WebAssembly, Java classes and archives of them.
fn is_program(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 8] = [
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\0asm",
        b"MZ",
    ];
    // Two letters alone may begin a text.
    STARTS.iter().any(|start| bytes.starts_with(start)) && bytes.iter().take(512).any(|b| *b == 0)
}

fn new_dependencies(ctx: &Context<'_>, changes: &[Change], told: &str) -> Result<Vec<Finding>> {
    let repo = &ctx.ws.repo;
    let mut out = Vec::new();
    for change in changes {
        let Some(read) = dependencies::reader_of(&change.path) else { continue };
        let text = |side: Option<(EntryKind, Oid)>| -> Result<String> {
            match side {
                Some((EntryKind::File | EntryKind::Executable, id)) => {
                    let bytes = repo.blob(id)?;
                    let bytes = if bytes.len() > LARGEST { Vec::new() } else { bytes };
                    Ok(String::from_utf8_lossy(&bytes).into_owned())
                }
                Some((EntryKind::Symlink | EntryKind::Gitlink, _)) | None => Ok(String::new()),
            }
        };
        let (old, new) = (read(&text(change.old)?), read(&text(change.new)?));
        let added: Vec<&str> = new
            .difference(&old)
            .map(String::as_str)
            .filter(|name| !told.contains(&name.to_lowercase()))
            .collect();
        let what = format!("new dependencies in {} that the spec does not name", change.path);
        let id = format!("dependencies-{}", change.path);
        out.extend(finding(&id, Severity::Important, &what, added));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_programs_are_known_and_texts_are_not() {
        assert!(is_program(b"\x7fELF\x02\x01\x01\0\0\0"));
        assert!(is_program(b"MZ\x90\0\x03"));
        assert!(!is_program(b"MZ is how this sentence begins.\n"));
        assert!(!is_program(b"#!/bin/sh\n"));
        assert!(!is_program(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    }

    #[test]
    fn a_finding_names_some_and_counts_the_rest() {
        assert_eq!(finding("x", Severity::Polish, "there", []), None);
        let names: Vec<String> = (0..14).map(|n| format!("f{n}")).collect();
        let found = finding("x", Severity::Polish, "there", names.iter().map(String::as_str));
        let text = found.expect("some").text;
        assert!(
            text.starts_with("`f0`, `f1`") && text.ends_with("`f11` and 2 others: there"),
            "{text}"
        );
    }
}
