use otto::base::{Error, Exit, Result};
use otto::cli::Ui;
use otto::disk;
use otto::run::setup::{Written, init, new_repository};

/// Write otto.yaml with what was detected, explained line by line
///
/// Nothing is committed and nothing is overwritten.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto init\n  otto init --git        # in an empty folder: makes the repository and its first commit"
)]
pub struct Args {
    /// Make the folder a git repository with a first commit, if it is none
    #[arg(long)]
    git: bool,
    /// Print the file instead of writing it
    #[arg(long)]
    print: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let cwd = std::env::current_dir()
        .map_err(|e| Error::machine("the current folder is gone").because(e))?;
    if args.git && new_repository(&cwd)? {
        otto::outln!("made a git repository with an empty first commit");
    }
    let (text, path) = init(&cwd, &ui.program)?;
    if args.print {
        otto::out!("{text}");
        return Ok(Exit::YES);
    }
    match Written::of(disk::create_new(&path, text.as_bytes())?) {
        Written::New => {
            otto::outln!("wrote {}", path.display());
            otto::outln!(
                "next: say which agent works (the first lines of the file explain), then\n  otto run \"what you want\""
            );
            Ok(Exit::YES)
        }
        Written::WasThere => Err(Error::no(format!("'{}' is there already", path.display()))
            .hint("otto init --print shows what would be written; otto config shows what holds")),
    }
}
