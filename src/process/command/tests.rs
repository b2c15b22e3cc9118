use super::*;
use crate::process::base_env;

fn sh(script: &str, cwd: &Path) -> Command {
    Command::new(["sh", "-c", script], cwd, base_env())
}

#[test]
fn output_order_and_exit_are_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let done = sh("echo a; echo b >&2; echo c; exit 3", dir.path())
        .run(Capture::Merged(out.clone()))
        .expect("runs");
    assert_eq!(done.ended, Ended::Exited(3));
    assert_eq!(std::fs::read_to_string(out).expect("read"), "a\nb\nc\n");
}

#[test]
fn a_daemon_in_its_own_session_does_not_survive() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let done = sh("setsid sh -c 'sleep 300' >/dev/null 2>&1 & sleep 0.2; exit 0", dir.path())
        .run(Capture::Merged(out))
        .expect("runs");
    assert_eq!(done.ended, Ended::Exited(0));
    assert!(done.left_behind >= 1, "the daemon was found and killed");
}

#[test]
fn a_deadline_ends_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let done = sh("sleep 300", dir.path())
        .timeout(Duration::from_millis(100))
        .run(Capture::Merged(dir.path().join("out")))
        .expect("runs");
    assert_eq!(done.ended, Ended::TimedOut);
}

#[test]
fn a_missing_program_is_an_outcome_and_not_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |argv: &[&str]| {
        Command::new(argv.iter().copied(), dir.path(), base_env())
            .run(Capture::Merged(dir.path().join("out")))
            .expect("an outcome")
            .ended
    };
    assert_eq!(run(&["no-such-program-anywhere"]), Ended::NotFound);
    std::fs::write(dir.path().join("plain"), "x").expect("write");
    assert_eq!(run(&["./plain"]), Ended::NotExecutable);
}

#[test]
fn lines_arrive_and_long_ones_are_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut got = Vec::new();
    let done = sh("echo one; printf 'abcdefghij\\nend'", dir.path())
        .run_lines(&dir.path().join("err"), 5, &mut |line| {
            got.push(String::from_utf8_lossy(&line).into_owned());
            Ok(())
        })
        .expect("runs");
    assert!(done.success());
    assert_eq!(got, ["one", "abcde", "end"]);
}

/// What the child has said once it has said `word`.
fn trip_at(word: &'static str, handle: &Interrupt, got: &mut Vec<String>, line: Vec<u8>) {
    got.push(String::from_utf8_lossy(&line).into_owned());
    if line == word.as_bytes() {
        handle.trip();
    }
}

#[test]
fn an_interrupted_child_may_say_its_last_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let (handle, mut got) = (Interrupt::default(), Vec::new());
    let script = "trap 'echo cost; exit 0' INT; echo ready; while :; do sleep 0.01; done";
    let done = sh(script, dir.path())
        .interrupt(&handle, Duration::from_secs(60))
        .run_lines(&dir.path().join("err"), 100, &mut |line| {
            trip_at("ready", &handle, &mut got, line);
            Ok(())
        })
        .expect("runs");
    assert_eq!((done.ended, got), (Ended::Stopped, vec!["ready".into(), "cost".into()]));
}

#[test]
fn one_that_does_not_leave_is_ended_with_what_it_started() {
    let dir = tempfile::tempdir().expect("a folder");
    let (handle, mut got) = (Interrupt::default(), Vec::new());
    let script = "trap '' INT TERM; setsid sleep 300 & echo ready; while :; do sleep 0.01; done";
    let done = sh(script, dir.path())
        .interrupt(&handle, Duration::from_millis(50))
        .run_lines(&dir.path().join("err"), 100, &mut |line| {
            trip_at("ready", &handle, &mut got, line);
            Ok(())
        })
        .expect("runs");
    assert_eq!(done.ended, Ended::Stopped);
    assert!(done.left_behind >= 1, "{done:?}");
}

#[test]
fn words_come_before_the_signal() {
    let dir = tempfile::tempdir().expect("a folder");
    let handle = Interrupt::default();
    let told = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // It answers, and is let go then: long before its patience is over.
    let (says, trips) = (told.clone(), handle.clone());
    let tell = move || {
        says.store(true, std::sync::atomic::Ordering::SeqCst);
        trips.trip();
    };
    let hour = Duration::from_secs(3600);
    let mut got = Vec::new();
    let finished =
        sh("trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.02; done", dir.path())
            .timeout(Duration::from_secs(1))
            .interrupt(&handle, Duration::from_millis(1))
            .words(Words::new(tell, hour, hour))
            .run_lines(&dir.path().join("err"), 1024, &mut |line| {
                got.push(String::from_utf8(line).expect("text"));
                Ok(())
            })
            .expect("it starts");
    assert_eq!(finished.ended, Ended::TimedOut);
    assert!(told.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(got, ["ready", "bye"], "it had the grace of the words");
    // One that does not answer is interrupted all the same; a handle that is tripped needs no words.
    for tripped in [false, true] {
        let handle = Interrupt::default();
        if tripped {
            handle.trip();
        }
        let words = Words::new(move || assert!(!tripped, "nothing to say"), Duration::ZERO, hour);
        let finished = sh("while :; do sleep 0.02; done", dir.path())
            .timeout(Duration::from_millis(100))
            .interrupt(&handle, hour)
            .words(words)
            .run_lines(&dir.path().join("err"), 1024, &mut |_| Ok(()))
            .expect("it starts");
        assert_eq!(finished.ended, if tripped { Ended::Stopped } else { Ended::TimedOut });
    }
}

#[test]
fn a_time_limit_asks_first_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut got = Vec::new();
    let done = sh("trap 'echo cost; exit 0' INT; while :; do sleep 0.01; done", dir.path())
        .timeout(Duration::from_millis(200))
        .interrupt(&Interrupt::default(), Duration::from_secs(60))
        .run_lines(&dir.path().join("err"), 100, &mut |line| {
            got.push(line);
            Ok(())
        })
        .expect("runs");
    assert_eq!((done.ended, got), (Ended::TimedOut, vec![b"cost".to_vec()]));
}

#[test]
fn somebody_who_keeps_its_output_open_holds_nothing_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut kept = Vec::new();
    let script = "echo $$; read go <go; echo last; printf words; exit 0";
    let fifo = dir.path().join("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut got = Vec::new();
    let done = sh(script, dir.path())
        .run_lines(&dir.path().join("err"), 100, &mut |line| {
            let line = String::from_utf8_lossy(&line).into_owned();
            if kept.is_empty() {
                let output = format!("/proc/{line}/fd/1");
                kept.push(File::options().write(true).open(output).expect("another end"));
                kept.push(File::options().write(true).open(&fifo).expect("it reads"));
                std::io::Write::write_all(&mut kept[1], b"go\n").expect("written");
            } else {
                got.push(line);
            }
            Ok(())
        })
        .expect("runs");
    assert!(done.success(), "{done:?}");
    assert_eq!(got, ["last", "words"]);
}
