use std::collections::BTreeMap;

use super::*;
use crate::base::Sha256;
use crate::session::event::RunFinished;
use crate::stage::render::collect::scene::Scene;

fn derived(scene: &Scene) -> Vec<PathBuf> {
    let layout = &scene.session.layout;
    vec![
        layout.proof_json(),
        layout.proof_html(),
        layout.summary(),
        layout.usage(),
        layout.manifest(),
        scene.ws.layout.history(),
    ]
}

fn bytes(scene: &Scene) -> Vec<Vec<u8>> {
    derived(scene).iter().map(|p| disk::read(p).expect("it was written")).collect()
}

#[test]
fn what_is_derived_is_derived_again() {
    let scene = Scene::whole();
    let made = render(&scene.ws, &scene.session).expect("a proof");
    assert_eq!(made.verdict, Word::Passed);
    assert_eq!(disk::read_text(&made.json).expect("JSON"), made.packet.to_json());
    let before = bytes(&scene);
    render(&scene.ws, &scene.session).expect("the same proof");
    assert_eq!(bytes(&scene), before);
    for path in derived(&scene) {
        disk::remove_file(&path).expect("removed");
    }
    let again = Session::open(&scene.ws, scene.session.id.as_str()).expect("a session");
    render(&scene.ws, &again).expect("the same proof");
    assert_eq!(bytes(&scene), before);
}

#[test]
fn the_manifest_names_every_file_but_itself_and_locks() {
    let scene = Scene::whole();
    let dir = scene.session.layout.dir.clone();
    disk::replace(&dir.join("merge/queue.lock"), b"").expect("a lock");
    disk::replace(&dir.join("build/store/attempt-01/prompt.md"), b"do it").expect("a file");
    render(&scene.ws, &scene.session).expect("a proof");
    #[derive(serde::Deserialize)]
    struct Read {
        files: BTreeMap<String, Sha256>,
    }
    let text = disk::read_text(&scene.session.layout.manifest()).expect("a manifest");
    let read: Read = serde_json::from_str(&text).expect("JSON");
    for (path, hash) in &read.files {
        assert_eq!(Sha256::of(&disk::read(&dir.join(path)).expect("a file")), *hash, "{path}");
    }
    for there in ["proof-packet.html", "spec-state.jsonl", "build/store/attempt-01/prompt.md"] {
        assert!(read.files.contains_key(there), "{there}");
    }
    let all = disk::files_below(&dir).expect("a list").len();
    assert_eq!(read.files.len(), all - 2);
}

#[test]
fn history_has_a_row_for_each_finished_session() {
    let scene = Scene::whole();
    let open = scene.another("20261121-101112-abcd");
    let early = scene.another("20261119-101112-abcd");
    let event = crate::session::journal::Entry::new(RunFinished { exit: 1 });
    early.append(&scene.ws, event).expect("an append");
    for session in [&scene.session, &open, &early] {
        render(&scene.ws, session).expect("a proof");
    }
    let rows = disk::read_text(&scene.ws.layout.history()).expect("a history");
    let rows: Vec<serde_json::Value> =
        rows.lines().map(|l| serde_json::from_str(l).expect("a row")).collect();
    let told: Vec<(&str, &str)> = rows
        .iter()
        .map(|r| (r["session"].as_str().expect("an id"), r["verdict"].as_str().expect("a word")))
        .collect();
    assert_eq!(told, [("20261119-101112-abcd", "blocked"), ("20261120-101112-abcd", "passed")]);
}
