//! The gate names each program of tests that it runs, so that each is built once, in the build that
//! it is for: a program that it does not name would be skipped silently.

use std::{fs, path::Path};

use super::{assert_none, files, root};

/// The programs of tests of a crate, as cargo finds them.
fn programs(manifest: &str, names: &[String]) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let listed = text.split("[[test]]\n").skip(1);
    let listed = listed.map(|section| section.split('"').nth(1).unwrap().to_owned());
    if text.contains("autotests = false") {
        return listed.collect();
    }
    let below = Path::new(manifest).with_file_name("tests");
    let found = names.iter().filter_map(|name| {
        let file = Path::new(name).strip_prefix(&below).ok()?;
        let folder = file.parent()?.to_str()?;
        let stem = file.file_stem()?.to_str()?;
        let is_main = stem == "main" && !folder.is_empty() && !folder.contains('/');
        match folder {
            "" => Some(stem.to_owned()),
            _ => is_main.then(|| folder.to_owned()),
        }
    });
    listed.chain(found).collect()
}

#[test]
fn every_program_of_tests_is_run_by_the_gate() {
    let names: Vec<String> = files(&["rs"]).into_iter().map(|(name, _)| name).collect();
    let manifests = files(&["toml"]).into_iter().map(|(name, _)| name);
    let manifests = manifests.filter(|name| name.ends_with("/Cargo.toml"));
    let gate = ["scripts/gate.sh", "Makefile"].map(|name| fs::read_to_string(root().join(name)));
    let gate = gate.map(Result::unwrap).concat();
    let mut seen = 0;
    let mut found = Vec::new();
    for manifest in manifests {
        for program in programs(&manifest, &names) {
            seen += 1;
            if !gate.split_whitespace().any(|word| word == program) {
                found.push(format!("{manifest}: {program}"));
            }
        }
    }
    assert!(seen > 4, "the programs of tests are not where they are looked for");
    assert_none(&found, "programs of tests that the gate does not run");
}
