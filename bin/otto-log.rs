use std::io::Write;
use std::time::Duration;

use otto::base::{Error, Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::process::stop;
use otto::session::journal::{Position, Reader, Record};
use otto::session::{Session, Weight, Workspace, tell};

/// Show what happened in a session, event by event
///
/// One line an event: time, group, what. Check results and other chatter need --all.
#[derive(Debug, clap::Parser)]
#[command(version, after_long_help = "EXAMPLES\n  otto log\n  otto log -f --group login\n  otto log --json | jq 'select(.kind==\"merge.landed\")'")]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Go on as events come, until the run is over
    #[arg(long, short = 'f')]
    follow: bool,
    /// Only one group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Every event, check results included
    #[arg(long, short = 'a')]
    all: bool,
    /// One JSON object an event
    #[arg(long)]
    json: bool,
}

const LOOK: Duration = Duration::from_millis(200);

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let cwd = std::env::current_dir().map_err(|e| Error::machine("the current folder is gone").because(e))?;
    let ws = Workspace::open(&cwd, &ui.program)?;
    let session = Session::open(&ws, &args.session.session)?;
    let path = session.layout.journal();
    let mut at = Position::START;
    let mut out = std::io::stdout().lock();
    loop {
        let mut over = false;
        let mut reader = Reader::open(&path, at)?;
        for record in reader.by_ref() {
            let record = record?;
            over = matches!(record.event.kind(), "run.finished" | "run.aborted" | "run.paused");
            if wanted(&args, &record) && write(&args, &mut out, &record).is_err() {
                return Ok(Exit::YES);
            }
        }
        at = reader.position;
        if !args.follow || over || stop::requested().is_some() {
            return Ok(Exit::YES);
        }
        std::thread::sleep(LOOK);
    }
}

fn wanted(args: &Args, record: &Record) -> bool {
    let group = args.group.is_none() || args.group == record.group;
    group && (args.all || args.json || tell(record).0 == Weight::News)
}

fn write(args: &Args, out: &mut impl Write, record: &Record) -> std::io::Result<()> {
    if args.json {
        let data = record.event.data().unwrap_or_default();
        let group = serde_json::to_string(&record.group)?;
        return writeln!(
            out,
            "{{\"seq\":{},\"at\":\"{}\",\"kind\":\"{}\",\"group\":{group},\"data\":{data}}}",
            record.seq,
            record.at,
            record.event.kind()
        );
    }
    let at = record.at.strftime("%H:%M:%S%.3f");
    writeln!(out, "{at}  {:<14} {}", record.group.as_deref().unwrap_or(""), tell(record).1)
}
