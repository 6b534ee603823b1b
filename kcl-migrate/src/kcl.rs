//! Reads tables of the Java KCL.
//!
//! Since 3.5 a table also holds the lock of the leader, the measurements of workers, and the states
//! of migrations. An item is a lease only if its `entityType` is absent or `LEASE` *and* it has a
//! `checkpoint`. The form of its key proves nothing: a worker id is free text, and may look like a
//! shard id.

use kcl_core::stream::{Position, SequenceNumber, ShardId};

use crate::{
    beside::{self, Row},
    fact::{Contents, Fact, Layout, Mark, OfStream, Unreadable},
    item::Item,
};

/// Reads all items of a table.
pub(crate) fn read(items: &[Item]) -> Contents {
    let mut contents = Contents::default();
    for item in items {
        contents.layout = later(contents.layout, layout(item));
        let key = item.text("leaseKey").unwrap_or_default().to_owned();
        let entity = item.text("entityType");
        let is_lease = entity.is_none_or(|it| it == "LEASE") && item.has("checkpoint");
        if !is_lease {
            let kind = entity.unwrap_or("without entityType and checkpoint").to_owned();
            if let Some(row) = Row::of_entity(&kind) {
                beside::take(row, &key, item, "", &mut contents);
            }
            *contents.others.entry(kind).or_default() += 1;
            continue;
        }
        match lease(&key, item) {
            Ok(fact) => contents.leases.push(fact),
            Err(why) => contents.unreadable.push(Unreadable { key, why }),
        }
    }
    contents.leases.sort_by(|a, b| a.key.cmp(&b.key));
    contents
}

/// The first release that could have written this item.
fn layout(item: &Item) -> Layout {
    if item.has("entityType") {
        Layout::Kcl35
    } else if item.has("throughputKBps") || item.has("checkpointOwner") {
        Layout::Kcl3
    } else {
        Layout::Kcl1Or2
    }
}

/// The later of two releases.
const fn later(one: Layout, other: Layout) -> Layout {
    match (one, other) {
        (Layout::Kcl35, _) | (_, Layout::Kcl35) => Layout::Kcl35,
        (Layout::Kcl3, _) | (_, Layout::Kcl3) => Layout::Kcl3,
        _ => Layout::Kcl1Or2,
    }
}

/// Reads a lease item.
///
/// # Errors
/// The attribute that cannot be understood, and why.
fn lease(key: &str, item: &Item) -> Result<Fact, String> {
    let (stream, shard) = match stream_of(key) {
        Some((stream, shard)) => (Some(stream), shard),
        None => (None, key),
    };
    let shard: ShardId = shard.parse().map_err(|error| format!("{error}"))?;
    let text = |name| item.text(name).map(str::to_owned);
    Ok(Fact {
        key: key.to_owned(),
        stream,
        shard,
        owner: text("checkpointOwner").or_else(|| text("leaseOwner")),
        mark: mark(item)?,
        is_pending: item.has("pendingCheckpoint"),
        is_handed_over: item.has("checkpointOwner"),
        pulse: pulse(item),
        sticky: None,
    })
}

/// A text that changes each time a worker renews or takes the lease, or writes its checkpoint.
fn pulse(item: &Item) -> String {
    let parts = ["leaseCounter", "checkpoint", "checkpointSubSequenceNumber", "leaseOwner"];
    parts.map(|name| item.written(name)).join("|")
}

/// The checkpoint. An absent sub-sequence number is 0; one that cannot be read is an error, because
/// a wrong number would skip or repeat records.
fn mark(item: &Item) -> Result<Mark, String> {
    let text = item.text("checkpoint").ok_or("its checkpoint is no text")?;
    Ok(match text {
        "TRIM_HORIZON" => Mark::TrimHorizon,
        "LATEST" => Mark::Latest,
        "AT_TIMESTAMP" => Mark::AtTimestamp,
        "SHARD_END" => Mark::ShardEnd,
        number => {
            let number: SequenceNumber =
                number.parse().map_err(|error| format!("its checkpoint: {error}"))?;
            let sub = "checkpointSubSequenceNumber";
            let sub = match item.has(sub) {
                true => item.number(sub).ok_or_else(|| {
                    format!("its {sub}, {:?}, is no whole number", item.written(sub))
                })?,
                false => 0,
            };
            Mark::After(Position::new(number, sub))
        }
    })
}

/// The stream and the shard of a key of the multi-stream mode, `account:stream:epoch:shard`; `None`
/// for any other key, which is a shard id.
fn stream_of(key: &str) -> Option<(OfStream, &str)> {
    let mut parts = key.splitn(4, ':');
    let (account, name) = (parts.next()?, parts.next()?);
    let (created, shard) = (parts.next()?, parts.next()?);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(account) || name.is_empty() || !digits(created) {
        return None;
    }
    let created = created.parse().ok().filter(|created| *created > 0)?;
    Some((OfStream { account: account.to_owned(), name: name.to_owned(), created }, shard))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{items, number, position, text};

    fn of(attributes: &[(&str, crate::Value)]) -> Contents {
        read(&items(&[attributes]))
    }

    #[test]
    fn a_lease_is_told_by_type_and_checkpoint_and_never_by_its_key() {
        let key = ("leaseKey", text("shardId-000000000001"));
        let lease = of(&[key.clone(), ("checkpoint", text("TRIM_HORIZON"))]);
        assert_eq!((lease.leases.len(), lease.layout), (1, Layout::Kcl1Or2));
        let worker = of(&[
            key.clone(),
            ("entityType", text("WORKER_METRIC_STATS")),
            ("lut", number("1.7E9")),
        ]);
        assert_eq!((worker.leases.len(), worker.layout), (0, Layout::Kcl35));
        assert_eq!(worker.pulses["shardId-000000000001"], "1.7E9");
        let half = of(std::slice::from_ref(&key));
        assert!(half.is_empty() && half.others.values().sum::<usize>() == 1);
        let typed = of(&[
            key,
            ("entityType", text("LEASE")),
            ("checkpoint", text("49")),
            ("checkpointSubSequenceNumber", number("3E0")),
            ("throughputKBps", number("1.2E-5")),
        ]);
        assert_eq!(typed.leases[0].mark, Mark::After(position("49", 3)));
    }

    #[test]
    fn the_pending_checkpoint_is_never_the_mark() {
        let fact = of(&[
            ("leaseKey", text("shardId-000000000001")),
            ("checkpoint", text("49")),
            ("pendingCheckpoint", text("77")),
        ]);
        assert_eq!(fact.leases[0].mark, Mark::After(position("49", 0)));
        assert!(fact.leases[0].is_pending);
    }

    #[test]
    fn a_key_of_many_streams_is_taken_apart_and_others_are_not() {
        let key = "123456789012:orders:1769850000:shardId-000000000002";
        let fact = of(&[("leaseKey", text(key)), ("checkpoint", text("LATEST"))]);
        let stream = fact.leases[0].stream.as_ref().unwrap();
        assert_eq!(stream.to_string(), "123456789012:orders:1769850000");
        assert_eq!(fact.leases[0].shard.as_str(), "shardId-000000000002");
        for odd in ["a:b:1:shardId-1", "1:orders:0:shardId-1", "1:orders:x:shardId-1"] {
            let odd = of(&[("leaseKey", text(odd)), ("checkpoint", text("LATEST"))]);
            assert_eq!((odd.leases.len(), odd.unreadable.len()), (0, 1));
        }
    }

    #[test]
    fn a_row_that_makes_no_sense_says_why() {
        let key = ("leaseKey", text("shardId-000000000001"));
        let bad = of(&[key.clone(), ("checkpoint", text("EARLIEST"))]);
        assert!(bad.unreadable[0].why.contains("EARLIEST"), "{:?}", bad.unreadable);
        let sub = ("checkpointSubSequenceNumber", number("1.5"));
        let bad = of(&[key, ("checkpoint", text("49")), sub]);
        assert!(bad.unreadable[0].why.contains("1.5"), "{:?}", bad.unreadable);
    }
}
