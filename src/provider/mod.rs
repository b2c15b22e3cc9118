//! Bodies of the `otto-provider-*` programs: each turns one agent into the provider protocol
//! (`docs/providers.md`). A provider reports; what its agent did is judged from the tree.

pub mod acp;
mod agent_cli;
pub mod claude;
pub mod codex;
pub mod command;
mod describe;
#[cfg(test)]
mod docs;
mod io;
pub mod replay;
#[cfg(test)]
mod testing;
