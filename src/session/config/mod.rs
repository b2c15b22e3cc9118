//! `otto.yaml` and the flags above it. Flag > `agents.<role>` > top level > default; every value
//! keeps where it came from. A key that is not known is an error with the nearest name.

mod contain;
mod detect;
mod file;
mod keys;
mod prices;
mod secret;
mod settings;

pub use contain::{Containment, Who};
pub use detect::{Detected, detect};
pub use file::{ConfigText, Early, Place, committed_or_checkout, early};
pub use keys::{KEYS, Key, ROLES};
pub use prices::{Price, Prices};
pub use secret::{refuse_secret, refuse_secrets, unmistakable};
pub use settings::{Agent, Config, Role, Setting, Settings};
