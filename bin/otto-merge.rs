use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use otto::base::{Exit, Result};
use otto::check::cache::Reuse;
use otto::cli::{Stage, StageArgs, Ui, UpstreamRule, Wake, run_stage};
use otto::stage::merge::{Queue, Repair, adopt, sync};
use otto::stage::{Context, Item, Report};

/// Land passing groups in the integration branch, one tested merge at a time
///
/// A group's work is merged with i2p/integ/SESSION off-tree, checked in a disposable worktree at
/// that very commit, and lands by compare-and-swap. A group that conflicts, or is red when merged,
/// goes back to its builder with a brief. In a pipe it lands while other groups still build.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto build-group --all | otto merge\n  otto merge --session latest\n  otto build-group --group login && otto merge --group login\n  otto merge --sync        # the target branch moved: bring it in, tested\n  otto merge --adopt       # you moved the integration branch: accept that\n\nEXIT CODES\n  0 every group is in · 1 some are not · 75 the queue is held, or upstream was cut · 77 moved by hand"
)]
pub struct Args {
    /// Merge the target branch into the integration branch, as a tested landing
    #[arg(long, conflicts_with = "adopt")]
    sync: bool,
    /// Accept where a person put the integration branch
    #[arg(long)]
    adopt: bool,
    /// Say only whether this group is in: 0 if it is, whatever the others are
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["sync", "adopt"])]
    group: Option<String>,
    /// Only report what cannot land; do not call its builder
    #[arg(long)]
    no_repair: bool,
    /// Run every check, whatever is known of it already
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// How often the journal is looked at when no item wakes the queue.
const TICK: Duration = Duration::from_millis(300);

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    run_stage(ui, &args.stage, UpstreamRule::Beside, |stage| {
        let mut ctx = Context::open_to_work(stage.ws, stage.session, stage.out)?;
        ctx.reuse = Reuse::of_flag(args.no_cache);
        if args.adopt {
            match adopt(&ctx)? {
                Some(tip) => {
                    stage.out.say(&format!("the integration branch is at {} now", tip.short()))
                }
                None => stage.out.say("nothing to adopt: the branch is where the journal says"),
            }
            return Ok(Exit::YES);
        }
        if let Some(gid) = &args.group {
            ctx.group(gid)?;
        }
        let queue = Queue::take(&ctx)?;
        if args.sync {
            match sync(&ctx, &queue)? {
                Some(landing) => stage.out.item(&Item::Landing {
                    group: "sync".into(),
                    outcome: "landed",
                    old: Some(landing.old),
                    new: Some(landing.new),
                    reason: "audit again: otto audit".into(),
                }),
                None => stage.out.say("nothing to sync: the product contains the target already"),
            }
            return Ok(Exit::YES);
        }
        let repair = if args.no_repair { Repair::Report } else { Repair::Call };
        beside_upstream(&ctx, &queue, stage, repair, args.group.as_deref())
    })
}

/// Lands as items come, then once more when upstream has ended.
fn beside_upstream(
    ctx: &Context<'_>,
    queue: &Queue,
    stage: &Stage<'_>,
    repair: Repair,
    only: Option<&str>,
) -> Result<Exit> {
    let mut before = Exit::YES;
    if let Some(wake) = &stage.wake {
        let meanwhile = if repair == Repair::Call { Repair::LeaveToBuilder } else { repair };
        queue.drain(ctx, meanwhile)?;
        before = loop {
            match upstream(wake) {
                Upstream::Busy => queue.land_eligible(ctx, meanwhile)?,
                Upstream::Idle => queue.drain(ctx, meanwhile)?,
                Upstream::Ended(exit) => break exit,
            };
        };
    }
    let ended_well = before == Exit::YES || before == Exit::NO;
    // An upstream that waits, or broke, has a reason not to call agents now.
    let last = if ended_well { repair } else { Repair::LeaveToBuilder };
    queue.drain(ctx, last)?;
    if stage.wake.is_some() && last == Repair::Call {
        // What the builders before us could not start becomes possible by what has landed since.
        while queue.build_what_became_ready(ctx)? {
            queue.drain(ctx, last)?;
        }
    }
    let own = queue.exit(ctx, only)?;
    // What upstream could not do is done by now: its "no" was about groups that are in.
    let stale = own == Exit::YES && before == Exit::NO;
    Ok(if stale { own } else { own.worse(before) })
}

/// What came from upstream.
enum Upstream {
    /// An item at least.
    Busy,
    /// Nothing for a while.
    Idle,
    Ended(Exit),
}

/// Waits for a wake-up, or a short while. Many items are one reason to look, and an end among them
/// is not lost.
fn upstream(wake: &Receiver<Wake>) -> Upstream {
    let mut next = wake.recv_timeout(TICK);
    while matches!(next, Ok(Wake::Item)) {
        next = match wake.try_recv() {
            Err(TryRecvError::Empty) => return Upstream::Busy,
            other => other.map_err(|_| RecvTimeoutError::Disconnected),
        };
    }
    match next {
        Ok(Wake::End(exit)) => Upstream::Ended(exit),
        Ok(Wake::Cut) | Err(RecvTimeoutError::Disconnected) => Upstream::Ended(Exit::LATER),
        Ok(Wake::Item) => Upstream::Busy,
        Err(RecvTimeoutError::Timeout) => Upstream::Idle,
    }
}
