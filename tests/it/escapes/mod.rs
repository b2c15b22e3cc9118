//! Ways out of a sandbox, each really tried at every tier that works here. What an attack won is
//! judged from outside, by one rule for all of them ([`scene`]): a secret was told, or something
//! outside the sandbox is not what it was. At the tier `worktree` every attack must win, or it would
//! show nothing at the others.

mod cycles;
mod login;
mod network;
mod probes;
mod refused;
mod run;
mod scene;
mod survivors;
mod table;

pub use table::working;
