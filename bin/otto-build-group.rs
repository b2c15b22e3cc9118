use std::path::PathBuf;

use otto::base::{Error, Exit, Result};
use otto::check::cache::Reuse;
use otto::cli::{StageArgs, Ui, UpstreamRule, run_stage};
use otto::disk;
use otto::stage::Context;
use otto::stage::build::{
    Again, GroupEnd, build_all, build_group, missing_dependencies, report_end,
};

/// Build groups of the spec with agents, each in its own worktree
///
/// An attempt is one agent turn in a prepared worktree, committed by Otto to
/// i2p/build/SESSION.GROUP, compared with the group's paths, and judged by the group's checks on
/// that commit. A group starts the moment its dependencies are passing; one that fails does not
/// stop the others.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto build-group --all --jobs 4\n  otto build-group --group login\n  otto build-group --session latest --group login --again\n\nEXIT CODES\n  0 all passing · 1 a group failed or is blocked · 75 rate limit or lock: later · 77 budget spent"
)]
pub struct Args {
    /// Build every group that can be built
    #[arg(long, conflicts_with = "group", required_unless_present = "group")]
    all: bool,
    /// Build one group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Build it although it is passing, or has failed for good
    #[arg(long, requires = "group")]
    again: bool,
    /// What the agent is told was wrong, from a file
    #[arg(long, value_name = "FILE", requires = "group")]
    brief: Option<PathBuf>,
    /// How many groups are built at the same time
    #[arg(long, short = 'j', value_name = "N")]
    jobs: Option<usize>,
    /// Run every check, whatever is known of it already
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    stage: StageArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    run_stage(ui, &args.stage, UpstreamRule::OnlyAfterYes, |stage| {
        let mut ctx = Context::open_to_work(stage.ws, stage.session, stage.out)?;
        ctx.reuse = Reuse::of_flag(args.no_cache);
        let Some(gid) = &args.group else {
            let jobs = args.jobs.unwrap_or(ctx.config().jobs).max(1);
            return build_all(&ctx, jobs);
        };
        let group = ctx.group(gid)?;
        let missing = missing_dependencies(group, &ctx.state()?);
        if !missing.is_empty() {
            let list: Vec<String> =
                missing.iter().map(|(dep, phase)| format!("{dep} ({phase})")).collect();
            return Err(Error::no(format!(
                "'{gid}' needs groups that are not passing: {}",
                list.join(", ")
            ))
            .hint("build them first: otto build-group --all"));
        }
        let brief = args.brief.as_deref().map(disk::read_text).transpose()?;
        let again = if args.again { Again::Yes } else { Again::No };
        let end = build_group(&ctx, gid, again, brief.as_deref(), &[])?;
        report_end(&ctx, gid, &end);
        Ok(match end {
            GroupEnd::Passing { .. } | GroupEnd::In => Exit::YES,
            GroupEnd::Failed { .. } => Exit::NO,
        })
    })
}
