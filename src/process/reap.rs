//! Ending everything that a child started. A tool that put itself into a session of its own
//! escapes a group kill; it still carries the scope mark in its environment, or descends from
//! something that does.

use std::collections::{HashMap, HashSet};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The environment variable whose value marks everything that one child started.
pub const SCOPE_VAR: &str = "OTTO_SCOPE";

/// A mark that no other child of any Otto process has.
pub fn scope_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let start = jiff::Timestamp::now().as_microsecond();
    format!("{}-{start}-{n}", std::process::id())
}

/// Living processes that carry `scope`, or descend from `root`, or are in its process group.
pub fn leftovers(scope: &str, root: Option<i32>) -> Vec<i32> {
    let mut parents: HashMap<i32, (i32, i32)> = HashMap::new();
    let mut found: HashSet<i32> = HashSet::new();
    let mark = format!("{SCOPE_VAR}={scope}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        let Some((state, ppid, pgid)) = stat(pid) else { continue };
        if state == 'Z' || pid == std::process::id() as i32 {
            continue;
        }
        parents.insert(pid, (ppid, pgid));
        let marked = std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|env| env.split(|b| *b == 0).any(|v| v == mark.as_bytes()));
        if marked || root.is_some_and(|r| pgid == r || pid == r) {
            found.insert(pid);
        }
    }
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, (ppid, _))| found.contains(ppid) && !found.contains(*pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let mut pids: Vec<i32> = found.into_iter().collect();
    pids.sort_unstable();
    pids
}

/// State, parent and process group from `/proc/<pid>/stat` (proc(5)); the command name may hold
/// any character, so fields are counted after its last `)`.
fn stat(pid: i32) -> Option<(char, i32, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Kills everything of a scope until nothing of it is left, and reaps what came to us.
/// Returns how many processes it had to kill.
pub fn kill_scope(scope: &str, root: Option<i32>) -> usize {
    let mut killed = HashSet::new();
    // A process may fork between the walk and the kill; each round leaves fewer that can.
    for _ in 0..50 {
        let alive = leftovers(scope, root);
        if alive.is_empty() {
            break;
        }
        for pid in alive {
            if kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
                killed.insert(pid);
            }
        }
        for pid in &killed {
            // SAFETY: waitpid on a given pid with WNOHANG; orphans of ours become zombies of ours.
            unsafe { libc::waitpid(*pid, std::ptr::null_mut(), libc::WNOHANG) };
        }
        std::thread::yield_now();
    }
    killed.len()
}

/// Kills what an earlier child of ours left running inside `dir`: processes that carry a scope
/// mark and whose working directory is there. A person's shell in that folder carries none.
pub fn kill_inside(dir: &std::path::Path) -> usize {
    let marker = format!("{SCOPE_VAR}=");
    let mut killed = 0;
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        let inside =
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
        if !inside || pid == std::process::id() as i32 {
            continue;
        }
        let ours = std::fs::read(entry.path().join("environ"))
            .is_ok_and(|env| env.split(|b| *b == 0).any(|v| v.starts_with(marker.as_bytes())));
        if ours && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
            killed += 1;
        }
    }
    killed
}
