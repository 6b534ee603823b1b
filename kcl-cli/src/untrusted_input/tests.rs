//! Tests with arbitrary text, and with good examples that are damaged in one place: no input may
//! make a parser panic.

use proptest::prelude::*;

use super::*;

const SETTINGS: &str = include_str!("examples/settings/everything.yaml");
const EXPORT: &str = include_str!("examples/exports/two-leases.json");

/// A place in a text.
fn at() -> impl Strategy<Value = prop::sample::Index> {
    any::<prop::sample::Index>()
}

/// A text with a piece cut out, doubled or replaced.
fn bent(whole: &str, from: prop::sample::Index, to: prop::sample::Index, piece: &str) -> String {
    let [from, to] = [from, to].map(|at| whole.floor_char_boundary(at.index(whole.len())));
    [&whole[..from], piece, &whole[to..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_file_makes_it_panic(text: String) {
        settings(&text);
        export(&text);
    }

    #[test]
    fn settings_that_are_nearly_right_are_read_or_refused(
        from in at(),
        to in at(),
        piece in prop_oneof!["[-+]?[0-9]{0,20}(ms|s|m)?", "[-:{},&*!|>%@# \n]{0,4}", "[a-z_]{1,8}"],
    ) {
        settings(&bent(SETTINGS, from, to, &piece));
    }

    #[test]
    fn exports_that_are_nearly_right_are_read_or_refused(
        from in at(),
        to in at(),
        piece in prop_oneof!["[-+]?[0-9]{0,40}", "[\\[\\]{}\",:0-9a-z]{0,4}", any::<String>()],
    ) {
        export(&bent(EXPORT, from, to, &piece));
    }
}

#[test]
fn the_examples_are_read() {
    let read = config::read_file(SETTINGS).unwrap();
    assert_ne!(read.worker_settings().unwrap(), kcl_core::settings::Settings::default());
    assert_eq!(snapshot::read_back(EXPORT), 2);
}
