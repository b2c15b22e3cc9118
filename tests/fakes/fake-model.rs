//! The fake model server as a program, to try agents by hand:
//!
//! ```sh
//! cargo run --example fake-model -- --rules rules.json --log requests.jsonl
//! ```
//!
//! It prints its address, and ends by itself.

mod model;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use model::script;
use model::{Options, Server, Source};

/// A scripted model for agent programs, on loopback.
#[derive(Parser)]
struct Args {
    /// Rules for prompts without a script in them, as JSON
    #[arg(long)]
    rules: Option<PathBuf>,
    /// Writes a line of JSON for each request
    #[arg(long)]
    log: Option<PathBuf>,
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Ends after so many seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 600)]
    seconds: u64,
    /// Refuses further requests
    #[arg(long, default_value_t = 10_000)]
    most: usize,
    /// Prints the list of steps in this file as a part of a prompt, and serves nothing
    #[arg(long, value_name = "STEPS")]
    embed: Option<PathBuf>,
}

fn json(path: &PathBuf) -> Result<serde_json::Value> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(steps) = &args.embed {
        println!("{}", script::embed(&json(steps)?));
        return Ok(());
    }
    let source = match &args.rules {
        Some(path) => Source::rules(&json(path)?).map_err(anyhow::Error::msg)?,
        None => Source::prompts(),
    };
    let server =
        Server::start(source, Options { port: args.port, log: args.log, most: args.most })?;
    println!("{}", server.url());
    std::thread::sleep(Duration::from_secs(args.seconds));
    println!("{} requests", server.requests().len());
    Ok(())
}
