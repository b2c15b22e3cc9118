//! A stage as a program: session, upstream, body, end line, exit code.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::args::StageArgs;
use super::handle::{self, FromUpstream, Taken, Upstream};
use super::start::Ui;
use super::stream::Stream;
use crate::base::{Error, Exit, Result};
use crate::process::stop;
use crate::session::{Session, Workspace};
use crate::stage::Report;

/// What a stage does about how its upstream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamRule {
    /// Work only after an upstream that said yes.
    OnlyAfterYes,
    /// Work after yes or no; pass on what waits (75, 77) or is broken.
    AfterYesOrNo,
    /// Work while upstream still does: the body reads its lines as wake-ups.
    Beside,
}

/// What the body of a stage works with.
#[derive(Debug)]
pub struct Stage<'a> {
    pub ws: &'a Workspace,
    pub session: &'a Session,
    pub out: &'a Stream,
    /// Wake-ups, with [`UpstreamRule::Beside`] and a piped upstream.
    pub wake: Option<Receiver<Wake>>,
    pub ui: &'a Ui,
}

/// Something happened upstream.
#[derive(Debug)]
pub enum Wake {
    /// An item; it was passed on already.
    Item,
    End(Exit),
    /// Upstream was killed.
    Cut,
}

/// Runs a stage that works on an existing session.
pub fn run_stage(
    ui: &Ui,
    args: &StageArgs,
    rule: UpstreamRule,
    body: impl FnOnce(&Stage<'_>) -> Result<Exit>,
) -> Result<Exit> {
    let cwd = std::env::current_dir()
        .map_err(|e| Error::machine("the current folder is gone").because(e))?;
    let ws = Workspace::open(&cwd, &ui.program)?;
    let out = Arc::new(Stream::new(ui, args.json, args.quiet));
    let (id, taken, upstream) = handle::find(&ws, args)?;
    let session = Session::open(&ws, id.as_str())?;
    if taken == Taken::Latest {
        out.say(&format!("session {id} (the latest)"));
    }
    let name = ui.program.trim_start_matches("otto-");
    let result = with_upstream(ui, &ws, &session, &out, upstream, rule, body);
    let (exit, error) = match result {
        Ok(exit) => (exit, None),
        Err(e) => (e.exit(), Some(e)),
    };
    out.end(name, exit, error.as_ref());
    match error {
        Some(e) => Err(e),
        None => Ok(exit),
    }
}

fn with_upstream(
    ui: &Ui,
    ws: &Workspace,
    session: &Session,
    out: &Arc<Stream>,
    upstream: Option<Upstream>,
    rule: UpstreamRule,
    body: impl FnOnce(&Stage<'_>) -> Result<Exit>,
) -> Result<Exit> {
    let mut stage = Stage { ws, session, out, wake: None, ui };
    let Some(mut upstream) = upstream else {
        out.handle(&session.id);
        return body(&stage);
    };
    if rule == UpstreamRule::Beside {
        out.handle(&session.id);
        // Nothing can be done before upstream has begun, and an upstream that is broken or waits
        // for a person is only passed on.
        // Unbounded: a body that is busy must not hold up what is passed on.
        let (send, wake) = channel();
        let first = match upstream.next_line()? {
            FromUpstream::Line(line) => {
                pass_on(out, &line);
                Wake::Item
            }
            FromUpstream::End { exit, .. } if exit == Exit::YES || exit == Exit::NO => {
                Wake::End(exit)
            }
            FromUpstream::End { exit, .. } => return Ok(nothing_done(out, exit)),
            FromUpstream::Cut => Wake::Cut,
        };
        let goes_on = matches!(first, Wake::Item);
        drop(send.send(first));
        if goes_on {
            let to = Arc::clone(out);
            // Not joined: a body that fails must not wait for an upstream that goes on.
            std::thread::spawn(move || forward(&mut upstream, &to, &send));
        }
        stage.wake = Some(wake);
        return body(&stage);
    }
    // The handle is held back as well: whoever reads us must not begin before we may.
    let (lines, before) = drain(&mut upstream)?;
    out.handle(&session.id);
    for line in &lines {
        pass_on(out, line);
    }
    let go_on = before == Exit::YES || (before == Exit::NO && rule == UpstreamRule::AfterYesOrNo);
    if !go_on {
        return Ok(nothing_done(out, before));
    }
    Ok(body(&stage)?.worse(before))
}

fn nothing_done(out: &Stream, before: Exit) -> Exit {
    out.say(&format!("nothing done: the stage before ended with {}", before.0));
    before
}

/// Everything that upstream wrote, and how it ended.
fn drain(upstream: &mut Upstream) -> Result<(Vec<String>, Exit)> {
    let mut lines = Vec::new();
    loop {
        stop::check()?;
        match upstream.next_line()? {
            FromUpstream::Line(line) => lines.push(line),
            FromUpstream::End { exit, .. } => return Ok((lines, exit)),
            FromUpstream::Cut => {
                return Err(Error::later("the stage before ended without saying how", None)
                    .hint("it was killed; run it again, then this one"));
            }
        }
    }
}

fn forward(upstream: &mut Upstream, out: &Stream, to: &Sender<Wake>) {
    loop {
        let wake = match upstream.next_line() {
            Ok(FromUpstream::Line(line)) => {
                pass_on(out, &line);
                Wake::Item
            }
            Ok(FromUpstream::End { exit, .. }) => Wake::End(exit),
            // Asked to stop: the body looks at the same flag, and upstream was not cut.
            Err(_) if stop::requested().is_some() => return,
            Ok(FromUpstream::Cut) | Err(_) => Wake::Cut,
        };
        let last = !matches!(wake, Wake::Item);
        if to.send(wake).is_err() || last {
            return;
        }
    }
}

fn pass_on(out: &Stream, line: &str) {
    if out.format == super::stream::Format::Json {
        out.line(line);
    }
}
