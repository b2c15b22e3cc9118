//! Whether a program can be started, asked before it is handed to a wrapper that would say so in
//! its own words only.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::process::is_executable;

/// `None` when it can. As execve(2) would answer: no such file, or not executable.
pub(in crate::process) fn cannot_start(
    program: &OsStr,
    path: Option<&OsString>,
) -> Option<ErrorKind> {
    let file = if program.as_bytes().contains(&b'/') {
        Some(PathBuf::from(program)).filter(|p| p.exists())
    } else {
        let folders = path.map(std::env::split_paths).into_iter().flatten();
        let all: Vec<PathBuf> = folders.map(|dir| dir.join(program)).collect();
        let there = || all.iter().find(|p| p.is_file()).cloned();
        all.iter().find(|p| is_executable(p)).cloned().or_else(there)
    };
    let Some(file) = file else { return Some(ErrorKind::NotFound) };
    if !is_executable(&file) {
        return Some(ErrorKind::PermissionDenied);
    }
    let mut start = [0; 256];
    let read = std::fs::File::open(&file).and_then(|mut f| f.read(&mut start));
    // What cannot be read can still be executed.
    let Ok(n) = read else { return None };
    let start = &start[..n];
    match start.strip_prefix(b"#!") {
        Some(line) => {
            let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
            let words = line.split(|b| *b == b' ' || *b == b'\t');
            let interpreter = words.filter(|w| !w.is_empty()).map(OsStr::from_bytes).next()?;
            (!Path::new(interpreter).exists()).then_some(ErrorKind::NotFound)
        }
        // A text without #!: a shell would take it, the kernel does not.
        None if !start.starts_with(b"\x7fELF") && !start.contains(&0) => {
            Some(ErrorKind::PermissionDenied)
        }
        None => None,
    }
}
