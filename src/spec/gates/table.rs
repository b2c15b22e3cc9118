//! What test tools read besides the tests: a row for each tool.

use std::collections::BTreeSet;

use super::manifest::Part;

pub(super) struct Tool {
    pub name: &'static str,
    /// Words of a command that call it.
    pub words: &'static [&'static str],
    /// Globs without regard to case; the part that counts; and whether a new file counts. What
    /// every project of that kind has to have may be new: a product is not built without it.
    pub files: &'static [(&'static str, Part, bool)],
}

impl Tool {
    pub fn is_called(&self, words: &BTreeSet<String>) -> bool {
        self.words.iter().any(|word| words.contains(*word))
    }
}

/// Whether a file that a type checker is told of holds settings. What every project has to have may
/// be new.
pub(super) fn is_settings(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let of_projects =
        matches!(name, "pyproject.toml" | "setup.cfg" | "package.json" | "Cargo.toml")
            || name.starts_with("tsconfig");
    matches!(end, "ini" | "cfg" | "toml" | "json") && !of_projects
}

/// Files that say which tool a launcher starts.
pub(super) const LAUNCHERS: [(&[&str], &str); 3] = [
    (&["npm", "pnpm", "yarn", "bun"], "package.json"),
    (&["make", "gmake"], "Makefile"),
    (&["just"], "justfile"),
];

/// Attributes decide which bytes a checkout holds.
pub(super) const EVERY: Tool =
    Tool { name: "git", words: &[], files: &[("**/.gitattributes", Part::All, true)] };

const PACKAGE: Part = Part::Keys(&["scripts", "jest", "mocha", "babel", "ava", "tap", "c8", "nyc"]);
const PYPROJECT: Part = Part::Sections(&["tool.pytest", "tool.tox", "tool.coverage"]);

pub(super) const TOOLS: [Tool; 17] = [
    Tool {
        name: "pytest",
        words: &["pytest", "py.test"],
        files: &[
            ("**/conftest.py", Part::All, true),
            ("**/{pytest,.pytest}.{ini,toml}", Part::All, true),
            ("**/{sitecustomize,usercustomize}.py", Part::All, true),
            ("{pytest,_pytest,pluggy}{.py,/**}", Part::All, true),
            ("**/pyproject.toml", PYPROJECT, false),
            ("**/setup.cfg", Part::Sections(&["tool:pytest", "coverage"]), false),
            ("**/tox.ini", Part::All, false),
        ],
    },
    Tool {
        name: "unittest",
        words: &["unittest"],
        files: &[
            ("**/{sitecustomize,usercustomize}.py", Part::All, true),
            ("unittest{.py,/**}", Part::All, true),
        ],
    },
    Tool {
        name: "tox",
        words: &["tox", "nox"],
        files: &[("{tox.ini,noxfile.py}", Part::All, false), ("pyproject.toml", PYPROJECT, false)],
    },
    Tool {
        name: "jest",
        words: &["jest"],
        files: &[
            ("**/jest.{config,setup}.*", Part::All, true),
            ("**/{babel.config.*,.babelrc*}", Part::All, true),
            ("**/package.json", PACKAGE, false),
            ("**/node_modules/**", Part::All, true),
        ],
    },
    Tool {
        name: "vitest",
        words: &["vitest"],
        files: &[
            ("**/vitest.{config,setup,workspace}.*", Part::All, true),
            ("**/vite.config.*", Part::All, false),
            ("**/package.json", PACKAGE, false),
            ("**/node_modules/**", Part::All, true),
        ],
    },
    Tool {
        name: "mocha",
        words: &["mocha"],
        files: &[
            ("**/.mocharc*", Part::All, true),
            ("**/mocha.opts", Part::All, true),
            ("**/package.json", PACKAGE, false),
            ("**/node_modules/**", Part::All, true),
        ],
    },
    Tool {
        name: "npm",
        words: &["npm", "npx", "pnpm", "yarn", "bun", "node"],
        files: &[
            ("**/{.npmrc,.yarnrc,.yarnrc.yml}", Part::All, true),
            ("**/package.json", PACKAGE, false),
            ("**/node_modules/**", Part::All, true),
        ],
    },
    Tool {
        name: "cargo",
        words: &["cargo", "cargo-nextest", "nextest"],
        files: &[
            ("**/.cargo/{config,config.toml}", Part::All, true),
            ("**/.config/nextest.toml", Part::All, true),
            ("{rust-toolchain,rust-toolchain.toml}", Part::All, true),
            ("**/build.rs", Part::All, true),
            ("**/Cargo.toml", Part::AllButDependencies, false),
        ],
    },
    Tool {
        name: "go",
        words: &["go", "gotestsum"],
        files: &[
            ("**/go.mod", Part::Lines(&["module", "replace", "exclude", "toolchain"]), false),
            ("**/{go.work,go.env}", Part::All, true),
            ("**/vendor/**", Part::All, false),
        ],
    },
    Tool {
        name: "rspec",
        words: &["rspec", "rake"],
        files: &[
            ("**/.rspec", Part::All, true),
            ("**/{spec_helper,rails_helper}.rb", Part::All, true),
            ("{Rakefile,.simplecov}", Part::All, false),
        ],
    },
    Tool {
        name: "phpunit",
        words: &["phpunit", "pest", "composer"],
        files: &[
            ("**/{phpunit,phpunit.dist}.xml{,.dist}", Part::All, true),
            ("**/bootstrap.php", Part::All, true),
            ("composer.json", Part::Keys(&["scripts", "autoload-dev"]), false),
        ],
    },
    Tool {
        name: "make",
        words: &["make", "gmake", "just"],
        files: &[("**/{Makefile,GNUmakefile,*.mk,justfile}", Part::All, false)],
    },
    Tool {
        name: "ctest",
        words: &["ctest", "cmake"],
        files: &[
            ("**/CTestTestfile.cmake", Part::All, true),
            ("**/CMakeLists.txt", Part::All, false),
        ],
    },
    Tool {
        name: "tsc",
        words: &["tsc", "vue-tsc"],
        files: &[("**/tsconfig*.json", Part::All, false), ("**/node_modules/**", Part::All, true)],
    },
    Tool {
        name: "mypy",
        words: &["mypy"],
        files: &[
            ("{mypy.ini,.mypy.ini}", Part::All, true),
            ("pyproject.toml", Part::Sections(&["tool.mypy"]), false),
            ("setup.cfg", Part::Sections(&["mypy"]), false),
        ],
    },
    Tool {
        name: "pyright",
        words: &["pyright", "basedpyright"],
        files: &[
            ("pyrightconfig.json", Part::All, true),
            ("pyproject.toml", Part::Sections(&["tool.pyright", "tool.basedpyright"]), false),
        ],
    },
    Tool {
        name: "bats",
        words: &["bats"],
        files: &[("**/{setup_suite,test_helper}.bash", Part::All, true)],
    },
];

/// What a launcher starts when that prints a number: a new file counts as well. The words behind the
/// launcher with which it does; none are all.
pub(super) const MEASURED: [(&[&str], Tool); 6] = [
    (
        &[],
        Tool {
            name: "npm",
            words: &["npm", "pnpm", "yarn", "bun"],
            files: &[("**/package.json", PACKAGE, true)],
        },
    ),
    (
        &[],
        Tool {
            name: "make",
            words: &["make", "gmake", "just"],
            files: &[("**/{Makefile,GNUmakefile,*.mk,justfile}", Part::All, true)],
        },
    ),
    (
        &["bench", "run", "r", "test", "t"],
        Tool {
            name: "cargo",
            words: &["cargo"],
            files: &[
                ("**/Cargo.toml", Part::AllButDependencies, true),
                ("**/{benches,examples}/**", Part::All, true),
                ("**/src/{main.rs,bin/**}", Part::All, true),
            ],
        },
    ),
    (
        &["test", "run"],
        Tool { name: "go", words: &["go"], files: &[("**/{*_test.go,main.go}", Part::All, true)] },
    ),
    (
        &[],
        Tool {
            name: "tox",
            words: &["tox", "nox", "rake", "composer"],
            files: &[
                ("{tox.ini,noxfile.py,Rakefile}", Part::All, true),
                ("composer.json", Part::Keys(&["scripts"]), true),
            ],
        },
    ),
    (
        &[],
        Tool {
            name: "pytest",
            words: &["pytest", "py.test"],
            files: &[("**/{test_*,*_test}.py", Part::All, true)],
        },
    ),
];
