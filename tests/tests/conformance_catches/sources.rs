//! Sources with planted bugs: each makes the cases fail that name it, and no others.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    conformance::sources::Suite,
    env::{Clock, WallTime},
    stream::{
        Batch, ByteLimit, Position, ReadEvent, Shard, ShardId, ShardReader, SourceErrorKind,
        SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
    },
};
use kcl_memory::{MemoryStream, virtual_env};
use kcl_tests::sources::MemoryStreams;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    SkipsAfterResume,
    ResumesAt,
    ForgetsPartOfAggregate,
    LatestIsTheHorizon,
    TimesAreTheHorizon,
    RepeatsWhenDropped,
    LosesWhenDropped,
    TakesWhileItWaits,
    EndsWithoutChildren,
    NamesOneChild,
    NeverEnds,
    EndsAtTheTip,
    EndsWhenThrottled,
    SkipsWhenItFails,
    SwallowsLosses,
    LosesFromNowhere,
    IgnoresRoom,
    WaitsForRoom,
    ReversesAnswers,
    CutsPayloads,
    ForgetsKeys,
    ForgetsWhatItPassed,
    ReadsTheFirstShard,
    ListsClosedAsOpen,
    ListsOnePage,
    ForgetsParents,
    IgnoresTheLife,
    HasOneLife,
    IsAhead,
    NeverCloses,
}

#[derive(Debug)]
struct Buggy {
    inner: MemoryStream,
    bug: Bug,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct BuggyReader {
    inner: Box<dyn ShardReader>,
    bug: Bug,
    clock: Arc<dyn Clock>,
    /// The next record is passed over.
    skips: bool,
    /// What was taken and not told.
    held: Option<SourceResult<ReadEvent>>,
    /// What was told last, and whether a call is under way.
    last: Batch,
    under_way: bool,
    /// The last answer had nothing.
    rests: bool,
}

#[async_trait]
impl StreamSource for Buggy {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        let mut described = self.inner.describe().await?;
        match self.bug {
            Bug::HasOneLife => {
                described.key.created =
                    WallTime::from_millis(described.key.created.as_millis() / 60_000 * 60_000);
            }
            Bug::IsAhead => {
                let hour = described.server_time.as_millis() + 30_000;
                described.server_time = WallTime::from_millis(hour);
            }
            _ => {}
        }
        Ok(described)
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let mut shards = self.inner.shards().await?;
        match self.bug {
            Bug::ListsClosedAsOpen => shards.iter_mut().for_each(|shard| shard.closed = false),
            Bug::ListsOnePage => shards.truncate(1_000),
            Bug::ForgetsParents => shards.iter_mut().for_each(|shard| shard.parents.truncate(1)),
            _ => {}
        }
        Ok(shards)
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        let real = self.inner.describe().await?.key;
        let mut stream = stream.clone();
        if self.bug == Bug::IgnoresTheLife || self.bug == Bug::HasOneLife {
            stream = real;
        }
        let mut id = shard.clone();
        if self.bug == Bug::ReadsTheFirstShard {
            id = self.inner.shards().await?.remove(0).id;
        }
        let skips = self.bug == Bug::SkipsAfterResume && matches!(at, StartAt::After(_));
        let at = match (self.bug, at) {
            (Bug::ResumesAt, StartAt::After(position)) => StartAt::At(position.sequence),
            (Bug::ForgetsPartOfAggregate, StartAt::After(position)) => {
                StartAt::After(Position::new(position.sequence, u64::MAX))
            }
            (Bug::LatestIsTheHorizon, StartAt::Latest)
            | (Bug::TimesAreTheHorizon, StartAt::AtTimestamp(_)) => StartAt::TrimHorizon,
            (_, at) => at,
        };
        let inner = self.inner.open(&stream, &id, at).await?;
        Ok(Box::new(BuggyReader {
            inner,
            bug: self.bug,
            clock: Arc::clone(&self.clock),
            skips,
            held: None,
            last: Batch::default(),
            under_way: false,
            rests: false,
        }))
    }
}

impl BuggyReader {
    fn moment(&self) -> impl Future<Output = ()> + Send + use<> {
        let clock = Arc::clone(&self.clock);
        async move { clock.sleep(Duration::from_millis(2)).await }
    }

    /// What becomes of an answer.
    fn spoil(&mut self, told: SourceResult<ReadEvent>) -> SourceResult<ReadEvent> {
        let event = match told {
            Err(error) => {
                self.skips |= self.bug == Bug::SkipsWhenItFails;
                if self.bug == Bug::EndsWhenThrottled && error.kind == SourceErrorKind::Throttled {
                    return Ok(ReadEvent::End { children: None, proven: true });
                }
                return Err(error);
            }
            Ok(event) => event,
        };
        Ok(match (self.bug, event) {
            (_, ReadEvent::Batch(batch)) => self.spoil_batch(batch),
            (Bug::EndsWithoutChildren, ReadEvent::End { proven, .. }) => {
                ReadEvent::End { children: Some(Vec::new()), proven }
            }
            (Bug::NamesOneChild, ReadEvent::End { children: Some(mut children), proven }) => {
                children.truncate(1);
                ReadEvent::End { children: Some(children), proven }
            }
            (Bug::NeverEnds, ReadEvent::End { .. }) => {
                let mut nothing = Batch::default();
                nothing.at_tip = true;
                ReadEvent::Batch(nothing)
            }
            (Bug::SwallowsLosses, ReadEvent::Lost { .. }) => ReadEvent::Batch(Batch::default()),
            (Bug::LosesFromNowhere, ReadEvent::Lost { to, .. }) => {
                ReadEvent::Lost { from: None, to }
            }
            (_, event) => event,
        })
    }

    fn spoil_batch(&mut self, mut batch: Batch) -> ReadEvent {
        if self.skips && !batch.records.is_empty() {
            batch.records.remove(0);
            self.skips = false;
        }
        match self.bug {
            Bug::EndsAtTheTip if batch.at_tip && batch.records.is_empty() => {
                if std::mem::replace(&mut self.rests, true) {
                    return ReadEvent::End { children: None, proven: true };
                }
            }
            Bug::ReversesAnswers if batch.records.len() > 20 => batch.records.reverse(),
            Bug::CutsPayloads => batch.records.iter_mut().for_each(|it| it.data.truncate(65_536)),
            Bug::ForgetsKeys => batch.records.iter_mut().for_each(|it| it.partition_key = None),
            Bug::ForgetsWhatItPassed => batch.through = None,
            _ => self.rests = false,
        }
        ReadEvent::Batch(batch)
    }
}

#[async_trait]
impl ShardReader for BuggyReader {
    fn size_hint(&self) -> ByteLimit {
        self.inner.size_hint()
    }

    async fn ready(&mut self) {
        self.inner.ready().await;
        if self.bug == Bug::TakesWhileItWaits && self.held.is_none() {
            let taken = self.inner.next(ByteLimit(16 << 20)).await;
            self.moment().await;
            self.held = Some(taken);
        }
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        if let Some(held) = self.held.take() {
            return held;
        }
        if self.bug == Bug::RepeatsWhenDropped && std::mem::replace(&mut self.under_way, true) {
            self.under_way = false;
            return Ok(ReadEvent::Batch(self.last.clone()));
        }
        if self.bug == Bug::WaitsForRoom && room < self.inner.size_hint() {
            self.moment().await;
            return Ok(ReadEvent::Batch(Batch::default()));
        }
        let room = if self.bug == Bug::IgnoresRoom { ByteLimit(usize::MAX) } else { room };
        let told = self.inner.next(room).await;
        if self.bug == Bug::LosesWhenDropped {
            self.moment().await;
        }
        self.under_way = false;
        let told = self.spoil(told);
        if let Ok(ReadEvent::Batch(batch)) = &told {
            self.last = batch.clone();
        }
        told
    }

    async fn close(self: Box<Self>) {
        if self.bug == Bug::NeverCloses {
            std::future::pending::<()>().await;
        }
        self.inner.close().await;
    }
}

/// The whole suite on a source with this bug: exactly these cases fail.
async fn is_caught(bug: Bug, cases: &[&str]) {
    let env = virtual_env(7);
    let clock = Arc::clone(&env.clock);
    let streams = MemoryStreams::new(env, |_| {}).wrapped(move |inner| -> Arc<dyn StreamSource> {
        Arc::new(Buggy { inner, bug, clock: Arc::clone(&clock) })
    });
    let failed = Suite::new(streams).run().await.err();
    let names = failed.iter().flat_map(|failed| failed.0.failures()).map(|case| case.name);
    assert_eq!(names.collect::<Vec<_>>(), cases, "{bug:?}: {failed:?}");
}

macro_rules! bugs {
    ($($test:ident: $bug:ident by $($case:ident)+;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $test() {
            is_caught(Bug::$bug, &[$(stringify!($case)),+]).await;
        })*
    };
}

bugs! {
    a_record_that_is_skipped_after_a_resume_is_caught:
        SkipsAfterResume by
        after_a_record_is_without_it
        after_the_newest_record_is_what_comes_next
        after_a_part_of_an_aggregate_are_the_others
        trimmed_records_are_lost_from_the_last_position_read
        what_was_read_before_it_was_trimmed_is_not_lost;
    a_resume_at_the_record_is_caught:
        ResumesAt by
        after_a_record_is_without_it
        after_the_newest_record_is_what_comes_next
        after_a_part_of_an_aggregate_are_the_others
        trimmed_records_are_lost_from_the_last_position_read
        what_was_read_before_it_was_trimmed_is_not_lost
        after_the_last_record_of_an_ended_shard_is_its_end;
    a_forgotten_part_of_an_aggregate_is_caught:
        ForgetsPartOfAggregate by
        after_a_part_of_an_aggregate_are_the_others
        trimmed_records_are_lost_from_the_last_position_read;
    a_latest_that_is_the_horizon_is_caught:
        LatestIsTheHorizon by
        the_latest_is_after_every_record;
    times_that_are_not_looked_at_are_caught:
        TimesAreTheHorizon by
        a_time_is_before_the_first_record_that_arrived_then;
    a_repetition_after_a_dropped_read_is_caught:
        RepeatsWhenDropped by
        a_dropped_read_loses_nothing_and_repeats_nothing;
    a_loss_with_a_dropped_read_is_caught:
        LosesWhenDropped by
        a_dropped_read_loses_nothing_and_repeats_nothing;
    a_loss_with_a_dropped_wait_is_caught:
        TakesWhileItWaits by
        a_dropped_read_loses_nothing_and_repeats_nothing
        a_dropped_wait_takes_nothing
        no_more_comes_than_there_is_room_for
        one_record_comes_whatever_the_room;
    an_end_without_children_is_caught:
        EndsWithoutChildren by
        a_split_shard_ends_after_its_last_record
        merged_shards_end_and_share_their_child
        a_shard_without_records_ends_too
        after_the_last_record_of_an_ended_shard_is_its_end;
    an_end_that_names_one_child_of_two_is_caught:
        NamesOneChild by
        a_split_shard_ends_after_its_last_record
        a_shard_without_records_ends_too
        after_the_last_record_of_an_ended_shard_is_its_end;
    an_end_that_is_not_told_is_caught:
        NeverEnds by
        a_split_shard_ends_after_its_last_record
        merged_shards_end_and_share_their_child
        a_shard_without_records_ends_too
        after_the_last_record_of_an_ended_shard_is_its_end
        a_reader_can_be_closed_at_any_time;
    an_end_of_an_open_shard_is_caught:
        EndsAtTheTip by
        an_open_shard_does_not_end
        a_shard_at_its_tip_answers_with_nothing;
    a_refusal_that_is_taken_for_an_end_is_caught:
        EndsWhenThrottled by
        a_throttled_read_is_made_again_and_is_no_end;
    a_record_that_is_skipped_after_a_failure_is_caught:
        SkipsWhenItFails by
        a_throttled_read_is_made_again_and_is_no_end
        an_outage_loses_nothing;
    a_loss_that_is_not_told_is_caught:
        SwallowsLosses by
        trimmed_records_are_lost_from_the_last_position_read;
    a_loss_from_a_wrong_position_is_caught:
        LosesFromNowhere by
        trimmed_records_are_lost_from_the_last_position_read;
    answers_that_are_too_large_are_caught:
        IgnoresRoom by
        no_more_comes_than_there_is_room_for
        one_record_comes_whatever_the_room;
    a_record_that_waits_for_room_is_caught:
        WaitsForRoom by
        a_dropped_read_loses_nothing_and_repeats_nothing
        no_more_comes_than_there_is_room_for
        one_record_comes_whatever_the_room;
    a_wrong_order_is_caught:
        ReversesAnswers by
        records_come_once_and_in_their_order;
    a_cut_payload_is_caught:
        CutsPayloads by
        a_record_comes_as_it_was_put;
    a_forgotten_key_is_caught:
        ForgetsKeys by
        a_record_comes_as_it_was_put;
    a_forgotten_position_is_caught:
        ForgetsWhatItPassed by
        an_answer_says_which_position_was_passed;
    records_of_another_shard_are_caught:
        ReadsTheFirstShard by
        each_shard_has_its_own_records
        merged_shards_end_and_share_their_child
        children_begin_where_their_parent_ended
        a_shard_that_is_not_there_is_told_as_such;
    a_closed_shard_that_is_listed_as_open_is_caught:
        ListsClosedAsOpen by
        a_split_is_listed_with_its_children
        a_merge_is_listed_with_its_parents
        every_shard_of_a_long_list_is_listed;
    a_lost_page_is_caught:
        ListsOnePage by
        every_shard_of_a_long_list_is_listed;
    a_lost_parent_is_caught:
        ForgetsParents by
        merged_shards_end_and_share_their_child
        a_merge_is_listed_with_its_parents;
    a_reader_of_a_former_life_is_caught:
        IgnoresTheLife by
        a_stream_that_was_made_again_is_another;
    two_lives_that_seem_one_are_caught:
        HasOneLife by
        a_stream_that_was_made_again_is_another;
    a_clock_that_is_ahead_is_caught:
        IsAhead by
        a_stream_is_described_alike_each_time;
    a_reader_that_does_not_close_is_caught:
        NeverCloses by
        a_reader_can_be_closed_at_any_time;
}
