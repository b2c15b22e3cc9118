//! Reports as the tools print them: mypy 1.19, pyright 1.1.414, tsc 5.9, cargo 1.95 (captured), and
//! `go vet` (by its documentation).

use super::*;

fn of(checker: Checker, text: &str) -> (Option<u64>, u64, u64, bool) {
    let t = read(checker, text, "", "/w");
    (t.looked_at, t.errors, t.wrong, t.nothing)
}

#[test]
fn reports_are_read() {
    use Checker::{Cargo, Go, Mypy, Pyright, Tsc};
    for (checker, text, wanted) in [
        (Mypy, "Success: no issues found in 1 source file\n", (Some(1), 0, 0, false)),
        (
            Mypy,
            "bad.py:2: error: Incompatible return value type  [return-value]\nFound 1 error in 1 file (checked 3 source files)\n",
            (Some(3), 1, 1, false),
        ),
        (
            Mypy,
            "Found 1 error in 1 file (errors prevented further checking)\n",
            (None, 1, 1, false),
        ),
        (Mypy, "There are no .py[i] files in directory 'src'\n", (None, 0, 0, true)),
        (Mypy, "Everything is fine\n", (None, 0, 0, false)),
        (
            Mypy,
            "Success: no issues found in 2 source files\nSuccess: no issues found in 3 source files\n",
            (Some(5), 0, 0, false),
        ),
        (Pyright, "0 errors, 0 warnings, 0 informations \n", (None, 0, 0, false)),
        (
            Pyright,
            "Found 1 source file\npyright 1.1.414\n0 errors, 0 warnings, 0 informations \nCompleted in 0.8sec\n\nAnalysis stats\nTotal files parsed and bound: 23\nTotal files checked: 1\n",
            (Some(1), 0, 0, false),
        ),
        (
            Pyright,
            "/w/bad.py\n  /w/bad.py:2:12 - error: Type \"int\" is not assignable\n    \"int\" is not (reportReturnType)\n1 error, 0 warnings, 0 informations \nTotal files checked: 2\n",
            (Some(2), 1, 1, false),
        ),
        (Pyright, "No source files found.\n", (None, 0, 0, true)),
        (
            Tsc,
            "/x/node_modules/typescript/lib/lib.d.ts\n/w/node_modules/a/index.ts\nsrc/a.ts\n/w/src/b.tsx\n/elsewhere/c.ts\nsrc/d.d.ts\n",
            (Some(2), 0, 0, false),
        ),
        (
            Tsc,
            "src/c.ts(1,14): error TS2322: Type 'string'.\nsrc/c.ts(2,14): error TS2322: Type.\nsrc/c.ts\n",
            (Some(1), 2, 1, false),
        ),
        (
            Tsc,
            "\u{1b}[96msrc/c.ts\u{1b}[0m:\u{1b}[93m1\u{1b}[0m:\u{1b}[93m14\u{1b}[0m - \u{1b}[91merror\u{1b}[0m\u{1b}[90m TS2322: \u{1b}[0mType.\nsrc/c.ts\n",
            (Some(1), 1, 1, false),
        ),
        (Tsc, "error TS18003: No inputs were found in config file.\n", (Some(0), 1, 0, true)),
        (Tsc, "", (Some(0), 0, 0, false)),
        (
            Cargo,
            "   Compiling serde v1.0.1\n    Checking dep v0.1.0 (/elsewhere/dep)\n    Checking shop v0.1.0 (/w)\n    Checking more v0.1.0 (/w/more)\n    Finished `dev` profile [unoptimized] target(s) in 0.2s\n",
            (Some(2), 0, 0, false),
        ),
        (
            Cargo,
            "    Finished `dev` profile [unoptimized] target(s) in 0.2s\n",
            (Some(0), 0, 0, false),
        ),
        (
            Cargo,
            "    Checking shop v0.1.0 (/w)\nerror[E0308]: mismatched types\nerror: could not compile `shop` (lib) due to 2 previous errors; 1 warning emitted\n",
            (Some(1), 2, 1, false),
        ),
        (
            Cargo,
            "    Checking shop v0.1.0 (/w)\nerror: could not compile `shop` (bin \"shop\") due to 1 previous error\n",
            (Some(1), 1, 1, false),
        ),
        (
            Go,
            "# acme.dev/shop\nvet: ./a.go:3:5: undefined: x\n./b.go:7:2: y\n",
            (None, 2, 2, false),
        ),
        (Go, "go: warning: \"./...\" matched no packages\n", (None, 0, 0, true)),
    ] {
        assert_eq!(of(checker, text), wanted, "{checker:?} {text}");
    }
}

#[test]
fn heads_that_switch_checking_off_are_found() {
    use Checker::{Mypy, Pyright, Tsc};
    for (checker, text) in [
        (Tsc, "// @ts-nocheck\nexport const a: number = 'x';\n"),
        (Tsc, "#!/usr/bin/env node\n\n/* licence */\n//@ts-nocheck because\n"),
        (Tsc, "/**\n * A file.\n * @ts-nocheck\n */\nx\n"),
        (Mypy, "# mypy: ignore-errors\n"),
        (Mypy, "#!/usr/bin/python3\n# mypy: disallow-any, ignore_errors=True\nx = 1\n"),
        (Mypy, "import x\n# mypy: ignore-errors\n"),
        (Mypy, "\n# type: ignore\nx = 1\n"),
        (Pyright, "#type:ignore\n"),
        (Tsc, "/*\nLicence: free.\n*/\n// @ts-nocheck\nx\n"),
        (Tsc, "\u{feff}// @ts-nocheck\nx\n"),
        (Tsc, "// a\r// @ts-nocheck\rx\r"),
        (Tsc, "/* a */ /* b */ // @ts-nocheck\r\nx\n"),
        (Mypy, "# mypy: ignore-errors=yes\nx\n"),
        (Mypy, "# mypy: ignore-errors=1\nx\n"),
        (Mypy, "# mypy: ignore-errors = On\nx\n"),
        (Mypy, "x = 1\r# mypy: ignore-errors\r"),
        (Mypy, "# mypy: disable-error-code=\"assignment, arg-type\"\nx\n"),
        (Mypy, "\"\"\"What it is.\n\nMore.\"\"\"\n# type: ignore\nx\n"),
        (Mypy, "#!/usr/bin/python3\nr'It\\'s.'\n\n# type: ignore\nx\n"),
        (Mypy, "\u{feff}# type: ignore\n"),
        (Pyright, "# pyright: basic\nx\n"),
        (Pyright, "import a\n# pyright: strict, reportAny=false\n"),
        (Pyright, "# pyright: reportArgumentType=none\n"),
    ] {
        assert!(is_silenced(checker, text), "{text}");
    }
    for (checker, text) in [
        (Tsc, "export const a = 1;\n// @ts-nocheck\n"),
        (Tsc, "// about @ts-nocheck\nx\n"),
        (Mypy, "x = f()  # type: ignore\n"),
        (Mypy, "import a\n# type: ignore\n"),
        (Mypy, "# mypy: ignore-errors=False\n"),
        (Mypy, ""),
        (Mypy, "# mypy: ignore-errors=off\n"),
        (Mypy, "# mypy: disallow-untyped-defs\n"),
        (Mypy, "\"\"\"What it is.\"\"\"\nimport a\n# type: ignore\n"),
        (Tsc, "/* about\n*/ x\n// @ts-nocheck\n"),
        (Tsc, "const a = '// @ts-nocheck'\n"),
        (Pyright, "# pyright: strict\n"),
        (Pyright, "# pyright: reportAny=true\n"),
        (Pyright, "x = f()  # pyright: ignore\n"),
        (Pyright, "# mypy: ignore-errors\nx\n"),
    ] {
        assert!(!is_silenced(checker, text), "{text}");
    }
}
