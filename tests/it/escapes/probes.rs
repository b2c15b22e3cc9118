//! The attacks.

/// What must come of one at a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// It wins nothing.
    Stop,
    /// It wins: this tier does not keep it, and says so.
    Open,
    /// It wins for root; for others it depends on the machine.
    Root,
    /// Not tried: what it would do to the machine, or whether it could, is not Otto's.
    Untried,
}

use Must::{Open, Root, Stop, Untried};

/// The network of the attacker, where the tier can keep one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Net {
    On,
    Off,
    Provider,
}

pub struct Probe {
    pub name: &'static str,
    pub network: Net,
    /// At worktree, landlock, bwrap.
    pub must: [Must; 3],
    /// What `sandbox.write` adds.
    pub write: Option<&'static str>,
    /// Of a shell. `{name}` is filled in by the scene; printing `{won}` says that it won.
    pub script: &'static str,
}

const fn probe(name: &'static str, must: [Must; 3], script: &'static str) -> Probe {
    Probe { name, network: Net::On, must, write: None, script }
}

const fn cut_off(name: &'static str, must: [Must; 3], script: &'static str) -> Probe {
    Probe { name, network: Net::Off, must, write: None, script }
}

const fn declared(name: &'static str, must: [Must; 3], script: &'static str) -> Probe {
    Probe { name, network: Net::Provider, must, write: None, script }
}

const fn where_written(
    name: &'static str,
    write: &'static str,
    must: [Must; 3],
    script: &'static str,
) -> Probe {
    Probe { name, network: Net::On, must, write: Some(write), script }
}

/// Only a tier that the kernel enforces stops it.
const KEPT: [Must; 3] = [Open, Stop, Stop];
/// Only namespaces stop it.
const BWRAP: [Must; 3] = [Open, Open, Stop];
/// The same, where the rights of the user are what else would.
const RIGHTS: [Must; 3] = [Root, Stop, Stop];
const MACHINE: [Must; 3] = [Untried, Stop, Stop];

pub const FILES: &[Probe] = &[
    probe("reading `~/.ssh`", KEPT, "cat {home}/.ssh/*"),
    probe("reading `~/.aws`", KEPT, "cat {home}/.aws/credentials"),
    probe("reading the home folder", KEPT, "cat {home}/notes.txt"),
    probe("reading a file that everybody may read", KEPT, "cat {world}/readable.txt"),
    probe("reading the user's checkout", KEPT, "cat {project}/private.txt"),
    probe("reading held-out scenarios", KEPT, "cat {project}/.git/otto/scenarios/*"),
    probe("reading evidence in `otto_logs`", KEPT, "cat {logs}/evidence/*"),
    probe("reading another group's worktree", KEPT, "cat {other}/theirs.txt"),
    probe("reading another session's agent state", KEPT, "cat {state}/*/*/session.json"),
    probe("reading a descriptor that the parent left open", KEPT, "cat <&9"),
    probe("writing with `..` out of the tree", KEPT, "echo x >../../../../home/planted"),
    probe("writing through a link out of the tree", KEPT, "ln -s {world} out; echo x >out/planted"),
    probe("writing through a link to a file", KEPT, "ln -s {home}/notes.txt n; echo x >n"),
    probe("a link in the place of `TMPDIR`", KEPT, "ln -s {home} t; TMPDIR=$PWD/t mktemp"),
    probe("a hard link to a file outside", KEPT, "ln {home}/notes.txt h && echo x >>h; cat h"),
    probe("moving a file out of the tree", KEPT, "echo x >f; mv f {world}/planted"),
    probe("moving a file into the tree", KEPT, "mv {home}/notes.txt . && cat notes.txt"),
    probe("deleting a file outside", KEPT, "rm -f {home}/notes.txt"),
    probe("truncating a file outside", KEPT, "perl -e 'truncate($ARGV[0], 0)' {home}/notes.txt"),
    probe("`chmod` of a file outside", BWRAP, "chmod 777 {home}/notes.txt"),
    probe("`chown` of a file outside", RIGHTS, "chown 12345 {home}/notes.txt"),
    probe(
        "an attribute of a file outside (an access list)",
        KEPT,
        "perl -e 'my ($f, $n, $v) = (@ARGV, \"user.evil\", \"x\"); syscall({setxattr}, $f, $n, $v, 1, 0) == 0 and print \"{won}\"' {home}/notes.txt",
    ),
    where_written(
        "reading `~/.ssh` where `sandbox.write` adds the home",
        "{home}",
        KEPT,
        "cat {home}/.ssh/*",
    ),
    where_written(
        "a key in `~/.ssh` where `sandbox.write` adds the home",
        "{home}",
        KEPT,
        "echo x >>{home}/.ssh/authorized_keys",
    ),
    where_written(
        "reading agents' state where `sandbox.write` adds the cache folder",
        "{caches}",
        KEPT,
        "cat {caches}/otto/*/agents/*",
    ),
    probe("writing to another worktree", KEPT, "echo x >{other}/planted"),
    probe("writing over evidence", KEPT, "echo x >{logs}/evidence/1234"),
    probe("writing to the checkout", KEPT, "echo x >{project}/README.md"),
    probe(
        "`LD_PRELOAD` left in a profile for whoever comes next",
        KEPT,
        "echo 'export LD_PRELOAD={work}/evil.so' >>{home}/.profile",
    ),
];

pub const REPOSITORY: &[Probe] = &[
    probe("a hook", KEPT, "echo 'touch x' >{project}/.git/hooks/post-checkout"),
    probe("`core.hooksPath`", KEPT, "mkdir h; git config core.hooksPath $PWD/h"),
    probe("`core.fsmonitor`", KEPT, "git config core.fsmonitor $PWD/run.sh"),
    probe("a filter driver", KEPT, "git config filter.x.clean $PWD/run.sh"),
    probe(
        "an include in the configuration",
        KEPT,
        "printf '[include]\\n\\tpath = %s/c\\n' $PWD >>{project}/.git/config",
    ),
    probe(
        "`info/attributes`",
        KEPT,
        "mkdir -p {project}/.git/info; echo '* filter=x' >{project}/.git/info/attributes",
    ),
    probe(
        "alternates",
        KEPT,
        "mkdir -p {project}/.git/objects/info; echo $PWD/o >{project}/.git/objects/info/alternates",
    ),
    probe(
        "a submodule's git dir",
        KEPT,
        "mkdir -p {project}/.git/modules/x && echo x >{project}/.git/modules/x/config",
    ),
    probe(
        "moving a branch",
        KEPT,
        "c='-c user.name=x -c user.email=x@x'; git update-ref refs/heads/main $(git $c commit-tree -m x HEAD^{tree})",
    ),
    probe(
        "a commit on a branch of its own",
        KEPT,
        "echo x >f; git add f; git -c user.name=x -c user.email=x@x commit -qm x; git push -q . HEAD:refs/heads/x",
    ),
    probe(
        "`GIT_DIR` of the agent's own",
        KEPT,
        "GIT_DIR={project}/.git GIT_WORK_TREE={project} git checkout -q -f --orphan x",
    ),
    probe(
        "another repository in the place of the `.git` file",
        BWRAP,
        "rm -f .git; git init -q evil; mv evil/.git .git",
    ),
    probe("renaming over the `.git` file", BWRAP, "echo 'gitdir: {world}' >g; mv g .git"),
    probe("deleting the common git dir", KEPT, "rm -rf {project}/.git"),
    probe("deleting objects", KEPT, "rm -rf {project}/.git/objects/*"),
];

pub const PROCESSES: &[Probe] = &[
    probe("the parent's environment", KEPT, "tr '\\0' '\\n' </proc/$PPID/environ"),
    probe("another process's environment", KEPT, "tr '\\0' '\\n' </proc/{victim}/environ"),
    probe("another process's folder", KEPT, "cat /proc/{victim}/cwd/readable.txt"),
    probe("another process's root", KEPT, "cat /proc/{victim}/root{home}/notes.txt"),
    probe("another process's descriptors", KEPT, "cat /proc/{victim}/fd/8"),
    probe("another process's memory", RIGHTS, "exec 7<>/proc/{victim}/mem && echo {won}"),
    probe("a signal to another process", KEPT, "kill -9 {victim}"),
    probe(
        "tracing another process",
        RIGHTS,
        "perl -e 'syscall({ptrace}, 16, $ARGV[0] + 0, 0, 0) == 0 and print \"{won}\"' {victim}",
    ),
    probe(
        "typing into the terminal (TIOCSTI)",
        MACHINE,
        "perl -e 'ioctl(STDIN, 0x5412, my $c = \"x\") and print \"{won}\"'",
    ),
    probe("a setuid program", MACHINE, "grep -q 'NoNewPrivs:.*1' /proc/self/status || echo {won}"),
    probe("mounting", MACHINE, "mkdir m; mount --bind / m && echo {won}"),
    probe(
        "mounting in a namespace of its own",
        KEPT,
        "mkdir m; unshare -Urm sh -c 'mount --bind {home} m; cat m/notes.txt'; cat {home}/notes.txt",
    ),
    probe("a block device", RIGHTS, "mknod d b 7 0 && echo {won}"),
    probe("the machine's memory", MACHINE, "head -c 1 /dev/mem >x && echo {won}"),
    probe("`/sys`", MACHINE, "for f in /sys/kernel/*; do echo 1 >$f && echo {won}; done"),
    probe(
        "the system request trigger",
        MACHINE,
        "test -w /proc/sysrq-trigger && echo h >/proc/sysrq-trigger && echo {won}",
    ),
    probe(
        "the core pattern",
        MACHINE,
        "echo '|{work}/x' >/proc/sys/kernel/core_pattern && echo {won}",
    ),
    probe(
        "the kernel's keyrings",
        MACHINE,
        "perl -e 'syscall({keyctl}, 0, -3, 1) >= 0 and print \"{won}\"'",
    ),
    probe(
        "operations that no filter sees (io_uring)",
        MACHINE,
        "perl -MErrno -e 'syscall(425, 1, 0); print \"{won}\" unless $!{ENOSYS} || $!{EPERM}'",
    ),
];

pub const AMOUNTS: &[Probe] = &[
    probe("a file of 5 GB", KEPT, "truncate -s 5G big && echo {won}; rm -f big"),
    probe(
        "2,500 processes",
        KEPT,
        "perl -e 'for (1..2500) { my $p = fork; last unless defined $p; $p or sleep 600, exit; push @p, $p } sleep {patience}; print \"{won}\" if @p == 2500; kill 9, @p'",
    ),
    probe(
        "2,500 processes that left their parents",
        KEPT,
        "perl -MPOSIX -e 'for (1..2500) { my $p = fork; last unless defined $p; if (!$p) { fork and POSIX::_exit(0); setsid; sleep 600 } waitpid $p, 0; $n++ } sleep {patience}; print \"{won}\" if $n == 2500'",
    ),
    probe(
        "2,500 processes that left their parents with a forged mark",
        KEPT,
        "OTTO_SCOPE=forged perl -MPOSIX -e 'exit if fork; setsid; for (1..2500) { my $p = fork; last unless defined $p; if (!$p) { fork and POSIX::_exit(0); setsid; sleep 600 } waitpid $p, 0; $n++ } sleep {patience}; print \"{won}\" if $n == 2500; open my $f, \">\", \"over\"'; while [ ! -e over ]; do sleep 0.1; done",
    ),
    probe(
        "more memory than there is",
        MACHINE,
        "perl -e 'my $x = \"x\" x $ARGV[0]; print \"{won}\"' $(awk '/MemTotal/ {print int($2 * 1000)}' /proc/meminfo)",
    ),
    probe(
        "three quarters of the memory as files in `/dev/shm`",
        MACHINE,
        "n=$(awk '/MemTotal/ {print int($2 / 1024 / 1024 / 4)}' /proc/meminfo); while [ $n -ge 0 ]; do fallocate -l 3G /dev/shm/x$n || exit; n=$((n - 1)); done; echo {won}",
    ),
];

pub const NETWORK: &[Probe] = &[
    probe("an abstract Unix socket", KEPT, UNIX_ABSTRACT),
    probe("a Unix socket with a path (docker, ssh-agent)", BWRAP, UNIX_PATH),
    probe("a socket to the hypervisor (vsock)", MACHINE, VSOCK),
    cut_off("`off`: a socket to the hypervisor (vsock)", MACHINE, VSOCK),
    cut_off("`off`: TCP", KEPT, TCP),
    cut_off("`off`: UDP (and so DNS)", KEPT, UDP),
    cut_off("`off`: an abstract Unix socket", KEPT, UNIX_ABSTRACT),
    cut_off(
        "`off`: packets",
        RIGHTS,
        "perl -MSocket -e 'socket(my $s, 17, SOCK_RAW, 0x300) and print \"{won}\"'",
    ),
    declared("`provider`: TCP to a host that is not declared", KEPT, TCP),
    declared("`provider`: UDP", KEPT, UDP),
    declared(
        "`provider`: a host that is not declared, through the proxy",
        KEPT,
        "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"127.0.0.1:3128\") || IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\") or die $!; print $s \"CONNECT 127.0.0.1:$ARGV[0] HTTP/1.1\\r\\n\\r\\n\"; print <$s>' {tcp}",
    ),
];

/// The hypervisor is in no namespace. Whether there is one is the machine's.
const VSOCK: &str = "perl -e 'socket(my $s, 40, 1, 0) and print \"{won}\"'";

/// With the title of each part.
pub const PARTS: [(&str, &[Probe]); 5] = [
    ("Files", FILES),
    ("The repository", REPOSITORY),
    ("Processes and the kernel", PROCESSES),
    ("Amounts", AMOUNTS),
    ("The network", NETWORK),
];

const UNIX_ABSTRACT: &str = "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack(\"S a*\", AF_UNIX, \"\\0\".$ARGV[0])) or die $!; print <$s>' {abstract}";
const UNIX_PATH: &str = "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or die $!; print <$s>' {world}/docker.sock";
const TCP: &str = "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\") or die $!; print <$s>' {tcp}";
const UDP: &str = "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\", Proto => \"udp\") or die $!; $s->send(\"x\"); $SIG{ALRM} = sub { exit 1 }; alarm 1; $s->recv(my $b, 64); print $b' {udp}";
