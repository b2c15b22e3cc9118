use otto::base::{Error, Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::git::Oid;
use otto::session::Session;
use otto::stage::audit::Word;
use otto::stage::land::{Landed, Options, land};
use otto::stage::render::judge;
use otto::stage::{Context, Silent};

/// Fast-forward the target branch to the product, if its verdict is passed
///
/// The only command that touches what is yours: fast-forward only, and nothing of yours is
/// overwritten. A verdict that is not `passed` has to be accepted by name.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto land\n  otto land 20261120-1011 --accept unverified\n  otto land --expect-tip 1f3a…   # land exactly what you reviewed\n\nEXIT CODES\n  0 landed, or there already · 1 refused: the verdict, a dirty checkout, a target that moved"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Land although the verdict is this one
    #[arg(long, value_name = "VERDICT", value_parser = ["unverified", "partial"])]
    accept: Option<String>,
    /// Refuse unless the target is at this commit
    #[arg(long, value_name = "COMMIT")]
    expect_target: Option<String>,
    /// Refuse unless the product is at this commit
    #[arg(long, value_name = "COMMIT")]
    expect_tip: Option<String>,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    let ctx = Context::open(&ws, &session, &Silent)?;
    let verdict = judge(&ws, &session, &ctx.spec)?;
    let accepted = args.accept.as_deref() == Some(verdict.word.word());
    if verdict.word != Word::Passed && !accepted {
        let reasons: Vec<String> = verdict.reasons.iter().map(|r| format!("\n  - {r}")).collect();
        let error = Error::no(format!("the verdict is {}{}", verdict.word, reasons.concat()));
        return Err(match verdict.word {
            Word::Unverified | Word::Partial => error.hint(format!(
                "land it all the same, on your word: otto land {} --accept {}",
                session.id, verdict.word
            )),
            Word::Passed | Word::Failed | Word::Blocked => {
                error.hint("otto status shows what to do")
            }
        });
    }
    let oid = |text: &Option<String>| -> Result<Option<Oid>> {
        text.as_deref().map(|t| ws.repo.resolve_commit(t)).transpose()
    };
    let options = Options {
        expect_target: oid(&args.expect_target)?,
        expect_tip: oid(&args.expect_tip)?,
        accepted: args.accept.filter(|_| accepted).map(|word| (word, otto::cli::person())),
    };
    match land(&ctx, &options)? {
        Landed::Moved { target, old, new } => {
            otto::outln!("{target}: {} → {}", old.short(), new.short())
        }
        Landed::AlreadyThere { target } => otto::outln!("{target} contains the product already"),
    }
    Ok(Exit::YES)
}
