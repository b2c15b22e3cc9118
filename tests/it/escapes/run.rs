//! A hostile agent in a real run: it does its part, and tries everything else besides.

use super::probes::{FILES, NETWORK, PROCESSES, Probe, REPOSITORY};
use super::scene::{SECRET, Scene};
use super::table::working;
use crate::harness::{GOOD, Shape};

/// Ten of the attacks, by name.
const TRIED: [&str; 10] = [
    "reading `~/.ssh`",
    "reading held-out scenarios",
    "reading evidence in `otto_logs`",
    "reading another group's worktree",
    "writing through a link out of the tree",
    "a hook",
    "a filter driver",
    "renaming over the `.git` file",
    "the parent's environment",
    "an abstract Unix socket",
];

fn script(name: &str) -> &'static str {
    let all = [FILES, REPOSITORY, PROCESSES, NETWORK];
    let named = |p: &&&Probe| p.name == name;
    let found = all.iter().flat_map(|part| part.iter()).find(|p| named(&p));
    found.unwrap_or_else(|| panic!("no attack '{name}'")).script
}

/// What the agent could get hold of is in its work, where it lands.
fn agent(scene: &Scene) {
    let attacks: String = TRIED.iter().map(|name| format!("( {} )\n", script(name))).collect();
    let attacks = scene.filled(&attacks);
    scene.s.agent(&format!(
        "mkdir -p g1\n( set +e\n{attacks}) >g1/loot 2>&1 </dev/null || true\nrm -rf out g h\n{GOOD}"
    ));
}

fn loot(scene: &Scene) -> String {
    scene.s.git(&["show", &format!("{}:g1/loot", scene.s.integ())])
}

#[test]
fn a_hostile_agent_gets_nothing_and_its_work_is_judged_like_any_other() {
    for tier in working() {
        let scene = Scene::new();
        agent(&scene);
        let spec = scene.s.spec(&Shape::of(1));
        let keep = format!("sandbox.tier={tier}");
        let args = ["run", "--from-spec", &spec, "-c", &keep];
        let mut command = scene.s.command(&args);
        let done = scene.s.finish(command.env("TOKEN", SECRET));
        if tier == "worktree" {
            // The control: the same agent, with nothing to stop it.
            assert!(!scene.untouched().is_empty(), "the attacks are real");
            continue;
        }
        assert_eq!(done.code, 0, "{tier}: {}", done.stderr);
        let loot = loot(&scene);
        assert!(!loot.contains(SECRET), "{tier}: {loot}");
        let changed = scene.untouched();
        assert!(changed.is_empty(), "{tier}: {changed:?}");
        scene.s.assert_landed_once(&["g1"]);
        assert_eq!(scene.s.leftovers(), [0; 0], "{tier}");
    }
}

#[test]
fn a_hostile_check_gets_nothing() {
    for tier in working().into_iter().filter(|t| *t != "worktree") {
        let scene = Scene::new();
        let attack = scene.filled("cat {home}/.ssh/* {logs}/evidence/* {project}/.git/otto/scenarios/*; echo x >{project}/.git/hooks/post-checkout; echo x >{world}/planted; cat /proc/$PPID/environ; echo");
        scene.s.write("tests/check.sh", &format!("{attack}\n{}", scene.s.read("tests/check.sh")));
        scene.s.commit("a check that is not what it seems");
        let spec = scene.s.spec(&Shape::of(1));
        let keep = format!("sandbox.tier={tier}");
        let mut command = scene.s.command(&["run", "--from-spec", &spec, "-c", &keep]);
        let done = scene.s.finish(command.env("TOKEN", SECRET));
        assert_eq!(done.code, 0, "{tier}: {}", done.stderr);
        let changed: Vec<_> = scene.untouched();
        assert!(changed.is_empty(), "{tier}: {changed:?}");
        let evidence = scene.s.session_dir().join("evidence");
        for file in std::fs::read_dir(evidence).expect("evidence").flatten() {
            let text = std::fs::read_to_string(file.path()).expect("text");
            assert!(!text.contains(SECRET), "{tier}: {text}");
        }
    }
}
