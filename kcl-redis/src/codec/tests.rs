//! Encoding and decoding rows.

use std::{fmt::Debug, time::Duration};

use bytes::Bytes;
use kcl_core::{
    conformance::rows,
    env::WallTime,
    lease::{
        Advance, Beat, Checkpoint, DocName, Document, Epoch, Incarnation, Lease, PlanVersion,
        Session, SessionId, SessionState,
    },
    stream::{HashRange, Position},
};
use proptest::prelude::*;

use super::*;
use crate::rules;

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

/// The same session, without the optional fields for its streams and its place.
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
    decode(&R::key_text(row.key()), &encode(row)).unwrap()
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

/// The stored fields of a row.
fn fields<R: Row>(row: &R) -> BTreeMap<String, String> {
    serde_json::from_slice(&encode(row)).unwrap()
}

/// The error of reading a row whose field `name` is changed or removed; "" if it can be read.
fn complaint<R: Row>(row: &R, name: &'static str, value: Option<&str>) -> String {
    let mut fields = fields(row);
    fields.remove(name);
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    let stored = serde_json::to_vec(&fields).unwrap();
    let read: Result<R, _> = decode(&R::key_text(row.key()), &stored);
    read.err().map(|bad| bad.to_string()).unwrap_or_default()
}

/// The error message about the session of these tests.
fn session_whose(why: &str) -> String {
    format!("the session {:?}: {why}", session().id.key())
}

#[test]
fn bad_rows_name_their_field() {
    for name in ["b", "st", "mb", "n", "t", "h", "c", "pt", "pv", "ch", "cf", "w"] {
        let said = complaint(&session(), name, None);
        assert_eq!(said, session_whose(&format!("field {name:?} is missing")));
        let said = complaint(&session(), name, Some("x"));
        assert!(said.starts_with(&session_whose(&format!("field {name:?} is "))), "{said}");
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
    // As an older release wrote it.
    let mut fields = fields(&session());
    fields.retain(|name, _| !["s", "z"].contains(&name.as_str()));
    let read = decode::<Session>(&session().id.key(), &serde_json::to_vec(&fields).unwrap());
    assert_eq!(read, Ok(tacit()));
    for name in ["s", "z"] {
        for value in ["", "in the east"] {
            let said = complaint(&session(), name, Some(value));
            let bad = session_whose(&format!("field {name:?} is bad"));
            assert!(said.starts_with(&bad), "{said}");
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

/// A row as a release has written it: its name, a line feed, its value. Servers contain such rows,
/// so they have to stay readable.
macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("golden/", $name)).strip_suffix('\n').unwrap()
    };
}

fn is_kept_as<R: Row + PartialEq + Debug>(row: &R, stored: &str) {
    let (name, value) = stored.split_once('\n').unwrap();
    assert_eq!(R::key_text(row.key()), name);
    assert_eq!(String::from_utf8(encode(row)).unwrap(), value);
    assert_eq!(decode::<R>(name, value.as_bytes()).unwrap(), *row);
}

#[test]
fn rows_are_written_and_read_as_ever() {
    is_kept_as(&rows::full_session().unwrap(), golden!("full_session"));
    is_kept_as(&rows::bare_session().unwrap(), golden!("bare_session"));
    is_kept_as(&rows::full_lease().unwrap(), golden!("full_lease"));
    is_kept_as(&rows::bare_lease().unwrap(), golden!("bare_lease"));
    let document = |body: &'static str| Document::new(DocName::placement(), 2, body.into());
    is_kept_as(&document(r#"{"rules":[]}"#), golden!("document"));
    is_kept_as(&document(""), golden!("empty_document"));
}

proptest! {
    #[test]
    fn any_row_reads_back(seed: u64) {
        let (session, lease) = (rows::any_session(seed).unwrap(), rows::any_lease(seed).unwrap());
        prop_assert_eq!(back(&session), session);
        prop_assert_eq!(back(&lease), lease);
        let document = rows::any_document(seed).unwrap();
        prop_assert_eq!(back(&document), document);
    }
}

#[test]
fn a_beat_writes_the_fields_it_ever_wrote() {
    let session = rows::full_session().unwrap();
    let beat = Beat::new(session.id, 41, session.report).leaving(true);
    let wanted = r#"{"when":[["st","among",["LIVE","LEAVING"]],["b","below",["41"]]],"#.to_owned()
        + r#""set":{"b":"41","cf":"32","ch":"21","pt":"1700000000001","pv":"9","#
        + r#""st":"LEAVING","w":"103"}}"#;
    assert_eq!(rules::beat(&beat).to_json(), wanted);
}

#[test]
fn a_checkpoint_writes_the_fields_it_ever_wrote() {
    let lease = rows::full_lease().unwrap();
    let owner = lease.owner.unwrap();
    let key = lease.checkpoint.key();
    let held = format!(
        r#"["o","among",["{}"]],["e","among",["1700000000123"]],["k","upto",["{key}"]]"#,
        owner.key()
    );
    let advance = Advance::new(lease.key, owner, lease.epoch, lease.checkpoint);
    let known = advance.clone().with_progress(lease.progress);
    let set =
        format!(r#"{{"ca":"1700000000009","ck":"AFTER","cl":"2250","k":"{key}","r":"9000"}}"#);
    let wanted = format!(r#"{{"when":[{held}],"set":{set}}}"#);
    assert_eq!(rules::advance(&known).to_json(), wanted);
    // Progress that is no longer known is removed.
    let set = format!(r#"{{"ck":"AFTER","k":"{key}","r":"0"}}"#);
    let wanted = format!(r#"{{"when":[{held}],"set":{set},"unset":["ca","cl"]}}"#);
    assert_eq!(rules::advance(&advance).to_json(), wanted);
}
