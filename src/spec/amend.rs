//! Changing an approved spec: every change is a link of a chain of hashes, and who may change what
//! depends on the actor.
//!
//! A link binds the content before to the content after ([`Spec::content_hash`], which leaves the
//! chain itself out); the first one binds to the hash that was approved. The intent is the
//! user's. A group may add checks to itself, and nothing else.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::model::{Amendment, Spec};
use crate::base::ids::is_group_id;
use crate::base::{Error, Sha256};

/// Who amends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// `user:<name>`.
    User(String),
    /// `group:<id>`: the agent that builds it.
    Group(String),
}

/// What happened between two specs that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The content is identical and so is the chain: nothing is to be written.
    Unchanged,
    /// Amended by these links, newest last.
    Amended(Vec<Amendment>),
}

/// Why a changed spec is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the content changed from {before} to {after} without an amendment")]
    Unamended { before: Sha256, after: Sha256 },
    #[error("amendments[{index}] was changed or removed; the chain only grows")]
    Rewritten { index: usize },
    #[error("amendments[{index}].{key} is {found}, but {wanted} is what it has to link to")]
    Broken { index: usize, key: &'static str, found: String, wanted: Sha256 },
    #[error("amendments[{index}] changes nothing")]
    Idle { index: usize },
    #[error("amendments[{index}] is not the link that the journal recorded")]
    Altered { index: usize },
    #[error("amendments[{index}] is where its {found} links and the journal's {wanted} part")]
    Uncounted { index: usize, found: usize, wanted: usize },
    #[error("amendments[{index}].actor: {problem}")]
    Nobody { index: usize, problem: String },
    #[error("amendments[{index}]: {actor} may not change {what}")]
    NotAllowed { index: usize, actor: Actor, what: String },
}

/// Judges `new` as the successor of `old`: identical content is a no-op, changed content needs
/// links that lead from the old to the new hash, by actors who may do what they did.
pub fn check_change(old: &Spec, new: &Spec) -> Result<Change, Refusal> {
    let kept = old.amendments.len();
    if let Some(index) = (0..kept).find(|i| new.amendments.get(*i) != old.amendments.get(*i)) {
        return Err(Refusal::Rewritten { index });
    }
    let (before, after) = (old.content_hash(), new.content_hash());
    let links = &new.amendments[kept..];
    if links.is_empty() {
        return if before == after {
            Ok(Change::Unchanged)
        } else {
            Err(Refusal::Unamended { before, after })
        };
    }
    linked(links, kept, before, after)?;
    for (i, link) in links.iter().enumerate() {
        let index = kept + i;
        let actor: Actor = link
            .actor
            .parse()
            .map_err(|e: Error| Refusal::Nobody { index, problem: e.to_string() })?;
        match &actor {
            Actor::User(_) => {}
            // With several links it cannot be told who changed what.
            Actor::Group(_) if links.len() > 1 => {
                let what = "the spec together with others; one link at a time".to_owned();
                return Err(Refusal::NotAllowed { index, actor, what });
            }
            Actor::Group(group) => {
                if let Some(what) = beyond_own_checks(old, new, group) {
                    return Err(Refusal::NotAllowed { index, actor, what });
                }
            }
        }
    }
    Ok(Change::Amended(links.to_vec()))
}

/// Judges the whole chain: from the hash that was approved to the content as it is now. `recorded`
/// are the hashes of the links ([`links`]) as the journal has them; `None` where an older version
/// recorded none.
pub fn verify_chain(
    spec: &Spec,
    approved: Sha256,
    recorded: &[Option<Sha256>],
) -> Result<(), Refusal> {
    let after = spec.content_hash();
    let (found, wanted) = (spec.amendments.len(), recorded.len());
    let known = links(approved, &spec.amendments);
    let altered =
        known.iter().zip(recorded).position(|(is, was)| was.is_some_and(|was| was != *is));
    if let Some(index) = altered {
        return Err(Refusal::Altered { index });
    }
    if found != wanted {
        return Err(Refusal::Uncounted { index: found.min(wanted), found, wanted });
    }
    if spec.amendments.is_empty() && approved != after {
        return Err(Refusal::Unamended { before: approved, after });
    }
    linked(&spec.amendments, 0, approved, after)
}

/// The hash of each link: of the one before it, the first of what was approved, and of all that the
/// link says.
pub fn links(approved: Sha256, amendments: &[Amendment]) -> Vec<Sha256> {
    amendments
        .iter()
        .scan(approved, |before, link| {
            let text = serde_json::to_string(link).expect("because a link is plain data");
            *before = Sha256::of(format!("{before} {text}").as_bytes());
            Some(*before)
        })
        .collect()
}

/// The successor of `old` with the content of `new_content` and one more link; `old` itself if
/// the content is the same. Whether the actor may do so is [`check_change`]'s to say.
pub fn append(
    old: &Spec,
    new_content: Spec,
    reason: &str,
    actor: &Actor,
    at: Timestamp,
    trigger: &str,
) -> Spec {
    let (before, after) = (old.content_hash(), new_content.content_hash());
    if before == after {
        return old.clone();
    }
    let mut new = new_content;
    new.amendments = old.amendments.clone();
    new.amendments.push(Amendment {
        reason: reason.to_owned(),
        actor: actor.to_string(),
        at: at.to_string(),
        sha256_before: before.to_string(),
        sha256_after: after.to_string(),
        trigger: trigger.to_owned(),
    });
    new
}

/// Whether `links`, of which the first is the one at `first`, lead from one hash to the other.
fn linked(links: &[Amendment], first: usize, from: Sha256, to: Sha256) -> Result<(), Refusal> {
    let mut at = from;
    for (i, link) in links.iter().enumerate() {
        let index = first + i;
        let broken = |key, found: &str, wanted| Refusal::Broken {
            index,
            key,
            found: found.escape_debug().to_string(),
            wanted,
        };
        if link.sha256_before != at.to_string() {
            return Err(broken("sha256_before", &link.sha256_before, at));
        }
        let Ok(after) = link.sha256_after.parse::<Sha256>() else {
            return Err(broken("sha256_after", &link.sha256_after, to));
        };
        if after == at {
            return Err(Refusal::Idle { index });
        }
        if i + 1 == links.len() && after != to {
            return Err(broken("sha256_after", &link.sha256_after, to));
        }
        at = after;
    }
    Ok(())
}

/// What changed beyond checks that `group` added to itself, or `None`.
fn beyond_own_checks(old: &Spec, new: &Spec, group: &str) -> Option<String> {
    if old.intent != new.intent || old.intent_sha256 != new.intent_sha256 {
        return Some("the intent".to_owned());
    }
    let (Some(before), Some(after)) = (old.group(group), new.group(group)) else {
        return Some(format!("the spec: there is no group '{group}'"));
    };
    let mut reverted = new.clone();
    for each in reverted.groups.iter_mut().filter(|g| g.id == group) {
        each.checks = before.checks.clone();
    }
    if reverted.content_hash() != old.content_hash() {
        return Some("anything but its own checks".to_owned());
    }
    // The old checks must still be there, unchanged and in order; the others are new.
    let mut kept = before.checks.iter().peekable();
    let added: Vec<_> =
        after.checks.iter().filter(|check| kept.next_if(|old| old == check).is_none()).collect();
    if let Some(gone) = kept.next() {
        return Some(format!("its check '{}'; it may only add some", gone.id));
    }
    let foreign = added.iter().find(|c| c.features.iter().any(|f| !before.features.contains(f)));
    foreign.map(|c| format!("what proves features of others (check '{}')", c.id))
}

impl FromStr for Actor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("user", name))
                if !name.trim().is_empty() && !name.contains(super::validate::breaks_line) =>
            {
                Ok(Actor::User(name.to_owned()))
            }
            Some(("group", id)) if is_group_id(id) => Ok(Actor::Group(id.to_owned())),
            _ => Err(Error::input(format!(
                "'{}' is neither user:<name> nor group:<id>",
                text.escape_debug()
            ))),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::User(name) => write!(f, "user:{name}"),
            Actor::Group(id) => write!(f, "group:{id}"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let hint = match &refusal {
            Refusal::Unamended { .. } => "restore the approved spec, or amend it with a reason",
            Refusal::Rewritten { .. }
            | Refusal::Broken { .. }
            | Refusal::Idle { .. }
            | Refusal::Altered { .. }
            | Refusal::Uncounted { .. } => {
                "restore the chain of amendments from the last accepted spec"
            }
            Refusal::Nobody { .. } => "name the actor as user:<name> or group:<id>",
            Refusal::NotAllowed { .. } => "let a user amend the spec",
        };
        Error::input(format!("the changed spec is refused: {refusal}")).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Check, sample};

    fn amended(old: &Spec, actor: &str, change: impl FnOnce(&mut Spec)) -> Spec {
        let mut content = old.clone();
        change(&mut content);
        let actor = actor.parse().expect("an actor");
        append(old, content, "because", &actor, Timestamp::UNIX_EPOCH, "a test")
    }

    fn one_more_check(spec: &mut Spec) {
        let mut check: Check = spec.groups[0].checks[0].clone();
        check.id = format!("more-{}", spec.groups[0].checks.len());
        spec.groups[0].checks.push(check);
    }

    #[test]
    fn identical_content_is_a_no_op() {
        let old = sample::good();
        assert_eq!(check_change(&old, &old.clone()), Ok(Change::Unchanged));
        assert_eq!(amended(&old, "user:ann", |_| {}), old);
        assert_eq!(verify_chain(&old, old.content_hash(), &[]), Ok(()));
    }

    #[test]
    fn key_order_is_no_content() {
        let old = sample::good();
        let mut new = old.clone();
        let params = &mut new.groups[1].checks[0].params;
        let (name, value) = params.iter().next().map(|(k, v)| (k.clone(), v.clone())).unwrap();
        params.shift_remove(&name);
        params.insert(name, value);
        assert_eq!(old.content_hash(), new.content_hash());
    }

    #[test]
    fn a_chain_grows_link_by_link() {
        let approved = sample::good();
        let one = amended(&approved, "user:ann", |s| s.non_goals.push("rocketry".into()));
        let two = amended(&one, "group:store", one_more_check);
        assert_eq!(check_change(&approved, &one), Ok(Change::Amended(one.amendments.clone())));
        assert_eq!(check_change(&one, &two), Ok(Change::Amended(two.amendments[1..].to_vec())));
        let first = approved.content_hash();
        let recorded: Vec<_> = links(first, &two.amendments).into_iter().map(Some).collect();
        assert_eq!(verify_chain(&two, first, &recorded), Ok(()));
        assert_eq!(verify_chain(&two, first, &[None, None]), Ok(()), "an older journal");
        assert!(matches!(
            verify_chain(&two, one.content_hash(), &[None, None]),
            Err(Refusal::Broken { index: 0, key: "sha256_before", .. })
        ));
        assert!(crate::spec::problems(&two).is_empty());
    }

    #[test]
    fn every_word_of_every_link_is_bound() {
        let approved = sample::good();
        let first = approved.content_hash();
        let one = amended(&approved, "user:ann", |s| s.non_goals.push("rocketry".into()));
        let two = amended(&one, "group:store", one_more_check);
        let recorded: Vec<_> = links(first, &two.amendments).into_iter().map(Some).collect();
        let words: [fn(&mut Amendment); 4] = [
            |a| a.reason.push('!'),
            |a| a.actor = "user:bob".into(),
            |a| a.at = "2026-01-01T00:00:00Z".into(),
            |a| a.trigger.clear(),
        ];
        for index in 0..2 {
            for change in words {
                let mut forged = two.clone();
                change(&mut forged.amendments[index]);
                let judged = verify_chain(&forged, first, &recorded);
                assert_eq!(judged, Err(Refusal::Altered { index }));
            }
        }
        // The list replaced by one honest link from the approval to the same content.
        let mut replaced = two.clone();
        replaced.amendments.clear();
        let replaced = append(
            &approved,
            replaced,
            "r",
            &"user:eve".parse().expect("an actor"),
            Timestamp::UNIX_EPOCH,
            "",
        );
        let judged = verify_chain(&replaced, first, &recorded);
        assert_eq!(judged, Err(Refusal::Altered { index: 0 }));
        let judged = verify_chain(&one, first, &recorded);
        assert_eq!(judged, Err(Refusal::Uncounted { index: 1, found: 1, wanted: 2 }));
    }

    #[test]
    fn unlinked_changes_are_refused() {
        let old = amended(&sample::good(), "user:ann", |s| s.done_means.clear());
        let mut silent = old.clone();
        silent.groups[0].title = "Another".into();
        assert!(matches!(check_change(&old, &silent), Err(Refusal::Unamended { .. })));
        assert!(verify_chain(&silent, sample::good().content_hash(), &[None]).is_err());

        let mut cut = old.clone();
        cut.amendments.clear();
        assert_eq!(check_change(&old, &cut), Err(Refusal::Rewritten { index: 0 }));

        let mut forged = amended(&old, "user:ann", |s| s.non_goals.clear());
        forged.groups[0].title = "Slipped in".into();
        assert!(matches!(
            check_change(&old, &forged),
            Err(Refusal::Broken { index: 1, key: "sha256_after", .. })
        ));

        let mut idle = old.clone();
        let hash = old.content_hash().to_string();
        let link = Amendment {
            sha256_before: hash.clone(),
            sha256_after: hash,
            ..old.amendments[0].clone()
        };
        idle.amendments.push(link);
        assert_eq!(check_change(&old, &idle), Err(Refusal::Idle { index: 1 }));
    }

    #[test]
    fn a_group_adds_checks_to_itself_and_nothing_else() {
        let old = sample::good();
        assert!(check_change(&old, &amended(&old, "group:store", one_more_check)).is_ok());
        type Step = (&'static str, fn(&mut Spec));
        let changes: [Step; 7] = [
            ("group:login", one_more_check),
            ("group:ghost", one_more_check),
            ("group:store", |s| s.groups[0].title = "New".into()),
            ("group:store", |s| {
                s.groups[0].checks.remove(0);
            }),
            ("group:store", |s| s.groups[0].checks[0].timeout_s = Some(1)),
            ("group:store", |s| s.intent.push('!')),
            ("group:store", |s| {
                one_more_check(s);
                s.groups[0].checks[2].features = vec!["login".into()];
            }),
        ];
        for (n, (actor, change)) in changes.into_iter().enumerate() {
            let new = amended(&old, actor, change);
            let result = check_change(&old, &new);
            assert!(matches!(result, Err(Refusal::NotAllowed { .. })), "{n}: {result:?}");
        }
        assert!(check_change(&old, &amended(&old, "user:ann", |s| s.intent.push('!'))).is_ok());
    }

    #[test]
    fn a_group_cannot_hide_behind_another_link() {
        let old = sample::good();
        let one = amended(&old, "user:ann", |s| s.non_goals.clear());
        let two = amended(&one, "group:store", one_more_check);
        assert!(matches!(check_change(&old, &two), Err(Refusal::NotAllowed { index: 1, .. })));
    }

    #[test]
    fn actors_are_users_and_groups() {
        assert_eq!("user:Ann B".parse::<Actor>().unwrap().to_string(), "user:Ann B");
        for bad in ["", "ann", "user:", "group:No", "agent:x", "user:a\nb"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }
}
