//! What the sandbox of a session was, and what it did not keep, in plain words.

use std::collections::BTreeMap;

use super::super::packet::Sandbox;
use crate::process::{Network, Tier};
use crate::session::Session;
use crate::session::config::{Containment, Who};

pub(super) fn sandbox(session: &Session) -> Sandbox {
    let tier = session.record.tier;
    Sandbox { tier: tier.word().to_owned(), limits: limits(session) }
}

/// The limit of the tier, of every other tier that was configured for somebody, and the networks.
fn limits(session: &Session) -> Vec<String> {
    let tier = session.record.tier;
    let mut out = vec![tier.limit().to_owned()];
    // Before there were networks, nothing was said of them.
    if !session.record.settings.0.contains_key("sandbox.tier") {
        return out;
    }
    // A session whose settings cannot be kept here has run nothing here.
    let Ok(all) = session.config.containments(tier) else { return out };
    let mut others: BTreeMap<Tier, Vec<&str>> = BTreeMap::new();
    for (who, how) in all.iter().filter(|(_, how)| how.tier != tier) {
        let names = others.entry(how.tier).or_default();
        if !names.contains(&who.word()) {
            names.push(who.word());
        }
    }
    for (other, names) in others {
        out.push(format!(
            "By configuration, {} had another one. {}",
            names.join(", "),
            other.limit()
        ));
    }
    out.push(networks(&all));
    out
}

fn networks(all: &[(Who, Containment)]) -> String {
    let of = |wanted: Network| -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (who, _) in all.iter().filter(|(_, how)| how.network == wanted) {
            match who {
                Who::Prepare(_) => {}
                Who::Role(_) | Who::Check => names.push(who.word()),
            }
        }
        names
    };
    let said = |network: Network, what: &str| {
        let names = of(network);
        (!names.is_empty()).then(|| format!("{what} for {}", names.join(", ")))
    };
    let each = [
        said(Network::On, "all that the machine reaches"),
        said(Network::Provider, "only the model's endpoints"),
        said(Network::Loopback, "only loopback"),
        said(Network::Off, "nothing"),
    ];
    let each: Vec<String> = each.into_iter().flatten().collect();
    format!("The network was {}. Preparation had what it declares.", each.join("; "))
}
