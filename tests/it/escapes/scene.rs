//! Everything that a hostile program could be after, around the one folder that it may write.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::probes::Probe;
use crate::harness::{Sandbox, write};

/// What only somebody who got out can say.
pub const SECRET: &str = "the-token-of-somebody-else";
/// What an attack says that won something else.
const WON: &str = "this-attack-has-won";

/// One place, one attack.
pub struct Scene {
    pub s: Sandbox,
    /// The attacker's folder: a linked worktree, as Otto makes them.
    pub work: PathBuf,
    victim: Child,
    dot_git: String,
    tcp: TcpListener,
    udp: UdpSocket,
    /// Somebody outside was reached.
    reached: Arc<AtomicBool>,
    abstract_name: String,
    before: BTreeMap<PathBuf, String>,
}

/// What came of an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub won: bool,
    /// How, or what the attacker said.
    pub how: String,
}

impl Scene {
    pub fn new() -> Self {
        let s = Sandbox::project();
        let work = s.at("cache/slots/000/project");
        s.git(&["worktree", "add", "--quiet", "--detach", &work.to_string_lossy()]);
        let other = s.at("cache/slots/001/project");
        s.git(&["worktree", "add", "--quiet", "--detach", &other.to_string_lossy()]);
        for place in [
            s.home(".ssh/id_ed25519"),
            s.home(".aws/credentials"),
            s.home("notes.txt"),
            s.at("cache/otto/0123/agents/conversation"),
            s.project.join(".git/otto/scenarios/exam.txt"),
            s.project.join("otto_logs/sessions/20260101-000000-aaaa/evidence/1234"),
            s.project.join("private.txt"),
            s.at("cache/slots/001/project/theirs.txt"),
            s.at("cache/agents/20260101-000000-aaaa/build.g2/session.json"),
            s.at("world/readable.txt"),
        ] {
            write(&place, &format!("{SECRET}\n"));
        }
        write(&s.home(".gitconfig"), "[user]\n\tname = Somebody\n");
        let reached = Arc::new(AtomicBool::new(false));
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let path = UnixListener::bind(s.at("world/docker.sock")).expect("a socket");
        let abstract_name = format!("otto-it-{}", s.at("").display());
        let name = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
        let hidden = UnixListener::bind_addr(&name).expect("an abstract socket");
        serve(&tcp, &udp, [path, hidden], &reached);
        // Somebody else's process, with a secret in its environment and in its memory.
        let victim = Command::new("sh")
            .args(["-c", "exec 8<readable.txt; read wait"])
            .env("TOKEN", SECRET)
            .current_dir(s.at("world"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut scene = Self {
            s,
            work,
            victim,
            dot_git: String::new(),
            tcp,
            udp,
            reached,
            abstract_name,
            before: BTreeMap::new(),
        };
        scene.before = scene.outside();
        scene.dot_git = scene.read_dot_git();
        scene
    }

    /// Names of the attack's text, as `{name}`.
    pub fn filled(&self, script: &str) -> String {
        let show = |p: PathBuf| p.to_string_lossy().into_owned();
        let names = [
            ("home", show(self.s.at("home"))),
            ("project", show(self.s.project.clone())),
            ("other", show(self.s.at("cache/slots/001/project"))),
            ("state", show(self.s.at("cache/agents"))),
            ("world", show(self.s.at("world"))),
            ("work", show(self.work.clone())),
            ("logs", show(self.s.project.join("otto_logs/sessions/20260101-000000-aaaa"))),
            ("caches", show(self.s.at("cache"))),
            ("setxattr", libc::SYS_setxattr.to_string()),
            ("won", WON.to_owned()),
            ("ptrace", libc::SYS_ptrace.to_string()),
            ("keyctl", libc::SYS_keyctl.to_string()),
            ("victim", self.victim.id().to_string()),
            ("tcp", self.tcp.local_addr().expect("bound").port().to_string()),
            ("udp", self.udp.local_addr().expect("bound").port().to_string()),
            ("abstract", self.abstract_name.clone()),
        ];
        names.iter().fold(script.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// Runs the attack in a sandbox and looks at what came of it.
    pub fn attack(&mut self, tier: &str, network: &str, probe: &Probe) -> Seen {
        // Where somebody ends it, it is never over by itself.
        let patience = if tier == "worktree" { "1" } else { "600" };
        let script = self.filled(probe.script).replace("{patience}", patience);
        let write = probe.write.map(|path| self.filled(path));
        let mut args = vec!["sandbox", "--tier", tier, "--network", network];
        args.extend(write.iter().flat_map(|path| ["--write", path.as_str()]));
        args.extend(["--", "sh", "-c", &script]);
        let mut command = self.s.command(&args);
        command.current_dir(&self.work).env("TOKEN", SECRET);
        let terminal = on_a_terminal(&mut command, &self.s.at("world/readable.txt"));
        let done = self.s.finish(&mut command);
        drop(terminal);
        self.judge(&format!("{}{}", done.stdout, done.stderr))
    }

    fn read_dot_git(&self) -> String {
        std::fs::read_to_string(self.work.join(".git")).unwrap_or_default()
    }

    /// The attacker's folder as it was.
    pub fn tidy(&self) {
        write(&self.work.join(".git"), &self.dot_git);
        self.s.git_in(&self.work, &["reset", "--quiet", "--hard"]);
        self.s.git_in(&self.work, &["clean", "-ffdxq"]);
    }

    /// What the attacker said, and what the world looks like now.
    pub fn judge(&mut self, said: &str) -> Seen {
        let lost = |how: &str| Seen { won: true, how: how.to_owned() };
        if said.contains(SECRET) {
            return lost("it told the secret");
        }
        if self.reached.load(Ordering::SeqCst) {
            return lost("it reached somebody outside");
        }
        if self.victim.try_wait().expect("a child of ours").is_some() {
            return lost("it ended somebody else's process");
        }
        if said.contains(WON) {
            return lost("it says so");
        }
        if self.read_dot_git() != self.dot_git {
            return lost("it replaced .git");
        }
        let (before, after) = (&self.before, self.outside());
        let changed = before.iter().find(|(path, was)| after.get(*path) != Some(was));
        let made = after.keys().find(|path| !before.contains_key(*path));
        if let Some(path) = changed.map(|(path, _)| path).or(made) {
            return lost(&format!("it changed {}", path.display()));
        }
        Seen { won: false, how: said.trim().lines().last().unwrap_or("").to_owned() }
    }

    /// What a run of Otto's own leaves alone: the home, the world, and what decides about code in the
    /// repository.
    pub fn untouched(&self) -> Vec<PathBuf> {
        let kept = [
            self.s.at("home/.ssh"),
            self.s.at("home/.aws"),
            self.s.at("home/notes.txt"),
            self.s.at("world"),
            self.s.project.join("private.txt"),
            self.s.project.join("README.md"),
            self.s.project.join(".git/config"),
            self.s.project.join(".git/hooks"),
            self.s.project.join(".git/otto"),
            self.s.at("cache/slots/001/project"),
            self.s.at("cache/agents/20260101-000000-aaaa"),
        ];
        let after = self.outside();
        let of_kept = |path: &PathBuf| kept.iter().any(|k| path.starts_with(k));
        let old = self.before.iter().filter(|(path, _)| of_kept(path));
        let changed = old.filter(|(path, was)| after.get(*path) != Some(was)).map(|(p, _)| p);
        let made = after.keys().filter(|p| of_kept(p) && !self.before.contains_key(*p));
        changed.chain(made).cloned().collect()
    }

    /// Everything outside of the attacker's folder and of what belongs to its sandbox: kind, mode,
    /// owner, links and content.
    fn outside(&self) -> BTreeMap<PathBuf, String> {
        let mut out = BTreeMap::new();
        for root in ["home", "project", "world", "cache"] {
            self.walk(&self.s.at(root), &mut out);
        }
        out
    }

    fn walk(&self, path: &Path, out: &mut BTreeMap<PathBuf, String>) {
        // git keeps its own notes on the attacker's worktree up to date.
        if path == self.work || path.ends_with(".git/worktrees/project/index") {
            return;
        }
        let Ok(meta) = path.symlink_metadata() else { return };
        let content = match meta.is_file() {
            true => std::fs::read(path).unwrap_or_default(),
            false => Vec::new(),
        };
        let target = std::fs::read_link(path).unwrap_or_default();
        let what = format!(
            "{:o} {} {} {} {target:?} {}",
            meta.permissions().mode(),
            meta.uid(),
            meta.gid(),
            if meta.is_dir() { 0 } else { meta.nlink() },
            String::from_utf8_lossy(&content),
        );
        out.insert(path.to_owned(), what);
        if meta.is_dir() {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                self.walk(&entry.path(), out);
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.victim.kill());
        drop(self.victim.wait());
    }
}

/// Its standard input is a terminal, and it controls the session; a descriptor of the parent is
/// open at 9.
fn on_a_terminal(command: &mut Command, left_open: &Path) -> OwnedFd {
    let (mut outer, mut inner) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: openpty(3) fills in the two descriptors, which nobody else has.
    let (outer, inner) = unsafe {
        let made = libc::openpty(&mut outer, &mut inner, none, none.cast(), none.cast());
        assert_eq!(made, 0, "a terminal");
        (OwnedFd::from_raw_fd(outer), OwnedFd::from_raw_fd(inner))
    };
    command.stdin(Stdio::from(inner));
    let file = std::fs::File::open(left_open).expect("it is there");
    // SAFETY: only system calls.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            libc::dup2(file.as_raw_fd(), 9);
            Ok(())
        });
    }
    outer
}

/// Whoever connects is told the secret.
fn serve(tcp: &TcpListener, udp: &UdpSocket, unix: [UnixListener; 2], reached: &Arc<AtomicBool>) {
    let tcp = tcp.try_clone().expect("a copy");
    let udp = udp.try_clone().expect("a copy");
    let flag = || Arc::clone(reached);
    let (one, two) = (flag(), flag());
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            one.store(true, Ordering::SeqCst);
            drop(stream.write_all(SECRET.as_bytes()));
        }
    });
    std::thread::spawn(move || {
        while let Ok((_, from)) = udp.recv_from(&mut [0; 64]) {
            two.store(true, Ordering::SeqCst);
            drop(udp.send_to(SECRET.as_bytes(), from));
        }
    });
    for listener in unix {
        let flag = flag();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                flag.store(true, Ordering::SeqCst);
                drop(stream.write_all(SECRET.as_bytes()));
            }
        });
    }
}
