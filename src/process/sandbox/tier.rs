use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::Error;

/// What keeps a child inside its folder, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A disposable worktree and a cleared environment, nothing that the kernel enforces: the
    /// agent could have touched the evidence.
    Worktree,
    /// Landlock (landlock(7)): an allow-list of paths that the kernel enforces on the process and
    /// its descendants, and a filter of system calls.
    Landlock,
    /// Namespaces by bubblewrap (bwrap(1)): only what is listed is there at all.
    Bwrap,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Worktree, Tier::Landlock, Tier::Bwrap];

    pub fn word(self) -> &'static str {
        match self {
            Tier::Worktree => "worktree",
            Tier::Landlock => "landlock",
            Tier::Bwrap => "bwrap",
        }
    }

    /// The limit of what this tier proves, in plain words.
    pub fn limit(self) -> &'static str {
        match self {
            Tier::Worktree => {
                "No sandbox: agents and checks ran as you, in disposable worktrees. Nothing in the \
                 kernel kept them from reading or writing elsewhere, the evidence included."
            }
            Tier::Landlock => {
                "Sandbox `landlock`: the kernel kept agents and checks from opening files outside \
                 their folders. It did not keep them from changing modes and times of files of \
                 yours, from seeing that other processes run, or from Unix sockets whose path \
                 they knew; before Linux 6.12 also not from signals and from abstract Unix sockets."
            }
            Tier::Bwrap => {
                "Sandbox `bwrap`: agents and checks saw only their own folders, the system read-only \
                 and the toolchains, in namespaces of their own. A hole in the kernel would be a \
                 way out, and the git objects of the repository could be read. Before Linux 6.12 \
                 abstract Unix sockets could be reached with the network `on`."
            }
        }
    }
}

impl FromStr for Tier {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Tier::ALL.into_iter().find(|t| t.word() == s).ok_or_else(|| {
            Error::usage(format!("there is no sandbox tier '{s}'"))
                .hint("the tiers: worktree, landlock, bwrap")
        })
    }
}
