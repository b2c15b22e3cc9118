//! The architecture's invariants, asked before and after everything that happens.

use std::collections::BTreeSet;

use otto::git::Oid;
use otto::session::event::{AttemptOutcome, Event, MergeStarted};
use otto::session::journal::Record;
use otto::session::state::{Phase, RunState};
use otto::stage::audit::{ChainState, Word, verdict};
use otto::stage::census::{Census, Place, Places, census, submitted};

use super::case::Mutant;
use super::world::{INTEG, Who, World};

/// What is asserted, for the page.
pub const RULES: &[(&str, &str)] = &[
    (
        "I0",
        "a landing has the tree and the parents of a candidate whose checks were green on that tree",
    ),
    ("I0", "that tree is the merge of the tip and the group's head"),
    ("I0", "a head lands once, on top of the landing before"),
    ("I0", "the landings are the first-parent chain of the integration ref"),
    ("I1", "the verdict is passed only when every group is in and every check is green at the tip"),
    ("I2", "what a ref moves to is synced, and announced by a synced record"),
    ("I2", "after a kill or a power cut, whatever was half done is completed or taken back"),
    ("I3", "every commit that an attempt recorded is landed, redundant, in the attic or open"),
    ("I3", "a branch only moves on to what contains it; what a person moved is left alone"),
    ("I8", "no event moves a group that is finished; nothing lands after an abort"),
    ("I9", "what happens to a group changes no other"),
    ("I9", "a group starts and lands on top of everything that it needs"),
    ("liveness", "a group is tried a bounded number of times in a row"),
    (
        "liveness",
        "when failures stop, the run ends, and every group is in, ended, or waits for one that ended",
    ),
];

type Words = [&'static str];

impl World {
    pub fn before_event(&mut self, record: &Record) {
        let gid = record.group.clone().unwrap_or_default();
        match &record.event {
            Event::MergeStarted(e) => self.announced(&gid, e),
            Event::MergeLanded(e) => {
                let intent = self.state.open_landing.clone().map(|o| o.intent);
                let same = intent.is_some_and(|i| {
                    (i.old, i.new, i.tree, i.head) == (e.old, e.new, e.tree, e.head)
                });
                let at = self.git.read(INTEG);
                self.rule(same, || format!("{gid} landed without this announcement"));
                self.rule(at == Some(e.new), || format!("{gid} landed and the ref is elsewhere"));
                let tip = self.tip();
                self.rule(e.old == tip, || format!("{gid} landed beside the landing before"));
                let over = matches!(self.state.run, RunState::Aborted { .. });
                self.rule(!over, || format!("{gid} landed in a session that was ended"));
                self.stats.landings += 1;
            }
            Event::AttemptStarted(e) => {
                self.stats.attempts += 1;
                if e.role != "manual" {
                    self.has_tries_left(&gid);
                    self.starts_on_its_needs(&gid, e.base);
                }
            }
            Event::AttemptFinished(e) => {
                let synced = e.commit.is_none_or(|c| self.git.is_synced(c) && self.git.has(c));
                self.rule(synced, || format!("{gid} recorded a commit that is not synced"));
            }
            Event::MergeRedundant(e) => self.is_news(&gid, e.head),
            Event::MergeRefused(e) => {
                let open = self.state.open_landing.as_ref().filter(|o| o.group == gid);
                let moved = open.is_some_and(|o| self.git.read(INTEG) == Some(o.intent.new));
                if open.is_none() {
                    self.is_news(&gid, e.head);
                }
                self.rule(!moved, || {
                    format!("the landing of {gid} is taken back, and it is there")
                });
            }
            Event::MergeConflict(e) => {
                self.stats.conflicts += 1;
                self.is_news(&gid, e.head);
            }
            Event::RunFinished(e) if e.exit == 0 => self.finished_well(),
            _ => {}
        }
    }

    /// The announcement is the decision to land.
    fn announced(&mut self, gid: &str, e: &MergeStarted) {
        let tested = self.git.commit(e.tested_commit).clone();
        let new = self.git.commit(e.new).clone();
        let same = new.tree == tested.tree && new.parents == tested.parents && new.tree == e.tree;
        self.rule(same, || format!("{gid} lands what was not tested"));
        let merged = self.git.merge(e.old, e.head);
        self.rule(merged == Some(new.tree), || format!("{gid} lands what is not the merge"));
        self.rule(new.parents == [e.old, e.head], || format!("{gid} lands with other parents"));
        let green = self.green.contains(&(e.tree, gid.to_owned()));
        self.rule(green, || format!("{gid} lands and its check was not green on that tree"));
        let passing =
            matches!(self.state.phase(gid), Phase::Passing { commit, .. } if commit == e.head);
        self.rule(passing, || format!("{gid} lands a head that is not its passing one"));
        let over = matches!(self.state.run, RunState::Aborted { .. });
        self.rule(!over, || format!("{gid} is announced in a session that was ended"));
        let open = self.state.open_landing.is_some();
        self.rule(!open, || format!("{gid} is announced over another announcement"));
        let needs = self.spec.group(gid).map(|g| g.deps.clone()).unwrap_or_default();
        let out = needs.into_iter().find(|d| !self.state.phase(d).is_in());
        self.rule(out.is_none(), || format!("{gid} lands before {out:?}"));
        let again = self.state.landings.iter().any(|l| l.new == e.new || l.head == e.head);
        self.rule(!again, || format!("{gid} lands twice"));
        let synced = self.git.is_synced(e.new) && self.git.has(e.new);
        self.rule(synced, || format!("{gid} is announced with a commit that is not synced"));
    }

    /// What is said about a head is said while the group still has it.
    fn is_news(&mut self, gid: &str, head: Oid) {
        let now = self.state.phase(gid);
        let news = matches!(now, Phase::Passing { commit, .. } if commit == head);
        self.rule(news, || format!("{gid} is told about a head that is no more"));
    }

    fn has_tries_left(&mut self, gid: &str) {
        let group = self.group(gid);
        let round = group.attempts.iter().rev().take(group.tries as usize);
        let ends = round.filter_map(|a| a.finished.as_ref());
        let judged = ends.filter(|end| end.outcome != AttemptOutcome::Interrupted).count();
        let some = judged < super::build::LIMIT as usize;
        self.rule(some, || format!("{gid} is tried again after {judged} attempts"));
    }

    fn starts_on_its_needs(&mut self, gid: &str, base: Oid) {
        let needs = self.spec.group(gid).map(|g| g.deps.clone()).unwrap_or_default();
        let below = self.git.reachable([base]);
        for dep in needs {
            let group = self.group(&dep);
            let made = group.attempts.iter().filter_map(|a| a.finished.as_ref()?.commit);
            let there = made.into_iter().any(|c| below.contains(&c));
            let fine = there || matches!(group.phase, Phase::Redundant { .. });
            self.rule(fine, || format!("{gid} starts without the work of {dep}"));
        }
    }

    /// `passed` was said.
    fn finished_well(&mut self) {
        let tree = self.git.tree_of(self.tip());
        for gid in self.spec.groups.iter().map(|g| g.id.clone()).collect::<Vec<_>>() {
            let phase = self.state.phase(&gid);
            self.rule(phase.is_in(), || format!("passed, and {gid} is {}", phase.word()));
            let green = self.is_green(tree, &gid);
            self.rule(green, || format!("passed, and the check of {gid} is red at the tip"));
        }
    }

    pub fn after_event(&mut self, record: &Record, before: &Words, after: &Words) {
        let own = record.group.as_deref();
        for (n, (was, now)) in before.iter().zip(after).enumerate() {
            if was == now {
                continue;
            }
            let gid = self.spec.groups[n].id.clone();
            let finished = ["landed", "redundant", "aborted"].contains(was);
            let repair = matches!(record.event, Event::RepairStarted(_)) && *was != "aborted";
            let kind = record.event.kind();
            self.rule(!finished || repair, || format!("{kind} moved {gid}, {was}, to {now}"));
            self.rule(own == Some(&gid), || format!("{kind} of {own:?} moved {gid}"));
        }
        if let (Event::RunAborted(_), true) = (&record.event, self.state.open_landing.is_some()) {
            self.broke("a session was ended over an announced landing".into());
        }
    }

    pub fn before_move(&mut self, who: Who, name: &str, old: Option<Oid>, new: Option<Oid>) {
        if who == Who::Person {
            return;
        }
        let synced = new.is_none_or(|n| self.git.is_synced(n) && self.git.has(n));
        self.rule(synced, || format!("{name} moves to a commit that is not synced"));
        if name != INTEG {
            let contains = old.is_none_or(|o| new.is_some_and(|n| self.git.is_ancestor(o, n)));
            let shown = name.to_owned();
            self.rule(contains, || format!("{shown} leaves behind what it held"));
            return;
        }
        let over = matches!(self.state.run, RunState::Aborted { .. });
        self.rule(!over, || "the integration ref moves in a session that was ended".into());
        let theirs = self.persons_integ.take();
        let by_hand = theirs.is_some_and(|at| at == old && at.is_some());
        self.rule(!by_hand, || "the integration ref is taken from where a person put it".into());
        let open = self.state.open_landing.as_ref().map(|o| o.intent.new);
        let last = self.state.landings.last().map(|l| l.new);
        self.rule(new.is_some() && (new == open || new == last), || {
            "the integration ref moves to what nobody announced".into()
        });
        let at = self
            .records
            .iter()
            .rposition(|r| matches!(&r.event, Event::MergeStarted(e) if Some(e.new) == new));
        let durable = new == last || at.is_some_and(|at| at < self.durable);
        self.rule(durable, || {
            "the integration ref moves before its announcement is durable".into()
        });
    }

    pub fn places(&mut self) -> Places {
        let mut redundant = Vec::new();
        for group in self.state.groups.values() {
            if let Phase::Redundant { held_by } = group.phase
                && let Some(head) = otto::stage::build::heads::recorded_head(group)
                && self.git.merge(held_by, head) == Some(self.git.tree_of(held_by))
            {
                redundant.push(head);
            }
        }
        let below = |prefix: &str| -> BTreeSet<Oid> {
            let refs = self.git.refs.iter().filter(|(n, _)| n.starts_with(prefix));
            self.git.reachable(refs.map(|(_, id)| *id).collect::<Vec<_>>())
        };
        let there = submitted(&self.state).into_iter().map(|s| s.2).filter(|c| self.git.has(*c));
        Places {
            landed: below(INTEG),
            redundant: self.git.reachable(redundant),
            open: below("refs/heads/i2p/build/"),
            attic: below("refs/otto/attic/"),
            there: there.collect(),
        }
    }

    pub fn census(&mut self) -> Census {
        let places = self.places();
        census(&self.state, &places)
    }

    pub fn after_step(&mut self) {
        if let Some(missing) = self.git.missing.take() {
            self.broke(format!("an object is missing: {}", missing.short()));
        }
        if !std::mem::take(&mut self.dirty) || self.broken.is_some() {
            return;
        }
        let found = self.census();
        let counts = found.counts();
        let closes = counts.landed + counts.redundant + counts.attic + counts.open + counts.missing;
        self.rule(closes == counts.submitted, || format!("the census does not close: {counts}"));
        let lost = found.at(Place::Lost).next().map(ToString::to_string);
        self.rule(lost.is_none(), || format!("lost: {lost:?}"));
        let stray =
            found.at(Place::Stray).find(|p| !self.excused.contains(&p.group) || self.closed);
        let stray = stray.map(ToString::to_string);
        self.rule(stray.is_none(), || format!("held by nothing: {stray:?}"));
    }

    /// The verdict on what is there, with whatever the mutant does to it.
    pub fn judged(&mut self) -> Word {
        let mut state = self.state.clone();
        if self.is(Mutant::PassesRed) {
            let tip = self.tip();
            for audit in &mut state.audits {
                audit.findings.clear();
                for check in &mut audit.checks {
                    check.outcome = super::audit::outcome(true, tip).into();
                }
            }
        }
        verdict(&self.spec, &state, &ChainState::Intact).word
    }

    /// Nothing goes on by itself any more.
    pub fn at_rest(&mut self) {
        let over = matches!(self.state.run, RunState::Aborted { .. });
        let open = self.state.open_landing.is_some();
        self.rule(!open, || "a landing stays announced for ever".into());
        let groups = self.spec.groups.clone();
        let ended = |phase: &Phase| {
            let word = phase.word();
            ["landed", "redundant", "aborted", "failed"].contains(&word)
        };
        let mut fine: BTreeSet<String> = BTreeSet::new();
        for group in &groups {
            // Dependencies come first in these specs.
            let waits = group.deps.iter().any(|d| !self.state.phase(d).is_in() && fine.contains(d));
            let repaired = self.state.group(&group.id).is_some_and(|g| g.repair.is_some());
            if ended(&self.state.phase(&group.id)) || waits || repaired {
                fine.insert(group.id.clone());
            }
            let stuck = !fine.contains(&group.id) && !over;
            let phase = self.state.phase(&group.id);
            self.rule(!stuck, || format!("{} is {} for ever", group.id, phase.word()));
        }
        // Where a person put the ref after the last step looked at it is theirs.
        if self.persons_integ.is_none() {
            self.chain();
        }
    }

    /// The journal's landings are the ref's first parents.
    fn chain(&mut self) {
        let mut at = self.git.read(INTEG);
        let landings = self.state.landings.clone();
        let same = at == landings.last().map(|l| l.new);
        self.rule(same, || "the integration ref is not where the journal says".into());
        for landing in landings.iter().rev() {
            let Some(id) = at else { break };
            let commit = self.git.commit(id).clone();
            if landing.group == "adopted" {
                at = Some(landing.old);
                continue;
            }
            let whole = id == landing.new && commit.tree == landing.tree;
            self.rule(whole, || format!("{} is not in the chain as it landed", landing.group));
            at = commit.parents.first().copied();
        }
        if !landings.is_empty() && at != Some(self.base) {
            self.broke("the chain does not lead to the base".into());
        }
    }
}
