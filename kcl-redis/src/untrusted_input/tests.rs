use proptest::prelude::*;

use super::*;

const EXAMPLES: [&str; 3] = [
    include_str!("examples/values/lease"),
    include_str!("examples/values/session"),
    include_str!("examples/values/document"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn values_from_outside_are_read_or_refused(
        whole in prop::sample::select(&EXAMPLES[..]),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        piece in prop_oneof!["[-+0-9]{0,40}", "[\\[\\]{}\",:0-9a-z]{0,4}", any::<String>()],
    ) {
        // A piece is cut out, doubled or replaced.
        let whole = whole.as_bytes();
        let (from, to) = (from.index(whole.len()), to.index(whole.len()));
        rows(&[&whole[..from], piece.as_bytes(), &whole[to..]].concat());
    }
}

#[test]
fn the_examples_are_what_they_are_called() {
    let [lease, session, document] = EXAMPLES.map(|example| example.split_once('\n').unwrap());
    assert!(codec::decode::<Lease>(lease.0, lease.1.as_bytes()).unwrap().owner.is_some());
    assert!(codec::decode::<Session>(session.0, session.1.as_bytes()).unwrap().beat > 0);
    let document = codec::decode::<Document>(document.0, document.1.as_bytes()).unwrap();
    assert!(!document.body.is_empty());
}
