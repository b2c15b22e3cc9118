//! The patch census: everything that attempts ever handed in is somewhere (I3). Values in, values
//! out; `places` asks git, `close` mends and refuses at the end of a run.
//!
//! A patch is the commit that an attempt recorded, or that was kept for one. Otto never rewrites
//! one, so its id is the patch's id, wherever it goes.

mod close;
mod places;

use std::collections::BTreeSet;

use serde::Serialize;

pub use close::{close, keep_strays, refuse_lost};
pub use places::places;

use crate::git::Oid;
use crate::session::State;
use crate::session::layout::refs;

/// Where a patch is: one place each, the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the history of the integration branch.
    Landed,
    /// The product held the same work already.
    Redundant,
    /// On a build branch, and not in the product.
    Open,
    /// Under `refs/otto/attic/`.
    Attic,
    /// In the object database, and no ref of this session holds it.
    Stray,
    /// Nowhere.
    Lost,
}

/// What git says: the commits that each kind of ref holds.
#[derive(Debug, Clone, Default)]
pub struct Places {
    pub landed: BTreeSet<Oid>,
    pub redundant: BTreeSet<Oid>,
    pub open: BTreeSet<Oid>,
    pub attic: BTreeSet<Oid>,
    /// Of what no ref holds: the objects that are there.
    pub there: BTreeSet<Oid>,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    pub group: String,
    pub attempt: Option<u32>,
    pub commit: Oid,
    pub place: Place,
    /// A later attempt of the group handed in something that counts instead.
    pub replaced: bool,
}

/// Every patch of a session, in the order of groups and attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    pub patches: Vec<Patch>,
}

/// How many patches are where. `submitted` is the sum of the others, without `replaced`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub submitted: usize,
    pub landed: usize,
    pub redundant: usize,
    pub attic: usize,
    pub open: usize,
    /// Held by no ref, or gone.
    pub missing: usize,
    /// Of all: how many a later attempt of the same group replaced.
    pub replaced: usize,
}

/// Every commit that was handed in, once: group, attempt, commit, whether it was replaced.
pub fn submitted(state: &State) -> Vec<(String, Option<u32>, Oid, bool)> {
    let mut out: Vec<(String, Option<u32>, Oid, bool)> = Vec::new();
    for (gid, group) in &state.groups {
        let last = super::build::heads::recorded_head(group);
        for attempt in &group.attempts {
            let Some(commit) = attempt.finished.as_ref().and_then(|f| f.commit) else { continue };
            out.push((gid.clone(), Some(attempt.number), commit, last != Some(commit)));
        }
    }
    for (name, commit) in &state.archived {
        let place = name.strip_prefix(refs::ATTIC).unwrap_or(name);
        let (place, attempt) = place.rsplit_once('/').unwrap_or((place, ""));
        let gid = place.split_once('.').map_or(place, |(_, gid)| gid);
        out.push((gid.to_owned(), attempt.parse().ok(), *commit, false));
    }
    let mut seen = BTreeSet::new();
    out.retain(|(_, _, commit, _)| seen.insert(*commit));
    out
}

/// Accounts for every patch.
pub fn census(state: &State, places: &Places) -> Census {
    let place = |commit: &Oid| match () {
        () if places.landed.contains(commit) => Place::Landed,
        () if places.redundant.contains(commit) => Place::Redundant,
        () if places.open.contains(commit) => Place::Open,
        () if places.attic.contains(commit) => Place::Attic,
        () if places.there.contains(commit) => Place::Stray,
        () => Place::Lost,
    };
    let patches = submitted(state).into_iter().map(|(group, attempt, commit, replaced)| Patch {
        place: place(&commit),
        group,
        attempt,
        commit,
        replaced,
    });
    Census { patches: patches.collect() }
}

impl Census {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for patch in &self.patches {
            counts.submitted += 1;
            counts.replaced += usize::from(patch.replaced);
            *match patch.place {
                Place::Landed => &mut counts.landed,
                Place::Redundant => &mut counts.redundant,
                Place::Open => &mut counts.open,
                Place::Attic => &mut counts.attic,
                Place::Stray | Place::Lost => &mut counts.missing,
            } += 1;
        }
        counts
    }

    pub fn at(&self, place: Place) -> impl Iterator<Item = &Patch> {
        self.patches.iter().filter(move |p| p.place == place)
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { submitted, landed, redundant, attic, open, missing, replaced } = self;
        write!(f, "patches: {submitted} submitted = {landed} landed + {redundant} redundant + ")?;
        write!(f, "{attic} attic + {open} open")?;
        if *missing > 0 {
            write!(f, " + {missing} missing")?;
        }
        if *replaced > 0 {
            write!(f, " ({replaced} replaced by a later attempt)")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Patch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (commit, group) = (self.commit, &self.group);
        match self.attempt {
            Some(n) => write!(f, "{commit} (attempt {n} of group '{group}')"),
            None => write!(f, "{commit} (group '{group}')"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::event::{AttemptFinished, AttemptStarted, Event, WorkArchived};
    use crate::session::journal::Record;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    fn apply(state: &mut State, group: &str, attempt: Option<u32>, event: impl Into<Event>) {
        state.apply(&Record {
            seq: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            group: Some(group.into()),
            attempt,
            actor: "a test".into(),
            event: event.into(),
            hash: crate::base::Sha256::ZERO,
        });
    }

    fn hand_in(state: &mut State, group: &str, n: u32, commit: Option<u8>) {
        let started = AttemptStarted {
            role: "build".into(),
            base: oid(0),
            dep_heads: Default::default(),
            start: oid(0),
            provider: "command".into(),
            model: None,
            spec: crate::base::Sha256::ZERO,
        };
        apply(state, group, Some(n), started);
        let end = AttemptFinished { commit: commit.map(oid), ..AttemptFinished::interrupted() };
        apply(state, group, Some(n), end);
    }

    #[test]
    fn each_patch_is_somewhere_and_counted_once() {
        let mut state = State::default();
        hand_in(&mut state, "a", 1, Some(1));
        hand_in(&mut state, "a", 2, Some(2));
        hand_in(&mut state, "b", 1, None);
        hand_in(&mut state, "b", 2, Some(3));
        hand_in(&mut state, "c", 1, Some(4));
        hand_in(&mut state, "d", 1, Some(5));
        let name = "refs/otto/attic/20261120-101112-abcd.b/1".to_owned();
        apply(&mut state, "b", None, WorkArchived { name, commit: oid(6) });
        let places = Places {
            landed: [oid(1), oid(2)].into(),
            redundant: [oid(4)].into(),
            open: [oid(2), oid(3)].into(),
            attic: [oid(6)].into(),
            there: [oid(5)].into(),
        };
        let found = census(&state, &places);
        assert_eq!(
            found.counts().to_string(),
            "patches: 6 submitted = 2 landed + 1 redundant + 1 attic + 1 open + 1 missing \
             (1 replaced by a later attempt)"
        );
        let stray: Vec<_> = found.at(Place::Stray).map(|p| p.group.as_str()).collect();
        assert_eq!((stray, found.at(Place::Lost).count()), (vec!["d"], 0));
        let kept = found.at(Place::Attic).next().expect("one");
        assert_eq!((kept.group.as_str(), kept.attempt), ("b", Some(1)));
    }

    proptest! {
        /// The sum closes whatever git says, and nothing that was handed in drops out of it.
        #[test]
        fn the_sum_always_closes(
            commits in proptest::collection::vec((0..3usize, 1..40u8), 0..12),
            sets in proptest::collection::vec(proptest::collection::btree_set(1..40u8, 0..20), 5),
        ) {
            let mut state = State::default();
            for (n, (group, commit)) in commits.iter().enumerate() {
                hand_in(&mut state, ["a", "b", "c"][*group], n as u32 + 1, Some(*commit));
            }
            let set = |n: usize| sets[n].iter().map(|c| oid(*c)).collect();
            let places = Places {
                landed: set(0), redundant: set(1), open: set(2), attic: set(3), there: set(4),
            };
            let c = census(&state, &places).counts();
            let distinct: BTreeSet<u8> = commits.iter().map(|(_, c)| *c).collect();
            prop_assert_eq!(c.submitted, distinct.len());
            prop_assert_eq!(c.submitted, c.landed + c.redundant + c.attic + c.open + c.missing);
            let held = |c: &u8| sets[..4].iter().any(|s| s.contains(c));
            prop_assert_eq!(c.missing, distinct.iter().filter(|c| !held(c)).count());
        }
    }
}
