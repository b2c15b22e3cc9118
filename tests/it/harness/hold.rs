//! Points of a run at which it can be made to wait, so that something is done to it at that very
//! moment: `at NAME` in an agent or a check waits while `$HOME/hold/NAME` is there.

use std::io::Write;

use super::running::Running;
use super::{Sandbox, until};

/// Agents wait at `agent.GROUP` before their work and at `half.GROUP` in the middle of it. Checks
/// wait at `check.GROUP` where only that group's work is there, and at `both.GROUP` where another's
/// is too: for the first group that lands that is the audit, for later ones their candidate.
const AT: &str = r#"at() {
    if [ -p "$HOME/hold/$1" ]; then : >"$HOME/marks/$1"; read -r go <"$HOME/hold/$1"; fi
}
"#;

const AGENT: &str = r#"at "agent.$OTTO_GROUP"
mkdir -p "$OTTO_GROUP"; echo "half $OTTO_GROUP" >"$OTTO_GROUP/work"
at "half.$OTTO_GROUP"
echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#;

const CHECK: &str = r#"n=0; for w in g1 g2 g3; do if [ -f "$w/work" ]; then n=$((n + 1)); fi; done
if [ "$n" -gt 1 ]; then at "both.$1"; elif [ -f "$1/work" ]; then at "check.$1"; fi"#;

impl Sandbox {
    /// A project whose agents and checks have these points.
    pub fn with_points() -> Self {
        Self::project().and_points()
    }

    pub fn and_points(self) -> Self {
        let s = self;
        std::fs::create_dir_all(s.home("hold")).expect("a folder");
        s.agent(&format!("{AT}{AGENT}"));
        s.on_check(&format!("{AT}{CHECK}"));
        s
    }

    /// Whoever comes to the point waits there.
    pub fn hold(&self, point: &str) {
        self.gate(&format!("hold/{point}"));
    }

    /// Waits until somebody waits there.
    pub fn held(&self, point: &str) {
        self.mark(point);
    }

    /// Lets go whoever waits there, and nobody waits there again.
    pub fn let_go(&self, point: &str) {
        let path = self.home("hold").join(point);
        let mut gate = std::fs::OpenOptions::new().write(true).open(&path).expect("a reader");
        std::fs::remove_file(&path).expect("removed");
        drop(std::fs::remove_file(self.home("marks").join(point)));
        gate.write_all(b"go\n").expect("it waits");
    }

    /// Nobody waits anywhere again; for points at which nobody waits now.
    pub fn no_points(&self) {
        std::fs::remove_dir_all(self.home("hold")).expect("removed");
        std::fs::create_dir_all(self.home("hold")).expect("a folder");
    }

    /// Starts it and goes on; what it says is in `NAME.out` and `NAME.err` beside the project.
    pub fn start_as(&self, name: &str, args: &[&str]) -> Running {
        self.start_command(name, self.command(args))
    }

    /// The same with a shell line.
    pub fn start_shell(&self, name: &str, line: &str) -> Running {
        self.start_command(name, self.shell_command(line))
    }

    pub fn start_command(&self, name: &str, mut command: std::process::Command) -> Running {
        let file = |end: &str| std::fs::File::create(self.at(&format!("{name}.{end}")));
        command.stdout(file("out").expect("a file")).stderr(file("err").expect("a file"));
        Running::new(command.spawn().expect("otto starts"))
    }

    /// What a program that was started under that name has said on standard error.
    pub fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(&format!("{name}.err"))).expect("it was started")
    }

    /// A compiled session of `n` groups.
    pub fn compiled(&self, n: usize) {
        let spec = self.spec(&super::Shape::of(n));
        self.run(0, &["compile", "--from-spec", &spec]);
    }

    /// Kills it, and waits for the end of everything that it started.
    pub fn kill(&self, run: Running) {
        run.kill();
        self.nothing_runs();
    }

    pub fn nothing_runs(&self) {
        until("the end of everything that it started", || {
            self.leftovers().is_empty().then_some(())
        });
    }

    /// Afterwards: these groups landed once each, the proof holds, nothing of it runs, nothing of it
    /// is locked, and a resume has nothing to do.
    pub fn assert_whole(&self, groups: &[&str]) {
        self.assert_landed_once(groups);
        assert_eq!(self.leftovers(), [0; 0], "something still runs");
        let before = self.landings().len();
        let again = self.command(&["run", "--resume", &self.session()]).output().expect("otto");
        assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(self.landings().len(), before, "nothing lands twice");
        self.git(&["fsck", "--connectivity-only", "--no-dangling"]);
        let locks = std::process::Command::new("find")
            .arg(self.project.join(".git"))
            .args(["-name", "*.lock"])
            .output()
            .expect("find");
        assert_eq!(String::from_utf8_lossy(&locks.stdout), "", "a lock is left");
    }
}
