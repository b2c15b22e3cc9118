//! A recording instead of an agent: what a turn left and said is played again, and a turn that a
//! provider failed at is in none.

use serde_json::json;

use super::adapter::{Adapter, Reports, Scene, Stops, Then};
use super::behaviour::Behaviour::{self, *};

const NO_FAILURES: &str = "turns that a provider failed at are not recorded";
const WORDS_ONLY: &str = "of what an agent did, its words and its changes are recorded";
const NOT_ASKED: &str = "no agent is asked";

pub const ADAPTER: Adapter = Adapter {
    program: "provider-replay",
    settings: || json!({"dir": "AGENT.d"}),
    scene,
    cannot: &[
        (UsesATool, WORDS_ONLY),
        (IsDenied, WORDS_ONLY),
        (SaysWhatNobodyKnows, WORDS_ONLY),
        (RunsOutOfTurns, NO_FAILURES),
        (RunsOutOfMoney, NO_FAILURES),
        (Refuses, NO_FAILURES),
        (IsUnauthorized, NO_FAILURES),
        (IsLimitedUntil, NO_FAILURES),
        (IsLimited, NO_FAILURES),
        (MeetsAServerError, NO_FAILURES),
        (MeetsACutStream, NO_FAILURES),
        (HasTooMuchToRead, NO_FAILURES),
        (IsKilled, NO_FAILURES),
        (DiesMidLine, NO_FAILURES),
        (EndsWithoutAWord, NO_FAILURES),
        (WaitsForALimitByItself, NOT_ASKED),
        (MeetsNobody, NOT_ASKED),
        (HasNoSuchConversation, NOT_ASKED),
        (AsksToLogIn, NOT_ASKED),
        (IsNotThere, "a recording that is not there is a setting that is wrong"),
        (AnswersNothing, "whoever asked sees that there is none: docs/providers.md"),
        (EndsTwice, "a recorded turn has one end by its form"),
    ],
    reports: Reports { usage: true, cost: true, classes: true },
    stops: Stops::Signal,
};

const PATCH: &str = "\
diff --git a/a.txt b/a.txt
new file mode 100644
index 0000000..587be6b
--- /dev/null
+++ b/a.txt
@@ -0,0 +1 @@
+x
";

/// A recorded turn that said this.
fn said(words: impl Into<Vec<u8>>) -> Scene {
    Scene::prints("")
        .file("build/g1/01/narrative.txt", words)
        .file("build/g1/01/usage.json", r#"{"input": 20, "output": 10, "usd": 0.5}"#)
}

/// One that is played for a minute.
fn slow() -> Scene {
    said("at work\n").request(json!({"settings": {"dir": "AGENT.d", "delay_ms": 60_000}}))
}

fn answered(answer: &str) -> Scene {
    Scene::prints("").answers().file("task/g1/01/answer.json", answer)
}

fn scene(behaviour: Behaviour) -> Option<Scene> {
    Some(match behaviour {
        Works => said("I did it.\n"),
        ChangesAFile => said("I did it.\n").file("build/g1/01/changes.patch", PATCH),
        Answers => answered(r#"{"ok": true}"#),
        AnswersOutsideTheSchema => answered(r#"{"ok": tru"#),
        Floods => said("x".repeat(10 << 20)),
        PrintsInvalidUtf8 => said(b"\xff\xfe\ndone\n"),
        PrintsAnsi => said("\x1b[31mdone\x1b[0m\n"),
        IsInterrupted => slow().then(Then::Waits { last_words: Vec::new(), code: 0 }),
        IsSilentUntilTheDeadline => slow().then(Then::Hangs),
        UsesATool
        | IsDenied
        | SaysWhatNobodyKnows
        | RunsOutOfTurns
        | RunsOutOfMoney
        | Refuses
        | IsUnauthorized
        | IsLimitedUntil
        | IsLimited
        | MeetsAServerError
        | MeetsACutStream
        | HasTooMuchToRead
        | IsKilled
        | DiesMidLine
        | EndsWithoutAWord
        | WaitsForALimitByItself
        | MeetsNobody
        | HasNoSuchConversation
        | AsksToLogIn
        | IsNotThere
        | AnswersNothing
        | EndsTwice => return None,
    })
}
