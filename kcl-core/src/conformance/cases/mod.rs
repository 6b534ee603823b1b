//! The cases of the suite for lease stores, one file for each theme.

mod concurrency;
mod documents;
mod histories;
mod leases;
mod limits;
mod listings;
mod races;
mod restarts;
mod sessions;
mod sharing;
mod wakeups;

use super::Case;

/// Lists functions as cases. The tolerant ones allow for failing, late and duplicate writes.
macro_rules! cases {
    (
        strict { $($module:ident: $($name:ident)*;)* }
        tolerant { $late:ident: $($other:ident)*; }
    ) => {
        &[
            $($(Case {
                name: stringify!($name),
                tolerant: false,
                play: |bench| Box::pin($module::$name(bench)),
            },)*)*
            $(Case {
                name: stringify!($other),
                tolerant: true,
                play: |bench| Box::pin($late::$other(bench)),
            },)*
        ]
    };
}

/// Every case, quick ones first.
pub const ALL: &[Case] = cases! { strict {
    sessions:
        a_new_session_is_put_once
        a_beat_counts_only_forwards
        leaving_is_for_good
        an_ended_session_stays_ended
        a_fence_needs_the_beat_that_was_watched
        only_an_ended_session_is_forgotten
        an_absent_session_is_not_made_by_accident
        the_store_tells_time_and_generation;
    leases:
        a_lease_is_created_once_with_every_field
        an_acquire_needs_the_owner_and_epoch_it_saw
        an_acquire_takes_the_lease_of_any_owner_it_saw
        a_checkpoint_needs_the_owner_and_the_epoch
        a_checkpoint_never_goes_back
        the_end_of_a_shard_clears_the_owner_and_names_the_children
        a_release_clears_the_owner_and_names_the_successor
        a_release_carries_the_last_checkpoint
        a_lease_is_deleted_when_ended_or_its_stream_is_gone
        an_absent_lease_is_not_made_by_accident
        two_lives_of_one_worker_are_two_owners;
    restarts:
        a_restart_needs_the_owner_and_epoch_it_saw
        a_restart_takes_back_and_clears_what_was_known
        a_restart_at_the_end_of_a_shard_names_the_children
        a_restart_refuses_what_was_sent_before_it
        a_restart_makes_no_row;
    documents:
        a_document_counts_its_versions
        a_document_is_deleted_at_the_version_seen
        a_document_holds_any_bytes;
    wakeups:
        a_wake_up_raises_the_mailbox_and_nothing_else
        nobody_is_made_or_woken_by_waking_the_absent_or_ended
        wake_ups_are_pushed_where_the_store_says_so;
    sharing:
        two_applications_do_not_see_each_other
        preparing_at_once_and_twice_is_harmless
        names_that_differ_in_case_or_ending_are_apart;
    limits:
        the_longest_names_are_kept
        the_highest_numbers_are_kept
        the_largest_document_is_kept;
    histories:
        random_histories_answer_as_the_rules_do
        late_duplicates_change_nothing_they_must_not;
    races:
        one_of_many_acquires_wins
        one_of_many_creations_wins
        a_restart_and_an_acquire_never_both_win
        one_of_many_registrations_wins
        one_of_many_document_writes_wins
        a_fence_and_a_beat_never_both_win
        wakes_and_beats_lose_nothing_of_each_other;
    listings:
        listings_see_every_acknowledged_write
        an_eventual_read_sees_a_write_in_the_end
        leases_are_listed_past_a_page_and_a_megabyte
        sessions_are_listed_past_a_page
        documents_are_listed_past_a_megabyte
        a_listing_holds_what_stays_while_rows_come_and_go;
} tolerant {
    concurrency:
        concurrent_histories_have_an_order_that_explains_them
        dropped_calls_leave_the_others_right;
} };
