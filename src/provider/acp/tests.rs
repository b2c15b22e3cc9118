//! What needs no agent: whose words mean what, and where a path leads.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_client_protocol::{Error, ErrorCode};
use serde_json::json;

use super::errors::{of_error, of_words};
use super::files::Files;
use super::setup::Setup;
use super::turn::turn;
use crate::agent::{ErrorClass, Request};
use crate::provider::io::Events;
use crate::provider::testing::{Bench, Turn};

#[test]
fn what_errors_mean() {
    for (words, class) in [
        ("You've hit your limit · resets 3pm", Some(ErrorClass::Quota)),
        ("API Error: 529 Overloaded", Some(ErrorClass::Overloaded)),
        ("getaddrinfo ENOTFOUND api.example.com", Some(ErrorClass::Network)),
        ("something else", None),
    ] {
        assert_eq!(of_words(words), class, "{words}");
    }
    let error = Error::new(ErrorCode::AUTH_REQUIRED, "Authentication required");
    assert_eq!(of_error(&error).0, ErrorClass::Auth);
    let error = Error::new(ErrorCode::INTERNAL_ERROR, "Internal error")
        .data(json!({"details": "rate limit of the model"}));
    assert_eq!(
        of_error(&error),
        (ErrorClass::RateLimit, "Internal error: rate limit of the model".into())
    );
    assert_eq!(of_error(&Error::new(-32602, "Invalid params")).0, ErrorClass::BadRequest);
}

/// Kept by the test while a turn writes to it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_step_before_the_prompt_has_a_limit_of_its_own() {
    let hello = r#"{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":1}}"#;
    for (agent, step) in [
        ("cat >/dev/null".to_owned(), "`initialize`"),
        (
            format!(
                r#"read -r line; id=${{line##*\"id\":}}; id=${{id%%[,\}}]*}}
                echo '{hello}' | sed "s/ID/$id/"; echo 'Opening a browser' >&2; cat >/dev/null"#
            ),
            "`session/new`",
        ),
    ] {
        let bench = Bench::new("build", json!({"argv": ["sh", "-c", agent]}));
        let request: Request = serde_json::from_value(bench.request.clone()).expect("a request");
        let mut setup = Setup::of(&request).expect("it can be set up");
        assert_eq!(setup.step_limit.as_secs(), 60);
        setup.step_limit = Duration::from_secs(1);
        let out = Shared::default();
        let exit = turn(&request, &setup, &b""[..], Events::new(out.clone())).expect("told");
        let said = Turn::new(&out.0.lock().expect("whole"), exit);
        said.refused(ErrorClass::Unknown, "providers.acp.argv");
        said.refused(ErrorClass::Unknown, step);
    }
}

#[test]
fn where_a_path_leads() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("work");
    std::fs::create_dir_all(root.join("src")).expect("made");
    std::fs::create_dir(dir.path().join("other")).expect("made");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).expect("linked");
    link("../other", "out");
    link("src", "in");
    link("../other/new", "later");
    link("loop", "loop");
    let files = Files::of(&root);
    for (path, inside) in [
        ("src/a", true),
        ("not/yet/there", true),
        ("in/a", true),
        ("src/../b", true),
        ("", true),
        ("out/a", false),
        ("out", false),
        ("later", false),
        ("loop", false),
        ("..", false),
        ("../other/a", false),
        ("new/../../other", false),
        (".git/hooks/x", false),
        ("src/.git", false),
        ("/etc/passwd", false),
    ] {
        assert_eq!(files.is_inside(Path::new(path)), inside, "{path}");
    }
    assert!(files.is_inside(&root.join("src/x")) && !files.is_inside(dir.path()));
    assert_eq!(files.shown(&root.join("src/x")), "src/x");
    assert!(files.relative(Path::new("a/../b")).is_err());
}
