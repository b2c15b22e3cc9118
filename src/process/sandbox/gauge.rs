//! Limits that the kernel does not keep for a group of processes without control groups: whoever
//! waits for a sandbox counts. A look costs three small reads; only where the machine as a whole holds
//! enough for a breach, the processes are walked: at once when it came since the start, else now and
//! then, because what others had before and have given back hides what came.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::process::reap;

use super::Limits;

/// What a sandbox had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Tasks,
    Memory,
}

impl Limit {
    pub fn word(self) -> &'static str {
        match self {
            Limit::Tasks => "too many processes",
            Limit::Memory => "too much memory",
        }
    }
}

/// Of one sandbox, from its start.
#[derive(Debug)]
pub(in crate::process) struct Gauge {
    limits: Limits,
    tasks_before: u64,
    free_before: u64,
    shared_before: u64,
    walked: Cell<Instant>,
}

/// How often the processes are walked on a machine that holds enough for a breach anyway.
const NOW_AND_THEN: Duration = Duration::from_secs(1);

impl Gauge {
    pub fn new(limits: Limits) -> Self {
        let (free_before, shared_before) = (memory("MemAvailable"), memory("Shmem"));
        let walked = Cell::new(Instant::now());
        Self { limits, tasks_before: tasks(), free_before, shared_before, walked }
    }

    /// Whether a sandbox is over a limit; `all` finds its processes, those that left their parents too.
    pub fn is_over(&self, all: impl Fn() -> Vec<i32>) -> Option<Limit> {
        let (tasks, free) = (tasks(), memory("MemAvailable"));
        let taken = total_memory().saturating_sub(free);
        if tasks <= self.limits.tasks && taken <= self.limits.memory {
            return None;
        }
        let more = tasks.saturating_sub(self.tasks_before);
        let less = self.free_before.saturating_sub(free);
        // A file in memory (memfd_create(2), tmpfs) belongs to no process: nobody has to map it, and
        // a socket can keep it. What the machine has more of it counts as this sandbox's.
        let shared = memory("Shmem").saturating_sub(self.shared_before);
        let most = less.max(shared);
        let moved = more >= self.limits.tasks / 2 || most >= self.limits.memory / 2;
        if !moved && self.walked.get().elapsed() < NOW_AND_THEN {
            return None;
        }
        self.walked.set(Instant::now());
        let family = all();
        if family.iter().map(|pid| reap::tasks_of(*pid)).sum::<u64>() > self.limits.tasks {
            return Some(Limit::Tasks);
        }
        let held: u64 = family.iter().map(|pid| reap::memory_of(*pid)).sum();
        (held + shared > self.limits.memory).then_some(Limit::Memory)
    }
}

/// Processes and threads of this machine (proc_loadavg(5)).
fn tasks() -> u64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let field = text.split_whitespace().nth(3).and_then(|f| f.split_once('/'));
    field.and_then(|(_, all)| all.parse().ok()).unwrap_or(0)
}

/// A row of proc_meminfo(5), in bytes.
fn memory(row: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(row)?.strip_prefix(':'));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

fn total_memory() -> u64 {
    static TOTAL: OnceLock<u64> = OnceLock::new();
    *TOTAL.get_or_init(|| memory("MemTotal"))
}

/// Three quarters of the machine's.
pub(super) fn most_of_the_memory() -> u64 {
    match total_memory() / 4 * 3 {
        0 => 8 << 30,
        most => most,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::process::sandbox::{Network, Sandbox, Tier, probe};
    use crate::process::{Capture, Command, Ended};

    /// Files without a name, 320 MiB of them, that nobody maps.
    const IN_MEMORY: &str = r#"
        for (1..80) {
            my $name = "x";
            my $fd = syscall($ARGV[0], $name, 0);
            open my $f, ">&=", $fd or die $!;
            print $f "x" x (4 << 20);
            push @kept, $f;
        }
        print "all of it
"; sleep 600"#;

    #[test]
    fn what_others_gave_back_hides_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let limits = Limits { tasks: 2, ..Limits::default() };
        // The machine was as full before, and is as full now.
        let mut gauge = Gauge::new(limits);
        gauge.tasks_before = u64::MAX;
        gauge.walked.set(Instant::now().checked_sub(NOW_AND_THEN).expect("it runs that long"));
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .current_dir(&dir)
            .spawn()
            .expect("starts");
        let pid = child.id() as i32;
        assert_eq!(gauge.is_over(|| vec![pid; 3]), Some(Limit::Tasks));
        assert_eq!(gauge.is_over(|| vec![pid; 3]), None, "not each time");
        child.kill().expect("ended");
        child.wait().expect("ended");
    }

    #[test]
    fn files_in_memory_are_counted() {
        let dir = tempfile::tempdir().expect("a folder");
        for tier in [Tier::Landlock, Tier::Bwrap].into_iter().filter(|t| probe(*t).works()) {
            let mut sandbox = Sandbox::new(tier, Network::On, dir.path(), dir.path());
            sandbox.limits.memory = 256 << 20;
            let call = libc::SYS_memfd_create.to_string();
            let argv = ["/usr/bin/perl", "-e", IN_MEMORY, &call];
            let done = Command::new(argv, dir.path(), BTreeMap::new())
                .sandbox(sandbox)
                .timeout(std::time::Duration::from_secs(120))
                .run(Capture::Merged(dir.path().join("log")))
                .expect("runs");
            let said = std::fs::read_to_string(dir.path().join("log")).expect("a log");
            assert_eq!(done.ended, Ended::OverLimit(Limit::Memory), "{tier:?}: {said}");
        }
    }
}
