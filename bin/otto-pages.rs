use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap_complete::Shell;
use otto::base::{Error, Exit};
use otto::cli::Ui;
use otto::disk;

use crate::table::PROGRAMS;

/// Write the manual pages and the shell completions
///
/// `make install` calls it. With --check, compares instead of writing.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto pages --man man\n  otto pages --man man --check\n  otto pages --completions share"
)]
pub struct Args {
    /// Folder for the manual pages
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
    /// Folder for the completions of bash, zsh and fish
    #[arg(long, value_name = "DIR")]
    completions: Option<PathBuf>,
    /// List the names of all programs, one a line
    #[arg(long)]
    names: bool,
    /// Fail if a file differs from what would be written
    #[arg(long)]
    check: bool,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    if let Some(dir) = &args.man {
        for program in PROGRAMS {
            files.push((dir.join(format!("{}.1", program.name)), page(program)?));
        }
    }
    if let Some(dir) = &args.completions {
        for program in PROGRAMS {
            for (shell, name) in [
                (Shell::Bash, format!("bash-completion/completions/{}", program.name)),
                (Shell::Zsh, format!("zsh/site-functions/_{}", program.name)),
                (Shell::Fish, format!("fish/vendor_completions.d/{}.fish", program.name)),
            ] {
                let mut bytes = Vec::new();
                clap_complete::generate(shell, &mut (program.command)(), program.name, &mut bytes);
                files.push((dir.join(name), bytes));
            }
        }
    }
    if args.names {
        for program in PROGRAMS {
            otto::outln!("{}", program.name);
        }
    }
    for (path, bytes) in &files {
        settle(path, bytes, args.check)?;
    }
    Ok(Exit::YES)
}

fn page(program: &crate::table::Program) -> Result<Vec<u8>> {
    let command = (program.command)();
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    // What stands after the help has sections of its own, and lines that must stay as they are.
    let man = clap_mangen::Man::new(command.after_long_help("")).date("").manual("Otto");
    let mut bytes = Vec::new();
    man.render(&mut bytes)
        .with_context(|| format!("the page of {} cannot be rendered", program.name))?;
    let mut page = String::from_utf8_lossy(&bytes).into_owned();
    if let Some(at) = page.find(".SH EXTRA") {
        let end = page[at + 1..].find(".SH ").map_or(page.len(), |next| at + 1 + next);
        page.replace_range(at..end, "");
    }
    let version = page.find(".SH VERSION").unwrap_or(page.len());
    page.insert_str(version, &sections(&after));
    Ok(page.into_bytes())
}

/// Texts under headings in capitals, as sections; examples keep their lines.
fn sections(text: &str) -> String {
    let mut out = String::new();
    let mut close = "";
    for line in text.lines().filter(|l| !l.is_empty()) {
        if line.starts_with(' ') {
            let line = line.trim_start().replace('\\', "\\e").replace('-', "\\-");
            let open = if close.is_empty() { ".br\n" } else { "" };
            out.push_str(&format!("{open}\\&{line}\n"));
        } else {
            let open = if line == "EXAMPLES" { ".nf\n" } else { "" };
            out.push_str(&format!("{close}.SH \"{line}\"\n{open}"));
            close = if line == "EXAMPLES" { ".fi\n" } else { "" };
        }
    }
    out + close
}

fn settle(path: &Path, bytes: &[u8], check: bool) -> Result<()> {
    if !check {
        return Ok(disk::replace(path, bytes)?);
    }
    if disk::read_if_there(path)?.as_deref() == Some(bytes) {
        return Ok(());
    }
    let differs = format!("'{}' is not what the help text says", path.display());
    Err(Error::no(differs).hint("refresh it: otto pages --man man").into())
}
