//! The only place that starts a program.
//!
//! Every child gets an explicit environment, its own process group, a null stdin unless it is
//! given bytes, and the parent-death signal. When it ends, or is stopped, everything that it
//! started goes with it: its group, its descendants, and whatever carries its scope mark.

mod command;
mod countdown;
mod ending;
mod env;
mod hidden;
mod interrupt;
mod lines;
mod reap;
pub mod sandbox;
mod serves;
mod signal;
pub mod stop;
mod terminal;

pub use command::{Capture, Command, Ended, Finished, LineSink};
pub use env::{allowed, base_env};
pub use interrupt::{Interrupt, Words};
pub use reap::{kill_inside, marked_inside};
pub use sandbox::{Network, Sandbox, Tier};
pub use serves::serves;
pub use stop::wait_if_leaving;
pub use terminal::in_terminal;

use std::path::PathBuf;

/// How to call one of our own names: the program beside this executable first, then on `PATH`;
/// where only `otto` itself was installed, `otto <verb>`.
pub fn own_command(name: &str) -> Vec<std::ffi::OsString> {
    if let Some(instead) = override_of(name) {
        return vec![instead.into()];
    }
    let me = std::env::current_exe().ok();
    if let Some(beside) = me.as_ref().map(|me| me.with_file_name(name)).filter(|p| p.is_file()) {
        return vec![beside.into()];
    }
    if let Some(found) = on_path(name) {
        return vec![found.into()];
    }
    match (me, name.strip_prefix("otto-")) {
        (Some(me), Some(verb)) if OWN.get().is_some_and(|own| own.contains(&name)) => {
            vec![me.into(), verb.into()]
        }
        (_, _) => vec![name.into()],
    }
}

static OWN: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();

static OVERRIDES: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();

/// Lets programs in `dir` stand in for ours: the project asked for it.
pub fn allow_overrides(dir: PathBuf) {
    // One process works on one project.
    drop(OVERRIDES.set(dir));
}

/// The program that the project put in place of one of ours, where it may.
pub fn override_of(name: &str) -> Option<PathBuf> {
    OVERRIDES.get().map(|dir| dir.join(name)).filter(|p| p.is_file())
}

/// The names that this executable answers to.
pub fn own_names() -> &'static [&'static str] {
    OWN.get().map_or(&[], Vec::as_slice)
}

/// Tells which names this executable answers to; called once at start-up.
pub fn register_own(names: Vec<&'static str>) {
    // A second registration would be the same list.
    drop(OWN.set(names));
}

/// Whether this executable answers to that name itself.
pub fn is_own(name: &str) -> bool {
    OWN.get().is_some_and(|own| own.contains(&name)) && override_of(name).is_none()
}

/// The first executable of that name on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut folders = std::env::split_paths(&path).filter(|dir| dir.is_absolute());
    folders.find_map(|dir| Some(dir.join(name)).filter(|p| is_executable(p)))
}

/// Programs whose names begin so, in the order in which [`own_command`] would find them: of several
/// of one name, the first.
pub fn programs_named(prefix: &str) -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|me| Some(me.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = OVERRIDES.get().cloned().into_iter().chain(beside);
    let folders = folders.chain(std::env::split_paths(&path).filter(|dir| dir.is_absolute()));
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in folders {
        // A folder of PATH that is not there is nothing to speak of.
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_new = found.iter().all(|f| f.file_name() != Some(name.as_os_str()));
            let fits =
                name.to_str().is_some_and(|n| n.len() > prefix.len() && n.starts_with(prefix));
            if fits && is_new && is_executable(&entry.path()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn is_executable(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Opens a page in the person's browser, as their desktop does.
pub fn open_in_browser(page: &std::path::Path) -> crate::base::Result<()> {
    for opener in ["xdg-open", "open"] {
        if on_path(opener).is_some() {
            let started =
                duct::cmd(opener, [page]).stdin_null().stdout_null().stderr_null().start();
            return started.map(drop).map_err(|e| {
                crate::base::Error::machine(format!("cannot start {opener}")).because(e)
            });
        }
    }
    Err(crate::base::Error::missing("there is no xdg-open or open to show the page with")
        .hint(format!("open it by hand: {}", page.display())))
}

/// Runs the person's editor on a file, with their terminal and their environment.
pub fn edit(file: &std::path::Path) -> crate::base::Result<()> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|v| std::env::var(v).ok().filter(|e| !e.trim().is_empty()))
        .unwrap_or_else(|| "vi".into());
    // As git does: the editor is a shell word list, the file its last argument.
    let line = format!("{editor} \"$@\"");
    let _lent = stop::lend_terminal();
    let done = duct::cmd(
        "sh",
        [std::ffi::OsStr::new("-c"), line.as_ref(), editor.as_ref(), file.as_os_str()],
    )
    .unchecked()
    .run()
    .map_err(|e| crate::base::Error::missing("cannot start the editor").because(e))?;
    if done.status.success() {
        return Ok(());
    }
    Err(crate::base::Error::no(format!("the editor '{editor}' failed; nothing was changed"))
        .hint("set EDITOR to one that waits until the file is closed"))
}

/// Names this run of the machine (random(4)); `None` where the system does not say. A development
/// build can be told another one, as if the machine had been started again.
pub fn boot_id() -> Option<String> {
    if cfg!(debug_assertions)
        && let Ok(other) = std::env::var("OTTO_BOOT_ID")
    {
        return Some(other);
    }
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}
