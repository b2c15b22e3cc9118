use otto::base::{Exit, Result};
use otto::cli::{Out, SessionArgs, Ui};
use otto::session::Session;
use otto::watch::{Form, Wanted, require_groups, show};

/// How many lines `-f` begins with.
const FOLLOWED: usize = 20;

/// Show what happened in a session, and what its agents do
///
/// One line an event of the journal: time, group, what. Check results and other chatter need --all.
/// With --agents, or -f, also what the agents of all groups do, line by line in the order of time:
/// time, group, role and attempt, what (docs/watching.md explains the signs). With --json those are
/// the events of their transcripts.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto log\n  otto log -f\n  otto log -f --group login --group search -n 100\n  otto log --agents | less\n  otto log --json | jq 'select(.kind==\"merge.landed\")'"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Go on as it comes, until the run is over; begins with the last 20 lines
    #[arg(long, short = 'f')]
    follow: bool,
    /// Only the last N lines
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<usize>,
    /// Only this group; may be given several times
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// What agents do, too; with -f it is shown without asking
    #[arg(long, overrides_with = "no_agents")]
    agents: bool,
    /// Only the journal
    #[arg(long, overrides_with = "agents")]
    no_agents: bool,
    /// Every event, check results included
    #[arg(long, short = 'a')]
    all: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    require_groups(&session, &args.group)?;
    let wanted = Wanted {
        groups: args.group,
        all: args.all,
        agents: args.agents || (args.follow && !args.no_agents),
        form: if args.json { Form::Json } else { Form::Text },
        last: args.lines.or(args.follow.then_some(FOLLOWED)),
        follow: args.follow,
    };
    show(&session, &wanted, &mut Out::new())?;
    Ok(Exit::YES)
}
