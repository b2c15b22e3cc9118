//! The kinds of checks that are more than one command: each is run here, in as many steps as it
//! needs, and judged by the [`gate`](super::gate).

mod beside;
pub(super) mod import_check;
pub(super) mod metric;
pub(super) mod type_check;
