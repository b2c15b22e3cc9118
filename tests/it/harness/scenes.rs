//! Scenes that together make one table of `docs/reliability.md`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Matrix;

/// The answer of a scene that cannot be played on this machine; it has printed why.
pub const SKIPPED: &str = "";

/// What is done, and a function that does it and says what came of it; it panics where that is not
/// what has to come of it.
pub type Scene = (&'static str, fn() -> &'static str);

/// Plays all of them, two at a time, and compares the table. `OTTO_SCENE=TEXT` plays only those
/// with that text in their name.
pub fn play(table: &'static str, columns: [&str; 2], scenes: &[Scene]) {
    let only = std::env::var("OTTO_SCENE").ok();
    let asked = |name: &str| only.as_ref().is_none_or(|text| name.contains(text.as_str()));
    let next = AtomicUsize::new(0);
    let ends: Mutex<Vec<Option<Result<&str, String>>>> = Mutex::new(vec![None; scenes.len()]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, act)) = scenes.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if !asked(name) {
                        continue;
                    }
                    let from = std::time::Instant::now();
                    let end = catch_unwind(AssertUnwindSafe(act)).map_err(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                            .unwrap_or_else(|| "it panicked".into())
                    });
                    println!("{:6.1} s  {name}", from.elapsed().as_secs_f64());
                    let at = scenes.iter().position(|s| s.0 == *name).expect("a scene");
                    ends.lock().expect("no panic inside")[at] = Some(end);
                }
            });
        }
    });
    let mut table = Matrix::new(table, &columns);
    let (mut failed, mut whole) = (String::new(), only.is_none());
    for ((name, _), end) in scenes.iter().zip(ends.into_inner().expect("no panic inside")) {
        match end {
            Some(Ok(SKIPPED)) => whole = false,
            Some(Ok(seen)) => table.row(&[name, seen]),
            Some(Err(why)) => failed.push_str(&format!("\n### {name}: {why}")),
            None => {}
        }
    }
    assert!(failed.is_empty(), "{failed}");
    // A machine on which a scene cannot be played has no word about it.
    if whole {
        table.check();
    }
}
