use otto::base::text::count;
use otto::base::{Exit, Result, Secrets};
use otto::cli::{Out, SessionArgs, Ui};
use otto::session::Session;
use otto::watch::narrative::{Written, chosen, tell, write};

/// Look closely: what is derived, made again from what it is derived from
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto debug narrative --group login --attempt 2\n  otto debug narrative latest --write"
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Tell a turn again from its messages.jsonl
    ///
    /// Without --write it is printed; of several turns each is headed by its name on standard error.
    Narrative {
        #[command(flatten)]
        session: SessionArgs,
        /// Only turns of this group
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
        /// Only this attempt, or this round of the audit
        #[arg(long, value_name = "N")]
        attempt: Option<u32>,
        /// Write narrative.log anew where it differs, instead of printing
        #[arg(long)]
        write: bool,
    },
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let What::Narrative { session, group, attempt, write: anew } = args.what;
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &session.session)?;
    let secrets = Secrets::from_env(&session.config.secrets);
    let turns = chosen(&session, group.as_deref(), attempt)?;
    for turn in &turns {
        let unreadable = if anew {
            let (written, unreadable) = write(&ws, &session, turn, &secrets)?;
            let how = match written {
                Written::Same => "as it was",
                Written::Anew => "written anew",
            };
            otto::outln!("{}: {how}", turn.name);
            unreadable
        } else {
            if turns.len() > 1 {
                otto::errln!("{}:", turn.name);
            }
            let mut out = Out::new();
            let unreadable = tell(turn, &secrets, &mut out)?;
            // A reader that went away wants no more.
            drop(std::io::Write::flush(&mut out));
            unreadable
        };
        if unreadable > 0 {
            let lines = count(unreadable as usize, "line");
            otto::errln!("warning: {lines} of {}/messages.jsonl cannot be read", turn.name);
        }
    }
    Ok(Exit::YES)
}
