use std::path::PathBuf;

use clap::Subcommand;
use otto::base::{Exit, Result};
use otto::cli::Ui;
use otto::cli::spec::{self, Source};
use otto::session::Session;
use otto::stage::compile::check_spec_file;
use otto::stage::compile::review::{Shown, approve, reject};

/// Show, check, edit, approve, reject or amend a spec
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto spec show\n  otto spec check spec.json\n  otto spec edit latest && otto spec approve latest\n  otto spec reject latest --note \"the report needs totals\"\n  otto spec log && otto spec diff --from 1 --to 3\n  otto spec amend latest --file spec.md --reason \"the report needs totals\"\n  otto spec requests && otto spec amend --accept 1\n\nEXIT CODES\n  0 done · 1 not possible now, or the spec is another by now · 65 the spec is bad: every problem is listed, nothing was changed"
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Args)]
struct Of {
    #[arg(default_value = "latest", env = "OTTO_SESSION")]
    session: String,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the spec, to read
    Show {
        #[command(flatten)]
        of: Of,
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
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        from: Source,
    },
    /// Compare two versions
    Diff {
        #[command(flatten)]
        of: Of,
        /// The older version; without it, the one before the other
        #[arg(long, value_name = "N")]
        from: Option<u32>,
        /// The newer version; without it, the newest
        #[arg(long, value_name = "M")]
        to: Option<u32>,
    },
    /// List the versions: who, when, why, and what was said to each
    Log {
        #[command(flatten)]
        of: Of,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Say yes
    Approve {
        #[command(flatten)]
        of: Of,
        /// Only to the spec with this hash (8 digits or more), as it was shown
        #[arg(long, value_name = "HASH")]
        expect: Option<Shown>,
    },
    /// Ask for changes: it is compiled again with the note, at most five times
    Reject {
        #[command(flatten)]
        of: Of,
        #[arg(long, short = 'm', value_name = "TEXT")]
        note: String,
    },
    /// Change an approved spec, also while it is built: a link in its amendment chain
    Amend {
        #[command(flatten)]
        of: Of,
        /// Why
        #[arg(long, value_name = "TEXT", required_unless_present = "accept")]
        reason: Option<String>,
        /// Accept what a builder asked for; see otto spec requests
        #[arg(long, value_name = "N")]
        accept: Option<u32>,
        #[command(flatten)]
        from: Source,
    },
    /// List what builders asked for and only a person may change
    Requests {
        #[command(flatten)]
        of: Of,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Say no to a request
    Decline {
        #[command(flatten)]
        of: Of,
        #[arg(long, value_name = "N")]
        request: u32,
        #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
        note: String,
    },
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    if let What::Check { file } = &args.what {
        let parsed = check_spec_file(file)?;
        for warning in &parsed.warnings {
            otto::errln!("warning: {warning}");
        }
        otto::outln!("{}", spec::checked(&file.display().to_string(), &parsed.spec));
        return Ok(Exit::YES);
    }
    let ws = ui.workspace()?;
    let open = |of: &Of| Session::open(&ws, &of.session);
    match args.what {
        What::Check { .. } => {}
        What::Show { of, json, version } => spec::show(&open(&of)?, version, json)?,
        What::Diff { of, from, to } => spec::diff(&open(&of)?, from, to)?,
        What::Log { of, json } => spec::log(&open(&of)?, json)?,
        What::Requests { of, json } => spec::requests(&open(&of)?, json)?,
        What::Edit { of, from } => spec::edit(&ws, &open(&of)?, from)?,
        What::Approve { of, expect } => {
            let session = open(&of)?;
            let hash = approve(&ws, &session, &spec::who()?, expect.as_ref())?;
            otto::outln!("approved {}; go on: otto run --resume {}", hash.short(), session.id);
        }
        What::Reject { of, note } => {
            let session = open(&of)?;
            reject(&ws, &session, &note, &spec::who()?)?;
            otto::outln!("compile again with this note: otto run --resume {}", session.id);
        }
        What::Amend { of, reason, accept, from } => {
            spec::amend(&ws, &open(&of)?, spec::Asked { reason, accept, from })?;
        }
        What::Decline { of, request, note } => spec::decline(&ws, &open(&of)?, request, &note)?,
    }
    Ok(Exit::YES)
}
