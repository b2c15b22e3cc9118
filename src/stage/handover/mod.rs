//! One file to hand over: everything that a proof rests on, so that a stranger with a plain clone
//! and this file can check it. A plain tar, the same bytes each time it is made.
//!
//! | member | |
//! |---|---|
//! | `README.txt` | how to check it, with and without Otto |
//! | `MANIFEST.sha256` | the hash of every other member but these three, as `sha256sum -c` reads it |
//! | `attestation.json` | an in-toto statement about the product's commit; it names the manifest's hash |
//! | `attestation.json.sig` | its SSH signature, where one was asked for |
//! | `journal.jsonl`, `session.json`, `intent.txt`, `spec/…` | what happened, and what was agreed |
//! | `records.jsonl` | the record of each run, derived from the journal: what a note beside a landing names |
//! | `evidence/<sha256>` | what the checks left, as far as the journal cites it |
//! | `proof-packet.json`, `proof-packet.html` | derived from these |

mod borrow;
mod check;
mod open;
mod page;
mod sign;
mod statement;
mod write;

pub use borrow::{Borrowed, borrow};
pub use check::{Looked, check, subject_of};
pub use open::Packet;
pub use sign::{Allowed, Key, Signed};
pub use write::{Exported, export};

const JOURNAL: &str = "journal.jsonl";
const RECORDS: &str = "records.jsonl";
const MANIFEST: &str = "MANIFEST.sha256";
const STATEMENT: &str = "attestation.json";
const SIGNATURE: &str = "attestation.json.sig";
const README: &str = "README.txt";

/// Members that are not in the manifest.
const APART: [&str; 4] = [MANIFEST, STATEMENT, SIGNATURE, README];

/// The namespace of the signature (`ssh-keygen -n`).
const NAMESPACE: &str = "otto-proof";
