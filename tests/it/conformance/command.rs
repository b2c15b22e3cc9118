//! Any program as an agent: it knows no protocol, so that its exit code and its tree say it all.

use serde_json::json;

use super::adapter::{Adapter, Reports, Scene, Stops, Then, flood};
use super::behaviour::Behaviour::{self, *};

const NO_PROTOCOL: &str = "a program without a protocol says it in its own words only";

pub const ADAPTER: Adapter = Adapter {
    program: "provider-command",
    settings: || json!({"argv": ["AGENT"]}),
    scene,
    cannot: &[
        (UsesATool, NO_PROTOCOL),
        (ChangesAFile, NO_PROTOCOL),
        (IsDenied, NO_PROTOCOL),
        (RunsOutOfTurns, NO_PROTOCOL),
        (RunsOutOfMoney, NO_PROTOCOL),
        (Refuses, NO_PROTOCOL),
        (IsUnauthorized, NO_PROTOCOL),
        (IsLimitedUntil, NO_PROTOCOL),
        (IsLimited, NO_PROTOCOL),
        (WaitsForALimitByItself, NO_PROTOCOL),
        (MeetsAServerError, NO_PROTOCOL),
        (MeetsACutStream, NO_PROTOCOL),
        (MeetsNobody, NO_PROTOCOL),
        (HasTooMuchToRead, NO_PROTOCOL),
        (HasNoSuchConversation, "it keeps no conversation"),
        (AsksToLogIn, NO_PROTOCOL),
        (AnswersNothing, "whoever asked sees that there is none: docs/providers.md"),
        (EndsWithoutAWord, "exit 0 without a word is its usual end"),
    ],
    reports: Reports { usage: false, cost: false, classes: false },
    stops: Stops::Signal,
};

fn scene(behaviour: Behaviour) -> Option<Scene> {
    Some(match behaviour {
        Works => Scene::prints("I did it.\n"),
        Answers => Scene::prints("so:\n{\"ok\": true}\n").answers(),
        AnswersOutsideTheSchema => Scene::prints("{\"ok\": tru\n").answers().exits(3),
        IsInterrupted => {
            Scene::prints("at work\n").then(Then::Waits { last_words: Vec::new(), code: 0 })
        }
        IsKilled => Scene::prints("at work\n").then(Then::Dies),
        Floods => Scene::prints([flood(|long| json!({"a": long})), b"done\n".to_vec()].concat()),
        PrintsInvalidUtf8 => Scene::prints(b"\xff\xfe\ndone\n".to_vec()),
        PrintsAnsi => Scene::prints("\x1b[31mdone\x1b[0m\n"),
        DiesMidLine => Scene::prints("I di").then(Then::Dies),
        EndsTwice => Scene::prints("done\ndone\n"),
        IsSilentUntilTheDeadline => Scene::prints("").then(Then::Hangs),
        SaysWhatNobodyKnows => Scene::prints("{\"type\":\"brand_new\"}\n"),
        IsNotThere => Scene::prints("").request(json!({"settings": {"argv": ["/no/such/agent"]}})),
        UsesATool
        | ChangesAFile
        | IsDenied
        | RunsOutOfTurns
        | RunsOutOfMoney
        | AnswersNothing
        | Refuses
        | IsUnauthorized
        | IsLimitedUntil
        | IsLimited
        | WaitsForALimitByItself
        | MeetsAServerError
        | MeetsACutStream
        | MeetsNobody
        | HasTooMuchToRead
        | HasNoSuchConversation
        | AsksToLogIn
        | EndsWithoutAWord => return None,
    })
}
