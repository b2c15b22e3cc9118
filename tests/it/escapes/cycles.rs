//! Runs that are killed and cancelled, again and again: nothing of them is left.

use std::net::TcpStream;

use super::table::working;
use crate::harness::{GOOD, Sandbox, Shape, until};

/// Of the suite; `OTTO_TORTURE=1` does a thousand.
const FEW: usize = 12;

/// An agent with a process in a session of its own, one that ignores signals, and one that listens.
const BUSY: &str = r#"setsid sh -c 'exec sleep 600' </dev/null >/dev/null 2>&1 &
(trap '' TERM HUP INT; sleep 600) &
perl -MIO::Socket::INET -e '
    my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0") or die $!;
    open my $f, ">", "$ENV{HOME}/MARK.new"; print $f $l->sockport; close $f;
    rename "$ENV{HOME}/MARK.new", "$ENV{HOME}/MARK"; sleep 600'"#;

#[test]
fn cycles_of_kills_and_cancels_leave_nothing() {
    let all = if std::env::var_os("OTTO_TORTURE").is_some() { 1000 } else { FEW };
    let tiers = working();
    let started = std::time::Instant::now();
    for tier in &tiers {
        cycles(tier, all / tiers.len());
    }
    println!("{all} cycles in {:.1} s", started.elapsed().as_secs_f64());
}

fn cycles(tier: &str, n: usize) {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let keep = format!("sandbox.tier={tier}");
    for cycle in 0..n {
        let mark = format!("at-work-{cycle}");
        s.agent(&BUSY.replace("MARK", &mark));
        let first = ["run", "--from-spec", &spec, "-c", &keep];
        let run = match cycle {
            0 => s.start(&first),
            _ => s.start(&["run", "--resume"]),
        };
        let port: u16 = until("an agent that listens", || {
            let found = s.files_named(&mark);
            std::fs::read_to_string(found.first()?).ok()?.parse().ok()
        });
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "{tier}");
        if cycle % 2 == 0 {
            run.signal(libc::SIGTERM);
            run.end();
        } else {
            // Whoever runs the agent, and whoever runs that.
            // SAFETY: the process was started by a program of this test.
            unsafe { libc::kill(s.process("otto-build-group"), libc::SIGKILL) };
            run.end();
            // What a kill left is ended by the next run; the last one is below.
            if tier != "bwrap" {
                continue;
            }
        }
        until("the end of everything", || s.leftovers().is_empty().then_some(()));
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{tier}: {port} is open");
    }
    s.agent(GOOD);
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.leftovers(), [0; 0], "{tier}");
    // Slots are used again, and none is held.
    let slots = s.files_named("slot.json");
    assert!(slots.len() <= 3, "{tier}: {slots:?}");
    assert_eq!(s.files_named("owner.json"), [""; 0], "{tier}");
}
