//! Builds the copy in the place of the crate, and runs its tests once for each arrow.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::cut::Cut;

/// A part's tests take well under a second; without an arrow one of them may wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program of tests, built from the copy.
pub(crate) fn build(root: &Path, copy: &Path) -> PathBuf {
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--package", "kcl-core", "--lib", "--no-run"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .env("RUSTC_WORKSPACE_WRAPPER", root.join("scripts/arrows-rustc.sh"))
        .env("KCL_ARROWS", copy)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo is started");
    assert!(built.status.success(), "the copy does not compile");
    let told = String::from_utf8(built.stdout).expect("JSON");
    let program = told.lines().rev().find_map(|line| {
        let line = line.contains("/lib.rs").then_some(line)?;
        let path = line.split("\"executable\":\"").nth(1)?.split('"').next()?;
        Some(PathBuf::from(path))
    });
    program.expect("the program of tests")
}

/// The parts of which a test fails with every arrow there.
pub(crate) fn failing<'a>(program: &Path, parts: &[&'a str]) -> Vec<&'a str> {
    parts.iter().copied().filter(|part| !passes(program, part, None)).collect()
}

/// The arrows that can be removed without a test of their part failing.
pub(crate) fn without_each<'a>(program: &Path, cuts: &[&'a Cut]) -> Vec<&'a Cut> {
    let next = AtomicUsize::new(0);
    let side_by_side = thread::available_parallelism().map_or(1, usize::from);
    let mut missed: Vec<&Cut> = thread::scope(|scope| {
        let search = || {
            let mut missed = Vec::new();
            while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
                if passes(program, cut.part, Some(cut.number)) {
                    missed.push(*cut);
                }
            }
            missed
        };
        let searches: Vec<_> = (0..side_by_side).map(|_| scope.spawn(search)).collect();
        searches.into_iter().flat_map(|search| search.join().expect("a search")).collect()
    });
    missed.sort_by_key(|cut| cut.number);
    missed
}

/// Whether all tests of the part pass, without this arrow.
fn passes(program: &Path, part: &str, without: Option<u32>) -> bool {
    let mut tests = Command::new(program)
        .arg(format!("coordinator::{part}::"))
        .args(["--test-threads", "1"])
        .env("KCL_CUT_ARROW", without.map_or_else(String::new, |number| number.to_string()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tests are started");
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = tests.try_wait().expect("the tests end") {
            return status.success();
        }
        if Instant::now() > until {
            tests.kill().expect("the tests are ended");
            tests.wait().expect("the tests have ended");
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
