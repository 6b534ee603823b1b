//! No file imports, directly or round about, a file that imports it.
//!
//! So a file can be read, and changed, with what is below it alone. An import is a `use` path, or a
//! path in the code; `mod` is none. A name that a file hands on (`pub use`) counts as the file's
//! that defines it, so that a folder's `mod.rs` may list what is in it; but it is an import of the
//! file that hands it on if that uses it, too. Tests import what they like.

use std::collections::BTreeMap;

use super::{
    assert_none, files,
    tree::{Circle, Tree},
};

#[test]
fn no_file_imports_one_that_imports_it() {
    let mut crates: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, text) in files(&["rs"]) {
        if let Some((folder, _)) = name.split_once("/src/") {
            crates.entry(format!("{folder}/src")).or_default().push((name, text));
        }
    }
    assert!(crates.len() > 7, "the crates are not where they are looked for");
    let trees = crates.iter().map(|(source, files)| Tree::new(source, files).unwrap());
    let circles: Vec<String> =
        trees.flat_map(|tree| tree.circles()).map(|circle| circle.to_string()).collect();
    assert_none(&circles, "files that import each other");
}

/// The circles of a crate of these files.
fn circles(files: &[(&str, &str)]) -> Vec<Circle> {
    let owned = |(name, text): &(&str, &str)| (format!("it/src/{name}"), (*text).to_owned());
    Tree::new("it/src", &files.iter().map(owned).collect::<Vec<_>>()).unwrap().circles()
}

#[track_caller]
fn assert_circle(files: &[(&str, &str)], expected: &[&str]) {
    let found = circles(files);
    let expected: Vec<String> = expected.iter().map(|file| format!("it/src/{file}")).collect();
    assert_eq!(found.len(), 1, "not one circle: {found:#?}");
    assert_eq!(found[0].files, expected, "{}", found[0]);
}

#[track_caller]
fn assert_no_circle(files: &[(&str, &str)]) {
    assert_eq!(circles(files), [], "there is none");
}

const ROOT: (&str, &str) = ("lib.rs", "mod a; mod b; mod c;");

#[test]
fn a_circle_is_told_with_its_files_and_what_they_import() {
    let files = [
        ROOT,
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use std::fmt; use super::a::{self, A}; pub struct B;"),
        ("c.rs", "use crate::{a::A, b::B};"),
    ];
    assert_circle(&files, &["a.rs", "b.rs"]);
    assert_eq!(
        circles(&files)[0].to_string(),
        "a circle of 2 files\n    \
             it/src/a.rs imports it/src/b.rs (crate::b::B)\n    \
             it/src/b.rs imports it/src/a.rs (super::a)"
    );
}

#[test]
fn a_circle_is_found_round_about() {
    let files = [
        ROOT,
        ("a.rs", "use crate::b::B as Other;"),
        ("b.rs", "pub struct B; mod inside { use super::super::c::*; }"),
        ("c.rs", "fn c() { use crate::a; }"),
    ];
    assert_circle(&files, &["a.rs", "b.rs", "c.rs"]);
}

#[test]
fn a_circle_is_found_through_what_a_folder_hands_on() {
    let files = [
        ("lib.rs", "mod room; pub use room::One;"),
        ("room/mod.rs", "mod one; mod two; pub(crate) use self::{one::One, two::Two as Other};"),
        ("room/one.rs", "use super::Other; pub struct One;"),
        ("room/two.rs", "use crate::One; pub struct Two;"),
    ];
    assert_circle(&files, &["room/one.rs", "room/two.rs"]);
    let used = [
        ("lib.rs", "mod room;"),
        ("room.rs", "mod one; pub use one::One; pub struct Part; fn new() -> One { One }"),
        ("room/one.rs", "use super::Part; pub struct One;"),
    ];
    assert_circle(&used, &["room.rs", "room/one.rs"]);
}

#[test]
fn a_path_in_the_code_is_an_import_wherever_it_stands() {
    let paths = [
        "fn a() -> crate::b::B { todo() }",
        "fn a() { let all: Vec<super::b::B> = Vec::new(); }",
        "fn a() { assert!(true, \"{}\", crate::b::B); }",
        "#[arg(value_parser = crate::b::parse)] struct A;",
        "impl A { fn a(&self) { self.b.c(crate::b::B) } }",
    ];
    for text in paths {
        let b = ("b.rs", "use crate::a::A; pub struct B;");
        assert_circle(&[ROOT, ("a.rs", text), b], &["a.rs", "b.rs"]);
    }
    let below = [
        ("lib.rs", "mod room;"),
        ("room.rs", "mod one; pub struct Part; fn new() { one::make(); }"),
        ("room/one.rs", "use super::Part;"),
    ];
    assert_circle(&below, &["room.rs", "room/one.rs"]);
}

#[test]
fn what_is_no_import_makes_no_circle() {
    let folder = [
        ("lib.rs", "mod room; pub use room::{One, Two}; pub fn main() { room::run() }"),
        ("main.rs", "fn main() { it::main() }"),
        ("room/mod.rs", "mod one; mod two; pub use one::One; pub use two::Two; pub fn run() {}"),
        (
            "room/one.rs",
            "pub struct One; pub(in crate::room) struct Inner; make! { pub(super) struct Made; }",
        ),
        ("room/two.rs", "//! Of [`crate::room`].\nuse super::One; use one::other; pub struct Two;"),
    ];
    assert_no_circle(&folder);
    let tests = [
        ROOT,
        ("a.rs", "#[cfg(test)] mod tests; #[cfg(test)] use crate::b::B; pub struct A;"),
        ("a/tests.rs", "mod more; use super::*; use crate::b::B;"),
        ("a/tests/more.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A; #[cfg(all(test, unix))] mod tests { use crate::c::C; }"),
        ("c.rs", "use crate::b::B; impl C { #[cfg(test)] fn c() { crate::a::tests::run() } }"),
    ];
    assert_no_circle(&tests);
}
