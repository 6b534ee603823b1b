//! What reaches the sink, and in which order.

use kcl_core::{lease::Epoch, stream::ShardId};

use super::{Broken, Ledger, Order, Place, RecordBook};
use crate::sim::live::fleet::Process;

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
        self.check_fresh(process, place, epoch);
        let Some(book) = self.shards.get_mut(&place.0) else { return };
        let Some(record) = book.records.get_mut(place.1) else { return };
        record.effects += 1;
        let is_first = record.effects == 1;
        if is_first {
            self.check_order(place);
        } else if self.expected.exactly_once {
            let what = format!("{} was written twice", self.name(place));
            self.violate(Broken::Repeated, what, vec![place.clone()]);
        }
    }

    /// The newest epoch under which a process held a shard.
    fn last_epoch(&self, process: &Process, shard: &ShardId) -> Option<Epoch> {
        let epochs = &self.shards.get(shard)?.epochs;
        let mine = epochs.iter().filter(|(_, holder)| *holder == process.name());
        mine.map(|(epoch, _)| *epoch).next_back()
    }

    /// No former owner writes after its successor.
    fn check_fresh(&mut self, process: &Process, place: &Place, epoch: Option<Epoch>) {
        let (Some(epoch), Some(book)) = (epoch, self.shards.get_mut(&place.0)) else { return };
        let newer = book.newest_write.clone().filter(|(newest, ..)| *newest > epoch);
        let Some((newest, successor, n)) = newer else {
            book.newest_write = Some((epoch, process.name().to_owned(), place.1));
            return;
        };
        if self.expected.no_stale_writes {
            let latest = (place.0.clone(), n);
            let what = format!(
                "{} was written by {} under epoch {epoch}, after {successor} had written {} under \
                 epoch {newest}",
                self.name(place),
                process.name(),
                self.name(&latest)
            );
            self.violate(Broken::Stale, what, vec![place.clone(), latest]);
        }
    }

    /// Everything that comes first has had its effect.
    fn check_order(&mut self, place: &Place) {
        let key = match self.expected.order {
            Order::Any => return,
            Order::Shard => None,
            // Of a record without a key no order was asked for.
            Order::Key => match self.record(place).and_then(|record| record.key.clone()) {
                Some(key) => Some(key),
                None => return,
            },
        };
        if let Some(missing) = self.missing_before(place, key.as_deref()) {
            let what = format!("{} was written before {}", self.name(place), self.name(&missing));
            self.violate(Broken::Misordered, what, vec![missing, place.clone()]);
        }
    }

    /// The first record before `place`, in its shard or those it comes from, that has no effect.
    fn missing_before(&self, (shard, end): &Place, key: Option<&str>) -> Option<Place> {
        let book = self.shards.get(shard)?;
        let counts = |record: &RecordBook| key.is_none_or(|key| record.key.as_deref() == Some(key));
        let is_missing = |record: &RecordBook| counts(record) && !record.is_in_effect();
        let parents = book.parents.iter().filter_map(|parent| {
            let all = self.shards.get(parent)?.records.len();
            self.missing_before(&(parent.clone(), all), key)
        });
        let own = book.records.iter().take(*end).position(is_missing);
        parents.chain(own.map(|n| (shard.clone(), n))).next()
    }
}
