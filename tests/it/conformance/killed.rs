//! A provider that is killed cannot end its agent any more, nor what the agent started in a session
//! of its own: whoever asked the provider does.

use serde_json::json;

use crate::harness::{Sandbox, Shape, write};

#[test]
fn a_tool_in_its_own_session_does_not_outlive_a_killed_provider() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let (pid, tool) = (s.home("tool.pid"), s.at("tool"));
    // As a shell tool does: a session of its own, and nobody waits for it.
    s.script(&tool, &format!("#!/bin/sh\necho $$ > '{}'\nexec sleep 300\n", pid.display()));
    let agent = format!(
        "#!/bin/sh\nif [ \"${{1-}}\" = --version ]; then echo 1.0; exit 0; fi\ncat > /dev/null\n\
         setsid '{tool}' > /dev/null 2>&1 &\nwhile [ ! -s '{pid}' ]; do :; done\n: > '{mark}'\nwait\n",
        tool = tool.display(),
        pid = pid.display(),
        mark = s.home("marks/at-work").display(),
    );
    s.script(&s.at("claude"), &agent);
    let settings = json!({"provider": "claude", "attempts": 1, "jobs": 1, "sandbox": {"tier": "worktree"},
        "agents": {"certifier": {"provider": "none"}},
        "providers": {"claude": {"program": s.at("claude")}}});
    s.write("otto.yaml", &format!("{settings}\n"));
    s.commit("another agent");
    let run = s.start(&["run", "--from-spec", &spec]);
    s.mark("at-work");
    let tool: i32 = std::fs::read_to_string(&pid).expect("it runs").trim().parse().expect("a pid");
    // What has its place there is a provider of this test.
    let provider = s.process("otto-provider-claude");
    write(&s.at("claude"), "#!/bin/sh\nexit 1\n");
    // SAFETY: the number was read a moment ago, of a process that is waiting.
    assert_eq!(unsafe { libc::kill(provider, libc::SIGKILL) }, 0);
    run.end();
    // SAFETY: signal 0 asks whether it is there.
    assert_eq!(unsafe { libc::kill(tool, 0) }, -1, "the tool runs on");
}
