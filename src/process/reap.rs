//! Ending everything that a child started. A tool that put itself into a session of its own
//! escapes a group kill; it still carries the scope mark in its environment, or descends from
//! something that does. One that lost or forged that mark comes to us when its parent ends, as a
//! child that we never started: unless another running child can claim it, it is ended.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The environment variable whose value marks everything that one child started.
pub const SCOPE_VAR: &str = "OTTO_SCOPE";

/// A mark that no other child of any Otto process has, and that nobody can guess. It begins with our
/// own, so that what a child of ours started under its own marks is still ours when that child was
/// killed and could not end it.
pub fn scope_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    // Seeded from the system's randomness.
    let chance = RandomState::new().hash_one(n);
    let own = format!("{}-{chance:016x}-{n}", std::process::id());
    match std::env::var(SCOPE_VAR) {
        Ok(outer) if !outer.is_empty() => format!("{outer}/{own}"),
        Ok(_) | Err(_) => own,
    }
}

/// Whether a mark is this scope's or was given inside of it.
fn is_within(mark: &[u8], scope: &str) -> bool {
    let rest = mark.strip_prefix(scope.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// A child that this process started and has not ended yet.
#[derive(Debug)]
struct Live {
    root: i32,
    scope: String,
    /// Where it works.
    dir: PathBuf,
}

static LIVE: Mutex<Vec<Live>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a child so that nobody takes it for an orphan: nothing is looked for between its start
/// and its registration.
pub(super) fn start<T, E>(
    scope: &str,
    dir: &Path,
    start: impl FnOnce() -> Result<T, E>,
    pid_of: impl Fn(&T) -> Option<i32>,
) -> Result<T, E> {
    let mut known = live();
    let child = start()?;
    if let Some(root) = pid_of(&child) {
        known.push(Live { root, scope: scope.to_owned(), dir: dir.to_owned() });
    }
    Ok(child)
}

/// A child of ours has ended, and everything of its scope.
pub(super) fn ended(scope: &str) {
    live().retain(|l| l.scope != scope);
}

/// Whether a process belongs to a child, whatever its mark says, because it is in its session or
/// its group, or works where it does. Only for orphans: what descends from it belongs to it anyway.
fn can_claim(child: &Live, pid: i32, now: &Stat) -> bool {
    now.session == child.root || now.pgid == child.root || works_in(pid, &child.dir)
}

/// Whether an orphan, a child of ours that nobody here started, is to be ended with the scope. A
/// mark that no running child has was forged, and says as little as none: such a one is this scope's
/// unless another running child can claim it and this one cannot.
fn is_orphan_of(scope: &str, known: &[Live], pid: i32, now: &Stat) -> bool {
    let is_ours = |l: &&Live| l.scope == scope;
    if let Some(owner) = mark_of(pid).and_then(|m| known.iter().find(|l| is_within(&m, &l.scope))) {
        return is_ours(&owner);
    }
    let mut able = known.iter().filter(|l| can_claim(l, pid, now)).peekable();
    able.peek().is_none() || able.any(|l| is_ours(&l))
}

/// What came to this process as a child without being started by it. Our own helpers, such as git,
/// are in our process group.
fn is_orphan(known: &[Live], pid: i32, now: &Stat) -> bool {
    let me = std::process::id() as i32;
    let our_group = nix::unistd::getpgrp().as_raw();
    now.ppid == me && now.pgid != our_group && known.iter().all(|l| l.root != pid)
}

/// Living processes of a running child's scope: those that carry its mark, or descend from `root`,
/// or are in its process group, and orphans that are of no other child.
fn leftovers(scope: &str, root: Option<i32>) -> Vec<i32> {
    let known = live();
    family(|pid, now| {
        let of_root = root.is_some_and(|r| now.pgid == r || pid == r);
        of_root
            || mark_of(pid).is_some_and(|mark| is_within(&mark, scope))
            || (is_orphan(&known, pid, now) && is_orphan_of(scope, &known, pid, now))
    })
}

/// Everything that this process started and that still lives, without the `git` that it is calling:
/// that one ends by itself, and killed it would leave its lock files behind.
fn descendants() -> Vec<i32> {
    let me = std::process::id() as i32;
    let our_group = nix::unistd::getpgrp().as_raw();
    family(|pid, now| now.ppid == me && !(now.pgid == our_group && is_git(pid)))
}

/// `root` and what descends from it.
pub(super) fn family_of(root: i32) -> Vec<i32> {
    family(|pid, _| pid == root)
}

/// `root`, what descends from it, and what has left its parents and come to us. Unlike
/// [`leftovers`] it reads the environment of few: it is for whoever looks often.
pub(super) fn members(scope: &str, root: i32) -> Vec<i32> {
    let known = live();
    family(|pid, now| {
        pid == root
            || now.pgid == root
            || (is_orphan(&known, pid, now) && is_orphan_of(scope, &known, pid, now))
    })
}

/// Everything that carries the mark of a scope, and what descends from it.
pub(super) fn of_scope(scope: &str) -> Vec<i32> {
    family(|pid, _| mark_of(pid).is_some_and(|mark| is_within(&mark, scope)))
}

/// What the children of `root` started.
pub(super) fn grandchildren_of(root: i32) -> Vec<i32> {
    let all = family_of(root);
    let is_child = |pid: i32| stat(pid).is_some_and(|s| s.ppid == root);
    all.into_iter().filter(|pid| stat(*pid).is_some_and(|s| is_child(s.ppid))).collect()
}

/// How many threads a process has.
pub(super) fn tasks_of(pid: i32) -> u64 {
    stat(pid).map_or(0, |s| s.threads)
}

/// Bytes of memory that a process holds, files in memory left out: its share of what it shares
/// (proc_pid_smaps(5)), or all of that where the share is not told.
pub(super) fn memory_of(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let row = |name: &str| {
        let rest = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let share = row("Pss").map(|all| all.saturating_sub(row("Pss_Shmem").unwrap_or(0)));
    share.map_or_else(|| stat(pid).map_or(0, |s| s.pages << 12), |kib| kib << 10)
}

fn is_git(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with(b"git"))
}

/// Living processes for which `is_root` holds, and what descends from them; never this one.
fn family(is_root: impl Fn(i32, &Stat) -> bool) -> Vec<i32> {
    let mut parents: HashMap<i32, i32> = HashMap::new();
    let (mut found, mut ended): (HashSet<i32>, HashSet<i32>) = Default::default();
    let me = std::process::id() as i32;
    // Whatever this process or a child of it started is not older than this process.
    let born = stat(me).map_or(0, |s| s.start);
    for pid in pids() {
        let Some(now) = stat(pid) else { continue };
        if pid == me || now.start < born {
            continue;
        }
        // The first thread of a process may have ended before the others: what it started is its own
        // until they have.
        if now.state == 'Z' {
            ended.insert(pid);
        }
        parents.insert(pid, now.ppid);
        if is_root(pid, &now) {
            found.insert(pid);
        }
    }
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, ppid)| found.contains(ppid) && !found.contains(*pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let mut pids: Vec<i32> = found.difference(&ended).copied().collect();
    pids.sort_unstable();
    pids
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The scope that a process carries; `None` also where its environment cannot be read.
fn mark_of(pid: i32) -> Option<Vec<u8>> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let marker = format!("{SCOPE_VAR}=");
    let mut variables = environment.split(|b| *b == 0);
    variables.find_map(|v| v.strip_prefix(marker.as_bytes())).map(<[u8]>::to_vec)
}

fn works_in(pid: i32, dir: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir))
}

/// What `/proc/<pid>/stat` says (proc(5)).
struct Stat {
    state: char,
    is_bwrap: bool,
    ppid: i32,
    pgid: i32,
    session: i32,
    threads: u64,
    /// Of memory, held.
    pages: u64,
    /// When it was started, in clock ticks since the machine was.
    start: u64,
}

/// The command name may hold any character, so fields are counted after its last `)`.
fn stat(pid: i32) -> Option<Stat> {
    // One line, far shorter than this, and one read: every process of the machine is looked at.
    let mut line = [0; 1024];
    let mut file = std::fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    let n = file.read(&mut line).ok()?;
    let text = String::from_utf8_lossy(&line[..n]);
    let end = text.rfind(')')?;
    let is_bwrap = text[..end].ends_with("(bwrap");
    let mut fields = text[end + 1..].split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        is_bwrap,
        ppid: fields.next()?.parse().ok()?,
        pgid: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        threads: fields.nth(13)?.parse().ok()?,
        start: fields.nth(1)?.parse().ok()?,
        pages: fields.nth(1)?.parse().unwrap_or(0),
    })
}

/// Kills everything of a running child's scope until nothing of it is left, and reaps what came to
/// us. Returns how many processes it had to kill.
pub(super) fn kill_scope(scope: &str, root: Option<i32>) -> usize {
    let killed = kill_all(|| leftovers(scope, root));
    // The first process of a namespace ends just after the program in it: nobody left it behind.
    let left_behind = killed.values().filter(|was| !was.is_bwrap).count();
    let me = std::process::id() as i32;
    for pid in killed.keys().filter(|pid| Some(**pid) != root) {
        // What is dead and still has a number looks alive to whoever asks for it. Only children of
        // ours are waited for, and they were killed.
        if stat(*pid).is_some_and(|s| s.ppid == me) {
            // SAFETY: waitpid with no status to write takes plain integers.
            unsafe { libc::waitpid(*pid, std::ptr::null_mut(), 0) };
        }
    }
    reap_wrappers();
    left_behind
}

/// The first process of a namespace comes to us when the bwrap that made it is gone, and is ended by
/// the kernel: nobody else waits for it.
fn reap_wrappers() {
    let me = std::process::id() as i32;
    let known = live();
    for pid in pids() {
        let is_known = known.iter().any(|l| l.root == pid);
        if !is_known && stat(pid).is_some_and(|s| s.ppid == me && s.state == 'Z' && s.is_bwrap) {
            // SAFETY: waitpid with no status to write takes plain integers.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
        }
    }
}

/// Kills everything that this process started, down to the last of it.
pub(super) fn end_descendants() {
    kill_all(descendants);
}

/// What was killed, as it was just before.
fn kill_all(who: impl Fn() -> Vec<i32>) -> HashMap<i32, Stat> {
    let mut killed = HashMap::new();
    // A process may fork between the walk and the kill; each round leaves fewer that can. On a busy
    // machine one that was killed takes a while to be gone.
    for round in 0..500 {
        let alive = who();
        if alive.is_empty() {
            break;
        }
        for pid in alive {
            let Some(was) = stat(pid) else { continue };
            if kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
                killed.entry(pid).or_insert(was);
            }
        }
        match round {
            0..10 => std::thread::yield_now(),
            _ => std::thread::sleep(std::time::Duration::from_millis(1)),
        }
    }
    killed
}

/// Kills what an earlier child of ours left running inside `dir`: processes that carry a scope
/// mark and whose working directory is there. A person's shell in that folder carries none.
pub fn kill_inside(dir: &Path) -> usize {
    let ours = marked_inside(dir);
    ours.iter().filter(|(pid, _)| kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok()).count()
}

/// Processes that some child of an Otto started and that work below `dir`, with where they do.
pub fn marked_inside(dir: &Path) -> Vec<(i32, PathBuf)> {
    let me = std::process::id() as i32;
    let place = |pid: i32| std::fs::read_link(format!("/proc/{pid}/cwd")).ok();
    let inside = |pid| Some((pid, place(pid).filter(|cwd| cwd.starts_with(dir))?));
    let all = pids().filter(|pid| *pid != me).filter_map(inside);
    all.filter(|(pid, _)| mark_of(*pid).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn a_scope_holds_what_was_marked_inside_of_it() {
        for (mark, within) in [
            ("7-1-0", true),
            ("7-1-0/9-2-0", true),
            ("7-1-0/9-2-0/11-3-4", true),
            ("7-1-01", false),
            ("9-2-0/7-1-0", false),
            ("7-1", false),
            ("", false),
        ] {
            assert_eq!(is_within(mark.as_bytes(), "7-1-0"), within, "{mark}");
        }
    }
}
