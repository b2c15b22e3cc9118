//! The steps of the story, one folder each.

pub mod render;
