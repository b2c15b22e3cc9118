//! The exit codes of every program, as the contract fixes them (`docs/exit-codes.md`).

use serde::{Deserialize, Serialize};

/// A process exit code. `partial`, `unverified`, `failed` and `blocked` are never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exit(pub u8);

impl Exit {
    /// Yes: done, passed, landed.
    pub const YES: Exit = Exit(0);
    /// No: a check failed, a group is blocked, the verdict is not `passed`.
    pub const NO: Exit = Exit(1);
    pub const USAGE: Exit = Exit(2);
    /// Input is bad. Nothing was changed.
    pub const INPUT: Exit = Exit(65);
    /// Something needed is missing: provider, tool, service.
    pub const MISSING: Exit = Exit(69);
    /// A bug in Otto.
    pub const BUG: Exit = Exit(70);
    /// It will succeed later without anybody.
    pub const LATER: Exit = Exit(75);
    /// It waits for a person.
    pub const PERSON: Exit = Exit(77);
    /// The configuration or this machine cannot work.
    pub const MACHINE: Exit = Exit(78);

    /// The worse of two, for a stage that passes its upstream's failure on. The order is: how
    /// far is this from "the product is there".
    pub fn worse(self, other: Exit) -> Exit {
        if self.badness() >= other.badness() { self } else { other }
    }

    fn badness(self) -> u8 {
        const ORDER: [u8; 13] = [0, 1, 77, 75, 65, 2, 69, 78, 70, 129, 130, 131, 143];
        match ORDER.iter().position(|c| *c == self.0) {
            Some(at) => at as u8,
            // A code of somebody else's program, or death by another signal.
            None => ORDER.len() as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_commutative_and_yes_is_neutral() {
        let codes = [0, 1, 2, 65, 69, 70, 75, 77, 78, 130, 143, 7];
        for a in codes {
            assert_eq!(Exit(a).worse(Exit::YES), Exit(a));
            for b in codes {
                assert_eq!(Exit(a).worse(Exit(b)).badness(), Exit(b).worse(Exit(a)).badness());
            }
        }
        assert_eq!(Exit::NO.worse(Exit::LATER), Exit::LATER);
    }
}
