//! The integration suite: the real programs, in repositories of their own, judged by what they
//! leave behind. One binary; a module for each behaviour; `harness` is the only shared code.

mod acp;
mod agents;
mod attach;
mod audit;
mod build;
mod by_hand;
mod census;
mod clocks;
mod conformance;
mod crash;
mod cut;
mod escapes;
mod fake_model;
mod false_green;
mod flow;
mod formats;
mod hand_on_refs;
mod harness;
mod help;
mod hostile_work;
mod installed;
mod isolation;
mod land;
mod machine;
mod merge;
#[path = "../fakes/model/mod.rs"]
mod model;
mod parsers;
mod patience;
mod pipes;
mod providers;
mod real_faults;
mod redaction;
mod resume;
mod review;
mod rot;
mod second_review;
mod signals;
mod sim;
mod spec;
mod system_calls;
mod tidy;
mod two;
mod verify;
mod watch;
