use std::{fmt::Debug, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::{
    conformance::rows,
    env::WallTime,
    lease::{
        Advance, Beat, Checkpoint, DocName, Document, Epoch, Incarnation, Lease, LeaseKey, Release,
        Session, SessionId, SessionState,
    },
    stream::{HashRange, Position},
};
use proptest::prelude::*;

use super::*;
use crate::{change::Change, rules, untrusted_input::stored};

fn owner() -> SessionId {
    SessionId::new("pod-1".parse().unwrap(), Incarnation::from_bits(7))
}

fn session() -> Session {
    let mut session =
        Session::new(owner(), 3, Duration::from_secs(6), Duration::from_millis(1_500));
    session.state = SessionState::Leaving;
    session.report.watched = 9;
    let stream = "123456789012:eu-west-1:orders".parse().unwrap();
    session.reading(stream).in_zone(Some("eu-west-1a".parse().unwrap()))
}

/// The same session, without the optional fields for its streams and its place.
fn tacit() -> Session {
    let mut session = session();
    (session.stream, session.zone) = (None, None);
    session
}

fn lease() -> Lease {
    let at = Checkpoint::After(Position::new(49_590_u128.into(), 2));
    let mut lease = Lease::new(LeaseKey::planner(), at);
    lease.owner = Some(owner());
    lease.epoch = Epoch(1_700_000_000_000);
    lease.progress.arrival = Some(WallTime::from_millis(5));
    lease.progress.lag = Some(Duration::from_millis(250));
    lease.parents = vec!["shardId-000000000000".parse().unwrap()];
    lease.range = Some(HashRange::ALL);
    lease.avoid = Some(owner().worker);
    lease
}

#[test]
fn rows_read_back() {
    assert_eq!(decode::<Session>(&stored(&session())).unwrap(), session());
    assert_eq!(decode::<Lease>(&stored(&lease())).unwrap(), lease());
    let bare = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    assert_eq!(decode::<Lease>(&stored(&bare)).unwrap(), bare);
    assert_eq!(decode::<Session>(&stored(&tacit())).unwrap(), tacit());
    let document = Document::new("placement".parse().unwrap(), 2, "{}".into());
    assert_eq!(decode::<Document>(&stored(&document)).unwrap(), document);
}

/// The error of reading a row whose attribute `name` is changed or removed; "" if it can be read.
fn complaint<R: Row>(row: &R, name: &str, value: Option<AttributeValue>) -> String {
    let mut item = stored(row);
    item.remove(name);
    item.extend(value.map(|value| (name.to_owned(), value)));
    decode::<R>(&item).err().map(|bad| bad.to_string()).unwrap_or_default()
}

/// The error message about the session of these tests.
fn session_whose(why: &str) -> String {
    format!("the session {:?}: {why}", owner().key())
}

#[test]
fn bad_rows_name_their_attribute() {
    for name in ["b", "st", "mb", "n", "t", "h", "c", "pt", "pv", "ch", "cf", "w"] {
        let said = complaint(&session(), name, None);
        assert_eq!(said, session_whose(&format!("field {name:?} is missing")));
        let said = complaint(&session(), name, Some(AttributeValue::Bool(true)));
        assert!(said.contains(name) && said.contains("is no "), "{said}");
    }
    let said = complaint(&session(), "sk", None);
    assert_eq!(said, "the session \"\": its sort key \"sk\" is no string");
    for name in ["e", "k", "ck", "r"] {
        let said = complaint(&lease(), name, None);
        assert!(said.contains(name) && said.contains("is missing"), "{said}");
    }
    for name in ["o", "k", "pa", "cd", "hr", "su", "av", "ca", "cl", "e", "r"] {
        let said = complaint(&lease(), name, Some(text("no such thing")));
        assert!(said.contains(&format!("{name:?} ")), "{name}: {said}");
    }
    let said = complaint(&lease(), "e", Some(AttributeValue::N("1.5".into())));
    assert!(said.ends_with("field \"e\" is no whole number in range: \"1.5\""), "{said}");
    let mixed = AttributeValue::L(vec![AttributeValue::Null(true)]);
    let said = complaint(&lease(), "pa", Some(mixed));
    assert!(said.ends_with("field \"pa\" holds what is no string (S)"), "{said}");
    let said = complaint(&session(), "st", Some(text("ASLEEP")));
    assert_eq!(said, session_whose("field \"st\" is no state of a session: \"ASLEEP\""));
}

#[test]
fn what_a_session_does_not_say_is_not_made_up() {
    let mut item = stored(&session());
    // As an older release wrote it.
    item.remove("s");
    item.remove("z");
    let read = decode::<Session>(&item).unwrap();
    assert_eq!(read, tacit());
    for name in ["s", "z"] {
        for value in ["", "in the east"] {
            let said = complaint(&session(), name, Some(text(value)));
            assert!(said.contains(&format!("{name:?} is bad")), "{said}");
        }
        let said = complaint(&session(), name, Some(number(7)));
        assert_eq!(said, session_whose(&format!("field {name:?} is no string (S)")));
    }
}

#[test]
fn unknown_attributes_do_no_harm() {
    assert_eq!(complaint(&session(), "of a later release", Some(text("x"))), "");
}

#[test]
fn items_are_small() {
    let size = |item: &Item| -> usize {
        let bytes = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 1,
            _ => 40,
        };
        item.iter().map(|(name, value)| name.len() + bytes(value)).sum()
    };
    assert!(size(&stored(&session())) < 250, "{}", size(&stored(&session())));
    assert!(size(&stored(&lease())) < 500, "{}", size(&stored(&lease())));
}

/// An item as a release has written it. Tables contain such items, so they have to stay readable.
macro_rules! golden {
    ($name:literal) => {
        crate::untrusted_input::item(include_str!(concat!("golden/", $name)))
    };
}

fn is_kept_as<R: Row + PartialEq + Debug>(row: &R, item: &Item) {
    assert_eq!(stored(row), *item);
    assert_eq!(decode::<R>(item).unwrap(), *row);
}

#[test]
fn rows_are_written_and_read_as_ever() {
    is_kept_as(&rows::full_session().unwrap(), &golden!("full_session"));
    is_kept_as(&rows::bare_session().unwrap(), &golden!("bare_session"));
    is_kept_as(&rows::full_lease().unwrap(), &golden!("full_lease"));
    is_kept_as(&rows::bare_lease().unwrap(), &golden!("bare_lease"));
    let document = |body: &'static str| Document::new(DocName::placement(), 2, body.into());
    is_kept_as(&document(r#"{"rules":[]}"#), &golden!("document"));
    is_kept_as(&document(""), &golden!("empty_document"));
}

proptest! {
    #[test]
    fn any_row_reads_back(seed: u64) {
        let (session, lease) = (rows::any_session(seed).unwrap(), rows::any_lease(seed).unwrap());
        prop_assert_eq!(decode::<Session>(&stored(&session)), Ok(session));
        prop_assert_eq!(decode::<Lease>(&stored(&lease)), Ok(lease));
        let document = rows::any_document(seed).unwrap();
        prop_assert_eq!(decode::<Document>(&stored(&document)), Ok(document));
    }
}

/// The clauses of an update, sorted, since their order does not matter.
fn clauses(change: &Change) -> Vec<String> {
    let update = change.update();
    let (sets, removes) = update.split_once(" REMOVE ").unwrap_or((&update, ""));
    let sets = sets.strip_prefix("SET ").unwrap().split(',').map(|set| format!("SET {set}"));
    let removes = removes.split(',').filter(|name| !name.is_empty());
    let mut all: Vec<_> = sets.chain(removes.map(|name| format!("REMOVE {name}"))).collect();
    all.sort();
    all
}

/// The value of a placeholder.
fn value<'a>(change: &'a Change, placeholder: &str) -> &'a AttributeValue {
    &change.values.iter().find(|(name, _)| name == placeholder).unwrap().1
}

#[test]
fn a_beat_writes_the_attributes_it_ever_wrote() {
    let session = rows::full_session().unwrap();
    let beat = Beat::new(session.id, 41, session.report).leaving(true);
    let change = rules::beat(&beat);
    let set = |name: &str| format!("SET {name}=:{name}");
    assert_eq!(clauses(&change), ["b", "cf", "ch", "pt", "pv", "st", "w"].map(set));
    let written = [
        ("b", "41"),
        ("cf", "32"),
        ("ch", "21"),
        ("pt", "1700000000001"),
        ("pv", "9"),
        ("w", "103"),
    ];
    for (name, digits) in written {
        assert_eq!(*value(&change, &format!(":{name}")), number(digits), "{name}");
    }
    assert_eq!(*value(&change, ":st"), text("LEAVING"));
}

#[test]
fn a_checkpoint_writes_the_attributes_it_ever_wrote() {
    let lease = rows::full_lease().unwrap();
    let owner = lease.owner.unwrap();
    let advance = Advance::new(lease.key.clone(), owner.clone(), lease.epoch, lease.checkpoint);
    let set = |name: &str| format!("SET {name}=:{name}");

    let change = rules::advance(&advance.clone().with_progress(lease.progress));
    assert_eq!(clauses(&change), ["ca", "ck", "cl", "k", "r"].map(set));
    let item = golden!("full_lease");
    for name in ["ca", "ck", "cl", "k", "r"] {
        assert_eq!(value(&change, &format!(":{name}")), &item[name], "{name}");
    }
    // Progress that is no longer known is removed.
    let change = rules::advance(&advance);
    assert_eq!(clauses(&change), ["REMOVE ca", "REMOVE cl", "SET ck=:ck", "SET k=:k", "SET r=:r"]);
    let release = Release::new(lease.key, owner, lease.epoch);
    let change = rules::release(&release.at(advance.checkpoint, lease.progress));
    let written = ["ca", "ck", "cl", "k", "r"].map(set);
    assert_eq!(
        clauses(&change),
        [&["REMOVE av", "REMOVE o", "REMOVE su"].map(str::to_owned)[..], &written].concat()
    );
}
