use std::path::PathBuf;

use clap::Subcommand;
use otto::base::{Exit, Result};
use otto::cli::{Ui, person};
use otto::session::Session;
use otto::spec::amend::Actor;
use otto::spec::to_markdown;
use otto::stage::compile::review::{amend, changed_text, edited, read_edited, reject, version};
use otto::stage::compile::{approve, check_spec_file};

/// Show, check, edit, approve, reject or amend a spec
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto spec show\n  otto spec check spec.json\n  otto spec edit latest && otto spec approve latest\n  otto spec amend latest --file spec.md --reason \"the report needs totals\"\n\nEXIT CODES\n  0 done · 1 not possible now · 65 the spec is bad: every problem is listed, nothing was changed"
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the spec, to read
    Show {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
        /// As spec.json
        #[arg(long)]
        json: bool,
        /// An earlier version
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Check a spec file: all problems at once, each with its path
    Check { file: PathBuf },
    /// Open the spec in $EDITOR, or take a changed one from a file, before it is approved
    Edit {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
        /// Take it from this file (spec.md or spec.json) instead of an editor
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Compare two versions
    Diff {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
        /// The older version; without it, the one before the newest
        #[arg(long, value_name = "N")]
        from: Option<u32>,
    },
    /// Say yes
    Approve {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
    },
    /// Say no, and why
    Reject {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
        #[arg(long, short = 'm', value_name = "TEXT")]
        note: String,
    },
    /// Change an approved spec: a link in its amendment chain
    Amend {
        #[arg(default_value = "latest", env = "OTTO_SESSION")]
        session: String,
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Take the changed spec from this file instead of an editor
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    if let What::Check { file } = &args.what {
        let parsed = check_spec_file(file)?;
        for warning in &parsed.warnings {
            otto::errln!("warning: {warning}");
        }
        otto::outln!(
            "{}: {} groups, {} features, sha256:{}",
            file.display(),
            parsed.spec.groups.len(),
            parsed.spec.features.len(),
            parsed.spec.content_hash()
        );
        return Ok(Exit::YES);
    }
    let ws = ui.workspace()?;
    let open = |wanted: &str| Session::open(&ws, wanted);
    match args.what {
        What::Check { .. } => {}
        What::Show { session, json, version: n } => {
            let session = open(&session)?;
            let spec = n.map_or_else(|| session.current_spec(), |n| version(&session, n))?;
            otto::out!("{}", if json { spec.to_json() } else { to_markdown(&spec) });
        }
        What::Edit { session, file } => {
            let session = open(&session)?;
            let (text, name) = changed_text(&session, file)?;
            let hash = edited(&ws, &session, &read_edited(&text, &name)?)?;
            otto::outln!("spec {} (approve it: otto spec approve {})", hash.short(), session.id);
        }
        What::Diff { session, from } => {
            let session = open(&session)?;
            let newest = session.with_state(|s| s.spec_version)?;
            let older = from.unwrap_or(newest.saturating_sub(1)).max(1);
            let (a, b) =
                (to_markdown(&version(&session, older)?), to_markdown(&version(&session, newest)?));
            let diff = similar::TextDiff::from_lines(&a, &b);
            otto::out!(
                "{}",
                diff.unified_diff()
                    .header(&format!("version {older}"), &format!("version {newest}"))
            );
        }
        What::Approve { session } => {
            let session = open(&session)?;
            let hash = approve(&ws, &session, &person())?;
            otto::outln!("approved {}; go on: otto run --resume {}", hash.short(), session.id);
        }
        What::Reject { session, note } => {
            let session = open(&session)?;
            reject(&ws, &session, &note, &person())?;
            otto::outln!(
                "rejected; compile again with this note: otto run --resume {}",
                session.id
            );
        }
        What::Amend { session, reason, file } => {
            let session = open(&session)?;
            let (text, name) = changed_text(&session, file)?;
            let actor = Actor::User(person().trim_start_matches("user:").to_owned());
            let changed = read_edited(&text, &name)?;
            match amend(&ws, &session, changed, &reason, &actor, ws.clock.now())? {
                Some(hash) => otto::outln!("amended: spec {}", hash.short()),
                None => otto::outln!("nothing changed"),
            }
        }
    }
    Ok(Exit::YES)
}
