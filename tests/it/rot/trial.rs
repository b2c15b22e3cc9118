//! One file, one damage, one program: what it did, judged.

use std::collections::{BTreeMap, BTreeSet};

use super::damage;
use super::file::{Kind, PROGRAMS, READERS};
use super::place::{Facts, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// 65, the file named, nothing changed.
    Stopped,
    Same,
    /// The verdict says why it is not passed.
    Lowered,
    /// A list goes on, and says which row cannot be read.
    Listed,
}

#[derive(Debug)]
pub struct Outcome {
    pub kind: Kind,
    pub place: &'static str,
    pub damage: &'static str,
    pub program: &'static str,
    pub seen: Seen,
    /// The file was tried with everything that reads its kind.
    pub whole: bool,
}

/// What a program does in a place without damage.
struct Baseline {
    code: i32,
    stdout: String,
    product: (Vec<String>, Vec<String>),
}

pub struct Trial {
    place: Place,
    name: &'static str,
    long: bool,
    before: Facts,
    baselines: BTreeMap<&'static str, Baseline>,
    /// Bytes of the journal up to what git's anchor names.
    anchored: usize,
}

struct Ran {
    code: i32,
    stdout: String,
    said: String,
}

/// In every run of the tests: the first file of a kind with everything that reads it, the others
/// with one program for each damage; what costs a build, with fewer.
fn chosen(kind: Kind, is_next: bool, n: usize, program: &str) -> bool {
    let tried = kind.tried();
    let costly = matches!(kind, Kind::Index | Kind::Slot | Kind::CheckCache);
    match is_next {
        false => tried.contains(&program),
        true => tried[n % tried.len()] == program && (!costly || n.is_multiple_of(3)),
    }
}

impl Trial {
    pub fn new(place: Place, name: &'static str, long: bool) -> Self {
        let before = place.facts();
        let mut trial = Self { place, name, long, before, baselines: BTreeMap::new(), anchored: 0 };
        trial.anchored = trial.anchored_bytes();
        for (program, _) in PROGRAMS {
            let ran = trial.run(program);
            let product = trial.place.product();
            let baseline = Baseline { code: ran.code, stdout: ran.stdout, product };
            trial.baselines.insert(program, baseline);
            if !READERS.contains(&program) {
                trial.place.restore();
            }
        }
        trial
    }

    fn anchored_bytes(&self) -> usize {
        let name = format!("refs/otto/head/{}", self.place.id());
        let note: serde_json::Value =
            serde_json::from_str(&self.place.s.git(&["cat-file", "blob", &name])).expect("JSON");
        let seq = note["seq"].as_u64().expect("a number") as usize;
        let lines = self.before.journal.split_inclusive(|b| *b == b'\n');
        lines.take(seq).map(<[u8]>::len).sum()
    }

    pub fn all(&self) -> Vec<Outcome> {
        let mut out = Vec::new();
        let mut seen = BTreeSet::new();
        for path in self.place.files() {
            let Some(kind) = self.kind(&path) else { continue };
            let good = self.place.good(&path);
            for (n, (damage, bytes)) in damage::all(&good, self.long).into_iter().enumerate() {
                for (program, _) in PROGRAMS {
                    if self.long || chosen(kind, seen.contains(&kind), n, program) {
                        let whole = !seen.contains(&kind) && !good.is_empty();
                        let seen = self.one(kind, &path, damage, &bytes, program);
                        out.push(Outcome { kind, place: self.name, damage, program, seen, whole });
                    }
                }
            }
            // An empty file cannot be damaged much.
            if !good.is_empty() {
                seen.insert(kind);
            }
        }
        out
    }

    /// The kind of a file, with what only its surroundings tell.
    fn kind(&self, path: &str) -> Option<Kind> {
        let kind = Kind::of(path)?;
        let owner = path.replace("/slot.json", "/owner.json");
        let hash = path.rsplit('/').next().expect("a name");
        let journal = String::from_utf8_lossy(&self.before.journal);
        let audited = |l: &str| l.contains("\"audit.check.finished\"") && l.contains(hash);
        Some(match kind {
            Kind::Slot if self.place.files().contains(&owner) => Kind::OwnedSlot,
            Kind::Evidence if !journal.lines().any(audited) => Kind::EarlierEvidence,
            kind => kind,
        })
    }

    fn run(&self, program: &str) -> Ran {
        let args = PROGRAMS.iter().find(|(p, _)| *p == program).expect("a program").1;
        let output = self.place.s.command(args).output().expect("otto starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().unwrap_or(-1);
        Ran { code, said: format!("{stdout}{stderr}"), stdout }
    }

    fn one(
        &self,
        kind: Kind,
        path: &str,
        damage: &str,
        bytes: &[u8],
        program: &'static str,
    ) -> Seen {
        let file = self.place.path(path);
        std::fs::write(&file, bytes).expect("damaged");
        let ran = self.run(program);
        let after = self.place.facts();
        let what = format!(
            "{}: {program} with {path} ({damage}): exit {}\n{}",
            self.name, ran.code, ran.said
        );
        assert!(!ran.said.contains("panicked at"), "{what}");
        let seen = self.judge(kind, path, bytes, program, &ran, &after, &what);
        if let Some(must) = self.must(kind, path, bytes, program) {
            assert_eq!(seen, must, "{what}");
        }
        if seen == Seen::Stopped {
            let kept = std::fs::read(&file).expect("it is still there");
            assert!(kept == bytes, "the damaged file was changed: {what}");
        }
        let told = matches!(kind, Kind::Owner | Kind::OwnedSlot);
        let untouched = READERS.contains(&program) || (seen == Seen::Stopped && !told);
        if untouched && after.refs == self.before.refs {
            std::fs::write(&file, self.place.good(path)).expect("put back");
        } else {
            self.place.restore();
        }
        seen
    }

    #[allow(clippy::too_many_arguments)]
    fn judge(
        &self,
        kind: Kind,
        path: &str,
        bytes: &[u8],
        program: &str,
        ran: &Ran,
        after: &Facts,
        what: &str,
    ) -> Seen {
        let as_before = &self.baselines[program];
        if ran.code == 65 && as_before.code != 65 {
            assert!(kind.is_named(path, &ran.said), "it is not named: {what}");
            assert_eq!(after.refs, self.before.refs, "a ref moved: {what}");
            let journal = if kind == Kind::Journal { bytes } else { &self.before.journal };
            // What is found while a run is under way is told as the reason of its pause.
            let told = after.journal.strip_prefix(journal).unwrap_or_else(|| panic!("{what}"));
            let new: Vec<String> = String::from_utf8_lossy(told)
                .lines()
                .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("an event"))
                .map(|e| e["kind"].as_str().unwrap_or("?").to_owned())
                .collect();
            let may_be =
                |k: &String| matches!(kind, Kind::Owner | Kind::OwnedSlot) && k.starts_with("run.");
            assert!(new.iter().all(may_be), "an event was appended ({new:?}): {what}");
            return Seen::Stopped;
        }
        if program == "sessions" && ran.stdout != as_before.stdout {
            assert!(ran.stdout.contains("unreadable"), "{what}");
            assert!(kind.is_named(path, &ran.said), "it is not named: {what}");
            return Seen::Listed;
        }
        if ran.code == 1 && as_before.code == 0 {
            assert_eq!(kind, Kind::Evidence, "{what}");
            let named = program == "render" || kind.is_named(path, &ran.said);
            assert!(named, "it is not named: {what}");
            assert_eq!(after.refs, self.before.refs, "a ref moved: {what}");
            if program == "render" {
                let packet = self.place.s.session_dir().join("proof-packet.json");
                let packet = std::fs::read_to_string(packet).expect("a packet");
                assert!(kind.is_named(path, &packet), "the proof does not name it: {what}");
            }
            return Seen::Lowered;
        }
        // The end of a journal that git does not know of may have been lost in a crash: what was
        // told there is done again.
        if self.is_crash(kind, bytes) {
            assert!([0, 1, 77].contains(&ran.code), "{what}");
            let names = |f: &Facts| f.refs.keys().cloned().collect::<BTreeSet<_>>();
            assert!(names(after).is_superset(&names(&self.before)), "a ref is gone: {what}");
            return Seen::Same;
        }
        assert_eq!(ran.code, as_before.code, "{what}");
        if READERS.contains(&program) {
            assert_eq!(ran.stdout, as_before.stdout, "{what}");
            assert_eq!(after.refs, self.before.refs, "{what}");
        } else {
            assert_eq!(self.place.product(), as_before.product, "{what}");
        }
        Seen::Same
    }

    /// A journal as a crash may leave it: not shorter than its anchor, torn at the end.
    fn is_crash(&self, kind: Kind, bytes: &[u8]) -> bool {
        let good = &self.before.journal;
        let whole = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        kind == Kind::Journal
            && good.starts_with(&bytes[..whole])
            // All of the line that the anchor names, its end included.
            && whole >= self.anchored
    }

    /// What has to come of it, where more than "named or the same" is asked.
    fn must(&self, kind: Kind, path: &str, bytes: &[u8], program: &str) -> Option<Seen> {
        let stopped = Some(if program == "sessions" { Seen::Listed } else { Seen::Stopped });
        let of_spec = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            otto::spec::parse(text).ok().map(|p| p.spec.content_hash())
        };
        let changed = || of_spec(bytes) != of_spec(&self.place.good(path));
        match kind {
            Kind::Journal if !self.is_crash(kind, bytes) => stopped,
            Kind::Record | Kind::Intent => stopped,
            Kind::Spec if changed() => match program {
                "log" | "sessions" | "config" | "spec diff" => Some(Seen::Same),
                _ => stopped,
            },
            Kind::SpecVersion if changed() && program == "spec diff" => stopped,
            Kind::Evidence | Kind::EarlierEvidence | Kind::SpecVersion | Kind::Given
                if program == "verify" =>
            {
                stopped
            }
            Kind::Evidence => Some(Seen::Lowered),
            Kind::EarlierEvidence | Kind::Slot | Kind::Given => Some(Seen::Same),
            Kind::Owner | Kind::OwnedSlot if ["build-group", "run", "abort"].contains(&program) => {
                stopped
            }
            Kind::Latest | Kind::Derived | Kind::Text | Kind::Lock => Some(Seen::Same),
            Kind::CheckCache | Kind::Index => Some(Seen::Same),
            _ => None,
        }
    }
}
