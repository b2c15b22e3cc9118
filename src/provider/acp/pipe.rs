//! Lines to and from the agent's process, as the protocol's crate wants them.

use std::io::{PipeReader, PipeWriter, Write};
use std::pin::Pin;

use agent_client_protocol::Lines;
use futures::Sink;
use futures::channel::mpsc;

use crate::base::{Error, Result};

/// Lines of the agent that were read and not yet handled.
const AHEAD: usize = 64;

/// Where the agent's lines go in. Closed when it is dropped.
pub(super) type Feed = mpsc::Sender<std::io::Result<String>>;

/// Lines to the agent.
type Outgoing = Pin<Box<dyn Sink<String, Error = std::io::Error> + Send>>;
/// Lines of the agent.
type Incoming = mpsc::Receiver<std::io::Result<String>>;

/// What the agent reads, where its lines go, and both ends for the conversation.
pub(super) fn open() -> Result<(PipeReader, Feed, Lines<Outgoing, Incoming>)> {
    let (reader, writer) =
        std::io::pipe().map_err(|e| Error::machine("cannot make a pipe").because(e))?;
    let (feed, incoming) = mpsc::channel(AHEAD);
    let outgoing = write_in_a_thread(writer);
    let sink: Outgoing =
        Box::pin(futures::sink::unfold(outgoing, |outgoing, line: String| async move {
            let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
            outgoing.send(line).map_err(gone)?;
            Ok(outgoing)
        }));
    Ok((reader, feed, Lines::new(sink, incoming)))
}

/// A pipe takes a few kilobytes and then waits for its reader, who may be waiting for us: whoever
/// talks to the agent never writes to it directly. The pipe is closed when the sender is.
fn write_in_a_thread(mut writer: PipeWriter) -> std::sync::mpsc::Sender<String> {
    let (send, lines) = std::sync::mpsc::channel::<String>();
    std::thread::spawn(move || {
        for mut line in lines {
            line.push('\n');
            if writer.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    send
}
