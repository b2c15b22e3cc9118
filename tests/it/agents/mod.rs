//! The real `claude` and `codex`, driven by a fake model on loopback. They are large, so they are
//! not there by default: `make test-agents` installs them and names their folder in `OTTO_AGENTS`.

mod answers;
mod bare;
mod failures;
mod runs;
mod stops;
mod turn;
mod turns;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

use crate::model::{Options, Server, Source};

/// The programs, each by its path.
pub struct Agents {
    pub claude: PathBuf,
    pub codex: PathBuf,
}

/// `None` where the suite is skipped, which is said once.
pub fn agents() -> Option<Agents> {
    static SAID: Once = Once::new();
    let Some(dir) = std::env::var_os("OTTO_AGENTS") else {
        // Past the capture of the test's own output: what did not run must be seen.
        SAID.call_once(|| {
            let said =
                "skipped: agents::* (the real claude and codex; run them with: make test-agents)";
            drop(writeln!(std::io::stderr(), "{said}"));
        });
        return None;
    };
    let program = |name: &str| {
        let path = Path::new(&dir).join(name);
        assert!(path.is_file(), "OTTO_AGENTS has no {name}: {}", path.display());
        path
    };
    Some(Agents { claude: program("claude"), codex: program("codex") })
}

/// A model whose scripts are in the prompts.
pub fn model() -> Server {
    Server::start(Source::prompts(), Options::default()).expect("a port on loopback")
}
