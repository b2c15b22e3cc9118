use std::path::PathBuf;
use std::time::Duration;

use otto::agent::describe::{Abilities, Description, LIMIT};
use otto::agent::installed::{Provider, providers};
use otto::base::terminal::strip_controls;
use otto::base::text::one_line;
use otto::base::{Exit, Result};
use otto::cli::{ConfigArgs, Ui};
use otto::session::config::Settings;
use otto::stage::compile::configuration;

/// List the agents that are installed, what they can do, and which are chosen
///
/// Every otto-provider-NAME beside otto and on PATH is asked what it is, at the same time and without
/// spending anything. The roles behind a name are those that it has by the present configuration.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto providers\n  otto providers --json | jq -r '.[] | select(.description.login.known) | .name'\n  otto providers -c agents.fix.provider=codex\n\nEXIT CODES\n  0 listed · 69 the provider of a role is not installed, or cannot work: what to do is said"
)]
pub struct Args {
    /// Write one JSON array
    #[arg(long)]
    json: bool,
    /// How long one may take to say what it is
    #[arg(long, value_name = "SECONDS", default_value_t = LIMIT.as_secs())]
    timeout: u64,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let flags = args.config.flags()?;
    let (settings, dir) = match ui.workspace() {
        Ok(ws) => {
            let mut notes = Vec::new();
            let (settings, _) = configuration(&ws, &flags, &mut notes)?;
            for note in notes {
                otto::errln!("{note}");
            }
            (settings, ws.root().to_owned())
        }
        // Who looks at agents first and makes a project then.
        Err(e) => {
            otto::errln!("{e}: the defaults and your flags count");
            let mut settings = Settings::defaults();
            for (key, value, origin) in flags {
                settings.set(&key, Some(value), &origin)?;
            }
            (settings, PathBuf::from("."))
        }
    };
    let limit = Duration::from_secs(args.timeout.max(1));
    let found = providers(&settings.config()?, &dir, limit)?;
    if args.json {
        otto::outln!("{}", serde_json::to_string_pretty(&found).unwrap_or_default());
    } else {
        let width = found.iter().map(|p| p.name.chars().count()).max().unwrap_or(0);
        for provider in &found {
            otto::out!("{}", text_of(provider, width));
        }
    }
    let missed = found.iter().any(Provider::is_missed);
    Ok(if missed { Exit::MISSING } else { Exit::YES })
}

/// One line with what matters, then what else is known, indented below it.
fn text_of(provider: &Provider, width: usize) -> String {
    let description = provider.description.as_ref();
    let login = match description.map(|d| &d.login) {
        Some(login) => match login.known {
            Some(true) => "logged in".to_owned(),
            Some(false) => "not logged in".to_owned(),
            // It has nothing to log in to.
            None if login.how.is_empty() => "-".to_owned(),
            None => "login not known".to_owned(),
        },
        None if provider.is_installed => "does not say".to_owned(),
        None => "not installed".to_owned(),
    };
    let version = description.and_then(|d| d.version.as_deref()).map_or("-".into(), plain);
    let name = plain(&provider.name);
    let mut first = format!("{name:width$}  {version:<16}  {login:<15}  {}", chosen(provider));
    first.truncate(first.trim_end().len());
    let mut lines = vec![first];
    let mut more =
        |what: &str, text: String| lines.push(format!("{:width$}  {what:<8} {text}", ""));
    match (description, &provider.silent) {
        (Some(d), _) => {
            if let Some(program) = &d.program {
                more("agent", plain(&program.to_string_lossy()));
            }
            more("can", abilities(d));
            if !d.login.how.is_empty() {
                more("login", plain(&d.login.how));
            }
            if let Some(missing) = &d.missing {
                more("missing", plain(missing));
            }
        }
        (None, Some(why)) => more("silent", plain(why)),
        (None, None) => {
            more("missing", format!("install otto-provider-{name} beside otto or on PATH"));
        }
    }
    if let Some(file) = &provider.file {
        more("program", plain(&file.to_string_lossy()));
    }
    lines.join("\n") + "\n"
}

/// The roles that it has, and its place among those that stand in.
fn chosen(provider: &Provider) -> String {
    let mut words: Vec<String> = provider.roles.iter().map(|r| (*r).to_owned()).collect();
    words.extend(provider.fallback.map(|n| format!("fallback {n}")));
    words.join(" ")
}

fn abilities(description: &Description) -> String {
    let Abilities { resume, fork, structured, usage, cost, sandbox, turn_cap, money_cap } =
        description.can;
    let all = [
        (resume, "resume"),
        (fork, "fork"),
        (structured, "structured"),
        (usage, "usage"),
        (cost, "cost"),
        (sandbox, "sandbox"),
        (turn_cap, "turn cap"),
        (money_cap, "money cap"),
    ];
    let can: Vec<&str> = all.iter().filter(|(can, _)| *can).map(|(_, word)| *word).collect();
    if can.is_empty() { "nothing beyond a turn".into() } else { can.join(", ") }
}

/// A provider's words, on one line.
fn plain(text: &str) -> String {
    one_line(&strip_controls(text), 200)
}
