use std::io::Write;

use otto::base::{Exit, Result};
use otto::cli::{ConfigArgs, Ui};
use otto::session::Session;
use otto::session::config::{KEYS, ROLES, Settings};
use otto::stage::compile::configuration;

/// Show every configuration value and where it comes from
///
/// Flag > `agents.ROLE` > top level of otto.yaml > default. With --session, what that session was
/// started with.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto config\n  otto config --explain\n  otto config --session latest --json"
)]
pub struct Args {
    /// Show what a session was started with
    #[arg(long, short = 's', value_name = "SESSION")]
    session: Option<String>,
    /// Show what each key is for
    #[arg(long)]
    explain: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let settings = match &args.session {
        Some(wanted) => Session::open(&ws, wanted)?.config.settings().clone(),
        None => {
            let mut notes = Vec::new();
            let (settings, _) = configuration(&ws, &args.config.flags()?, &mut notes)?;
            for note in notes {
                otto::errln!("{note}");
            }
            settings
        }
    };
    let mut out = std::io::stdout().lock();
    let written = if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&settings).unwrap_or_default())
    } else {
        write(&mut out, &settings, args.explain)
    };
    // A reader that went away wants no more lines.
    drop(written);
    Ok(Exit::YES)
}

fn write(out: &mut impl Write, settings: &Settings, explain: bool) -> std::io::Result<()> {
    let known = KEYS.iter().map(|k| k.name);
    let others =
        settings.0.keys().map(String::as_str).filter(|k| KEYS.iter().all(|known| known.name != *k));
    for name in known.chain(others) {
        let Some(setting) = settings.0.get(name) else { continue };
        writeln!(out, "{name:<28} {:<28} {}", setting.value.to_string(), setting.origin)?;
        if let Some(key) = KEYS.iter().find(|k| k.name == name).filter(|_| explain) {
            writeln!(out, "    {}", key.help)?;
        }
    }
    if explain {
        writeln!(
            out,
            "agents.ROLE.{{provider,model,effort}} override the top level for one role:"
        )?;
        for (role, what) in ROLES {
            writeln!(out, "    {role:<10} {what}")?;
        }
    }
    Ok(())
}
