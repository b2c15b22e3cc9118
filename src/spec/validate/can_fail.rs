//! Whether a command can fail at all. A check that cannot is no check; this finds the usual ways
//! of writing one, and does not claim to find all.

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "ash"];

/// Programs that show a file. A probe may look at one; a test report from one is a record of
/// another run.
const SHOWS: [&str; 5] = ["cat", "head", "tail", "tee", "less"];

/// Why `argv` runs no tests, or `None`.
pub(super) fn runs_nothing(argv: &[String]) -> Option<String> {
    let program = unwrap(argv).first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    SHOWS.contains(&name).then(|| format!("'{name}' shows a file and runs no test"))
}

/// Why `argv` can never fail, or `None`.
pub(super) fn vacuous(argv: &[String]) -> Option<String> {
    let argv = unwrap(argv);
    let Some((program, args)) = argv.split_first() else {
        return Some("is empty; it names no program".to_owned());
    };
    if program.trim().is_empty() {
        return Some("names no program".to_owned());
    }
    let name = program.rsplit('/').next().unwrap_or(program);
    if matches!(name.trim(), "true" | ":" | "echo" | "printf" | "sleep" | "yes") {
        return Some(format!("'{name}' cannot fail"));
    }
    if !SHELLS.contains(&name) {
        return None;
    }
    let flag = args
        .iter()
        .position(|a| a.starts_with('-') && !a.starts_with("--") && a[1..].contains('c'))?;
    match args.get(flag + 1) {
        None => Some("the shell gets no script".to_owned()),
        Some(script) if always_succeeds(script) => {
            Some(format!("the script '{}' cannot fail", script.trim().escape_debug()))
        }
        Some(_) => None,
    }
}

/// Why `argv` never exits with 0, or `None`.
pub(in crate::spec) fn always_fails(argv: &[String]) -> Option<String> {
    let argv = unwrap(argv);
    let (program, args) = argv.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if name == "false" {
        return Some("'false' cannot succeed".to_owned());
    }
    if !SHELLS.contains(&name) {
        return None;
    }
    let ends = |c: char| c.is_whitespace() || c == ';';
    let script = script_of(args)?.trim_matches(ends);
    let last = script.lines().last().unwrap_or("").rsplit(';').next().unwrap_or("").trim();
    // What stands behind `||` runs only if the rest went wrong.
    if last.contains("||") {
        return None;
    }
    let last = last.rsplit("&&").next().unwrap_or(last).trim();
    let code = last.strip_prefix("exit ").and_then(|code| code.trim().parse::<i32>().ok());
    let fails = matches!(last, "false" | "/bin/false" | "/usr/bin/false")
        || code.is_some_and(|code| code % 256 != 0);
    fails.then(|| format!("the script '{}' cannot succeed", script.escape_debug()))
}

/// The script behind `-c`.
fn script_of(args: &[String]) -> Option<&str> {
    let flag = args
        .iter()
        .position(|a| a.starts_with('-') && !a.starts_with("--") && a[1..].contains('c'))?;
    args.get(flag + 1).map(String::as_str)
}

/// The command behind `env A=b` and `timeout 5`.
fn unwrap(argv: &[String]) -> &[String] {
    let name = argv.first().map(|p| p.rsplit('/').next().unwrap_or(p));
    let skip = match name {
        Some("env") => 1 + argv[1..].iter().take_while(|a| a.contains('=')).count(),
        Some("timeout" | "nice" | "nohup" | "exec" | "command") => {
            let options = argv[1..].iter().take_while(|a| a.starts_with('-')).count();
            1 + options + usize::from(name == Some("timeout"))
        }
        _ => return argv,
    };
    // `env` alone prints the environment: a command of its own, and left to its exit code.
    if skip >= argv.len() { argv } else { unwrap(&argv[skip..]) }
}

fn always_succeeds(script: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || c == ';' || c == '&';
    let script = script.trim_matches(ends);
    let last = script.lines().last().unwrap_or("").trim_matches(ends);
    let last = last.rsplit(';').next().unwrap_or(last).trim_matches(ends);
    let last = last.rsplit("||").next().unwrap_or(last).trim_matches(ends);
    // A pipe's exit code is that of its last program.
    if let Some((_, end)) = last.rsplit_once('|')
        && matches!(end.split_whitespace().next(), Some("tee" | "cat"))
        && !script.contains("pipefail")
    {
        return true;
    }
    // What stands behind `&&` runs only if the rest went well.
    matches!(last, "" | "true" | ":" | "exit 0" | "/bin/true" | "/usr/bin/true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &[&str]) -> Vec<String> {
        line.iter().map(|a| (*a).to_owned()).collect()
    }

    #[test]
    fn commands_that_cannot_fail_are_found() {
        for line in [
            &[][..],
            &[""],
            &["  ", "x"],
            &["true"],
            &["/bin/true", "x"],
            &[":"],
            &["sh", "-c"],
            &["sh", "-c", ""],
            &["sh", "-c", "true"],
            &["bash", "-lc", " exit 0 ; "],
            &["sh", "-c", "make test || true"],
            &["sh", "-c", "set -e\nmake test || :\n"],
            &["sh", "-c", "make test; true"],
            &["sh", "-c", "make test\nexit 0"],
            &["env", "A=b", "true"],
            &["timeout", "5", "sh", "-c", "x||true"],
            &["echo", "ok 1"],
            &["sh", "-c", "make test | tee log"],
            &["sh", "-c", "make test 2>&1 | cat"],
        ] {
            assert!(vacuous(&argv(line)).is_some(), "{line:?}");
        }
    }

    #[test]
    fn a_record_is_no_run() {
        assert!(runs_nothing(&argv(&["/bin/cat", "report.tap"])).is_some());
        assert!(runs_nothing(&argv(&["env", "A=b", "tail", "log"])).is_some());
        assert_eq!(runs_nothing(&argv(&["make", "test"])), None);
        assert_eq!(runs_nothing(&[]), None);
    }

    #[test]
    fn commands_that_can_fail_are_left_alone() {
        for line in [
            &["make", "test"][..],
            &["false"],
            &["sh", "test.sh"],
            &["sh", "-c", "make test"],
            &["sh", "-c", "make test && true"],
            &["bash", "-c", "set -o pipefail; make test | tee log"],
            &["sh", "-c", "make test | grep -c ok"],
            &["sh", "-c", "test -f x || exit 1"],
            &["sh", "-c", "exit 01"],
            &["env"],
            &["env", "A=b", "make"],
            &["grep", "", "file"],
            &["pytest", "-k", "true"],
        ] {
            assert_eq!(vacuous(&argv(line)), None, "{line:?}");
        }
    }
}
