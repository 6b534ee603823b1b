//! Reads tables of VMware-Go-KCL, and the sticky columns of the fork that pins shards to workers.
//!
//! Such a table is for one stream, and every item is a lease. It has neither a lease counter nor
//! sub-sequence numbers: a change of the lease timeout shows that a worker lives.

use kcl_core::stream::{Position, SequenceNumber, ShardId};

use crate::{
    fact::{Contents, Fact, Layout, Mark, Sticky, Unreadable},
    item::Item,
};

/// The value of `Sticky` of a shard that only the worker `StickyWorker` may read.
const PINNED: u64 = 10;
/// The value of `Sticky` of a shard that no worker may read.
const RELEASED: u64 = 20;

/// Reads all items of a table.
pub(crate) fn read(items: &[Item]) -> Contents {
    let mut contents = Contents { layout: Layout::Vmware, ..Contents::default() };
    for item in items {
        if item.has("Sticky") || item.has("StickyWorker") {
            contents.layout = Layout::VmwareSticky;
        }
        let key = item.text("ShardID").unwrap_or_default().to_owned();
        match lease(&key, item) {
            Ok(fact) => contents.leases.push(fact),
            Err(why) => contents.unreadable.push(Unreadable { key, why }),
        }
    }
    contents.leases.sort_by(|a, b| a.key.cmp(&b.key));
    contents
}

/// Reads one item.
///
/// # Errors
/// The attribute that cannot be understood, and why.
fn lease(key: &str, item: &Item) -> Result<Fact, String> {
    let shard: ShardId = key.parse().map_err(|error| format!("{error}"))?;
    let mark = match item.text("Checkpoint") {
        None if item.has("Checkpoint") && item.written("Checkpoint").is_empty() => Mark::Never,
        None if item.has("Checkpoint") => return Err("its Checkpoint is no text".to_owned()),
        None => Mark::Never,
        Some("SHARD_END") => Mark::ShardEnd,
        Some("TRIM_HORIZON") => Mark::TrimHorizon,
        Some("LATEST") => Mark::Latest,
        Some("AT_TIMESTAMP") => Mark::AtTimestamp,
        Some(number) => {
            let number: SequenceNumber =
                number.parse().map_err(|error| format!("its Checkpoint: {error}"))?;
            Mark::After(Position::from(number))
        }
    };
    let sticky = match (item.number("Sticky"), item.text("StickyWorker")) {
        (Some(PINNED), Some(worker)) => Some(Sticky::To(worker.to_owned())),
        (Some(PINNED), None) => return Err("it is sticky, and StickyWorker is empty".to_owned()),
        (Some(RELEASED), _) => Some(Sticky::Released),
        _ => None,
    };
    let pulse = ["LeaseTimeout", "Checkpoint", "AssignedTo"].map(|name| item.written(name));
    Ok(Fact {
        key: key.to_owned(),
        stream: None,
        shard,
        owner: item.text("AssignedTo").map(str::to_owned),
        mark,
        is_pending: false,
        is_handed_over: item.text("ClaimRequest").is_some(),
        pulse: pulse.join("|"),
        sticky,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{items, number, position, text};

    fn of(attributes: &[(&str, crate::Value)]) -> Contents {
        read(&items(&[attributes]))
    }

    #[test]
    fn a_row_without_a_checkpoint_was_never_read() {
        let key = ("ShardID", text("shardId-000000000001"));
        for row in [vec![key.clone()], vec![key.clone(), ("Checkpoint", text(""))]] {
            assert_eq!(of(&row).leases[0].mark, Mark::Never);
        }
        let ended = of(&[key.clone(), ("Checkpoint", text("SHARD_END"))]);
        assert_eq!((&ended.leases[0].mark, ended.layout), (&Mark::ShardEnd, Layout::Vmware));
        let at = of(&[key.clone(), ("Checkpoint", text("49"))]);
        assert_eq!(at.leases[0].mark, Mark::After(position("49", 0)));
        assert_eq!(of(&[key, ("Checkpoint", text("4x9"))]).unreadable.len(), 1);
    }

    #[test]
    fn sticky_columns_pin_release_or_say_nothing() {
        let row = |sticky: &str, worker: Option<&str>| {
            let mut row =
                vec![("ShardID", text("shardId-000000000001")), ("Sticky", number(sticky))];
            row.extend(worker.map(|worker| ("StickyWorker", text(worker))));
            of(&row)
        };
        let pinned = row("1E1", Some("w1"));
        assert_eq!(pinned.leases[0].sticky, Some(Sticky::To("w1".to_owned())));
        assert_eq!(pinned.layout, Layout::VmwareSticky);
        assert_eq!(row("20", None).leases[0].sticky, Some(Sticky::Released));
        for none in ["-1", "0"] {
            assert_eq!(row(none, Some("w1")).leases[0].sticky, None);
        }
        assert_eq!(row("10", None).unreadable.len(), 1);
    }
}
