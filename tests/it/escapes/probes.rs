//! The attacks.

/// What must come of one at a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// It wins nothing.
    Stop,
    /// It wins: this tier does not keep it, and says so.
    Open,
    /// It depends on the rights of whoever runs Otto, and on the machine.
    Depends,
}

use Must::{Depends, Open, Stop};

pub struct Probe {
    pub name: &'static str,
    pub network: Net,
    /// At worktree, landlock, bwrap.
    pub must: [Must; 3],
    pub script: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Net {
    On,
    Off,
}

const fn probe(name: &'static str, must: [Must; 3], script: &'static str) -> Probe {
    Probe { name, network: Net::On, must, script }
}

const fn cut_off(name: &'static str, must: [Must; 3], script: &'static str) -> Probe {
    Probe { name, network: Net::Off, must, script }
}

/// Only a tier that the kernel enforces stops it.
const KEPT: [Must; 3] = [Open, Stop, Stop];
/// Only namespaces stop it.
const BWRAP: [Must; 3] = [Open, Open, Stop];

pub const PROBES: &[Probe] = &[
    // Files outside.
    probe("reading `~/.ssh`", KEPT, "cat {home}/.ssh/*"),
    probe("reading `~/.aws`", KEPT, "cat {home}/.aws/credentials"),
    probe("reading the home folder", KEPT, "cat {home}/notes.txt"),
    probe("reading a file that everybody may read", KEPT, "cat {world}/readable.txt"),
    probe("reading the user's checkout", KEPT, "cat {project}/private.txt"),
    probe("reading held-out scenarios", KEPT, "cat {project}/.git/otto/scenarios/*"),
    probe("reading evidence in otto_logs", KEPT, "cat {project}/otto_logs/sessions/*/evidence/*"),
    probe("reading another group's worktree", KEPT, "cat {other}/theirs.txt"),
    probe("reading another session's agent state", KEPT, "cat {state}/*/*/session.json"),
    probe("writing with `..` out of the tree", KEPT, "echo x >../../../../home/planted"),
    probe(
        "writing through a symlink out of the tree",
        KEPT,
        "ln -s {world} out; echo x >out/planted",
    ),
    probe("writing through a symlink to a file", KEPT, "ln -s {home}/notes.txt n; echo x >n"),
    probe("a symlink in the place of `/tmp`", KEPT, "ln -s {home} t; TMPDIR=$PWD/t mktemp"),
    probe(
        "a hard link to a file outside",
        KEPT,
        "ln {home}/notes.txt here && echo x >>here; cat here",
    ),
    probe("renaming a file out of the tree", KEPT, "echo x >f; mv f {world}/planted"),
    probe("renaming a file into the tree", KEPT, "mv {home}/notes.txt . && cat notes.txt"),
    probe("deleting a file outside", KEPT, "rm -f {home}/notes.txt"),
    probe("truncating a file outside", KEPT, "perl -e 'truncate($ARGV[0], 0)' {home}/notes.txt"),
    probe("chmod of a file outside", BWRAP, "chmod 777 {home}/notes.txt"),
    probe(
        "times of a file outside",
        [Depends, Depends, Stop],
        "touch -d 2001-01-01 {home}/notes.txt",
    ),
    probe("writing to another worktree", KEPT, "echo x >{other}/planted"),
    probe(
        "writing to otto_logs",
        KEPT,
        "echo x >{project}/otto_logs/sessions/20260101-000000-aaaa/evidence/1234",
    ),
    probe("writing to the checkout", KEPT, "echo x >{project}/README.md"),
    // The repository.
    probe("a hook", KEPT, "echo 'touch {world}/planted' >{project}/.git/hooks/post-checkout"),
    probe("a hook through `core.hooksPath`", KEPT, "mkdir h; git config core.hooksPath $PWD/h"),
    probe("`core.fsmonitor` in the configuration", KEPT, "git config core.fsmonitor $PWD/run.sh"),
    probe("a filter driver in the configuration", KEPT, "git config filter.x.clean $PWD/run.sh"),
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
        "mkdir -p {project}/.git/objects/info; echo $PWD/objects >{project}/.git/objects/info/alternates",
    ),
    probe(
        "a submodule in the git dir",
        KEPT,
        "mkdir -p {project}/.git/modules/x && echo x >{project}/.git/modules/x/config",
    ),
    probe(
        "moving a branch",
        KEPT,
        "git update-ref refs/heads/main $(git -c user.name=x -c user.email=x@x commit-tree -m x HEAD^{tree})",
    ),
    probe(
        "a commit by the agent",
        KEPT,
        "echo x >f; git add f; git -c user.name=x -c user.email=x@x commit -qm x; git push -q . HEAD:refs/heads/planted",
    ),
    probe(
        "`GIT_DIR` of the agent's own",
        KEPT,
        "GIT_DIR={project}/.git GIT_WORK_TREE={project} git checkout -q -f --orphan x",
    ),
    probe("deleting the common git dir", KEPT, "rm -rf {project}/.git"),
    probe("deleting objects", KEPT, "rm -rf {project}/.git/objects/*"),
    // Processes.
    probe("the parent's environment", KEPT, "tr '\\0' '\\n' </proc/$PPID/environ"),
    probe("another process's environment", KEPT, "tr '\\0' '\\n' </proc/{victim}/environ"),
    probe("another process's files through `/proc`", KEPT, "cat /proc/{victim}/cwd/readable.txt"),
    probe(
        "another process's root through `/proc`",
        KEPT,
        "cat /proc/{victim}/root{home}/notes.txt",
    ),
    probe("a signal to another process", KEPT, "kill -9 {victim}"),
    probe(
        "signals to everybody",
        KEPT,
        "exec perl -e 'kill 9, $ARGV[0]; kill 9, -getpgrp($ARGV[0]) if 0' {victim}",
    ),
    probe(
        "tracing another process",
        KEPT,
        "perl -e '$^O; syscall(101, 16, $ARGV[0]+0, 0, 0) == 0 and print \"the-token-of-\", \"somebody-else\"' {victim}",
    ),
    // Sockets.
    probe("an abstract Unix socket", KEPT, UNIX_ABSTRACT),
    probe("a Unix socket with a path (docker, ssh-agent)", BWRAP, UNIX_PATH),
    cut_off("TCP with the network off", KEPT, TCP),
    cut_off("UDP with the network off", KEPT, UDP),
];

const UNIX_ABSTRACT: &str = "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack(\"S a*\", AF_UNIX, \"\\0\".$ARGV[0])) or die $!; print <$s>' {abstract}";
const UNIX_PATH: &str = "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])) or die $!; print <$s>' {world}/docker.sock";
const TCP: &str = "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\") or die $!; print <$s>' {tcp}";
const UDP: &str = "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\", Proto => \"udp\") or die $!; $s->send(\"x\"); $SIG{ALRM} = sub { exit 1 }; alarm 1; $s->recv(my $b, 64); print $b' {udp}";
