//! The rules of docs/ARCHITECTURE.md §10 that no other tool checks.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod circles;
mod imports;
mod plants;
mod programs;
mod tree;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of the project, with their text.
fn files(extensions: &[&str]) -> Vec<(String, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git lists no files");
    let names = String::from_utf8(listed.stdout).unwrap();
    let wanted = |name: &&str| {
        let extension = Path::new(name).extension().unwrap_or_default();
        extensions.iter().any(|wanted| extension == *wanted)
    };
    let read = |name: &str| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?));
    names.lines().filter(wanted).filter_map(read).collect()
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn files_are_short_and_lines_are_narrow() {
    let rust = files(&["rs"]);
    assert!(rust.len() > 100, "the files are not where they are looked for");
    let mut found = Vec::new();
    for (name, text) in &rust {
        let lines = text.lines().count();
        if lines > 500 {
            found.push(format!("{name}: {lines} lines (500 at most)"));
        }
        // A row of a table cannot be broken.
        let is_wide = |line: &str| line.chars().count() > 100 && !line.starts_with("//! |");
        let wide = text.lines().zip(1..).filter(|(line, _)| is_wide(line));
        found.extend(wide.map(|(_, number)| format!("{name}:{number}: more than 100 columns")));
    }
    assert_none(&found, "files and lines");
}

#[test]
fn every_module_says_what_it_is_for() {
    // Tests beside the code are about the module they stand beside.
    let is_beside = |name: &str| name.contains("/src/") && name.contains("tests");
    let silent = |(name, text): (String, String)| (!text.starts_with("//!")).then_some(name);
    let found = files(&["rs"]).into_iter().filter(|(name, _)| !is_beside(name));
    let found: Vec<String> = found.filter_map(silent).collect();
    assert_none(&found, "modules without a word about them");
}

#[test]
fn the_pure_folders_name_no_runtime_no_clock_and_no_unordered_map() {
    const PURE: [&str; 4] = ["lease", "assignment", "lineage", "coordinator"];
    const BANNED: [&str; 8] = [
        "tokio",
        "async fn",
        "Instant",
        "SystemTime",
        "HashMap",
        "HashSet",
        "rand::",
        "std::thread",
    ];
    let is_pure =
        |name: &str| PURE.iter().any(|folder| name.starts_with(&format!("kcl-core/src/{folder}/")));
    let mut found = Vec::new();
    let mut looked_at = 0;
    for (name, text) in files(&["rs"]).into_iter().filter(|(name, _)| is_pure(name)) {
        looked_at += 1;
        for (line, number) in text.lines().zip(1..) {
            let code = line.split("//").next().unwrap_or_default();
            let banned = BANNED.iter().filter(|banned| code.contains(**banned));
            found.extend(banned.map(|banned| format!("{name}:{number}: {banned}")));
        }
    }
    assert!(looked_at > 50, "the pure folders are not where they are looked for");
    assert_none(&found, "the pure folders");
}

#[test]
fn nothing_is_left_undone_and_no_test_is_ignored() {
    // Put together here, so that this file does not find itself.
    let banned = [["to", "do!("], ["unimple", "mented!("], ["#[ig", "nore"], ["FIX", "ME"]];
    let mut found = Vec::new();
    for (name, text) in files(&["rs", "toml", "md", "sh"]) {
        for word in banned.map(|parts| parts.concat()) {
            if text.contains(&word) {
                found.push(format!("{name}: {word}"));
            }
        }
    }
    assert_none(&found, "left undone");
}

#[test]
fn every_event_of_the_log_is_in_the_list_and_the_list_names_no_other() {
    let listed = fs::read_to_string(root().join("docs/EVENTS.md")).unwrap();
    let listed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
        .collect();
    assert!(listed.len() > 40, "the list is not where it is looked for");
    let sources = files(&["rs"]);
    let sources: Vec<&(String, String)> =
        sources.iter().filter(|(name, _)| !name.starts_with("tests/")).collect();
    let mut found = Vec::new();
    for (name, text) in &sources {
        let events = text.split("\"kcl.").skip(1).filter_map(|rest| rest.split('"').next());
        let events = events.map(|event| format!("kcl.{event}"));
        // A name of one part only is something else: a setting of a server's.
        let events = events.filter(|event| event.matches('.').count() > 1);
        let unlisted = events.filter(|event| !listed.contains(&event.as_str()));
        found.extend(unlisted.map(|event| format!("{name}: {event} is not in docs/EVENTS.md")));
    }
    for event in listed {
        let quoted = format!("\"{event}\"");
        if !sources.iter().any(|(_, text)| text.contains(&quoted)) {
            found.push(format!("docs/EVENTS.md: {event} does not exist"));
        }
    }
    assert_none(&found, "events");
}

#[test]
fn a_newcomer_finds_the_demo_and_the_tests_and_sees_them_build() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for command in ["demo", "test"] {
        let is_it =
            |line: &str| line.split('#').next().unwrap().trim() == format!("make {command}");
        assert!(readme.lines().any(is_it), "the README has no line `make {command}`");
        assert!(makefile.contains(&format!("\n{command}:")), "there is no `make {command}`");
    }
    let recipe = makefile.split("\ndemo:").nth(1).unwrap();
    let first = recipe.lines().skip(1).take_while(|line| line.starts_with('\t'));
    let first: Vec<&str> = first.take(2).collect();
    assert!(first[0].contains("echo"), "`make demo` says nothing before it builds: {first:?}");
    assert!(first[1].contains("build") && !first[1].contains("quiet"), "{first:?}");
}

#[test]
fn the_first_example_is_short() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let example = readme.split("```rust,no_run\n").nth(1).unwrap();
    let lines = example.split("```").next().unwrap().lines().count();
    assert!(lines <= 20, "the README's first example has {lines} lines");
}
