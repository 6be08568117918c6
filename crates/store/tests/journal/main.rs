//! What a journal promises, asked of each journal there is, and what only the ones with a database promise.
//!
//! PostgreSQL is asked where `CERTWAY_TEST_POSTGRES_URL` names a server on which databases may be created; they are
//! left there.

// Test helpers outside of test functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod damage;
mod promises;
mod requests;
mod sql;
mod world;
mod years;

macro_rules! promised_by {
    ($journal:ident: $($promise:ident),+ $(,)?) => {
        mod $journal {
            $(#[tokio::test]
            async fn $promise() {
                if let Some(place) = crate::world::Place::$journal().await {
                    crate::promises::$promise(&place.open().await).await;
                }
            })+
        }
    };
}

macro_rules! every_journal {
    ($($promise:tt)+) => {
        promised_by!(memory: $($promise)+);
        promised_by!(sqlite: $($promise)+);
        promised_by!(postgres: $($promise)+);
    };
}

every_journal! {
    what_was_begun_is_found_as_it_was_begun,
    nothing_is_found_under_an_unknown_key,
    the_same_request_again_is_seen,
    another_request_under_the_same_key_is_told_apart,
    of_many_that_begin_one_key_at_once_exactly_one_is_new,
    overlapping_keys_begun_at_once_are_each_new_once,
    every_phase_is_found_as_it_was_written,
    a_change_leaves_alone_what_it_does_not_name,
    a_finished_entry_has_lost_its_upstream_state,
    a_late_writer_is_fenced_and_changes_nothing,
    a_late_writer_may_write_while_nobody_took_the_entry,
    a_negative_lease_is_over_at_once,
    a_held_entry_cannot_be_claimed,
    an_unknown_entry_cannot_be_claimed,
    a_write_can_end_the_lease,
    a_released_entry_can_be_claimed_by_the_next,
    a_late_release_frees_nothing,
    a_finished_entry_can_be_claimed_and_each_claim_has_a_greater_fence,
    only_what_is_due_and_free_is_claimed_the_longest_due_first,
    a_lease_that_ends_later_than_any_claimants_is_not_believed,
    what_is_put_off_is_hastened_unless_it_waits_for_its_requester,
    due_entries_are_claimed_once_among_many_sweepers,
    an_entry_of_which_nothing_left_us_gives_way,
    an_ended_entry_gives_way_after_its_replay_span_and_not_before,
    of_many_that_replace_a_stale_entry_exactly_one_is_new,
    what_replaces_a_stale_entry_is_carried_on_when_it_is_due,
    an_issued_certificate_is_known_with_owner_and_entry,
    an_issued_certificate_outlives_its_entry,
    an_issued_certificate_is_found_by_serial_number_and_issuer_however_that_is_encoded,
    a_revocation_marks_the_issuance_and_is_listed_by_its_ca,
    revocations_are_listed_oldest_first_also_of_certificates_we_do_not_know,
    what_is_under_way_is_counted_by_its_phase,
}

macro_rules! kept_by {
    ($database:ident as $module:ident: $($promise:ident),+ $(,)?) => {
        mod $module {
            $(#[tokio::test]
            async fn $promise() {
                if let Some(place) = crate::world::Place::$database().await {
                    crate::sql::$promise(&place).await;
                }
            })+
        }
    };
}

macro_rules! every_database {
    ($($promise:tt)+) => {
        kept_by!(sqlite as sqlite_database: $($promise)+);
        kept_by!(postgres as postgres_database: $($promise)+);
    };
}

every_database! {
    a_journal_opened_again_has_everything,
    the_newest_entry_says_when_it_was_begun,
    what_is_queued_when_it_closes_is_written,
    a_closed_journal_says_so,
    what_is_still_claimed_when_it_closes_can_be_claimed_at_once,
    a_row_claimed_for_a_clients_word_keeps_its_time_when_it_closes,
    every_decision_is_in_the_audit_trail_in_order,
    a_fenced_write_leaves_no_trace,
    refusals_beyond_the_queue_are_dropped_and_counted,
    a_row_of_one_enrollment_is_small_and_shared_certificates_are_stored_once,
    two_processes_begin_one_key_once,
    two_processes_share_the_due_entries,
    a_process_that_wakes_late_is_fenced_by_the_other,
    an_entry_that_waits_for_its_requester_is_claimed_as_it_was_left,
    an_entry_that_another_process_moved_is_claimed_as_that_one_left_it,
    the_word_on_an_entry_takes_up_the_claim_that_was_left_for_one_caller,
    a_claim_that_was_left_is_fenced_once_anyone_has_claimed_the_entry,
    a_schema_newer_than_the_program_is_refused,
    a_damaged_row_is_named_and_not_quoted,
    a_damaged_due_entry_does_not_keep_the_others_waiting,
    a_nul_in_what_a_ca_said_does_not_keep_its_certificate_from_being_written,
}

macro_rules! every_database_over_years {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite_over_years {
            $(#[tokio::test]
            async fn $promise() {
                if let Some(place) = crate::world::Place::sqlite().await {
                    crate::years::$promise(&place).await;
                }
            })+
        }
        mod postgres_over_years {
            $(#[tokio::test]
            async fn $promise() {
                if let Some(place) = crate::world::Place::postgres().await {
                    crate::years::$promise(&place).await;
                }
            })+
        }
    };
}

every_database_over_years! {
    a_database_of_the_first_schema_is_upgraded_with_its_rows,
    what_ended_long_ago_goes_and_what_is_open_stays,
    a_certificate_stays_as_long_as_its_entry_reads_it,
    without_a_retention_nothing_goes,
    two_processes_compact_at_once,
    a_key_whose_entry_went_begins_anew,
    history_is_read_page_by_page_in_both_directions,
    events_are_found_by_their_entry,
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_name_is_refused() {
    if let Some(place) = world::Place::postgres_in("SQL_ASCII").await {
        sql::a_database_that_cannot_hold_every_name_is_refused(&place).await;
    }
}

#[tokio::test]
async fn a_database_that_drops_its_connections_is_connected_to_again() {
    if let Some(place) = world::Place::postgres().await {
        sql::a_database_that_drops_its_connections_is_connected_to_again(&place).await;
    }
}
