use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::{
    env::WallTime,
    lease::{
        Checkpoint, Document, Epoch, Incarnation, Lease, LeaseKey, Session, SessionId, SessionState,
    },
    stream::{HashRange, Position},
};

use super::*;
use crate::outside::stored;

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

/// The same session, of a worker that says neither what it reads nor where it runs.
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
    assert_eq!(Session::decode(&stored(&session())).unwrap(), session());
    assert_eq!(Lease::decode(&stored(&lease())).unwrap(), lease());
    let bare = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    assert_eq!(Lease::decode(&stored(&bare)).unwrap(), bare);
    assert_eq!(Session::decode(&stored(&tacit())).unwrap(), tacit());
    let document = Document::new("placement".parse().unwrap(), 2, "{}".into());
    assert_eq!(Document::decode(&stored(&document)).unwrap(), document);
}

/// What is said of a row whose attribute `name` is changed, or removed.
fn complaint<R: Row>(row: &R, name: &str, value: Option<AttributeValue>) -> String {
    let mut item = stored(row);
    item.remove(name);
    item.extend(value.map(|value| (name.to_owned(), value)));
    R::decode(&item).err().map(|bad| bad.to_string()).unwrap_or_default()
}

#[test]
fn bad_rows_name_their_attribute() {
    for name in ["b", "st", "mb", "n", "t", "h", "c", "pt", "pv", "ch", "cf", "w", "sk"] {
        let said = complaint(&session(), name, None);
        assert_eq!(said, format!("attribute {name:?} is missing"));
        let said = complaint(&session(), name, Some(AttributeValue::Bool(true)));
        assert!(said.contains(name) && said.contains("is no "), "{said}");
    }
    for name in ["e", "k", "ck", "r", "sk"] {
        let said = complaint(&lease(), name, None);
        assert!(said.contains(name) && said.contains("is missing"), "{said}");
    }
    for name in ["o", "k", "pa", "cd", "hr", "su", "av", "ca", "cl", "e", "r"] {
        let said = complaint(&lease(), name, Some(text("no such thing")));
        assert!(said.contains(&format!("{name:?} ")), "{name}: {said}");
    }
    let said = complaint(&lease(), "e", Some(AttributeValue::N("1.5".into())));
    assert_eq!(said, "attribute \"e\" is no whole number in range");
    let mixed = AttributeValue::L(vec![AttributeValue::Null(true)]);
    let said = complaint(&lease(), "pa", Some(mixed));
    assert_eq!(said, "attribute \"pa\" holds what is no string");
    let said = complaint(&session(), "st", Some(text("ASLEEP")));
    assert_eq!(said, "attribute \"st\" is no state: \"ASLEEP\"");
}

#[test]
fn what_a_session_does_not_say_is_not_made_up() {
    let mut item = stored(&session());
    // As an older release writes it.
    item.remove("s");
    item.remove("z");
    let read = Session::decode(&item).unwrap();
    assert_eq!(read, tacit());
    for name in ["s", "z"] {
        for value in ["", "in the east"] {
            let said = complaint(&session(), name, Some(text(value)));
            assert!(said.contains(&format!("{name:?} is bad")), "{said}");
        }
        let said = complaint(&session(), name, Some(number(7)));
        assert_eq!(said, format!("attribute {name:?} is no string"));
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
