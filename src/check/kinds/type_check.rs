//! `type_check`: the checker runs as the spec says, is asked to name what it looked at, and what it
//! names is looked at by Otto.

use std::path::Path;

use crate::base::Result;
use crate::check::driver::{Call, Place, execute};
use crate::check::gate::{self, Ending};
use crate::check::typed::{self, Typed};
use crate::check::{Outcome, Reason};
use crate::disk;
use crate::spec::Check;
use crate::spec::type_check::{Checker, TypeCheck};

/// Sources are smaller.
const LARGEST_SOURCE: u64 = 4 << 20;

pub(in crate::check) fn run(
    check: &Check,
    types: &TypeCheck,
    place: &Place<'_>,
) -> Result<Outcome> {
    let called = Checker::called_by(&types.argv);
    let Some(checker) = types.checker() else {
        let of = crate::check::driver::provenance(place, 0.0, Vec::new());
        return Ok(Outcome::red(Reason::Usage, "no type checker is named", of));
    };
    let mut argv = types.argv.clone();
    if let (Some(flag), Some((called, _))) = (typed::flag(checker), called)
        && called == checker
        && !argv.iter().any(|arg| arg == flag)
    {
        argv.push(flag.to_owned());
    }
    let (run, mut of) = execute(check, Call::of(&argv), place)?;
    let root = place.worktree.path.to_string_lossy();
    let mut typed = typed::read(checker, &run.stdout, &run.stderr, &root);
    if checker == Checker::Go && typed.looked_at.is_none() && run.ending == Ending::Exited(0) {
        // Go says nothing of what it looked at: it is asked for the same packages.
        if let Some(list) = listing(&types.argv) {
            let (listed, by) = execute(check, Call::of(&list), place)?;
            of.duration_s += by.duration_s;
            of.evidence.extend(by.evidence);
            if listed.ending == Ending::Exited(0) {
                let numbers = listed.stdout.lines().filter_map(|l| l.trim().parse::<u64>().ok());
                typed.looked_at = Some(numbers.sum());
            }
        }
    }
    let silenced = silenced(checker, &typed, &place.worktree.path)?;
    Ok(gate::judge_type_check(&run, types, checker, (&typed, silenced), of))
}

/// `go vet -tags x ./...` → `go list -f … -tags x ./...`; flags that only analyse are left out.
fn listing(argv: &[String]) -> Option<Vec<String>> {
    const BUILD: [&str; 6] = ["-tags", "-mod", "-modfile", "-race", "-C", "-overlay"];
    let (_, at) = Checker::called_by(argv)?;
    let (call, rest) = argv.split_at_checked(at + 2)?;
    let mut list = call[..call.len() - 1].to_vec();
    list.extend(["list", "-f", "{{len .GoFiles}}"].map(str::to_owned));
    let mut rest = rest.iter().peekable();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            list.push(word.clone());
            continue;
        }
        let word = word.strip_prefix('-').filter(|w| w.starts_with('-')).unwrap_or(word);
        let name = word.split('=').next().unwrap_or(word);
        let value = (BUILD.contains(&name) && name != "-race" && !word.contains('='))
            .then(|| rest.next())
            .flatten();
        if BUILD.contains(&name) {
            list.push(word.to_owned());
            list.extend(value.cloned());
        } else if name == "-o" && !word.contains('=') {
            rest.next();
        }
    }
    Some(list)
}

/// How many of the files say that they are not to be checked. mypy and pyright do not name the files:
/// all of the tree count, and those that a stub stands for.
fn silenced(checker: Checker, typed: &Typed, root: &Path) -> Result<u64> {
    let says_so = |path: &Path| {
        let text = disk::read_beneath(root, path, LARGEST_SOURCE).unwrap_or_default();
        typed::is_silenced(checker, &String::from_utf8_lossy(&text))
    };
    Ok(match checker {
        Checker::Tsc => typed.files.iter().filter(|f| says_so(Path::new(f))).count() as u64,
        Checker::Mypy | Checker::Pyright => {
            let foreign = |path: &Path| {
                path.iter().any(|part| {
                    let part = part.to_string_lossy();
                    part.starts_with('.') || matches!(&*part, "node_modules" | "site-packages")
                })
            };
            let files = disk::files_below(root)?;
            let own =
                files.iter().filter(|f| f.extension().is_some_and(|e| e == "py") && !foreign(f));
            own.filter(|f| root.join(f.with_extension("pyi")).exists() || says_so(f)).count() as u64
        }
        Checker::Cargo | Checker::Go => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::listing;

    #[test]
    fn go_is_asked_for_the_same_packages() {
        let of = |line: &str| {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            listing(&argv).map(|l| l.join(" "))
        };
        for (line, wanted) in [
            ("go vet ./...", "go list -f {{len .GoFiles}} ./..."),
            (
                "env A=b go vet -tags x -printf=false --mod=mod ./a ./b",
                "env A=b go list -f {{len .GoFiles}} -tags x -mod=mod ./a ./b",
            ),
            ("go build -race -o out .", "go list -f {{len .GoFiles}} -race ."),
        ] {
            assert_eq!(of(line).as_deref(), Some(wanted));
        }
        assert_eq!(of("make vet"), None);
        assert_eq!(of("go"), None);
    }
}
