//! The first and the last thing that every program does.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::base::{Error, Exit, Remedy, Result};
use crate::process::stop;
use crate::run::Progress;
use crate::session::Workspace;

/// How a program talks to people.
#[derive(Debug, Clone)]
pub struct Ui {
    /// `otto-merge`, for messages and the journal.
    pub program: String,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
}

impl Ui {
    fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// The project around the current folder.
    pub fn workspace(&self) -> Result<Workspace> {
        let cwd = std::env::current_dir()
            .map_err(|e| Error::machine("the current folder is gone").because(e))?;
        Workspace::open(&cwd, &self.program)
    }

    /// How a run shows what it does on standard error.
    pub fn progress(&self, quiet: bool) -> Progress {
        match (quiet, self.stderr_is_terminal) {
            (true, _) => Progress::Quiet,
            (false, true) => Progress::Terminal,
            (false, false) => Progress::Plain,
        }
    }
}

/// Parses the arguments, runs the body, prints an error if there is one. A body may fail with any
/// error; one that is none of ours has no remedy that a reader could take, and is a bug (70).
pub fn program<A: Parser, E: Into<anyhow::Error>>(
    name: &str,
    argv: &[std::ffi::OsString],
    body: impl FnOnce(A, &Ui) -> Result<Exit, E>,
) -> ExitCode {
    let ui = Ui::new(name);
    init_tracing();
    crate::disk::fault::listen(name);
    let called = name.replacen('-', " ", 1);
    let command = without_empty_variables(A::command().name(name.to_owned()).bin_name(called));
    let parsed = command.try_get_matches_from(argv).and_then(|m| A::from_arg_matches(&m));
    let args = match parsed {
        Ok(args) => args,
        Err(e) => {
            // clap prints help to standard output and faults to standard error.
            drop(e.print());
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(Exit::USAGE.0));
        }
    };
    let result = stop::install()
        .map_err(anyhow::Error::from)
        .and_then(|()| body(args, &ui).map_err(Into::into));
    let exit = match result {
        Ok(exit) => exit,
        Err(e) => {
            let e = e.downcast::<Error>().unwrap_or_else(|other| Error::bug(format!("{other:#}")));
            report_error(name, &e);
            e.exit()
        }
    };
    // Whatever this program started is being ended; it leaves when that is done.
    crate::process::wait_if_leaving();
    ExitCode::from(exit.0)
}

/// A variable that is set to nothing counts as unset, so that the argument has its default.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let unset = |arg: clap::Arg| match arg.get_env().and_then(std::env::var_os) {
        Some(value) if value.is_empty() => arg.env(None::<&'static str>),
        Some(_) | None => arg,
    };
    command.mut_args(unset).mut_subcommands(without_empty_variables)
}

/// `otto-merge: <what failed>: <cause>`, then what to do next. A reader that went away is no
/// error that anybody wants to read.
pub fn report_error(name: &str, e: &Error) {
    if e.remedy == (Remedy::Interrupted { signal: libc::SIGPIPE }) {
        return;
    }
    let mut err = std::io::stderr().lock();
    let mut text = format!("{name}: {e}\n");
    if let Some(hint) = &e.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    if let Some(at) = e.retry_at() {
        text.push_str(&format!("retry at: {at}\n"));
    }
    // Nobody is left to tell when standard error is closed.
    drop(err.write_all(text.as_bytes()));
}

/// `OTTO_LOG=debug` shows what happens below.
fn init_tracing() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("OTTO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would say so on standard error, which is what is gone.
        .log_internal_errors(false)
        .without_time()
        .with_target(false);
    // Only the first initialisation counts; a second would come from a test.
    drop(subscriber.try_init());
}

/// Who acts, for the journal: `user:<login>`.
pub fn person() -> String {
    let named = std::env::var("USER").ok().filter(|u| !u.is_empty());
    let login = named.or_else(|| {
        nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|u| u.name)
    });
    format!("user:{}", login.unwrap_or_else(|| "unknown".into()))
}

/// Writes to standard output. A reader that went away (`| head`) wants no more, and that is no
/// fault.
pub fn write_out(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Standard output as something that goes on: for a log that is followed.
#[derive(Debug)]
pub struct Out(std::io::BufWriter<std::io::Stdout>);

impl Out {
    pub fn new() -> Self {
        Self(std::io::BufWriter::new(std::io::stdout()))
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl crate::watch::Readers for Out {
    /// poll(2) says that the other end of a pipe is closed also while nothing is written.
    fn are_there(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let stdout = self.0.get_ref();
        let mut one = [PollFd::new(std::os::fd::AsFd::as_fd(stdout), PollFlags::empty())];
        match poll(&mut one, PollTimeout::ZERO) {
            Ok(n) if n > 0 => {
                one[0].revents().is_none_or(|seen| !seen.intersects(PollFlags::POLLERR))
            }
            Ok(_) | Err(_) => true,
        }
    }
}

/// `eprintln!` that survives a terminal or a reader that went away: nobody is left to tell.
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => {
        drop(std::io::Write::write_all(
            &mut std::io::stderr().lock(),
            format!("{}\n", format_args!($($text)*)).as_bytes(),
        ))
    };
}

/// `print!` that survives a reader who went away.
#[macro_export]
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::write_out(&format!($($text)*)) };
}

/// `println!` that survives a reader who went away.
#[macro_export]
macro_rules! outln {
    () => { $crate::cli::write_out("\n") };
    ($($text:tt)*) => { $crate::cli::write_out(&format!("{}\n", format_args!($($text)*))) };
}
