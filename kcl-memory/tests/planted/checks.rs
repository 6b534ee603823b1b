//! What every bug is tried on, after the seeds.

use super::{bounds, counts, kill::Killer, overtaken, plans, rarely, restarts, scripts};
use crate::{
    closing::smallest,
    reporting, skipping,
    traces::{ends, heads, lost_writes, marks, moves, placement, planners, sessions, streams},
    workers,
};

/// A directed test that the healthy code passes. It panics when it fails.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// What kind of test.
    pub(crate) kind: &'static str,
    /// Its name: a sentence.
    pub(crate) name: &'static str,
    pub(crate) play: fn(),
}

impl Check {
    pub(crate) const fn killer(&self) -> Killer {
        Killer::Check(self.kind, self.name)
    }
}

macro_rules! checks {
    ($($kind:literal: $module:ident { $($name:ident,)+ })+) => {
        /// All of them, in the order in which they are tried.
        pub(crate) const ALL: &[Check] = &[
            $($(Check { kind: $kind, name: stringify!($name), play: $module::$name },)+)+
        ];
    };
}

checks! {
    "count": counts {
        a_quiet_minute_costs_what_it_should,
        workers_that_join_together_are_planned_for_together,
    }
    "bound": bounds {
        a_fleet_starts,
        two_workers_join,
        a_worker_dies,
        a_worker_dies_that_has_no_part_in_planning,
        the_planner_dies,
        one_planner_dies_after_the_other,
        a_worker_leaves,
        the_planner_leaves,
        a_shard_is_split,
        a_shard_is_split_that_no_rule_touches,
        two_shards_are_merged,
        most_of_the_fleet_dies,
        a_worker_hears_late_and_then_nothing,
    }
    "plan": plans {
        the_order_of_the_input_does_not_matter,
        a_required_worker_is_waited_for,
        a_lease_is_not_given_back_to_who_made_no_progress,
        a_small_difference_in_load_moves_nothing,
        children_join_the_holder_of_their_parent,
        who_gets_no_seat_is_told,
        what_shards_inherited_goes_with_their_stream,
        the_children_of_a_shard_with_a_rule_are_not_taken,
    }
    "rule": restarts {
        a_restart_is_of_the_row_that_was_seen,
        a_restart_needs_an_epoch_of_its_own,
        nobody_holds_a_lease_that_was_restarted,
    }
    "worker": workers {
        a_batch_dropped_at_the_deadline_comes_again,
        a_batch_that_failed_comes_again,
        the_end_waits_for_the_processor,
        a_handle_refuses_after_its_worker_has_left,
        a_handle_refuses_after_its_lease_was_handed_over,
    }
    "worker": reporting {
        what_begins_to_fail_is_told_at_once,
        reports_come_with_each_beat_while_somebody_watches,
        a_planner_keeps_what_the_one_before_had_told,
        a_planner_that_leaves_tells_to_whom_it_gave_its_leases,
    }
    "worker": skipping {
        one_record_is_given_up_and_nothing_else,
        what_nothing_would_keep_is_not_given_up,
    }
    "trace": moves {
        a_release_that_lands_after_the_plan_has_flipped_back,
        an_acquire_that_lands_after_its_read_back_said_unowned,
        a_release_that_is_lost,
        a_force_in_flight_while_the_plan_flips_back,
        a_batch_dropped_at_the_deadline_and_work_resumed_in_place,
        an_acquire_whose_answer_is_lost,
        a_checkpoint_that_lands_again_after_the_lease_has_moved,
        a_look_at_an_order_that_is_answered_after_the_next_order,
        a_handover_that_is_planned_anew_between_its_release_and_its_acquire,
    }
    "trace": streams {
        two_streams_at_once_on_an_empty_store,
        a_stranger_leaves_a_live_fleet_alone,
        a_stranger_that_lingers_is_given_no_lease,
        a_fleet_that_starts_again_with_another_stream,
        a_switch_that_lands_after_another_has_joined,
        a_pass_that_is_refused_by_a_switch,
        a_refusal_that_names_another_stream,
        a_store_that_loses_the_change_of_the_stream,
        a_worker_that_knows_a_former_life_of_the_stream,
    }
    "trace": placement {
        a_rule_that_is_put_or_taken_back_holds_within_a_beat_or_so,
        what_shards_inherit_outlives_the_row_that_led_to_it_and_the_planner,
        heirs_follow_the_rule_as_the_operator_changes_it,
        what_an_older_build_handed_down_among_the_operators_rules_holds_on,
        a_document_of_a_later_planner_is_not_written_over,
        a_frozen_fleet_gives_a_newcomer_what_nobody_holds_and_no_more,
        a_lease_returns_to_who_it_prefers_when_that_has_lived_for_a_while,
    }
    "trace": marks {
        a_drained_worker_hands_over_what_it_holds_and_gets_its_share_when_it_is_undrained,
        a_planner_that_is_drained_plans_on_and_reads_nothing,
        a_paused_lease_is_given_up_keeps_its_place_and_is_read_on_from_there,
        the_owner_of_a_parent_does_not_take_a_child_that_is_paused,
        a_lease_that_is_let_go_is_handed_to_another_once,
        a_lone_worker_lets_go_and_takes_it_again,
        a_lease_is_where_it_was_sent_until_the_time_is_over,
    }
    "trace": planners {
        a_planner_that_dies_between_two_assignment_writes_then_a_forced_handoff,
        a_paused_planner_that_wakes_under_a_newer_term,
        a_stale_planner_that_is_refused_and_reads_again,
        an_acquire_of_the_planners_lease_that_lands_on_a_worker_that_does_not_plan,
        planner_and_standby_die_together,
        a_planner_that_cannot_list_the_shards_takes_no_lease_from_anybody,
        a_listing_of_sessions_that_outlives_its_plan,
    }
    "trace": heads {
        both_heads_and_one_more_of_six_die_together,
        all_three_heads_of_eight_die_together,
        all_three_heads_and_one_more_of_eight_die_together,
        more_than_half_of_five_die_together_with_both_heads,
        a_reading_that_fails_once_costs_no_second_window,
        a_zone_of_three_of_nine_is_lost,
        a_standby_is_replaced_and_the_others_know,
        most_of_the_fleet_is_cut_off_with_its_planner_and_nobody_is_fenced,
    }
    "trace": lost_writes {
        a_store_that_loses_the_frozen_start,
        a_start_that_only_a_former_planner_knows,
        a_planner_that_has_not_heard_that_its_store_went_back,
        a_store_that_goes_back_twice_during_one_plan,
        releases_that_the_store_loses,
        the_end_of_an_older_session_that_the_store_loses,
    }
    "trace": sessions {
        a_stale_read_of_the_session_list,
        two_restarts_under_one_id_at_once,
        a_worker_that_restarts_under_its_id_takes_its_leases_back,
        a_registration_whose_answer_is_lost,
        a_store_that_goes_back_to_a_former_life,
        a_listing_that_is_older_than_the_leases,
    }
    "trace": ends {
        a_parents_row_deleted_early_and_its_childs_owner_crashing,
        two_parents_of_a_merge_that_end_at_the_same_moment,
        a_crash_right_after_the_end_of_a_shard,
        a_late_put_of_a_child_that_has_ended_and_was_deleted,
        shards_that_are_gone_before_anybody_read_them,
        a_child_that_a_rule_requires_elsewhere_and_a_worker_without_a_plan,
    }
    "script": scripts {
        most_of_the_fleet_is_cut_off_and_nobody_is_fenced,
        checkpoints_of_unknown_outcome_cost_nothing,
        the_answer_to_an_end_is_lost,
        an_operator_frees_a_lease,
        an_operator_deletes_a_row_that_is_held,
        the_row_of_an_open_shard_is_lost_with_its_owner,
        the_row_of_a_child_is_lost_with_the_owner_of_its_parent,
        a_parent_of_a_merge_has_no_row_yet,
        the_store_goes_back_and_nothing_is_processed_again,
        the_store_loses_the_end_of_a_shard,
        a_row_that_is_lost_starts_where_the_stream_was_frozen,
        a_shard_that_was_moved_and_moved_back,
        a_fenced_worker_finds_a_newer_one_of_its_id,
        a_worker_restarts_six_times,
        a_worker_whose_id_is_in_use_is_refused,
        a_slow_batch_is_dropped_before_its_lease_is_forced,
        a_worker_has_more_patience_than_its_planner,
        a_share_is_rounded_up,
        a_deletion_lands_when_the_row_was_made_again,
        ended_rows_go_when_the_stream_forgets_them,
    }
    "script": rarely {
        a_lease_is_granted_at_the_last_moment,
        a_fence_lands_after_a_beat,
        a_row_names_a_session_that_nobody_knows,
        an_owner_never_reads_its_order,
        a_row_is_anothers_after_an_outage,
        grace_runs_out,
        the_clock_goes_back_with_the_store,
    }
    "script": overtaken {
        a_release_lands_right_after_its_lease_was_taken_anew,
        an_order_to_force_outlives_what_it_meant,
        a_grant_is_heard_of_after_the_lease_was_given_away,
        an_acquire_lands_on_a_worker_that_is_not_to_hold_the_lease,
        the_leases_are_newer_than_the_sessions,
        sessions_are_listed_as_they_were_seconds_ago,
    }
    "search": smallest {
        a_change_among_late_writes_of_the_dead,
        a_change_while_a_session_is_silent,
        a_change_that_crashes_and_goes_on,
        a_change_that_crashes_twice_and_is_taken_back,
        a_change_that_is_taken_back_among_late_writes_of_the_dead,
        a_change_that_crashes_among_late_writes_of_the_dead,
        a_change_that_is_taken_back_among_late_writes_of_both,
        a_change_while_the_store_goes_back,
        a_change_while_the_store_loses_the_end_of_a_session,
        a_change_among_late_writes_of_the_dead_while_the_store_goes_back,
        a_change_that_meets_what_is_left_of_a_lost_one,
        a_second_command_takes_over,
        two_commands_at_once,
    }
}
