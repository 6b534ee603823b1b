//! The cases of the suite for stream sources, one file for each theme.

mod drops;
mod ends;
mod lives;
mod losses;
mod order;
mod positions;
mod rooms;
mod shards;
mod trouble;

use super::{
    case::Case,
    factory::{Need, Trouble},
};

/// Lists functions as cases, each with the ability that it needs.
macro_rules! cases {
    ($($module:ident: $($name:ident $(($need:expr))?)*;)*) => {
        &[$($(Case {
            name: stringify!($name),
            needs: cases!(@need $($need)?),
            play: |bench| Box::pin($module::$name(bench)),
        },)*)*]
    };
    (@need $need:expr) => { Some($need) };
    (@need) => { None };
}

/// Every case of the suite.
pub const ALL: &[Case] = cases! {
    order:
        records_come_once_and_in_their_order
        a_record_comes_as_it_was_put
        each_shard_has_its_own_records
        an_answer_says_which_position_was_passed
        who_reads_again_sees_the_same;
    positions:
        the_trim_horizon_is_before_every_record
        the_latest_is_after_every_record
        a_time_is_before_the_first_record_that_arrived_then (Need::Times)
        at_a_record_is_with_it
        after_a_record_is_without_it
        after_the_newest_record_is_what_comes_next
        after_a_part_of_an_aggregate_are_the_others (Need::Aggregates);
    losses:
        trimmed_records_are_lost_from_the_last_position_read (Need::Trimming)
        what_was_read_before_it_was_trimmed_is_not_lost (Need::Trimming)
        the_trim_horizon_is_after_what_was_trimmed (Need::Trimming);
    ends:
        a_split_shard_ends_after_its_last_record
        merged_shards_end_and_share_their_child
        an_open_shard_does_not_end
        a_shard_without_records_ends_too
        after_the_last_record_of_an_ended_shard_is_its_end
        children_begin_where_their_parent_ended;
    drops:
        a_dropped_read_loses_nothing_and_repeats_nothing
        a_dropped_wait_takes_nothing
        a_reader_can_be_closed_at_any_time;
    rooms:
        no_more_comes_than_there_is_room_for
        one_record_comes_whatever_the_room
        a_shard_at_its_tip_answers_with_nothing;
    shards:
        the_shards_cover_all_hash_keys
        a_split_is_listed_with_its_children
        a_merge_is_listed_with_its_parents
        every_shard_of_a_long_list_is_listed
        a_shard_that_is_not_there_is_told_as_such;
    lives:
        a_stream_is_described_alike_each_time
        preparing_at_once_and_twice_is_harmless
        a_stream_that_was_made_again_is_another (Need::Remaking)
        a_stream_that_is_gone_is_told_as_such (Need::Remaking);
    trouble:
        a_throttled_read_is_made_again_and_is_no_end (Need::Trouble(Trouble::Throttled))
        an_outage_loses_nothing (Need::Trouble(Trouble::Unavailable))
        an_expired_iterator_is_renewed_where_the_reader_stood (Need::Trouble(Trouble::Expired))
        an_iterator_that_expires_at_the_tip_misses_nothing (Need::Trouble(Trouble::Expired))
        blank_answers_do_not_end_an_open_shard (Need::Trouble(Trouble::Blank));
};
