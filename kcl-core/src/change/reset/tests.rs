use std::time::Duration;

use super::*;
use crate::{
    change::target::{RowChange, Spot},
    coordinator::{FrozenStart, StreamView},
    env::WallTime,
    lease::{Checkpoint, DocName, Document, Epoch, LeaseKey},
    stream::{Position, SequenceNumber, Shard, StreamDescription, StreamKey},
};

/// The time by the stream's clock.
const NOW: u64 = 100_000_000;

fn at(millis: u64) -> WallTime {
    WallTime::from_millis(millis)
}

fn stream() -> StreamKey {
    StreamKey::new("orders", at(7))
}

fn key(shard: &str) -> LeaseKey {
    LeaseKey::of_shard(&stream(), &shard.parse().unwrap())
}

fn after(record: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(record)))
}

fn shard(name: &str, parents: &[&str], starting: u128) -> Shard {
    Shard {
        id: name.parse().unwrap(),
        parents: parents.iter().map(|it| it.parse().unwrap()).collect(),
        range: None,
        starting: Some(SequenceNumber::from(starting)),
        closed: name == "a",
    }
}

/// `a` was split into `b` and `c`; `x` was there from the beginning.
fn view() -> StreamView {
    let description = StreamDescription {
        key: stream(),
        name: "orders".parse().unwrap(),
        retention: Duration::from_secs(86_400),
        server_time: at(NOW),
    };
    let shards = vec![
        shard("a", &[], 10),
        shard("b", &["a"], 50),
        shard("c", &["a"], 50),
        shard("x", &[], 10),
    ];
    StreamView { description, shards }
}

fn row(shard: &str, parents: &[&str], checkpoint: Checkpoint, arrival: Option<u64>) -> Lease {
    let parents = parents.iter().map(|it| it.parse().unwrap()).collect();
    let mut row = Lease::new(key(shard), checkpoint).of_shard(parents, None);
    row.epoch = Epoch(4);
    row.progress.arrival = arrival.map(at);
    if row.has_ended() {
        row.children = vec!["b".parse().unwrap(), "c".parse().unwrap()];
    }
    row
}

/// `a` has ended, `b` is read, `c` has no row, `x` is read; the shard `gone` is forgotten.
fn rows() -> Vec<Lease> {
    let mut planner = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    planner.epoch = Epoch(9);
    vec![
        row("a", &[], Checkpoint::ShardEnd, Some(NOW - 5_000)),
        row("b", &["a"], after(60), Some(NOW - 1_000)),
        row("x", &[], after(30), None),
        row("gone", &[], Checkpoint::ShardEnd, None),
        planner,
    ]
}

fn start(at_millis: Option<u64>) -> Document {
    let start = FrozenStart { at: at_millis.map(at), by: None };
    Document::new(DocName::start(&stream()), 1, start.encode())
}

/// Plans on the rows above.
fn plan(reset: &Reset) -> Result<Target, Unfit> {
    plan_on(&rows(), reset)
}

fn plan_on(rows: &[Lease], reset: &Reset) -> Result<Target, Unfit> {
    let view = view();
    reset.plan(&Found { rows, docs: &[start(Some(20))], stream: &view })
}

fn one(lease: &str, to: Place, with_descendants: bool) -> Reset {
    Reset::One { lease: lease.into(), to, with_descendants }
}

/// The checkpoint that each shard should get, by its name.
fn spots(target: &Target) -> Vec<(String, String, bool)> {
    let told = |row: &RowChange| {
        let shard = row.key().shard().unwrap().as_str().to_owned();
        (shard, row.to.checkpoint.to_string(), row.found)
    };
    target.rows.iter().map(told).collect()
}

fn expected(spots: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    spots.iter().map(|(shard, at, found)| ((*shard).into(), (*at).into(), *found)).collect()
}

#[test]
fn every_listed_shard_begins_anew_and_nothing_else_moves() {
    let target = plan(&Reset::All(InitialPosition::TrimHorizon)).unwrap();
    let all = [
        ("a", "TRIM_HORIZON", true),
        ("b", "TRIM_HORIZON", true),
        ("c", "TRIM_HORIZON", false),
        ("gone", "SHARD_END", true),
        ("x", "TRIM_HORIZON", true),
    ];
    assert_eq!(spots(&target), expected(&all));
    let begun = FrozenStart { at: None, by: Some(InitialPosition::TrimHorizon) };
    assert_eq!(FrozenStart::decode(&target.docs[0].to), Some(begun));
    let before = FrozenStart { at: Some(at(20)), by: None };
    assert_eq!(FrozenStart::decode(&target.docs[0].from), Some(before));
}

#[test]
fn latest_is_the_streams_own_time_and_so_is_the_start() {
    let target = plan(&Reset::All(InitialPosition::Latest)).unwrap();
    let now = format!("AT_TIMESTAMP:{NOW}");
    assert!(target.rows.iter().filter(|row| row.to != Spot::of(&row.row)).count() == 4);
    let listed = |row: &&RowChange| row.key().shard().unwrap().as_str() != "gone";
    assert!(target.rows.iter().filter(listed).all(|row| row.to.checkpoint.to_string() == now));
    let frozen = FrozenStart::decode(&target.docs[0].to).unwrap();
    assert_eq!(frozen.at, Some(at(NOW)));
}

#[test]
fn a_row_that_there_is_not_counts_as_what_the_lineage_would_make() {
    let target = plan(&Reset::All(InitialPosition::Latest)).unwrap();
    let made = target.rows.iter().find(|row| !row.found).unwrap();
    assert_eq!((made.key(), &made.row.checkpoint), (&key("c"), &Checkpoint::TrimHorizon));
    // Without a row of its parent it would be a beginning.
    let rows: Vec<Lease> = rows().into_iter().skip(1).collect();
    let target = plan_on(&rows, &Reset::All(InitialPosition::Latest)).unwrap();
    let made = target.rows.iter().find(|row| row.key() == &key("c")).unwrap();
    assert_eq!(made.row.checkpoint, Checkpoint::AtTimestamp(at(20)));
}

#[test]
fn a_time_to_come_is_refused_with_both_times() {
    let later = at(NOW + 1);
    for reset in
        [Reset::All(InitialPosition::AtTimestamp(later)), one("x", Place::At(later), false)]
    {
        assert_eq!(plan(&reset), Err(Unfit::Future { at: later, now: at(NOW) }));
    }
    assert!(plan(&Reset::All(InitialPosition::AtTimestamp(at(NOW)))).is_ok());
}

#[test]
fn one_lease_moves_alone() {
    for name in ["x", key("x").as_str()] {
        let target =
            plan(&one(name, Place::After(Position::from(SequenceNumber::from(20))), false));
        let target = target.unwrap();
        let moved: Vec<_> = target.rows.iter().filter(|row| row.to != Spot::of(&row.row)).collect();
        assert_eq!(moved.len(), 1);
        assert_eq!((moved[0].key(), &moved[0].to.checkpoint), (&key("x"), &after(20)));
        assert_eq!(target.rows.len(), 4, "every row is written, so that late writes are refused");
        assert!(target.docs.is_empty());
    }
}

#[test]
fn an_ended_lease_moves_only_with_what_came_from_it() {
    let refused = plan(&one("a", Place::TrimHorizon, false)).unwrap_err();
    let Unfit::Descendants { descendants, .. } = &refused else { panic!("{refused}") };
    assert_eq!(descendants, &[key("b"), key("c")]);
    assert!(refused.to_string().contains("--with-descendants"), "{refused}");
    let target = plan(&one("a", Place::At(at(NOW - 9)), true)).unwrap();
    let (began, moved) = (format!("AT_TIMESTAMP:{}", NOW - 9), "TRIM_HORIZON");
    let all = [
        ("a", &*began, true),
        ("b", moved, true),
        ("c", moved, false),
        ("gone", "SHARD_END", true),
        ("x", "30", true),
    ];
    assert_eq!(spots(&target), expected(&all));
}

#[test]
fn a_lease_whose_descendants_were_begun_counts_as_read_before_them() {
    let mut rows = rows();
    rows[0].checkpoint = after(20);
    let refused = plan_on(&rows, &one("a", Place::TrimHorizon, false)).unwrap_err();
    assert!(matches!(refused, Unfit::Descendants { .. }), "{refused}");
}

#[test]
fn a_position_that_its_shard_cannot_hold_is_refused_with_the_bounds() {
    let to = |record: u128| Place::After(Position::from(SequenceNumber::from(record)));
    for record in [9, 50, 51] {
        let refused = plan(&one("a", to(record), true)).unwrap_err();
        let told = refused.to_string();
        assert!(matches!(refused, Unfit::Outside { .. }), "{told}");
        assert!(told.contains("from 10 on below 50"), "{told}");
    }
    assert!(plan(&one("a", to(49), true)).is_ok());
    assert!(plan(&one("b", to(49), false)).is_err());
    assert!(plan(&one("b", to(1_000), false)).is_ok(), "an open shard has no last number yet");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_remedy() {
    let told = |rows: &[Lease], reset: &Reset| plan_on(rows, reset).unwrap_err().to_string();
    let nothing = told(&[], &Reset::All(InitialPosition::TrimHorizon));
    assert!(nothing.contains("no lease of orders/7"), "{nothing}");
    let other = Lease::new("payments/7/a".parse().unwrap(), Checkpoint::TrimHorizon);
    let other = told(&[other], &Reset::All(InitialPosition::TrimHorizon));
    assert!(other.contains("\"payments\"") && other.contains("\"orders\""), "{other}");
    let none = told(&rows(), &one("shard-9", Place::Latest, false));
    assert!(none.contains("\"shard-9\"") && none.contains("a, b, gone, x"), "{none}");
    let gone = told(&rows(), &one("gone", Place::TrimHorizon, true));
    assert!(gone.contains("no longer lists"), "{gone}");
}

#[test]
fn a_preview_says_how_much_time_a_move_takes_back_where_that_is_known() {
    let preview = |reset: &Reset| {
        let (rows, view) = (rows(), view());
        let found = Found { rows: &rows, docs: &[], stream: &view };
        let told = moves(&reset.plan(&found).unwrap(), &found);
        told.into_iter().map(|it| it.reach).collect::<Vec<_>>()
    };
    let ms = Duration::from_millis;
    let unknown = Reach::Unknown;
    let back = |by| Reach::Back(ms(by));
    assert_eq!(
        preview(&Reset::All(InitialPosition::AtTimestamp(at(NOW - 3_000)))),
        [back(2_000).forward(), back(2_000), unknown, Reach::Stays, unknown]
    );
    let oldest = NOW - 86_400_000;
    assert_eq!(
        preview(&Reset::All(InitialPosition::TrimHorizon)),
        [
            Reach::BackAtMost(ms(NOW - 5_000 - oldest)),
            Reach::BackAtMost(ms(NOW - 1_000 - oldest)),
            Reach::Stays,
            Reach::Stays,
            unknown
        ]
    );
}

impl Reach {
    /// The other way.
    fn forward(self) -> Self {
        match self {
            Self::Back(span) => Self::Forward(span),
            other => other,
        }
    }
}

#[test]
fn the_same_command_says_the_same() {
    let to = |to| Reset::All(to).what();
    assert_eq!(to(InitialPosition::AtTimestamp(at(5))), "reset --to 1970-01-01T00:00:00.005Z");
    assert_eq!(to(InitialPosition::TrimHorizon), "reset --to trim-horizon");
    let lease = one("x", Place::Latest, true).what();
    assert_eq!(lease, "reset --lease x --to latest --with-descendants");
}
