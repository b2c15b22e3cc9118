use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use otto::base::text::nearest;
use otto::base::{Error, Exit, Result};
use otto::cli::{Ui, report_error};
use otto::process::on_path;

use crate::table::{OLDER_NAMES, PROGRAMS, Program, Shelf, older_name};

/// Show what Otto can do, or the page of one command
///
/// Without a command: every command, grouped. With one: the same as `otto COMMAND --help`.
#[derive(Debug, clap::Parser)]
#[command(version, after_long_help = "EXAMPLES\n  otto help\n  otto help merge")]
pub struct Args {
    /// The command to explain
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    match args.command {
        None => print(&overview()),
        Some(verb) => match named(&verb) {
            Some(program) => {
                let called = program.name.replacen('-', " ", 1);
                print(&(program.command)().bin_name(called).render_long_help().to_string());
            }
            None => return Err(unknown(&verb)),
        },
    }
    Ok(Exit::YES)
}

/// The program of that verb, by its own name or by an older one.
fn named(verb: &str) -> Option<&'static Program> {
    let own = PROGRAMS.iter().find(|p| p.name == format!("otto-{verb}"));
    own.or_else(|| older_name(verb).map(|(program, _)| program))
}

/// `otto <verb> …`: one of ours, else `otto-<verb>` on PATH.
pub fn dispatch(argv: &[OsString]) -> ExitCode {
    let Some(verb) = argv.get(1) else {
        print(&overview());
        return ExitCode::from(Exit::USAGE.0);
    };
    let verb = verb.to_string_lossy();
    match verb.as_ref() {
        "-h" | "--help" => {
            print(&overview());
            return ExitCode::SUCCESS;
        }
        "-V" | "--version" | "version" => {
            print(&format!("otto {}\n", env!("CARGO_PKG_VERSION")));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let name = format!("otto-{verb}");
    if let Some(instead) = replacement(&name) {
        return exec(&name, instead.as_ref(), &argv[2..]);
    }
    if let Some(program) = PROGRAMS.iter().find(|p| p.name == name) {
        return (program.main)(program.name, &argv[1..]);
    }
    if let Some((program, words)) = older_name(&verb) {
        let argv: Vec<OsString> =
            words.iter().map(OsString::from).chain(argv[2..].iter().cloned()).collect();
        return (program.main)(program.name, &argv);
    }
    match on_path(&name) {
        Some(found) => exec(&name, &found, &argv[2..]),
        None => {
            let e = unknown(&verb);
            report_error("otto", &e);
            ExitCode::from(e.exit().0)
        }
    }
}

/// `otto/bin/otto-<verb>` of the project, if the project allows it in otto.yaml.
fn replacement(name: &str) -> Option<std::path::PathBuf> {
    let cwd = std::env::current_dir().ok()?;
    // Most projects have no such folder, and pay for one look at each parent.
    cwd.ancestors().find(|dir| dir.join("otto/bin").join(name).is_file())?;
    otto::session::Workspace::open(&cwd, name).ok()?;
    otto::process::override_of(name)
}

fn exec(name: &str, program: &std::path::Path, args: &[OsString]) -> ExitCode {
    let e = std::process::Command::new(program).args(args).exec();
    let e = Error::machine(format!("cannot start '{name}'")).because(e);
    report_error("otto", &e);
    ExitCode::from(e.exit().0)
}

fn unknown(verb: &str) -> Error {
    let verbs = PROGRAMS.iter().filter_map(|p| p.name.strip_prefix("otto-"));
    let error = Error::usage(format!(
        "'{verb}' is no command of otto, and there is no otto-{verb} on PATH"
    ));
    match nearest(verb, verbs) {
        Some(near) => error.hint(format!("did you mean 'otto {near}'?")),
        None => error.hint("otto help lists the commands"),
    }
}

fn overview() -> String {
    let mut text = String::from(
        "Otto turns an intent into a product that you can believe without having watched.\n\n\
         usage: otto <command> [arguments]\n",
    );
    let shelves = [
        (Shelf::Start, "start"),
        (Shelf::Look, "look"),
        (Shelf::Finish, "check and take it"),
        (Shelf::Step, "the steps of a run, each by hand, from make, from CI"),
        (Shelf::Plumbing, "plumbing"),
    ];
    for (shelf, title) in shelves {
        text.push_str(&format!("\n{title}\n"));
        for program in PROGRAMS.iter().filter(|p| p.shelf == shelf) {
            let about =
                (program.command)().get_about().map(ToString::to_string).unwrap_or_default();
            let verb = program.name.trim_start_matches("otto-");
            text.push_str(&format!("   {verb:<17} {about}\n"));
        }
    }
    let older: Vec<String> = OLDER_NAMES
        .iter()
        .map(|(name, words)| format!("{name} ({})", words.join(" ").trim_start_matches("otto-")))
        .collect();
    text.push_str(&format!("\nolder names\n   {}\n", older.join(", ")));
    text.push_str("\n`otto help <command>` or `man otto-<command>` explains one; otto(7) tells the whole story.\n");
    text
}

fn print(text: &str) {
    // A reader that went away wants no more help.
    drop(anstream::stdout().write_all(text.as_bytes()));
}
