//! Removes each arrow of the coordinator's parts, one at a time, and sees that a test of the same
//! part fails.
//!
//! `make arrows`, or `make arrows PART=handoff` for one part. An arrow is what a part does at an
//! event: it goes into another phase, asks for something, tells another part. In a copy of
//! `kcl-core` each such statement stands under a switch of its own (`cut.rs`); the copy is built
//! once, in the place of the crate, and its tests run once for each switch. What no test misses is
//! listed, unless `spared.rs` says why nothing could miss it.

#![allow(clippy::expect_used, reason = "what goes wrong here ends the search")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]
#![allow(clippy::disallowed_methods, reason = "tests that hang are ended by the real clock")]

mod cut;
mod run;
mod spared;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use cut::Cut;

/// The parts, by their folders.
const PARTS: [&str; 9] = [
    "handoff",
    "inbox",
    "leaving",
    "member",
    "planner",
    "reporting",
    "start",
    "succession",
    "watch",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the project")
}

fn main() -> ExitCode {
    let only = env::args().nth(1);
    let parts: Vec<&str> =
        PARTS.into_iter().filter(|part| only.as_deref().is_none_or(|only| only == *part)).collect();
    if parts.is_empty() {
        eprintln!("no part is named {}; there are {}", only.unwrap_or_default(), PARTS.join(", "));
        return ExitCode::FAILURE;
    }
    let copy = root().join("target/arrows/src");
    let cuts = copy_with_cuts(&copy);
    let wanted: Vec<&Cut> = cuts.iter().filter(|cut| parts.contains(&cut.part)).collect();
    eprintln!("{} arrows in {} parts; building them takes a minute", wanted.len(), parts.len());
    let program = run::build(&root(), &copy);
    let failing = run::failing(&program, &parts);
    if !failing.is_empty() {
        // Any arrow would seem to be missed.
        eprintln!("with every arrow there, a test fails of {}", failing.join(", "));
        return ExitCode::FAILURE;
    }
    let missed = run::without_each(&program, &wanted);
    let listed = spared::compare(&missed, &wanted);
    for line in &listed {
        println!("{line}");
    }
    println!("{} arrows, {} that no test of their part misses", wanted.len(), missed.len());
    if listed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Copies the sources of `kcl-core`, with a switch around each arrow, and lists them.
fn copy_with_cuts(copy: &Path) -> Vec<Cut> {
    let from = root().join("kcl-core/src");
    let mut cuts = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(copy.join(&folder)).expect("a folder for the copy");
        let mut entries: Vec<_> =
            fs::read_dir(from.join(&folder)).expect("the sources").flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(name);
                continue;
            }
            let mut text = fs::read_to_string(entry.path()).expect("a source");
            if let Some(part) = part_of(&name) {
                text = cut::cut(&text, &name, part, &mut cuts);
            } else if name == Path::new("lib.rs") {
                text.push_str(cut::SWITCH);
            }
            write_if_changed(&copy.join(&name), &text);
        }
    }
    cuts
}

/// The part of the coordinator that a file belongs to, unless it is one of its tests.
fn part_of(file: &Path) -> Option<&'static str> {
    let inside = file.strip_prefix("coordinator").ok()?;
    let is_test = inside.iter().any(|name| name == "tests" || name == "tests.rs");
    let part = PARTS.into_iter().find(|part| inside.starts_with(part))?;
    (!is_test).then_some(part)
}

/// A file that stays as it was is not compiled again.
fn write_if_changed(file: &Path, text: &str) {
    if fs::read_to_string(file).ok().as_deref() != Some(text) {
        fs::write(file, text).expect("the copy is written");
    }
}
