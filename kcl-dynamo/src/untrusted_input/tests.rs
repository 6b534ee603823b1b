use proptest::prelude::*;

use super::*;

const EXAMPLES: [&str; 3] = [
    include_str!("examples/items/lease"),
    include_str!("examples/items/session"),
    include_str!("examples/items/document"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn items_from_outside_are_read_or_refused(
        lines in prop::sample::select(&EXAMPLES[..]),
        at in any::<prop::sample::Index>(),
        kind in "[SNBLx]",
        value in prop_oneof!["[-+]?[0-9]{0,40}", "[a-zA-Z0-9:,/@-]{0,20}", any::<String>()],
    ) {
        // One attribute gets another value.
        let at = at.index(lines.lines().count());
        let bent = lines.lines().zip(0..).map(|(line, n)| {
            let name = line.split(' ').next().unwrap_or_default();
            if n == at { format!("{name} {kind} {value}") } else { line.to_owned() }
        });
        rows(&bent.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn the_examples_are_what_they_are_called() {
    let [lease, session, document] = EXAMPLES.map(item);
    assert!(decode::<Lease>(&lease).unwrap().owner.is_some());
    assert!(decode::<Session>(&session).unwrap().beat > 0);
    assert!(!decode::<Document>(&document).unwrap().body.is_empty());
}
