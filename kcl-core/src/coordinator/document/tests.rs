use super::*;
use crate::lease::Incarnation;

pub(super) fn session(number: u32) -> SessionId {
    let worker = format!("w{number}").parse().unwrap();
    SessionId::new(worker, Incarnation::from_bits(u128::from(number) + 1))
}

pub(super) fn document() -> Assignment {
    Assignment {
        version: PlanVersion { term: Epoch(7), version: 3 },
        session: session(3),
        planner: session(0),
        standby: Some(session(1)),
        second: Some(session(2)),
        rank: 3,
        takes_children: true,
        starts: Vec::new(),
        holds: Vec::new(),
        gives: Vec::new(),
        give_within: None,
    }
}

#[test]
fn what_no_document_can_say_is_left_out_but_nothing_that_is_held() {
    let key = |number: usize| -> LeaseKey {
        // No two shards have anything in common at the end of their names.
        let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("orders/5/{}", format!("{number:x}-").repeat(6)).parse().unwrap()
    };
    let free = Some(Origin { owner: None, epoch: Epoch(0), how: Transfer::Unowned });
    let hold = |number: usize| Hold {
        key: key(number),
        from: free.clone().filter(|_| !number.is_multiple_of(10)),
        children: Taking::None,
    };
    let mut whole = Assignment { holds: (0..9_000).map(hold).collect(), ..document() };
    assert!(whole.encode().len() > Document::MAX_BODY);
    let left_out = whole.cut_to_fit();
    assert!(left_out > 4_000 && whole.holds.len() + left_out == 9_000, "{left_out}");
    assert_eq!(whole.holds.iter().filter(|hold| hold.from.is_none()).count(), 900);
    let size = whole.encode().len();
    assert!(size <= Document::MAX_BODY && size > Document::MAX_BODY / 2, "{size}");
    assert_eq!(whole.clone().cut_to_fit(), 0);
    let mut held = Assignment {
        holds: (0..9_000).map(|at| Hold { from: None, ..hold(at) }).collect(),
        ..document()
    };
    assert_eq!(held.cut_to_fit(), 0, "what is held stays");
    let give = |number: usize| Revoke { key: key(number), epoch: Epoch(1), to: None };
    let mut giving = Assignment { gives: (0..9_000).map(give).collect(), ..document() };
    assert_eq!(giving.cut_to_fit(), 0, "its owner reads on what it is not told to give");
    assert!(giving.gives.len() > 3_000 && giving.encode().len() <= Document::MAX_BODY);
}

#[test]
fn a_frozen_start_without_a_place_is_none_and_not_the_oldest_record() {
    let horizon = FrozenStart { at: None, by: None };
    assert_eq!(FrozenStart::decode(&horizon.encode()), Some(horizon));
    assert_eq!(FrozenStart::decode(br#"{"at":null,"more":1}"#), Some(horizon));
    for unreadable in ["", "{}", r#"{"At":7}"#, r#"{"at":"noon"}"#, "null"] {
        assert_eq!(FrozenStart::decode(unreadable.as_bytes()), None, "{unreadable}");
    }
}

#[test]
fn the_version_of_an_assignment_is_read_although_nothing_else_makes_sense() {
    let newer = br#"{"p":{"t":9,"v":4},"h":{"by":"shard"}}"#;
    assert_eq!(Assignment::decode(newer), None);
    let version = PlanVersion { term: Epoch(9), version: 4 };
    assert_eq!(Assignment::version_in(newer), Some(version));
    assert_eq!(Assignment::version_in(b"{}"), None);
}

#[test]
fn one_start_is_written_as_older_builds_read_it_and_several_as_a_list() {
    let start = |stream: &str| StreamStart {
        of: StreamKey::new(stream, WallTime::from_millis(5)),
        at: None,
        by: None,
        change: 0,
    };
    let text = |starts| {
        let text = Assignment { starts, ..document() }.encode();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        (Assignment::decode(&text).unwrap().starts, value.get("f").cloned())
    };
    assert_eq!(text(vec![]), (vec![], None));
    let (read, written) = text(vec![start("orders")]);
    assert_eq!(read, [start("orders")]);
    assert!(written.unwrap().is_object());
    let two = vec![start("orders"), start("payments")];
    let (read, written) = text(two.clone());
    assert_eq!(read, two);
    assert_eq!(written.unwrap().as_array().map(Vec::len), Some(2));
}

/// A worker of an older build ignores what a document says of children, and takes none. An older
/// planner says nothing of them; a later one may say more than this build knows.
#[test]
fn what_children_may_be_taken_stands_beside_what_older_builds_write_and_read() {
    let key: LeaseKey = "orders/5/shardId-000000000000".parse().unwrap();
    let ruled = |children| {
        let holds = vec![Hold { key: key.clone(), from: None, children }];
        Assignment { takes_children: false, holds, ..document() }
    };
    for (taking, golden) in [
        (Taking::None, r#"{"k":"orders/5/shardId-000000000000"}"#),
        (Taking::OfSplit, r#"{"k":"orders/5/shardId-000000000000","c":"s"}"#),
        (Taking::All, r#"{"k":"orders/5/shardId-000000000000","c":"a"}"#),
    ] {
        let text = ruled(taking).encode();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["k"], false, "an older build goes by this alone");
        assert!(String::from_utf8_lossy(&text).contains(&format!(r#""h":[{golden}]"#)));
        assert_eq!(Assignment::decode(&text), Some(ruled(taking)));
    }
    let later = String::from_utf8_lossy(&ruled(Taking::All).encode())
        .replace(r#""c":"a""#, r#""c":{"only":"left"}"#);
    assert_eq!(Assignment::decode(later.as_bytes()), Some(ruled(Taking::None)));
    let free = Assignment { takes_children: true, ..ruled(Taking::None) };
    assert!(free.may_take_child(&key, true) && !ruled(Taking::None).may_take_child(&key, false));
}

#[test]
fn a_start_tells_its_setting_if_it_knows_one() {
    let at = Some(WallTime::from_millis(7));
    for by in [None, Some(InitialPosition::Latest), at.map(InitialPosition::AtTimestamp)] {
        let start = FrozenStart { at, by };
        assert_eq!(FrozenStart::decode(&start.encode()), Some(start));
    }
    let older = FrozenStart::decode(br#"{"at":7}"#);
    let later = FrozenStart::decode(br#"{"at":7,"by":{"at-offset":3},"more":1}"#);
    assert_eq!((older, later), (Some(FrozenStart { at, by: None }), older));
}

#[test]
fn a_document_of_a_planner_that_names_one_standby_is_read() {
    let mut old = document();
    old.second = None;
    let text = old.encode();
    assert!(!text.windows(3).any(|part| part == b"\"c\""), "nothing is said of a second");
    assert_eq!(Assignment::decode(&text).unwrap(), old);
}

/// A worker of an older build knows no second standby, and ignores unknown fields.
#[test]
fn the_second_standby_stands_beside_what_older_workers_read() {
    let text: serde_json::Value = serde_json::from_slice(&document().encode()).unwrap();
    let mut known = text.clone();
    known.as_object_mut().unwrap().remove("c").expect("the second standby");
    assert_eq!(known["b"], text["b"], "the first stands where it always stood");
    let read = Assignment::decode(known.to_string().as_bytes()).unwrap();
    assert_eq!((read.standby, read.second), (Some(session(1)), None));
    let later = text.to_string().replacen('{', "{\"later\": 1,", 1);
    assert_eq!(Assignment::decode(later.as_bytes()), Some(document()));
}

#[test]
fn those_that_watch_all_come_in_the_order_in_which_they_plan() {
    let told = document();
    assert_eq!(told.heads().cloned().collect::<Vec<_>>(), [session(0), session(1), session(2)]);
    assert_eq!((told.part(), told.is_near()), (None, true));
    let far = Assignment { rank: NEAR + 1, ..told };
    assert!(!far.is_near());
}
