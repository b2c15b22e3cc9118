//! What a test does at a crash point ([`crate::base::fault`]); absent from a released program.
//!
//! `OTTO_FAULT` names a folder, shared by all programs of a run:
//!
//! ```text
//! plan       "<program> <n> <what>": at the n-th point of that program
//! points     "<program> <n> <effect> <subject>": every point that was come to
//! count/     how many points each program has come to
//! root       with a [`platter`], the folder whose durable state is kept
//! off        the power is gone
//! ```
//!
//! | what | then |
//! |---|---|
//! | `kill` | SIGKILL |
//! | `torn` | half of an append is written, then SIGKILL |
//! | `power` | SIGKILL, and every other program at its next point |
//! | `once <errno>` | this effect fails |
//! | `from <errno>` | this and every later effect of every program fails |
//!
//! The points of one program are numbered over all its processes in a run.

pub mod platter;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::base::fault::{Effect, Listener};
use platter::Platter;

pub const VAR: &str = "OTTO_FAULT";

/// Listens in a development build that is told to.
pub fn listen(program: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(dir) = std::env::var_os(VAR).filter(|d| !d.is_empty()).map(PathBuf::from) else {
        return;
    };
    crate::base::fault::listen(Box::new(Faults::new(program, dir)));
}

#[derive(Debug)]
struct Faults {
    program: String,
    dir: PathBuf,
    plan: Option<(u64, What)>,
    platter: Option<Platter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Kill,
    Torn,
    Power,
    Once(i32),
    From(i32),
}

impl Faults {
    fn new(program: &str, dir: PathBuf) -> Self {
        let plan = std::fs::read_to_string(dir.join("plan")).ok();
        let plan = plan.as_deref().and_then(|text| read_plan(text, program));
        let platter = std::fs::read_to_string(dir.join("root")).ok();
        let platter = platter.map(|root| Platter::new(root.trim().into(), dir.join("platter")));
        Self { program: program.to_owned(), dir, plan, platter }
    }

    /// One program at a time is at a point.
    fn exclusive(&self) -> io::Result<File> {
        let lock = OpenOptions::new().create(true).append(true).open(self.dir.join("lock"))?;
        fs4::FileExt::lock(&lock)?;
        if self.dir.join("off").exists() {
            kill_self();
        }
        Ok(lock)
    }

    fn number(&self, effect: Effect, subject: &Path) -> io::Result<u64> {
        let count = self.dir.join("count").join(&self.program);
        let n = std::fs::read_to_string(&count).ok().and_then(|t| t.parse().ok()).unwrap_or(0) + 1;
        std::fs::create_dir_all(self.dir.join("count"))?;
        std::fs::write(&count, u64::to_string(&n))?;
        let mut points =
            OpenOptions::new().create(true).append(true).open(self.dir.join("points"))?;
        let (program, effect) = (&self.program, effect.word());
        writeln!(points, "{program}\t{n}\t{effect}\t{}", subject.display())?;
        Ok(n)
    }
}

impl Listener for Faults {
    fn before(&self, effect: Effect, subject: &Path, bytes: &[u8]) -> io::Result<()> {
        let _lock = self.exclusive()?;
        let n = self.number(effect, subject)?;
        if let Ok(code) = std::fs::read_to_string(self.dir.join("failing")) {
            return Err(io::Error::from_raw_os_error(code.trim().parse().unwrap_or(libc::EIO)));
        }
        let Some((at, what)) = &self.plan else { return Ok(()) };
        if *at != n {
            return Ok(());
        }
        match what {
            What::Kill => kill_self(),
            What::Torn => {
                if effect == Effect::Append {
                    let mut log = OpenOptions::new().append(true).open(subject)?;
                    log.write_all(&bytes[..bytes.len() / 2])?;
                }
                kill_self()
            }
            What::Power => {
                std::fs::write(self.dir.join("off"), "")?;
                kill_self()
            }
            What::Once(code) => Err(io::Error::from_raw_os_error(*code)),
            What::From(code) => {
                std::fs::write(self.dir.join("failing"), code.to_string())?;
                Err(io::Error::from_raw_os_error(*code))
            }
        }
    }

    fn durable(&self, effect: Effect, subject: &Path) {
        let Some(platter) = &self.platter else { return };
        let Ok(_lock) = self.exclusive() else { return };
        if let Err(e) = platter.keep(effect, subject) {
            tracing::warn!("the platter has not kept '{}': {e}", subject.display());
        }
    }
}

fn kill_self() -> ! {
    // SAFETY: a signal to this process; SIGKILL cannot be handled, so nothing runs after it.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::thread::park();
    }
}

fn read_plan(text: &str, program: &str) -> Option<(u64, What)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, n, what) = (words.first()?, words.get(1)?, words.get(2)?);
    let code = words.get(3).and_then(|c| errno(c));
    let what = match (*what, code) {
        ("kill", None) => What::Kill,
        ("torn", None) => What::Torn,
        ("power", None) => What::Power,
        ("once", Some(code)) => What::Once(code),
        ("from", Some(code)) => What::From(code),
        (_, _) => return None,
    };
    (*name == program).then_some((n.parse().ok()?, what))
}

fn errno(name: &str) -> Option<i32> {
    match name {
        "ENOSPC" => Some(libc::ENOSPC),
        "EIO" => Some(libc::EIO),
        "EMFILE" => Some(libc::EMFILE),
        "EACCES" => Some(libc::EACCES),
        "EROFS" => Some(libc::EROFS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_for_one_program_and_one_point() {
        assert_eq!(read_plan("otto-merge 7 kill", "otto-merge"), Some((7, What::Kill)));
        assert_eq!(read_plan("otto-merge 7 kill", "otto-run"), None);
        let full = read_plan("otto-run 1 from ENOSPC\n", "otto-run");
        assert_eq!(full, Some((1, What::From(libc::ENOSPC))));
        assert_eq!(read_plan("otto-run 1 once E_NO_SUCH", "otto-run"), None);
    }
}
