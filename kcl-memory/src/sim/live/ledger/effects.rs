//! What reaches the sink, and in which order.

use kcl_core::{lease::Epoch, stream::ShardId};

use super::{Ledger, Order, Place, RecordBook};
use crate::sim::{
    fact::{Effect, Fact, Newest},
    invariants,
    live::fleet::Process,
};

impl Ledger {
    /// A process tried to write a record, and this came of it.
    pub(in crate::sim::live) fn note_write(&mut self, process: &Process, place: &Place, how: &str) {
        let Some(number) = self.record(place).map(|record| record.number) else { return };
        let (now, name) = (self.now(), process.name());
        let text = format!("{name} writes record {number}: {how}");
        self.log.note_records(now, name, (&place.0, place.1..place.1 + 1), text);
    }

    /// A record has its effect.
    pub(in crate::sim::live) fn wrote(
        &mut self,
        process: &Process,
        place: &Place,
        epoch: Option<Epoch>,
    ) {
        let epoch = epoch.or_else(|| self.last_epoch(process, &place.0));
        let under = epoch.map_or_else(String::new, |epoch| format!(" under epoch {epoch}"));
        self.note_write(process, place, &format!("done{under}"));
        self.check_effect(process, place, epoch);
        let Some(book) = self.shards.get_mut(&place.0) else { return };
        if let Some(record) = book.records.get_mut(place.1) {
            record.effects += 1;
        }
        if let Some(epoch) = epoch
            && book.newest_write.as_ref().is_none_or(|(newest, ..)| *newest <= epoch)
        {
            book.newest_write = Some((epoch, process.name().to_owned(), place.1));
        }
    }

    /// Tells the oracle of an effect, before it is written down.
    fn check_effect(&mut self, process: &Process, place: &Place, epoch: Option<Epoch>) {
        let Some(again) = self.record(place).map(|record| record.effects > 0) else { return };
        let newest = self.shards.get(&place.0).and_then(|book| book.newest_write.clone());
        let newest = newest.map(|(epoch, worker, n)| (epoch, worker, (place.0.clone(), n)));
        let missing = if again { None } else { self.missing_before(place) };
        let record = self.name(place);
        let fact = Fact::Effect(Effect {
            record: &record,
            worker: process.name(),
            epoch,
            again,
            missing: missing.as_ref().map(|missing| self.name(missing)),
            newest: newest.as_ref().map(|(epoch, worker, latest)| Newest {
                epoch: *epoch,
                worker: worker.clone(),
                record: self.name(latest),
            }),
        });
        let latest = newest.map(|(.., latest)| latest);
        self.learn(&fact, |invariant| {
            let other = match invariant {
                invariants::IN_ORDER => missing,
                invariants::FRESH => latest,
                _ => None,
            };
            other.into_iter().chain([place.clone()]).collect()
        });
    }

    /// The newest epoch under which a process held a shard.
    fn last_epoch(&self, process: &Process, shard: &ShardId) -> Option<Epoch> {
        let epochs = &self.shards.get(shard)?.epochs;
        let mine = epochs.iter().filter(|(_, holder)| *holder == process.name());
        mine.map(|(epoch, _)| *epoch).next_back()
    }

    /// The first record that has to come before `place` and has no effect.
    fn missing_before(&self, place: &Place) -> Option<Place> {
        match self.expected.order {
            Order::Any => None,
            Order::Shard => self.first_missing_before(place, None),
            // Of a record without a key no order was asked for.
            Order::Key => {
                let key = self.record(place)?.key.as_deref()?;
                self.first_missing_before(place, Some(key))
            }
        }
    }

    /// The first record before `place`, in its shard or those it comes from, that has no effect.
    fn first_missing_before(&self, (shard, end): &Place, key: Option<&str>) -> Option<Place> {
        let book = self.shards.get(shard)?;
        let counts = |record: &RecordBook| key.is_none_or(|key| record.key.as_deref() == Some(key));
        let is_missing = |record: &RecordBook| counts(record) && !record.is_in_effect();
        let parents = book.parents.iter().filter_map(|parent| {
            let all = self.shards.get(parent)?.records.len();
            self.first_missing_before(&(parent.clone(), all), key)
        });
        let own = book.records.iter().take(*end).position(is_missing);
        parents.chain(own.map(|n| (shard.clone(), n))).next()
    }
}
