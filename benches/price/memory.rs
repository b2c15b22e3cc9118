//! How much memory Otto's programs hold, read from `/proc` while they work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::place::programs;

/// Bytes: the most that one program ever had resident, and which; and the most that all held at one
/// time, what they share counted once (the kernel's PSS).
#[derive(Debug, Clone, Default)]
pub struct Peak {
    pub largest: u64,
    pub program: String,
    pub sum: u64,
}

pub struct Watch {
    over: Arc<AtomicBool>,
    watcher: JoinHandle<Peak>,
}

impl Watch {
    pub fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let watcher = std::thread::spawn(move || {
            let mut peak = Peak::default();
            while !seen.load(Ordering::SeqCst) {
                look(&mut peak);
                std::thread::sleep(Duration::from_millis(25));
            }
            peak
        });
        Self { over, watcher }
    }

    pub fn end(self) -> Peak {
        self.over.store(true, Ordering::SeqCst);
        self.watcher.join().expect("the watcher ends")
    }
}

fn look(peak: &mut Peak) {
    let mut sum = 0;
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(exe) = std::fs::read_link(entry.path().join("exe")) else { continue };
        if !exe.starts_with(programs()) {
            continue;
        }
        sum += kilobytes(&entry.path().join("smaps_rollup"), "Pss:").unwrap_or_default() * 1024;
        let high = kilobytes(&entry.path().join("status"), "VmHWM:").unwrap_or_default() * 1024;
        if high > peak.largest {
            peak.largest = high;
            peak.program = exe.file_name().unwrap_or_default().to_string_lossy().into_owned();
        }
    }
    peak.sum = peak.sum.max(sum);
}

/// A line of a file of `/proc/<pid>`.
fn kilobytes(file: &Path, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|l| l.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Starts the command, waits for it, and says how much it held at most.
#[allow(clippy::zombie_processes, reason = "wait4 waits for it")]
pub fn of(mut command: std::process::Command) -> u64 {
    use std::os::unix::process::CommandExt;
    // A process that is traced stops before its memory is gone; reading rusage is simpler.
    command.stdout(std::process::Stdio::null());
    let child = command.process_group(0).spawn().expect("the program starts");
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pid is our child's, and the pointer is valid for the time of the call.
    let rc = unsafe { libc::wait4(child.id() as i32, std::ptr::null_mut(), 0, usage.as_mut_ptr()) };
    assert!(rc > 0, "the child was waited for");
    // SAFETY: wait4 filled it, and all bits zero are a value of it too.
    (unsafe { usage.assume_init() }.ru_maxrss as u64) * 1024
}
