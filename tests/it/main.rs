//! The integration suite: the real programs, in repositories of their own, judged by what they
//! leave behind. One binary; a module for each behaviour; `harness` is the only shared code.

mod audit;
mod build;
mod census;
mod crash;
mod false_green;
mod flow;
mod formats;
mod harness;
mod help;
mod isolation;
mod land;
mod machine;
mod merge;
mod parsers;
mod pipes;
mod providers;
mod resume;
mod review;
mod rot;
mod second_review;
mod sim;
mod spec;
mod tidy;
mod verify;
