//! What the simulated processes share: journal, git, locks, worktrees, and who is alive.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::rc::Rc;

use otto::base::Sha256;
use otto::git::Oid;
use otto::session::State;
use otto::session::event::Event;
use otto::session::journal::{Entry, Record};
use otto::session::state::{GroupState, Phase};
use otto::spec::Spec;

use super::case::{Case, Fault, Mutant};
use super::exec::{Rng, Task};
use super::git::{Files, Git};
use crate::harness::Shape;

pub const INTEG: &str = "refs/heads/i2p/integ/s";
/// The path that every group may write.
pub const SHARED: u16 = 100;

pub fn build_ref(gid: &str) -> String {
    format!("refs/heads/i2p/build/s.{gid}")
}

pub fn attic_ref(gid: &str, attempt: u32) -> String {
    format!("refs/otto/attic/s.{gid}/{attempt}")
}

/// What was done, for the page and for people.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    pub steps: u64,
    pub landings: u64,
    pub kills: u64,
    pub power_cuts: u64,
    pub conflicts: u64,
    pub persons: u64,
    pub attempts: u64,
    pub passed: u64,
}

/// Who moves a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Otto,
    Person,
}

#[derive(Debug)]
pub struct World {
    pub case: Case,
    pub rng: Rng,
    pub git: Git,
    pub base: Oid,
    pub records: Vec<Record>,
    pub durable: usize,
    pub state: State,
    pub spec: Spec,
    pub boot: String,
    pub clock: i64,
    pub locks: HashMap<String, u32>,
    /// How each process ended; `None` while it runs.
    pub exits: BTreeMap<u32, Option<i32>>,
    pub faults_left: usize,
    /// What lies in the worktree of an open attempt.
    pub slots: BTreeMap<(String, u32), Files>,
    /// Trees on which a group's check was green.
    pub green: HashSet<(Oid, String)>,
    pub stats: Stats,
    /// The first rule that was broken.
    pub broken: Option<String>,
    /// Where a person put the integration ref, until that is settled.
    pub persons_integ: Option<Option<Oid>>,
    /// Groups whose branch may be behind: a person or the power took it back.
    pub excused: BTreeSet<String>,
    pub dirty: bool,
    pub closed: bool,
    pub trace: Option<Vec<String>>,
}

/// The world, and the process that acts.
#[derive(Clone)]
pub struct P {
    pub world: Rc<RefCell<World>>,
    spawned: Rc<RefCell<Vec<Task>>>,
    pub pid: u32,
}

/// Released when its holder ends, however it does.
pub struct Held {
    p: P,
    name: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.p.w().locks.remove(&self.name);
    }
}

fn spec_of(case: &Case, rng: &mut Rng) -> Spec {
    let mut shape = Shape::of(case.groups);
    for n in 2..=case.groups {
        let needs: Vec<String> =
            (1..n).filter(|_| rng.one_in(4)).map(|d| format!("g{d}")).collect();
        let needs: Vec<&str> = needs.iter().take(2).map(String::as_str).collect();
        shape = shape.needs(&format!("g{n}"), &needs);
    }
    otto::spec::parse(&shape.text()).expect("a good spec").spec
}

/// The phase of each group, in the order of the spec.
fn words_of(spec: &Spec, state: &State) -> Vec<&'static str> {
    let word = |id: &str| state.group(id).map_or("pending", |g| g.phase.word());
    spec.groups.iter().map(|g| word(&g.id)).collect()
}

impl World {
    fn new(case: Case) -> Self {
        let mut rng = Rng(case.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ case.groups as u64);
        let spec = spec_of(&case, &mut rng);
        let mut git = Git::new();
        let tree = git.tree(&Files::from([(SHARED, 4)]));
        let base = git.write(tree, &[], "start".into());
        git.sync();
        Self {
            case,
            rng,
            git,
            base,
            records: Vec::new(),
            durable: 0,
            state: State::default(),
            spec,
            boot: "boot-0".into(),
            clock: 1_000,
            locks: HashMap::new(),
            exits: BTreeMap::new(),
            faults_left: case.faults,
            slots: BTreeMap::new(),
            green: HashSet::new(),
            stats: Stats::default(),
            broken: None,
            persons_integ: None,
            excused: BTreeSet::new(),
            dirty: false,
            closed: false,
            trace: None,
        }
    }

    pub fn is(&self, mutant: Mutant) -> bool {
        self.case.mutant == Some(mutant)
    }

    /// Takes one of the faults that are left, now and then.
    pub fn fault(&mut self, fault: Fault, one_in: usize) -> bool {
        if self.faults_left == 0 || !self.case.allows(fault) || !self.rng.one_in(one_in) {
            return false;
        }
        self.faults_left -= 1;
        self.note(|| format!("fault: {}", fault.word()));
        true
    }

    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
    }

    /// Names the rule; the first one counts.
    pub fn broke(&mut self, what: String) {
        self.note(|| format!("BROKEN: {what}"));
        self.broken.get_or_insert(what);
    }

    pub fn rule(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broke(what());
        }
    }

    /// One append under the journal's lock: all of it or nothing.
    pub fn append(&mut self, entries: Vec<Entry>) {
        let decision = entries.iter().any(|e| e.event.is_decision());
        let lazy = self.is(Mutant::IntentUnsynced)
            && entries.iter().any(|e| matches!(e.event, Event::MergeStarted(_)));
        for entry in entries {
            let seq = self.records.len() as u64 + 1;
            self.clock += 1;
            let record = Record {
                seq,
                at: jiff::Timestamp::from_second(self.clock).expect("a time"),
                group: entry.group,
                attempt: entry.attempt,
                actor: "sim".into(),
                event: entry.event,
                hash: Sha256::ZERO,
            };
            self.note(|| format!("{seq:4} {} {:?}", record.event.kind(), record.group));
            self.apply(&record);
            self.records.push(record);
        }
        if decision && !lazy {
            self.durable = self.records.len();
        }
    }

    fn apply(&mut self, record: &Record) {
        self.before_event(record);
        let before = words_of(&self.spec, &self.state);
        self.state.apply(record);
        if self.is(Mutant::Revives)
            && let (Event::AttemptFinished(_), Some(gid)) = (&record.event, &record.group)
            && let Some(group) = self.state.groups.get_mut(gid)
        {
            std::sync::Arc::make_mut(group).phase = Phase::Pending;
        }
        if self.is(Mutant::Spreads)
            && let Event::GroupFailed(e) = &record.event
            && let Some(next) = self.state.groups.values_mut().find(|g| g.phase == Phase::Pending)
        {
            std::sync::Arc::make_mut(next).phase = Phase::Failed { reason: e.reason.clone() };
        }
        let after = words_of(&self.spec, &self.state);
        self.after_event(record, &before, &after);
        // What the census counts.
        self.dirty |= matches!(
            record.event,
            Event::AttemptFinished(_) | Event::WorkArchived(_) | Event::MergeRedundant(_)
        );
    }

    /// Moves a ref by compare-and-swap, watched.
    pub fn cas(
        &mut self,
        who: Who,
        name: &str,
        expect: Option<Oid>,
        new: Option<Oid>,
    ) -> Result<(), Option<Oid>> {
        let found = self.git.read(name);
        if found == expect {
            self.before_move(who, name, found, new);
        }
        self.dirty = true;
        let short = |o: Option<Oid>| o.map_or("-".into(), |o| o.to_string()[34..].to_owned());
        self.note(|| format!("     {who:?} {name} {} -> {}", short(found), short(new)));
        self.git.cas(name, expect, new)
    }

    /// What was not synced may be gone; another boot.
    pub fn power_cut(&mut self) {
        self.stats.power_cuts += 1;
        let kept = self.durable + self.rng.below(self.records.len() - self.durable + 1);
        self.records.truncate(kept);
        self.durable = kept;
        self.state = State::default();
        for record in &self.records {
            self.state.apply(record);
        }
        let rng = &mut self.rng;
        self.git.power_cut(|n| rng.below(n));
        // Files that an agent wrote are synced by nobody.
        for (_, files) in self.slots.iter_mut() {
            if rng.one_in(2) {
                files.pop_first();
            }
        }
        self.boot = format!("boot-{}", self.stats.power_cuts);
        // Nobody can tell any more whether it was a person or the power that took it back.
        let known = |at: &Oid| self.state.landings.iter().any(|l| l.old == *at || l.new == *at);
        self.persons_integ = self.persons_integ.filter(|at| at.is_some_and(|at| !known(&at)));
        self.excused.extend(self.spec.groups.iter().map(|g| g.id.clone()));
        self.dirty = true;
    }

    pub fn group(&self, gid: &str) -> GroupState {
        self.state.group(gid).cloned().unwrap_or_default()
    }

    pub fn tip(&self) -> Oid {
        self.state.tip().unwrap_or(self.base)
    }

    /// Group `gN` owns the path N.
    pub fn path(gid: &str) -> u16 {
        gid[1..].parse().expect("a number")
    }

    /// What the check of a group says about a tree, when nothing is flaky.
    pub fn is_green(&self, tree: Oid, gid: &str) -> bool {
        let files = self.git.files(tree);
        let path = Self::path(gid);
        let Some(own) = files.get(&path) else { return false };
        let shared = files.get(&SHARED).copied().unwrap_or_default();
        own % 8 != 0 && !(shared % 4 == u32::from(path) % 4 && own % 2 == 0 && shared > 4)
    }

    /// Runs it.
    pub fn check(&mut self, tree: Oid, gid: &str) -> bool {
        let green = self.is_green(tree, gid) && !self.fault(Fault::Flaky, 12);
        if green {
            self.green.insert((tree, gid.to_owned()));
        }
        green
    }
}

impl P {
    pub fn first(case: Case, traced: bool) -> Self {
        let mut world = World::new(case);
        world.trace = traced.then(Vec::new);
        Self { world: Rc::new(RefCell::new(world)), spawned: Rc::default(), pid: 0 }
    }

    pub fn w(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    /// A process of its own.
    pub fn start<F: Future<Output = i32> + 'static>(&self, body: impl FnOnce(P) -> F) -> u32 {
        let pid = self.w().exits.len() as u32 + 1;
        self.w().exits.insert(pid, None);
        let p = Self { pid, ..self.clone() };
        let work = body(p.clone());
        self.spawned.borrow_mut().push(Task::new(
            pid,
            Box::pin(async move {
                let exit = work.await;
                p.w().exits.insert(pid, Some(exit));
            }),
        ));
        pid
    }

    /// A thread of this process.
    pub fn thread(&self, body: impl Future<Output = ()> + 'static) {
        self.spawned.borrow_mut().push(Task::new(self.pid, Box::pin(body)));
    }

    pub fn take_spawned(&self) -> Vec<Task> {
        std::mem::take(&mut self.spawned.borrow_mut())
    }

    pub fn has_ended(&self, pid: u32) -> Option<i32> {
        self.w().exits.get(&pid).copied().flatten()
    }

    pub fn try_lock(&self, name: &str) -> Option<Held> {
        let mut w = self.w();
        if w.locks.contains_key(name) {
            return None;
        }
        w.locks.insert(name.to_owned(), self.pid);
        Some(Held { p: self.clone(), name: name.to_owned() })
    }

    pub fn append(&self, entry: Entry) {
        self.w().append(vec![entry]);
    }

    /// It takes a while, and others go on.
    pub async fn takes(&self, at_most: usize) {
        let steps = self.w().rng.below(at_most + 1);
        for _ in 0..steps {
            super::exec::tick().await;
        }
    }

    pub fn groups(&self) -> Vec<String> {
        self.w().spec.groups.iter().map(|g| g.id.clone()).collect()
    }
}
