//! A model server on loopback for the real agent programs: the streaming APIs of two vendors, and
//! answers from a script. It knows nothing and invents nothing: a prompt without a script is an
//! error (400) that says so.
//!
//! Used inside the integration tests as a thread, and as the program `fake-model` (a Cargo example)
//! by hand. It is bounded: so many requests, and it ends with its owner.

mod anthropic;
mod base64;
mod conversation;
mod http;
mod responses;
pub mod script;
mod serve;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;

pub use script::Source;
use serve::Shared;

/// What bounds a server and where it writes.
pub struct Options {
    /// 0 for any free one.
    pub port: u16,
    /// One JSON line for each request.
    pub log: Option<PathBuf>,
    /// Requests after so many are refused (503).
    pub most: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, log: None, most: 10_000 }
    }
}

/// Listens until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(source: Source, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(source, &options, address.port())?);
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.is_over() {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || serve::connection(&shared, stream));
            }
        });
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The log so far: one object for each request that was answered, or left unanswered on purpose.
    pub fn requests(&self) -> Vec<Value> {
        self.shared.log()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.end();
        // Wakes the accepting thread; whoever waits on a marker looks at the flag.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
