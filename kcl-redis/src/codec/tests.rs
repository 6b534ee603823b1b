//! Rows there and back.

use std::time::Duration;

use kcl_core::{
    env::WallTime,
    lease::{
        Checkpoint, Document, Epoch, Incarnation, Lease, PlanVersion, Session, SessionId,
        SessionState,
    },
    stream::{HashRange, Position},
};

use super::*;

fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(u128::MAX))
}

fn session() -> Session {
    let (timeout, interval) = (Duration::from_secs(6), Duration::from_millis(1_500));
    let mut session = Session::new(id("pod-7"), 3, timeout, interval);
    session.state = SessionState::Leaving;
    session.beat = u64::MAX / 2;
    session.report.seen = PlanVersion { term: Epoch(1_700_000_000_000), version: 9 };
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
    let key = "orders/1700000000000/shardId-000000000001".parse().unwrap();
    let at = Position::new(u128::MAX.into(), u64::MAX);
    let mut lease = Lease::new(key, Checkpoint::After(at));
    lease.owner = Some(id("pod-7"));
    lease.epoch = Epoch(u64::MAX / 2);
    lease.progress.arrival = Some(WallTime::from_millis(1));
    lease.progress.lag = Some(Duration::from_millis(2));
    lease.progress.rate = 3;
    lease.parents = vec!["a".parse().unwrap(), "b".parse().unwrap()];
    lease.children = vec!["c".parse().unwrap()];
    lease.range = Some(HashRange::ALL);
    lease.successor = Some(id("pod-8"));
    lease.avoid = Some("pod-7".parse().unwrap());
    lease
}

fn back<R: Row>(row: &R) -> R {
    decode(&R::name(row.key()), &encode(row)).unwrap()
}

#[test]
fn rows_read_back_as_they_were() {
    assert_eq!(back(&session()), session());
    assert_eq!(back(&lease()), lease());
    let bare = Lease::new("@planner".parse().unwrap(), Checkpoint::TrimHorizon);
    assert_eq!(back(&bare), bare);
    assert_eq!(back(&tacit()), tacit());
    for body in [&b""[..], b"{}", b"\n", b"two\nlines\n", b"\0\xff"] {
        let name = "placement".parse().unwrap();
        let document = Document::new(name, 2, Bytes::copy_from_slice(body));
        assert_eq!(back(&document), document);
    }
}

/// What is said of a row whose field `name` is changed, or removed.
fn complaint<R: Row>(row: &R, name: &'static str, value: Option<&str>) -> String {
    let mut fields = row.fields();
    fields.remove(name);
    fields.extend(value.map(|value| (name, value.to_owned())));
    let stored = serde_json::to_vec(&fields).unwrap();
    let read: Result<R, _> = decode(&R::name(row.key()), &stored);
    read.err().map(|bad| bad.to_string()).unwrap_or_default()
}

#[test]
fn bad_rows_name_their_field() {
    for name in ["b", "st", "mb", "n", "t", "h", "c", "pt", "pv", "ch", "cf", "w"] {
        assert_eq!(complaint(&session(), name, None), format!("field {name:?} is missing"));
        let said = complaint(&session(), name, Some("x"));
        assert!(said.starts_with(&format!("field {name:?} is ")), "{said}");
    }
    for name in ["e", "k", "ck", "r"] {
        let said = complaint(&lease(), name, None);
        assert!(said.contains(name) && said.contains("is missing"), "{said}");
    }
    for name in ["o", "k", "pa", "cd", "hr", "su", "av", "ca", "cl", "e", "r"] {
        let said = complaint(&lease(), name, Some("no such thing"));
        assert!(said.contains(&format!("{name:?} ")), "{name}: {said}");
    }
    let nonsense: Result<Lease, _> = decode("@planner", b"seven");
    assert!(nonsense.unwrap_err().to_string().contains("JSON object"));
}

#[test]
fn what_a_session_does_not_say_is_not_made_up() {
    // As an older release writes it.
    let mut fields = session().fields();
    fields.retain(|name, _| !["s", "z"].contains(name));
    let read = decode::<Session>(&session().id.key(), &serde_json::to_vec(&fields).unwrap());
    assert_eq!(read, Ok(tacit()));
    for name in ["s", "z"] {
        for value in ["", "in the east"] {
            let said = complaint(&session(), name, Some(value));
            assert!(said.starts_with(&format!("field {name:?} is bad")), "{said}");
        }
    }
}

#[test]
fn unknown_fields_do_no_harm() {
    assert_eq!(complaint(&session(), "of a later release", Some("x")), "");
}

#[test]
fn rows_are_small() {
    assert!(encode(&session()).len() < 250, "{}", encode(&session()).len());
    assert!(encode(&lease()).len() < 600, "{}", encode(&lease()).len());
}
