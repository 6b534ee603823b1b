//! The stream of a simulated fleet: records are only counted.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::StreamView,
    env::{Time, WallTime},
    lease::LeaseKey,
    stream::{HashRange, Shard, SourceErrorKind, StreamDescription, StreamKey, StreamName},
};

/// Numbers the shards of all lives of the stream.
pub(super) type ShardNo = usize;
/// Numbers the streams: most fleets have one.
pub(super) type StreamNo = usize;

/// A shard whose records are numbered 1, 2, 3, ….
#[derive(Debug)]
pub(super) struct SimShard {
    pub(super) key: LeaseKey,
    pub(super) of: StreamNo,
    pub(super) listed: Shard,
    pub(super) parents: Vec<ShardNo>,
    pub(super) children: Vec<ShardNo>,
    opened: Time,
    pub(super) closed: Option<Time>,
    /// The stream lists it no longer.
    pub(super) forgotten: bool,
    /// It has, or had, a lease: what comes of it is known to come of it.
    pub(super) leased: bool,
    /// It belongs to a former life of its stream.
    pub(super) former: bool,
    /// How many of its first records are gone.
    pub(super) trimmed: u64,
}

/// As of when the pages of a listing are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pages {
    /// All as of when it was asked for.
    Asked,
    /// All as of when it is answered.
    Answered,
    /// The first as of when it was asked for, the last as of when it is answered: a parent is still
    /// open whose children are there, or there although it has been forgotten.
    Between,
}

/// A stream, and its present life.
#[derive(Debug)]
struct Named {
    name: StreamName,
    key: StreamKey,
    /// The next shard's number in its name.
    next: usize,
}

/// One or two streams whose shards take records at a rate that never changes.
#[derive(Debug)]
pub(super) struct SimStream {
    named: Vec<Named>,
    /// The one that the application reads: what happens to a stream happens to this one.
    pub(super) current: StreamNo,
    pub(super) shards: Vec<SimShard>,
    by_key: BTreeMap<LeaseKey, ShardNo>,
    rate: u64,
    /// How many times as much every third shard takes in addition.
    skew: u64,
    first: usize,
    /// What listings are answered with, whatever the stream is.
    pub(super) answers: Option<StreamView>,
}

/// The wall clock at the start of a run.
const WALL_EPOCH_MS: u64 = 1_700_000_000_000;
const NAMES: [&str; 2] = ["orders", "payments"];
/// More shards than this a stream of a test never has.
const SHARDS_MAX: usize = 600;

impl SimStream {
    pub(super) fn new(streams: usize, shards: usize, rate: u64, skew: u64) -> Self {
        #[expect(clippy::expect_used, reason = "the names are made of letters")]
        let named = NAMES.iter().take(streams).map(|name| Named {
            name: name.parse().expect("a valid stream name"),
            key: StreamKey::new(name, WallTime::from_millis(WALL_EPOCH_MS)),
            next: 0,
        });
        let mut stream = Self {
            named: named.collect(),
            current: 0,
            shards: Vec::new(),
            by_key: BTreeMap::new(),
            rate,
            skew,
            first: shards.max(1),
            answers: None,
        };
        for of in 0..streams {
            stream.open_first(of, Time::ZERO);
        }
        stream
    }

    fn open_first(&mut self, of: StreamNo, now: Time) {
        let count = u128::try_from(self.first).unwrap_or(1);
        let width = u128::MAX / count;
        for n in 0..count {
            let end = if n + 1 == count { u128::MAX } else { (n + 1) * width - 1 };
            self.open(of, &[], HashRange::new(n * width, end), now);
        }
    }

    fn open(&mut self, of: StreamNo, parents: &[ShardNo], range: HashRange, now: Time) -> ShardNo {
        let stream = &mut self.named[of];
        let name = format!("shardId-{:012}", stream.next);
        stream.next += 1;
        #[expect(clippy::expect_used, reason = "the name is made of digits and letters")]
        let mut listed = Shard::open(name.parse().expect("a valid shard id"), range);
        listed.parents = parents.iter().map(|no| self.shards[*no].listed.id.clone()).collect();
        let key = LeaseKey::of_shard(&self.named[of].key, &listed.id);
        let no = self.shards.len();
        self.by_key.insert(key.clone(), no);
        self.shards.push(SimShard {
            key,
            of,
            listed,
            parents: parents.to_vec(),
            children: Vec::new(),
            opened: now,
            closed: None,
            forgotten: false,
            leased: false,
            former: false,
            trimmed: 0,
        });
        no
    }

    pub(super) fn number(&self, key: &LeaseKey) -> Option<ShardNo> {
        self.by_key.get(key).copied()
    }

    /// The open shards of the stream that is read, in the order of their hash ranges.
    pub(super) fn open_shards(&self) -> Vec<ShardNo> {
        let is_open =
            |no: &ShardNo| self.shards[*no].is_open() && self.shards[*no].of == self.current;
        let mut open: Vec<ShardNo> = (0..self.shards.len()).filter(is_open).collect();
        open.sort_by_key(|no| self.shards[*no].listed.range.map(|range| range.start));
        open
    }

    /// Splits a shard; false if there is none to split.
    pub(super) fn split(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let no = open.get(which % open.len().max(1));
        no.is_some_and(|no| self.split_shard(*no, now).is_some())
    }

    /// Merges two neighbours; false if there are none.
    pub(super) fn merge(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let at = which % open.len().saturating_sub(1).max(1);
        match (open.get(at), open.get(at + 1)) {
            (Some(left), Some(right)) => self.merge_shards(*left, *right, now).is_some(),
            _ => false,
        }
    }

    /// Splits two neighbours and merges the inner halves, all at once.
    pub(super) fn rescale(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let at = which % open.len().saturating_sub(1).max(1);
        let (Some(left), Some(right)) = (open.get(at), open.get(at + 1)) else { return false };
        let inner = self.split_shard(*left, now).map(|(_, high)| high);
        let outer = self.split_shard(*right, now).map(|(low, _)| low);
        match (inner, outer) {
            (Some(left), Some(right)) => self.merge_shards(left, right, now).is_some(),
            _ => false,
        }
    }

    /// Splits a shard and merges its halves, all at once.
    pub(super) fn split_and_merge(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let no = open.get(which % open.len().max(1));
        let halves = no.and_then(|no| self.split_shard(*no, now));
        halves.is_some_and(|(low, high)| self.merge_shards(low, high, now).is_some())
    }

    fn split_shard(&mut self, no: ShardNo, now: Time) -> Option<(ShardNo, ShardNo)> {
        if self.shards.len() >= SHARDS_MAX {
            return None;
        }
        let (low, high) = self.shards[no].listed.range?.halves()?;
        let of = self.shards[no].of;
        let halves = (self.open(of, &[no], low, now), self.open(of, &[no], high, now));
        self.close(no, &[halves.0, halves.1], now);
        Some(halves)
    }

    fn merge_shards(&mut self, left: ShardNo, right: ShardNo, now: Time) -> Option<ShardNo> {
        if self.shards.len() >= SHARDS_MAX {
            return None;
        }
        let (low, high) = (self.shards[left].listed.range?, self.shards[right].listed.range?);
        let of = self.shards[left].of;
        let child = self.open(of, &[left, right], HashRange::new(low.start, high.end), now);
        self.close(left, &[child], now);
        self.close(right, &[child], now);
        Some(child)
    }

    fn close(&mut self, no: ShardNo, children: &[ShardNo], now: Time) {
        let shard = &mut self.shards[no];
        shard.closed = Some(now);
        shard.listed.closed = true;
        shard.children = children.to_vec();
    }

    /// Forgets every record older than `age`, and closed shards with no other. Answers how many
    /// records of each changed shard are gone.
    pub(super) fn expire(&mut self, age: Duration, now: Time) -> Vec<(ShardNo, u64)> {
        let mut gone = Vec::new();
        for no in 0..self.shards.len() {
            if self.shards[no].forgotten || self.shards[no].opened + age >= now {
                continue;
            }
            let trimmed = self.count(no, now - age);
            let shard = &mut self.shards[no];
            shard.forgotten = shard.closed.is_some_and(|closed| closed + age < now);
            if trimmed > shard.trimmed || shard.forgotten {
                shard.trimmed = trimmed;
                gone.push((no, trimmed));
            }
        }
        gone
    }

    /// Deletes the stream and makes it again.
    pub(super) fn remake(&mut self, now: Time) {
        let of = self.current;
        for shard in self.shards.iter_mut().filter(|shard| shard.of == of) {
            shard.former = true;
            shard.forgotten = true;
            shard.closed = shard.closed.or(Some(now));
        }
        let stream = &mut self.named[of];
        stream.key = StreamKey::new(&stream.key.name, wall(now));
        stream.next = 0;
        self.open_first(of, now);
    }

    /// How many records the shard has taken until `now`.
    pub(super) fn count(&self, no: ShardNo, now: Time) -> u64 {
        let shard = &self.shards[no];
        let until = shard.closed.unwrap_or(now).min(now);
        let micros = until.as_micros().saturating_sub(shard.opened.as_micros());
        1 + micros / 1_000 * self.rate(no) / 100_000
    }

    /// Records a second that a shard takes while it is open, in hundredths.
    pub(super) const fn rate(&self, no: ShardNo) -> u64 {
        let times = if no.is_multiple_of(3) { 1 + self.skew } else { 1 };
        self.rate.saturating_mul(times)
    }

    /// When the shard took a record.
    pub(super) fn arrival(&self, no: ShardNo, record: u64) -> Time {
        let millis = record.saturating_sub(1).saturating_mul(100_000) / self.rate(no).max(1);
        self.shards[no].opened + Duration::from_millis(millis)
    }

    /// How many records the shard took before a time of the wall clock.
    pub(super) fn count_before(&self, no: ShardNo, at: WallTime) -> u64 {
        let passed = Time::from_millis(at.as_millis().saturating_sub(WALL_EPOCH_MS));
        if passed <= self.shards[no].opened {
            return 0;
        }
        self.count(no, passed - Duration::from_millis(1))
    }

    pub(super) fn describe(&self, of: StreamNo, now: Time) -> StreamDescription {
        let Named { name, key, .. } = &self.named[of];
        let retention = Duration::from_secs(86_400);
        StreamDescription::new(name.clone(), key.clone(), retention, wall(now))
    }

    /// The number of the stream of this name.
    pub(super) fn named(&self, name: &StreamName) -> Option<StreamNo> {
        self.named.iter().position(|stream| stream.name == *name)
    }

    /// The stream whose present life has this key.
    pub(super) fn keyed(&self, is: impl Fn(&StreamKey) -> bool) -> Option<StreamNo> {
        self.named.iter().position(|stream| is(&stream.key))
    }

    pub(super) fn view(&self, of: StreamNo, now: Time) -> StreamView {
        let listed = self.shards.iter().filter(|shard| shard.of == of && !shard.forgotten);
        StreamView {
            description: self.describe(of, now),
            shards: listed.map(|shard| shard.listed.clone()).collect(),
        }
    }

    /// What a listing answers that was asked for `then`. One whose pages belong to two lives of the
    /// stream fails, as a worker's does.
    pub(super) fn listed(
        &self,
        of: StreamNo,
        then: StreamView,
        pages: Pages,
        now: Time,
    ) -> Result<StreamView, SourceErrorKind> {
        if let Some(answer) = &self.answers {
            return Ok(answer.clone());
        }
        let mut view = self.view(of, now);
        match pages {
            Pages::Asked => return Ok(then),
            Pages::Answered => {}
            Pages::Between if then.description.key != view.description.key => {
                return Err(SourceErrorKind::Unavailable);
            }
            Pages::Between => {
                let mut shards = then.shards;
                shards.truncate(shards.len() / 2);
                let last = shards.last().map(|shard| shard.id.clone());
                view.shards.retain(|shard| last.as_ref().is_none_or(|last| shard.id > *last));
                shards.append(&mut view.shards);
                view = StreamView { description: then.description, shards };
            }
        }
        Ok(view)
    }

    /// The shards that continue an ended one, as a reader learns of them.
    pub(super) fn children(&self, no: ShardNo) -> Vec<Shard> {
        let parent = &self.shards[no];
        if parent.former {
            return Vec::new();
        }
        let children = parent.children.iter().map(|no| &self.shards[*no]);
        // Of a shard that is gone they have to be listed.
        let told = children.filter(|child| !parent.forgotten || !child.forgotten);
        told.map(|shard| shard.listed.clone()).collect()
    }
}

impl SimShard {
    pub(super) const fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}

fn wall(now: Time) -> WallTime {
    WallTime::from_millis(WALL_EPOCH_MS + now.as_micros() / 1_000)
}
