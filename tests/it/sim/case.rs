//! One simulated run, from a few numbers; how it is made smaller, and the deliberately wrong
//! variants.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal: $what:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),*];

            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// For people.
            #[allow(dead_code)]
            pub fn what(self) -> &'static str {
                match self { $($name::$variant => $what),* }
            }
        }
    };
}

words! {
    /// What goes wrong, or what a person does.
    Fault {
        Agent = "agent": "an agent does nothing, bad work, or has to wait",
        Flaky = "flaky": "a check is red for no reason",
        Clash = "clash": "work that does not go together with other work",
        Kill = "kill": "a process dies between two effects",
        Power = "power": "the power goes: what was not synced is lost, another boot",
        Commit = "commit": "a person commits to a build branch",
        Branch = "branch": "a person puts a build branch back or removes it",
        Integ = "integ": "a person moves the integration ref",
        Again = "again": "a person asks for a group again, or amends it",
        Abort = "abort": "a person ends a group, or the session",
    }
}

words! {
    /// A decision or an effect that is wrong on purpose: the checks must see it.
    Mutant {
        NoRecheck = "no-recheck": "lands without asking again at the announcement",
        NoSync = "no-sync": "announces before the objects are synced",
        LandsAgain = "lands-again": "takes an announcement back after the ref has moved",
        OverPerson = "over-person": "puts a ref back that a person moved",
        FailedUnlocks = "failed-unlocks": "starts what depends on a failed group",
        NoDeps = "no-deps": "lands before what it depends on",
        OtherTree = "other-tree": "lands another tree than the tested one",
        LandsRed = "lands-red": "lands a candidate whose checks are red",
        NoCas = "no-cas": "moves the ref without looking where it is",
        IntentUnsynced = "intent-unsynced": "moves the ref before the announcement is durable",
        DropsEarlier = "drops-earlier": "an attempt's commit leaves the ones before it behind",
        OverCommit = "over-commit": "moves a build branch on over a person's commit",
        NoAttic = "no-attic": "does not keep what no branch holds at the end",
        PassesRed = "passes-red": "leaves red checks out of the verdict",
        Revives = "revives": "an event moves a group that is finished",
        NeverGivesUp = "never-gives-up": "tries again without a limit",
        LandsAborted = "lands-aborted": "goes on landing in a session that was ended",
        Spreads = "spreads": "a failed group fails another one",
        OldNews = "old-news": "records what was found out about a head that is no more",
    }
}

/// Everything that decides a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub seed: u64,
    pub groups: usize,
    /// How many faults may happen; then everything goes well.
    pub faults: usize,
    /// Which, a bit for each of [`Fault::ALL`].
    pub kinds: u32,
    pub mutant: Option<Mutant>,
}

pub const ALL_KINDS: u32 = (1 << Fault::ALL.len()) - 1;

impl Case {
    pub fn of(seed: u64) -> Self {
        let groups = 2 + (seed % 11) as usize;
        let faults = (seed / 11 % 14) as usize;
        Self { seed, groups, faults, kinds: ALL_KINDS, mutant: None }
    }

    /// A small product in a rough world: what is wrong on purpose shows soon.
    pub fn rough(seed: u64, mutant: Mutant) -> Self {
        let groups = 2 + (seed % 4) as usize;
        Self { seed, groups, faults: 30, kinds: ALL_KINDS, mutant: Some(mutant) }
    }

    pub fn allows(&self, fault: Fault) -> bool {
        self.kinds & (1 << fault as u32) != 0
    }

    /// Smaller ones, the smallest first.
    fn smaller(&self) -> Vec<Case> {
        let mut out = Vec::new();
        for groups in [1, 2, self.groups / 2, self.groups.saturating_sub(1)] {
            out.extend((groups >= 1 && groups < self.groups).then_some(Case { groups, ..*self }));
        }
        for faults in [0, 1, self.faults / 2, self.faults.saturating_sub(1)] {
            out.extend((faults < self.faults).then_some(Case { faults, ..*self }));
        }
        for bit in 0..Fault::ALL.len() {
            let kinds = self.kinds & !(1 << bit);
            out.extend((kinds != self.kinds).then_some(Case { kinds, ..*self }));
        }
        out
    }

    /// Fewer groups, fewer faults, fewer kinds of them, as long as it still fails: with this seed
    /// or, because everything else moves with these numbers, with one of the next.
    pub fn shrunk(self, fails: impl Fn(&Case) -> bool) -> Case {
        const SEEDS: u64 = 60;
        let mut best = self;
        'again: loop {
            for smaller in best.smaller() {
                let near = (0..SEEDS).map(|n| Case { seed: self.seed + n, ..smaller });
                if let Some(found) = near.into_iter().find(&fails) {
                    best = found;
                    continue 'again;
                }
            }
            return best;
        }
    }
}

/// `SEED:GROUPS:FAULTS:KINDS[:MUTANT]`, as `OTTO_SIM_SEED` has it.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{:#x}", self.seed, self.groups, self.faults, self.kinds)?;
        self.mutant.map_or(Ok(()), |m| write!(f, ":{}", m.word()))
    }
}

impl FromStr for Case {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let number = |n: usize| {
            let part = parts.get(n).copied().unwrap_or_default();
            let parsed = match part.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16),
                None => part.parse(),
            };
            parsed.map_err(|_| format!("'{text}' is not SEED:GROUPS:FAULTS:KINDS[:MUTANT]"))
        };
        if parts.len() == 1 {
            return Ok(Case::of(number(0)?));
        }
        let mutant = parts.get(4).map(|word| {
            let found = Mutant::ALL.iter().find(|m| m.word() == *word);
            found.copied().ok_or_else(|| format!("there is no mutant '{word}'"))
        });
        Ok(Case {
            seed: number(0)?,
            groups: number(1)? as usize,
            faults: number(2)? as usize,
            kinds: number(3)? as u32,
            mutant: mutant.transpose()?,
        })
    }
}
