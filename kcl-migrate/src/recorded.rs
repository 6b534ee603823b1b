//! Imports and exports tables that the real libraries wrote: `tests/fixtures/tables`.

use std::collections::BTreeMap;

use kcl_core::{
    change::StreamView,
    env::WallTime,
    lease::Checkpoint,
    stream::{HashRange, Shard, StreamDescription, StreamKey},
};
use serde_json::Value;

use crate::{
    ImportOptions, Layout, Library, Verdict,
    export::{Allowed, Outcome, export},
    items_of_scan, judge,
};

/// The shards of a recorded `ListShards`.
fn stream(text: &str) -> StreamView {
    let recorded: Value = serde_json::from_str(text).unwrap();
    let name = recorded["StreamName"].as_str().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let shard = |it: &Value| {
        let (range, numbers) = (&it["HashKeyRange"], &it["SequenceNumberRange"]);
        let key = |name: &str| text(&range[name]).unwrap().parse().unwrap();
        let range = HashRange::new(key("StartingHashKey"), key("EndingHashKey"));
        let mut shard = Shard::open(text(&it["ShardId"]).unwrap().parse().unwrap(), range);
        let parents = ["ParentShardId", "AdjacentParentShardId"].map(|name| text(&it[name]));
        shard.parents = parents.into_iter().flatten().map(|id| id.parse().unwrap()).collect();
        shard.starting =
            text(&numbers["StartingSequenceNumber"]).map(|number| number.parse().unwrap());
        shard.closed = !numbers["EndingSequenceNumber"].is_null();
        shard
    };
    let shards = recorded["Shards"].as_array().unwrap().iter().map(shard).collect();
    let key = StreamKey::new(name, WallTime::from_millis(1_796_071_000_000));
    let (day, now) =
        (std::time::Duration::from_hours(24), WallTime::from_millis(1_796_072_000_000));
    let description = StreamDescription::new(name.parse().unwrap(), key, day, now);
    StreamView { description, shards }
}

/// The text of a recorded table, and of its stream's shards.
macro_rules! recorded {
    ($kind:literal) => {
        (
            include_str!(concat!("../../tests/fixtures/tables/", $kind, ".json")),
            include_str!(concat!("../../tests/fixtures/tables/", $kind, "-streams.json")),
        )
    };
}

#[test]
fn every_table_that_a_real_fleet_wrote_is_taken_whole_and_written_back_as_it_was() {
    let (kcl, vmware) = (Library::Kcl, Library::Vmware);
    for ((table, listed), library, layout, others) in [
        (recorded!("kcl-2.7.2"), kcl, Layout::Kcl1Or2, 0),
        (recorded!("kcl-3.5.1"), kcl, Layout::Kcl35, 4),
        (recorded!("vmware-go-kcl-1.5.1"), vmware, Layout::Vmware, 0),
        (recorded!("vmware-go-kcl-v2"), vmware, Layout::Vmware, 0),
        (recorded!("vmware-go-kcl-v2-sticky"), vmware, Layout::VmwareSticky, 0),
    ] {
        let (items, stream) = (items_of_scan(table).unwrap(), stream(listed));
        let contents = crate::read(library, &items);
        assert_eq!((contents.layout, contents.leases.len()), (layout, 9), "{layout}");
        assert_eq!(contents.unreadable, []);
        assert_eq!(contents.others.values().sum::<usize>(), others, "{:?}", contents.others);
        let judgement = judge(&contents, &stream, &ImportOptions::default(), &BTreeMap::new());
        assert_eq!(judgement.refusals().collect::<Vec<_>>(), [], "{layout}");
        let taken = |it: &&crate::Judged| matches!(it.verdict, Verdict::Taken(_));
        assert_eq!(judgement.shards.iter().filter(taken).count(), 9, "{layout}");
        let ended = judgement.rows().iter().filter(|row| row.has_ended());
        assert_eq!(ended.count(), 3, "{layout}: the shards that were split and merged");
        let open = judgement.rows().iter().filter(|row| !row.has_ended());
        assert!(open.clone().all(|row| matches!(row.checkpoint, Checkpoint::After(_))), "{layout}");
        assert_eq!(judgement.rules.len(), if layout == Layout::VmwareSticky { 2 } else { 0 });

        let key = &stream.description.key;
        let back = export(library, key, judgement.rows(), &items, &Allowed::default());
        for row in back {
            assert!(matches!(row.outcome, Outcome::Moved(_)), "{layout}: {row:?}");
            assert_eq!(row.from.as_deref(), Some(&*row.to.to_string()), "{layout}");
        }
    }
}
