use clap::Subcommand;
use otto::base::{Exit, Result};
use otto::cli::{SessionArgs, Ui, proof};
use otto::session::Session;
use otto::session::layout::shown;
use otto::stage::handover::{Key, export};
use otto::stage::proof as proofs;
use otto::stage::render;

/// List, show, compare and clear up the proofs of this project
///
/// A proof is one HTML page and one JSON packet, derived from the journal, the refs and the
/// evidence of a session. Older names: `otto pow` is `otto proof open`, `otto history` is `otto
/// proof list`, `otto replay` is `otto proof render`, `otto cleanup` is `otto proof cleanup`.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto proof list\n  otto proof open 20261120-1011\n  cp \"$(otto proof path)\" proof.html\n  otto proof diff\n  otto proof export --sign --key ~/.ssh/id_ed25519\n  otto proof cleanup --older-than 60d\n  otto proof cleanup --older-than 60d --yes\n\nEXIT CODES\n  0 done · 1 `render`: the verdict is not passed · 2 there is no such session · 65 a session cannot be read · 75 somebody works on a session"
)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One row for each session, newest first: when, verdict, features, what for, where
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        most: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show the page in the browser, made again first where it is out of date
    Open {
        #[command(flatten)]
        session: SessionArgs,
    },
    /// Print where the page is, made again first where it is out of date
    Path {
        #[command(flatten)]
        session: SessionArgs,
        /// Where the packet is instead: proof-packet.json
        #[arg(long, visible_alias = "json")]
        packet: bool,
    },
    /// Derive the page and the packet of any session again
    Render {
        #[command(flatten)]
        session: SessionArgs,
    },
    /// Write one file to hand over: journal, spec, evidence, page, attestation
    ///
    /// `otto verify COMMIT --packet FILE` checks it in any clone that has the commit. The same bytes
    /// each time.
    Export {
        #[command(flatten)]
        session: SessionArgs,
        /// Where to, in a folder that is there; without it otto_logs/otto-proof-SESSION.tar, which
        /// git does not see
        #[arg(long, short, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
        /// Sign the attestation with your SSH key (ssh-keygen -Y sign)
        #[arg(long)]
        sign: bool,
        /// The key: a private one, or the public half of one that your agent has; else git's own
        /// (`user.signingkey` where `gpg.format` is ssh)
        #[arg(long, value_name = "FILE", requires = "sign")]
        key: Option<std::path::PathBuf>,
    },
    /// What changed between two proofs: features, verdict, checks, findings, commits, spec
    Diff {
        /// The older session; without it, or where it is the newest itself, the one before the newer
        /// of the same product
        #[arg(value_name = "OLDER")]
        older: Option<String>,
        /// The newer session; without it the newest
        #[arg(value_name = "NEWER")]
        newer: Option<String>,
        /// Write one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove what old, finished sessions do not need: made-again files, transcripts
    ///
    /// Without --yes it only says what would go, and how many bytes. Never removed: branches, refs,
    /// what is in the attic, and with them all work; nor, without --all, any journal, spec or
    /// evidence. A session that is not over, or cannot be read, stays as it is.
    Cleanup(proof::CleanupArgs),
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let open = |wanted: &str| Session::open(&ws, wanted);
    match args.what {
        What::List { most, json } => return proof::list(&ws, most, json),
        What::Open { session } => {
            let (_, html) = render::current(&ws, &open(&session.session)?)?;
            otto::outln!("{}", html.display());
            otto::process::open_in_browser(&html)?;
        }
        What::Path { session, packet } => {
            let (json, html) = render::current(&ws, &open(&session.session)?)?;
            otto::outln!("{}", if packet { json } else { html }.display());
        }
        What::Render { session } => {
            let made = render::render(&ws, &open(&session.session)?)?;
            otto::outln!("{}  {}", made.verdict.word(), shown(&made.html, ws.root()));
            return Ok(made.verdict.exit());
        }
        What::Export { session, out, sign, key } => {
            let session = open(&session.session)?;
            let out = proof::packet_place(&ws, &session, out)?;
            let key = sign.then(|| Key::of(&ws.repo, key.as_deref())).transpose()?;
            let made = export(&ws, &session, &out, key.as_ref())?;
            let signed = if made.signed { ", signed" } else { ", not signed" };
            otto::outln!(
                "{}  {} members, {} bytes{signed}",
                made.path.display(),
                made.members,
                made.bytes
            );
        }
        What::Diff { older, newer, json } => {
            let now = open(newer.as_deref().unwrap_or("latest"))?;
            let then = match older.map(|older| open(&older)).transpose()? {
                Some(older) if older.id != now.id || newer.is_some() => older,
                Some(_) | None => open(proofs::earlier(&ws, &now)?.as_str())?,
            };
            let change = proofs::diff(&ws, &then, &now)?;
            let text = if json { proof::line(&change)? } else { proofs::told(&change) };
            otto::out!("{text}");
        }
        What::Cleanup(args) => return proof::cleanup(&ws, &args),
    }
    Ok(Exit::YES)
}
