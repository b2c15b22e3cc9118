//! The networks: what is declared is reached, as clients do it, and nothing else is.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::table::working;
use crate::harness::Sandbox;

/// Answers every request with what it was asked.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut said = [0; 1024];
            let n = stream.read(&mut said).unwrap_or(0);
            let line = String::from_utf8_lossy(&said[..n]).lines().next().unwrap_or("").to_owned();
            drop(write!(stream, "HTTP/1.0 200 OK\r\n\r\nasked: {line}\n"));
        }
    });
    port
}

/// `GET` in perl, through the proxy that the environment names or straight on.
const GET: &str = r#"perl -MIO::Socket::INET -e '
    my ($way, $port) = @ARGV;
    my $to = $way eq "proxy" ? $ENV{HTTP_PROXY} =~ s{http://}{}r : "127.0.0.1:$port";
    my $target = $way eq "proxy" ? "http://127.0.0.1:$port/x" : "/x";
    my $s = IO::Socket::INET->new(PeerAddr => $to) or die "no: $!\n";
    print $s "GET $target HTTP/1.0\r\nHost: h\r\n\r\n"; print <$s>'"#;

#[test]
fn the_network_provider_reaches_what_is_declared_in_both_ways() {
    if !working().contains(&"bwrap") {
        println!("bwrap does not work here: not tried");
        return;
    }
    let (s, declared, other) = (Sandbox::project(), server(), server());
    let host = format!("127.0.0.1:{declared}");
    let ask = |way: &str, port: u16| {
        let script = format!("{GET} {way} {port}; exit 7");
        let args = [
            "sandbox",
            "--tier",
            "bwrap",
            "--network",
            "provider",
            "--host",
            &host,
            "--",
            "sh",
            "-c",
            &script,
        ];
        s.run(7, &args).stdout
    };
    assert!(ask("proxy", declared).contains("asked: GET /x"));
    assert!(ask("straight", declared).contains("asked: GET /x"));
    assert!(ask("proxy", other).contains("403 Forbidden"));
    assert_eq!(ask("straight", other), "");
    assert_eq!(s.leftovers(), [0; 0]);
}

#[test]
fn a_loopback_of_its_own_serves_those_inside() {
    if !working().contains(&"bwrap") {
        println!("bwrap does not work here: not tried");
        return;
    }
    let s = Sandbox::project();
    let script = r#"perl -MIO::Socket::INET -e '
        my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:4711") or die $!;
        if (!fork) { my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:4711") or die $!; print $c "hello\n"; exit }
        print $l->accept->getline'"#;
    for network in ["off", "loopback"] {
        let args = ["sandbox", "--tier", "bwrap", "--network", network, "--", "sh", "-c", script];
        assert_eq!(s.run(0, &args).stdout, "hello\n", "{network}");
    }
}

#[test]
fn what_a_tier_cannot_keep_is_refused() {
    let s = Sandbox::project();
    for (tier, network) in [
        ("worktree", "off"),
        ("worktree", "loopback"),
        ("worktree", "provider"),
        ("landlock", "loopback"),
        ("landlock", "provider"),
    ] {
        if working().contains(&tier) {
            let done = s.run(78, &["sandbox", "--tier", tier, "--network", network, "--", "true"]);
            assert!(done.stderr.contains("cannot be had"), "{}", done.stderr);
        }
    }
}

#[test]
fn the_network_provider_ends_whatever_those_inside_do_to_its_socket() {
    if !working().contains(&"bwrap") {
        println!("bwrap does not work here: not tried");
        return;
    }
    let s = Sandbox::project();
    let host = format!("127.0.0.1:{}", server());
    let script = "rm -f /run/otto/proxy.sock /tmp/proxy.sock; mv /run/otto /run/other; \
                  test -S /run/otto/proxy.sock; exit $?";
    let args = ["sandbox", "--tier", "bwrap", "--network", "provider", "--host", &host];
    s.run(0, &[&args[..], &["--", "sh", "-c", script]].concat());
}
