//! The one list: what an agent may do, and what a provider must make of it.

use super::adapter::{Adapter, Stops};
use super::stage::Turn;

macro_rules! list {
    ($($name:ident,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Behaviour { $($name,)* }

        impl Behaviour {
            pub const ALL: &[Behaviour] = &[$($name,)*];
        }
    };
}

list! {
    Works,
    UsesATool,
    ChangesAFile,
    IsDenied,
    RunsOutOfTurns,
    RunsOutOfMoney,
    Answers,
    AnswersNothing,
    AnswersOutsideTheSchema,
    Refuses,
    IsUnauthorized,
    IsLimitedUntil,
    IsLimited,
    WaitsForALimitByItself,
    MeetsAServerError,
    MeetsACutStream,
    MeetsNobody,
    HasTooMuchToRead,
    HasNoSuchConversation,
    IsInterrupted,
    IsKilled,
    Floods,
    PrintsInvalidUtf8,
    PrintsAnsi,
    AsksToLogIn,
    DiesMidLine,
    EndsTwice,
    EndsWithoutAWord,
    IsSilentUntilTheDeadline,
    SaysWhatNobodyKnows,
    IsNotThere,
}

use Behaviour::*;

/// Everything that is wrong about a turn; nothing, when it is as it must be.
pub fn must(behaviour: Behaviour, adapter: &Adapter, turn: &Turn) -> Vec<String> {
    let mut check = Check { wrong: Vec::new(), turn, adapter };
    check.protocol();
    match behaviour {
        Works => check.good(),
        UsesATool => {
            check.good();
            check.some("tool_call", "name");
            check.some("tool_result", "output");
        }
        ChangesAFile => {
            check.good();
            check.some("file_change", "path");
            let paths = turn.all("file_change");
            let outside =
                paths.iter().any(|e| e["path"].as_str().is_none_or(|p| p.starts_with('/')));
            check.that(!outside, "paths are those of the worktree");
        }
        // A denial is no failure: the tree decides.
        IsDenied => {
            check.good();
            check.some("denied", "tool");
        }
        RunsOutOfTurns => check.ended("max_turns", None),
        RunsOutOfMoney => check.ended("budget", None),
        Answers => {
            check.ended("end", None);
            check.that(turn.structured()["ok"] == true, "it is the answer");
        }
        AnswersNothing | AnswersOutsideTheSchema => {
            check.failed(&["unknown", "bad_request"]);
            check.that(turn.structured().is_null(), "nothing is taken for an answer");
        }
        Refuses => check.ended("refused", Some("refused")),
        IsUnauthorized | AsksToLogIn => check.failed(&["auth"]),
        IsLimitedUntil => {
            check.failed(&["quota", "rate_limit"]);
            let until = turn.all("rate_limited");
            let until = until.first().and_then(|e| e["until"].as_str());
            let now = jiff::Timestamp::now();
            let at = until.and_then(|until| until.parse::<jiff::Timestamp>().ok());
            check.that(at.is_some_and(|at| at > now), "it says until when");
        }
        IsLimited | WaitsForALimitByItself => {
            check.failed(&["rate_limit"]);
            check.that(turn.all("rate_limited").len() == 1, "it says that it is limited");
        }
        MeetsAServerError => check.failed(&["overloaded"]),
        MeetsACutStream | MeetsNobody => check.failed(&["network"]),
        HasTooMuchToRead => check.failed(&["context_length"]),
        HasNoSuchConversation => {
            check.failed(&["bad_request"]);
            let said = turn.message().starts_with("no such conversation");
            check.that(said, "it says so in the agreed words");
        }
        IsInterrupted => {
            let reason = if adapter.stops == Stops::Line { "interrupted" } else { "stopped" };
            check.ended(reason, Some("interrupted"));
            if adapter.reports.cost && adapter.stops == Stops::Line {
                // It was asked to leave, and not killed: it could still say so.
                check.some("usage", "input");
                check.some("cost", "usd");
            }
        }
        IsKilled | DiesMidLine => {
            check.not_good();
            check.that(turn.all("usage").is_empty(), "its usage is unknown, and not 0");
        }
        EndsWithoutAWord => check.not_good(),
        Floods => {
            check.good();
            let long = turn.lines.iter().map(|l| l.len()).max().unwrap_or(0);
            check.that(long < 4 << 20, "every line of ours is short");
        }
        // What both ends used is told, and that it is done once.
        PrintsInvalidUtf8 | PrintsAnsi | EndsTwice => check.good(),
        IsSilentUntilTheDeadline => {
            check.that(turn.reason() == "timed out", "it was the deadline");
            check.that(!turn.left_behind, "nothing of it is left");
        }
        SaysWhatNobodyKnows => {
            check.good();
            let kept = turn.all("raw").iter().any(|e| e.to_string().contains("brand_new"));
            let told = turn.all("text").iter().any(|e| e.to_string().contains("brand_new"));
            check.that(kept || told, "it is kept as it is");
        }
        IsNotThere => check.failed(&["missing_tool"]),
    }
    check.wrong
}

struct Check<'a> {
    wrong: Vec<String>,
    turn: &'a Turn,
    adapter: &'a Adapter,
}

impl Check<'_> {
    fn that(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(format!("not so: {what}"));
        }
    }

    /// JSON lines only, one `done`, the last; nothing outlives the provider.
    fn protocol(&mut self) {
        let turn = self.turn;
        self.that(turn.events.len() == turn.lines.len(), "every line is an event");
        self.that(turn.all("done").len() == 1, "there is one done");
        self.that(turn.events.last().is_some_and(|e| e["event"] == "done"), "done is the last");
        self.that(!turn.left_behind, "nothing is left running");
    }

    fn good(&mut self) {
        let text = self.turn.all("text");
        self.that(!text.is_empty(), "it said something");
        self.ended("end", None);
        if self.adapter.reports.usage {
            self.some("usage", "input");
        }
        if self.adapter.reports.cost {
            self.some("cost", "usd");
        }
    }

    fn ended(&mut self, reason: &str, class: Option<&str>) {
        let found = (self.turn.reason(), self.turn.class());
        self.that(found == (reason, class), &format!("{reason}, {class:?}, and not {found:?}"));
    }

    fn failed(&mut self, classes: &[&str]) {
        self.not_good();
        let found = self.turn.class();
        let known = found.is_some_and(|found| classes.contains(&found));
        self.that(known, &format!("its class is one of {classes:?}"));
    }

    fn not_good(&mut self) {
        self.that(self.turn.reason() != "end", "it is no good end");
        let silent = self.turn.class().is_none() && self.adapter.reports.classes;
        self.that(!silent, "it says what went wrong");
    }

    fn some(&mut self, kind: &str, field: &str) {
        let found = self.turn.all(kind);
        let whole = found.first().is_some_and(|event| !event[field].is_null());
        self.that(whole, &format!("there is a {kind} with {field}"));
    }
}
