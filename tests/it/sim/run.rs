//! `otto run`, and the world around it: who is asked next, what breaks, and what a person does.

use otto::base::{Exit, Sha256};
use otto::git::Oid;
use otto::run::next::{Action, Course};
use otto::session::event::*;
use otto::session::journal::Entry;
use otto::session::state::{Phase, RunState};
use otto::stage::audit::Word;
use otto::stage::build::Again;
use otto::stage::census::Place;
use otto::stage::merge::may_land::may_end;
use otto::stage::repair::Told;

use super::audit::{audit, repair};
use super::build::{Stop, build_all, build_group, keep};
use super::case::{Case, Fault, Mutant};
use super::exec::{Task, tick};
use super::git::Files;
use super::merge::{Queue, merge, reconcile, wait};
use super::world::{INTEG, P, SHARED, Stats, Who, World, build_ref};

/// So many steps are more than any run needs whose failures have stopped.
const STEPS: u64 = 60_000;

/// How a simulated run ended.
#[derive(Debug)]
pub struct Outcome {
    pub stats: Stats,
    /// The first rule that was broken.
    pub broken: Option<String>,
    pub trace: Vec<String>,
}

/// The whole run of a case, the same every time.
pub fn simulate(case: Case, traced: bool) -> Outcome {
    let p = P::first(case, traced);
    begin(&p);
    let mut tasks: Vec<Task> = Vec::new();
    let mut runner = 0;
    let mut calm = false;
    let mut restarts = 0;
    loop {
        tasks.extend(p.take_spawned());
        if tasks.is_empty() {
            if is_over(&p, calm) {
                break;
            }
            // Somebody looks, settles what waits for a person, and goes on.
            let last = p.has_ended(runner).unwrap_or(0);
            settle_by_hand(&p, last);
            restarts += 1;
            if restarts > 12 {
                // Failures stop.
                p.w().faults_left = 0;
            }
            calm = p.w().faults_left == 0;
            if restarts > 200 {
                p.w().broke("a run is taken up again and again and comes to no end".into());
                break;
            }
            runner = p.start(run);
            continue;
        }
        faults(&p, &mut tasks);
        if tasks.is_empty() {
            continue;
        }
        let at = p.w().rng.below(tasks.len());
        if tasks[at].step() {
            drop(tasks.swap_remove(at));
        }
        // What a thread of a process that has ended would still do, it does not.
        let mut w = p.w();
        w.stats.steps += 1;
        w.after_step();
        if w.stats.steps > STEPS {
            w.broke("it does not end".into());
        }
        if w.broken.is_some() {
            break;
        }
    }
    drop(tasks);
    if p.w().broken.is_none() {
        p.w().at_rest();
    }
    let mut w = p.w();
    if let Some(missing) = w.git.missing.take() {
        w.broke(format!("an object is missing: {}", missing.short()));
    }
    w.stats.passed = u64::from(matches!(w.state.run, RunState::Finished { exit: 0 }));
    Outcome { stats: w.stats, broken: w.broken.take(), trace: w.trace.take().unwrap_or_default() }
}

fn begin(p: &P) {
    let mut w = p.w();
    let sha256 = w.spec.content_hash();
    let base = w.base;
    w.append(vec![
        Entry::new(SessionCreated {
            intent_sha256: Sha256::ZERO,
            base,
            target: None,
            record_sha256: Sha256::ZERO,
        }),
        Entry::new(SpecApproved { sha256, by: "auto".into() }),
    ]);
}

/// The session is over, and nobody touches it any more.
fn is_over(p: &P, calm: bool) -> bool {
    let w = p.w();
    match w.state.run {
        RunState::Aborted { .. } => true,
        RunState::Finished { .. } => calm,
        RunState::Open | RunState::Paused { .. } => false,
    }
}

/// What the hints of a run that waits for a person say, typed.
fn settle_by_hand(p: &P, last: i32) {
    let mut w = p.w();
    if last != 77 {
        return;
    }
    let (tip, found) = (w.tip(), w.git.read(INTEG));
    let recorded = (!w.state.landings.is_empty()).then_some(tip);
    w.persons_integ = None;
    let announced = w.state.open_landing.as_ref().map(|o| o.intent.new);
    if found != recorded && (announced.is_none() || found != announced) {
        match found {
            // otto merge --adopt
            Some(new) if w.git.is_ancestor(tip, new) => {
                let tree = w.git.tree_of(new);
                w.git.sync();
                w.append(vec![Entry::new(MergeAdopted { old: tip, new, tree })]);
            }
            // git update-ref
            _ => drop(w.cas(Who::Person, INTEG, found, recorded)),
        }
    }
    for gid in w.spec.groups.iter().map(|g| g.id.clone()).collect::<Vec<_>>() {
        let Phase::Passing { commit, .. } = w.state.phase(&gid) else { continue };
        let name = build_ref(&gid);
        let found = w.git.read(&name);
        if found != Some(commit) && w.git.has(commit) {
            let _refused = w.cas(Who::Person, &name, found, Some(commit));
        }
    }
}

/// `otto run`.
async fn run(p: P) -> i32 {
    let Some(_held) = p.try_lock("run") else { return 75 };
    if matches!(p.w().state.run, RunState::Aborted { .. }) {
        return 1;
    }
    p.append(Entry::new(RunResumed { changes: Default::default() }));
    let mut course = Course::default();
    let mut last = None;
    loop {
        tick().await;
        let action = {
            let w = p.w();
            course.next(Some(&w.spec), &w.state, &Told::new(), last.take())
        };
        match action {
            Action::Compile => return 77,
            Action::Ended { .. } => return 1,
            Action::BuildAndMerge => {
                let build = p.start(build_all);
                let queue = p.start(move |p| merge(p, build));
                let exits = [wait(&p, build).await, wait(&p, queue).await];
                if let Some(exit) = exits.into_iter().find(|e| *e > 1) {
                    return paused(&p, exit).await;
                }
            }
            Action::Audit => {
                let step = p.start(|p| async move { i32::from(!audit(&p, None).await) });
                match wait(&p, step).await {
                    exit if exit > 1 => return paused(&p, exit).await,
                    exit => last = Some(Exit(exit as u8)),
                }
            }
            // Nobody is asked in this world.
            Action::Pilot => return 70,
            Action::Repair => {
                let step = p.start(repair);
                match wait(&p, step).await {
                    exit if exit > 1 => return paused(&p, exit).await,
                    exit => last = Some(Exit(exit as u8)),
                }
            }
            Action::Judge => return judge(&p).await,
        }
    }
}

async fn paused(p: &P, exit: i32) -> i32 {
    tick().await;
    p.append(Entry::new(RunPaused { reason: format!("{exit}") }));
    exit
}

/// The census, the verdict, the end.
async fn judge(p: &P) -> i32 {
    let _settled = match Queue::take(p).await {
        Ok(queue) => queue,
        Err(stop) => return paused(p, stop.exit()).await,
    };
    // A person who removes a branch after this look is seen by the next one.
    let quiet = p.w().faults_left == 0;
    keep_strays(p).await;
    tick().await;
    let mut w = p.w();
    // As `run::go`: the last look and the record are one.
    let lost = w.census().counts().missing;
    let refs_moved = w.excused.len();
    w.rule(lost == 0 || refs_moved > 0, || format!("{lost} patches are missing at the end"));
    let word = w.judged();
    let exit = u8::from(word != Word::Passed);
    if !matches!(w.state.run, RunState::Finished { .. } | RunState::Aborted { .. }) {
        w.append(vec![Entry::new(RunFinished { exit })]);
    }
    w.closed = quiet;
    w.dirty = true;
    i32::from(exit)
}

async fn keep_strays(p: &P) {
    if p.w().is(Mutant::NoAttic) {
        return;
    }
    let strays: Vec<(String, u32, Oid)> = {
        let found = p.w().census();
        let stray = found.at(Place::Stray);
        stray.map(|s| (s.group.clone(), s.attempt.unwrap_or(0), s.commit)).collect()
    };
    for (gid, attempt, commit) in strays {
        keep(p, &gid, attempt, commit).await;
    }
}

/// Before a step: a kill, a power cut, the kernel writing back, a person.
fn faults(p: &P, tasks: &mut Vec<Task>) {
    let dirty = p.w().git.dirty_refs();
    if !dirty.is_empty() && p.w().rng.one_in(40) {
        let at = p.w().rng.below(dirty.len());
        p.w().git.write_back(&dirty[at]);
    }
    if p.w().fault(Fault::Power, 600) {
        let ended: Vec<Task> = std::mem::take(tasks);
        drop(ended);
        let mut w = p.w();
        for exit in w.exits.values_mut() {
            exit.get_or_insert(137);
        }
        w.power_cut();
        w.after_step();
        return;
    }
    if p.w().fault(Fault::Kill, 250) {
        let at = p.w().rng.below(tasks.len());
        let pid = tasks[at].pid;
        p.w().stats.kills += 1;
        let (dead, alive) = std::mem::take(tasks).into_iter().partition(|t| t.pid == pid);
        *tasks = alive;
        drop::<Vec<Task>>(dead);
        p.w().exits.insert(pid, Some(137));
        return;
    }
    person(p);
}

fn person(p: &P) {
    let groups = p.groups();
    let pick = |p: &P| {
        let at = p.w().rng.below(groups.len());
        groups[at].clone()
    };
    if p.w().fault(Fault::Commit, 300) {
        p.w().stats.persons += 1;
        let gid = pick(p);
        commits(&mut p.w(), &gid);
    } else if p.w().fault(Fault::Branch, 400) {
        p.w().stats.persons += 1;
        let gid = pick(p);
        let mut w = p.w();
        let name = build_ref(&gid);
        let (found, base) = (w.git.read(&name), w.base);
        let to = if w.rng.one_in(2) { Some(base) } else { None };
        w.excused.insert(gid);
        let _refused = w.cas(Who::Person, &name, found, to.filter(|_| found.is_some()));
    } else if p.w().fault(Fault::Integ, 400) {
        p.w().stats.persons += 1;
        moves_integ(&mut p.w());
    } else if p.w().fault(Fault::Again, 400) {
        p.w().stats.persons += 1;
        let gid = pick(p);
        let amends = p.w().rng.one_in(2);
        p.start(
            |p| async move { if amends { amend(&p, &gid).await } else { again(&p, &gid).await } },
        );
    } else if p.w().fault(Fault::Abort, 900) {
        p.w().stats.persons += 1;
        let gid = pick(p);
        let whole = p.w().rng.one_in(3);
        p.start(|p| async move {
            abort(&p, (!whole).then_some(gid)).await.map_or_else(Stop::exit, |()| 0)
        });
    }
}

fn commits(w: &mut World, gid: &str) {
    let name = build_ref(gid);
    let found = w.git.read(&name);
    let parent = found.unwrap_or_else(|| w.tip());
    let mut files: Files = w.git.files(w.git.tree_of(parent)).clone();
    let value = w.rng.below(10_000) as u32 * 4 + 3;
    files.insert(World::path(gid), value + u32::from(w.rng.one_in(4)));
    let tree = w.git.tree(&files);
    let commit = w.git.write(tree, &[parent], format!("by hand {value}"));
    let _refused = w.cas(Who::Person, &name, found, Some(commit));
}

fn moves_integ(w: &mut World) {
    let found = w.git.read(INTEG);
    let Some(at) = found else { return };
    let base = w.base;
    let new = match w.rng.below(3) {
        0 => None,
        1 => Some(base),
        _ => {
            let mut files: Files = w.git.files(w.git.tree_of(at)).clone();
            let path = if w.rng.one_in(2) { SHARED } else { 1 };
            let value = w.rng.below(1000) as u32;
            files.insert(path, value);
            let tree = w.git.tree(&files);
            Some(w.git.write(tree, &[at], format!("my word {value}")))
        }
    };
    let _refused = w.cas(Who::Person, INTEG, found, new);
    // In the middle of a landing, where it was before is where it would be without the person.
    let before = w.state.open_landing.as_ref().map(|o| o.intent.old);
    // And where it was before the machine went down is where the power may have taken it: as long
    // as nothing has landed since, nobody can tell.
    let since = w.state.landings.iter().position(|l| Some(l.old) == new);
    let by_power = since.is_some_and(|at| {
        w.state.landings[at..].iter().all(|l| l.boot.as_ref().is_some_and(|b| *b != w.boot))
    });
    w.persons_integ = Some(new).filter(|_| (before.is_none() || new != before) && !by_power);
}

/// `otto build-group --again`.
async fn again(p: &P, gid: &str) -> i32 {
    let ready = {
        let w = p.w();
        let deps = w.spec.group(gid).map(|g| g.deps.clone()).unwrap_or_default();
        deps.iter().all(|d| w.state.phase(d).satisfies_dependents())
    };
    if !ready || matches!(p.w().state.run, RunState::Aborted { .. }) {
        return 1;
    }
    build_group(p, gid, Again::Yes).await.map_or_else(Stop::exit, |()| 0)
}

/// `otto spec amend`, as far as the groups notice.
async fn amend(p: &P, gid: &str) -> i32 {
    tick().await;
    let mut w = p.w();
    if matches!(w.state.run, RunState::Aborted { .. }) || w.state.phase(gid).is_terminal() {
        return 1;
    }
    let event = GroupInvalidated { reason: Invalid::SpecChanged, brief: "amended".into() };
    w.append(vec![Entry::group(gid, event)]);
    0
}

/// `otto abort`, of one group or of the session.
async fn abort(p: &P, only: Option<String>) -> Result<(), Stop> {
    if matches!(p.w().state.run, RunState::Aborted { .. }) {
        return Err(Stop::No);
    }
    let Some(gid) = only else { return abort_session(p).await };
    let _held = p.try_lock(&format!("group.{gid}")).ok_or(Stop::Later)?;
    let landing = {
        let w = p.w();
        !may_end(&w.state, &gid)
    };
    if landing {
        let queue = p.try_lock("queue").ok_or(Stop::Later)?;
        reconcile(p, &queue).await?;
    }
    if p.w().state.phase(&gid).is_terminal() {
        return Err(Stop::No);
    }
    end_group(p, &gid).await
}

async fn abort_session(p: &P) -> Result<(), Stop> {
    let queue = {
        let _run = p.try_lock("run").ok_or(Stop::Later)?;
        p.try_lock("queue").ok_or(Stop::Later)?
    };
    let mut held = Vec::new();
    for gid in p.groups() {
        held.push(p.try_lock(&format!("group.{gid}")).ok_or(Stop::Later)?);
    }
    if p.w().state.open_landing.is_some() {
        reconcile(p, &queue).await?;
    }
    for gid in p.groups() {
        end_group(p, &gid).await?;
    }
    keep_strays(p).await;
    tick().await;
    p.append(Entry::new(RunAborted { reason: "a person ended it".into() }));
    Ok(())
}

async fn end_group(p: &P, gid: &str) -> Result<(), Stop> {
    let open = p.w().group(gid).open_attempt().cloned();
    if let Some(open) = open {
        let files = p.w().slots.remove(&(gid.to_owned(), open.number));
        if let Some(files) = files {
            let tree = p.w().git.tree(&files);
            if tree != p.w().git.tree_of(open.start) {
                let tag = format!("{gid} left {}", open.number);
                let commit = p.w().git.write(tree, &[open.start], tag);
                keep(p, gid, open.number, commit).await;
            }
        }
        tick().await;
        p.append(Entry::attempt(gid, open.number, AttemptFinished::interrupted()));
    }
    tick().await;
    let mut w = p.w();
    if !may_end(&w.state, gid) {
        return Err(Stop::Later);
    }
    if !w.state.phase(gid).is_terminal() {
        w.append(vec![Entry::group(gid, GroupAborted { reason: "by a person".into() })]);
    }
    Ok(())
}
