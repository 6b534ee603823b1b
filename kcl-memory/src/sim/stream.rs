//! The stream of a simulated fleet: shards with numbered records, of which only the count exists.
//!
//! A shard takes records at a constant rate, so the number of its records at any time is a formula
//! ([`SimStream::count`]) and nothing is stored. Splits, merges, deletions of old records, and
//! making the stream anew work as in Kinesis; a listing may show parts of two states ([`Pages`]).
//! Some fleets have a second stream, for workers that are started with another one.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::StreamView,
    env::{Time, WallTime},
    lease::LeaseKey,
    stream::{HashRange, Shard, SourceErrorKind, StreamDescription, StreamKey, StreamName},
};

/// A number for each shard, over all streams and all lives of each.
pub(super) type ShardNo = usize;
/// A number for each stream: 0, or 1 for the second.
pub(super) type StreamNo = usize;

/// A shard, whose records have the numbers 1, 2, 3, ….
#[derive(Debug)]
pub(super) struct SimShard {
    pub(super) key: LeaseKey,
    /// Its stream.
    pub(super) of: StreamNo,
    /// The shard as listings show it.
    pub(super) listed: Shard,
    pub(super) parents: Vec<ShardNo>,
    pub(super) children: Vec<ShardNo>,
    /// When it was made.
    opened: Time,
    /// When it was split, merged or deleted; `None`: it is open.
    pub(super) closed: Option<Time>,
    /// The stream no longer lists it.
    pub(super) forgotten: bool,
    /// It has, or had, a lease: so the fleet knows which rules its children inherit.
    pub(super) leased: bool,
    /// It belongs to a former life of its stream, which was deleted since.
    pub(super) former: bool,
    /// How many of its first records the stream has deleted.
    pub(super) trimmed: u64,
}

/// Which state of the stream the pages of a listing show.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pages {
    /// All pages: the state when the listing was asked for.
    Asked,
    /// All pages: the state when it is answered.
    Answered,
    /// The first pages show the state when the listing was asked for, the last pages the state when
    /// it is answered. So a parent may be open whose children are listed, too, or may be listed
    /// although the stream no longer has it.
    Between,
}

/// A stream, and the key of its present life.
#[derive(Debug)]
struct Named {
    name: StreamName,
    key: StreamKey,
    /// The number in the name of its next shard.
    next: usize,
}

/// One or two streams whose shards take records at constant rates.
#[derive(Debug)]
pub(super) struct SimStream {
    named: Vec<Named>,
    /// The stream that the application reads. Splits, merges and the like happen to this one.
    pub(super) current: StreamNo,
    /// All shards, by their numbers; none is ever removed.
    pub(super) shards: Vec<SimShard>,
    by_key: BTreeMap<LeaseKey, ShardNo>,
    /// Hundredths of a record that each open shard takes in a second.
    rate: u64,
    /// Every third shard takes `1 + skew` times as many.
    skew: u64,
    /// How many shards a new stream has.
    first: usize,
    /// If it is set, each listing is answered with this, whatever the state of the stream.
    pub(super) answers: Option<StreamView>,
}

/// The wall clock at the start of a run, in milliseconds since 1970.
const WALL_EPOCH_MS: u64 = 1_700_000_000_000;
const NAMES: [&str; 2] = ["orders", "payments"];
/// Splits and merges stop at this many shards, so that a run stays small.
const SHARDS_MAX: usize = 600;

impl SimStream {
    /// A fleet's streams, each with `shards` open shards.
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

    /// Opens the first shards of a stream, with equal hash key ranges.
    fn open_first(&mut self, of: StreamNo, now: Time) {
        let count = u128::try_from(self.first).unwrap_or(1);
        let width = u128::MAX / count;
        for n in 0..count {
            let end = if n + 1 == count { u128::MAX } else { (n + 1) * width - 1 };
            self.open(of, &[], HashRange::new(n * width, end), now);
        }
    }

    /// Makes a shard and returns its number.
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

    /// The number of the shard with this lease; `None` for a role.
    pub(super) fn number(&self, key: &LeaseKey) -> Option<ShardNo> {
        self.by_key.get(key).copied()
    }

    /// The open shards of the current stream, in the order of their hash key ranges.
    pub(super) fn open_shards(&self) -> Vec<ShardNo> {
        let is_open =
            |no: &ShardNo| self.shards[*no].is_open() && self.shards[*no].of == self.current;
        let mut open: Vec<ShardNo> = (0..self.shards.len()).filter(is_open).collect();
        open.sort_by_key(|no| self.shards[*no].listed.range.map(|range| range.start));
        open
    }

    /// Splits an open shard, by its place modulo their number. False if there is none to split.
    pub(super) fn split(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let no = open.get(which % open.len().max(1));
        no.is_some_and(|no| self.split_shard(*no, now).is_some())
    }

    /// Merges two open neighbours. False if there are none.
    pub(super) fn merge(&mut self, which: usize, now: Time) -> bool {
        let open = self.open_shards();
        let at = which % open.len().saturating_sub(1).max(1);
        match (open.get(at), open.get(at + 1)) {
            (Some(left), Some(right)) => self.merge_shards(*left, *right, now).is_some(),
            _ => false,
        }
    }

    /// Splits two neighbours and merges the inner halves, all at one instant.
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

    /// Splits a shard and merges its halves, all at one instant.
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

    /// Deletes every record that is older than `age`, and stops listing closed shards that have no
    /// other. Returns each shard that this changes, with the number of its deleted records.
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

    /// Deletes the current stream, and makes one with the same name and new shards.
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

    /// How many records a shard has taken until `now`.
    pub(super) fn count(&self, no: ShardNo, now: Time) -> u64 {
        let shard = &self.shards[no];
        let until = shard.closed.unwrap_or(now).min(now);
        let micros = until.as_micros().saturating_sub(shard.opened.as_micros());
        1 + micros / 1_000 * self.rate(no) / 100_000
    }

    /// How many hundredths of a record a shard takes in a second while it is open.
    pub(super) const fn rate(&self, no: ShardNo) -> u64 {
        let times = if no.is_multiple_of(3) { 1 + self.skew } else { 1 };
        self.rate.saturating_mul(times)
    }

    /// When the shard took the record with this number.
    pub(super) fn arrival(&self, no: ShardNo, record: u64) -> Time {
        let millis = record.saturating_sub(1).saturating_mul(100_000) / self.rate(no).max(1);
        self.shards[no].opened + Duration::from_millis(millis)
    }

    /// How many records the shard took before this time of the wall clock.
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

    /// The number of the stream with this name.
    pub(super) fn named(&self, name: &StreamName) -> Option<StreamNo> {
        self.named.iter().position(|stream| stream.name == *name)
    }

    /// The number of the stream whose present life has a key that `is` accepts.
    pub(super) fn keyed(&self, is: impl Fn(&StreamKey) -> bool) -> Option<StreamNo> {
        self.named.iter().position(|stream| is(&stream.key))
    }

    /// What a complete listing shows now.
    pub(super) fn view(&self, of: StreamNo, now: Time) -> StreamView {
        let listed = self.shards.iter().filter(|shard| shard.of == of && !shard.forgotten);
        StreamView {
            description: self.describe(of, now),
            shards: listed.map(|shard| shard.listed.clone()).collect(),
        }
    }

    /// The answer to a listing; `then` is the state when it was asked for. A listing whose pages
    /// would belong to two lives of the stream fails, as the listing of a real source does.
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

    /// The children of a closed shard, as the last answer of a reader names them.
    pub(super) fn children(&self, no: ShardNo) -> Vec<Shard> {
        let parent = &self.shards[no];
        if parent.former {
            return Vec::new();
        }
        let children = parent.children.iter().map(|no| &self.shards[*no]);
        // The last answer of a shard that is no longer listed names only children that still are.
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
