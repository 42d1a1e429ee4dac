#pragma once
// The rules that the simulation can break one at a time, and the moments that its worlds must
// sometimes come to. What the machines say of them goes through heartbeat/sim_points.h.

#include <array>
#include <cstdint>
#include <string_view>

// clang-format off: a line stays as it is when others come. The lists end with an empty line.
// X(name, "the rule of docs/PROTOCOL.md that the machine then breaks")
#define SIM_RULES(X)                                                                               \
    X(none, "nothing is broken")                                                                   \
    X(lease_from_send, "the lease counts from the send of the acknowledged heartbeat")             \
    X(lease_cut_by_the_drift, "a lease is shorter by rho on the agent's clock")                    \
    X(ack_cut_by_the_drift,                                                                        \
      "where clocks may differ by more than an agent knows a lease is told shorter")               \
    X(demotion_before_the_deadline, "demotion begins D before the deadline")                       \
    X(newer_than_the_last_obeyed, "only a reply newer than the last obeyed is obeyed")             \
    X(no_epoch_below_the_known,                                                                    \
      "no epoch below the highest seen or promised is obeyed or followed")                         \
    X(no_fenced_epoch_again,                                                                       \
      "what was asked before a fence counts no more, and its epoch is never writable again")       \
    X(no_reply_of_another_boot, "a reply to what was asked of another arbiter boot is not heard")  \
    X(marks_of_one_boot, "an agent's marks begin anew with each boot of the arbiter")              \
    X(mark_after_the_look, "a mark is said of what was read after it was obeyed")                  \
    X(seen_on_disk_before_said, "the highest epoch seen is durable before it is acted on")         \
    X(promise_on_disk_before_said, "a promise is durable before it is said")                       \
    X(promise_after_the_stop, "positions of a promise are read after receiving was stopped")       \
    X(fenced_when_it_is_unwritable, "fenced is said when the demotion has ended")                  \
    X(final_position_after_the_demotion, "the final position is read after the demotion")          \
    X(none_writable_without_a_lease, "what is writable without a lease is demoted")                \
    X(hand_written_is_errant, "a server that somebody wrote to by hand leads by a word only")      \
    X(restarted_master_proves_nothing, "who was refused by a master that restarted may lead")      \
    X(intact_master_proves, "who was refused by an intact master leads by a word only")            \
    X(winner_in_the_start_it_asked_with, "a database that restarted since it asked gives back")    \
    X(lost_relay_log_is_a_restart,                                                                 \
      "who lost its relay log says another start, or is caught at it")                             \
    X(lost_relay_log_on_disk_before_said,                                                          \
      "that a relay log was lost is durable before it is said")                                    \
    X(wait_begins_nothing, "one that is told to wait begins to follow nobody")                     \
    X(semi_sync_only_in_the_set, "only a member of S acknowledges")                                \
    X(deny_bars_as_before, "a master that hears a DENY bars whom it barred before")                \
    X(barred_when_in_force, "barred is said when nobody barred is connected or let in")            \
    X(each_heartbeat_has_its_request, "what is sent again has a request number of its own")        \
    X(others_get_their_chance, "after a failed promotion a server asks for nothing for a while")   \
    X(quarantine_after_restart, "after its restart the arbiter grants nobody before E has passed") \
    X(unconfirmed_lease_has_no_end,                                                                \
      "a master that was found writable has no deadline until it confirms one")                    \
    X(longest_lease_counts, "E counts the longest lease that was told under the epoch")            \
    X(shorter_lease_takes_nothing_back, "a shorter lease takes back nothing that was told")        \
    X(longer_lease_is_durable_first, "a longer lease is on disk before the ACK that tells it")     \
    X(expiry_is_waited_for, "nobody is granted before E has passed since the last ACK")            \
    X(expiry_counts_drift, "E has room for the clocks' drift, and a guard")                        \
    X(nobody_is_promoted_in_quarantine,                                                            \
      "after a restart the holder may renew, and is not promoted")                                 \
    X(closed_epoch_is_not_renewed, "a closed epoch is never renewed")                              \
    X(closed_before_prepare, "that e is closed is on disk before the first prepare(e+1) leaves")   \
    X(fenced_frees_its_own_epoch, "fenced frees the lease only for the epoch that it names")       \
    X(one_way_loss_ends_the_lease,                                                                 \
      "a holder that says that it is not writable is not renewed for ever")                        \
    X(grant_without_a_writer_lapses,                                                               \
      "a holder that is not master within max(2L, 10 s) gets no more ACKs")                        \
    X(database_restart_ends_the_epoch,                                                             \
      "a restart of the database ends writability for that epoch")                                 \
    X(record_before_reply, "what is told is on disk before")                                       \
    X(epoch_above_all_known, "a ledger that is behind rises above every epoch that is reported")   \
    X(older_copy_by_revision,                                                                      \
      "a higher revision than the ledger's shows that it is an older copy")                        \
    X(free_is_not_believed_at_once,                                                                \
      "a ledger that says that no lease lives is believed when all have been heard, or after E")   \
    X(all_are_heard_after_a_start,                                                                 \
      "after a start a fenced holder ends the quarantine only when all have been heard")           \
    X(impossible_epochs_move_nothing, "an epoch that nobody can have reached moves nothing")       \
    X(failed_ledger_grants_nobody, "while the ledger fails nobody new is granted")                 \
    X(failed_ledger_renews, "while the ledger fails the holder is still renewed")                  \
    X(each_grant_has_its_epoch, "every grant has an epoch of its own, higher than all before")     \
    X(first_election_waits_for_all, "the first election waits for all that may lead")              \
    X(two_writable_are_refused, "two that are found writable: nobody is granted")                  \
    X(window_has_a_length, "a candidate window is open for W at least")                            \
    X(window_waits_for_the_slow, "a window waits for those that are there and have not promised")  \
    X(elections_are_not_paced_by_h, "while nobody leads a DENY says to ask again within L/60")     \
    X(most_received_leads, "of the candidates who has received most leads")                        \
    X(last_holder_lacks_nothing,                                                                   \
      "the last holder is granted again only if it lacks nothing that another candidate has")      \
    X(incomparable_elects_nobody, "incomparable positions: nobody is granted by itself")           \
    X(most_applied_ranks, "of those that received the same who applied most leads")                \
    X(priority_ranks, "of equals the one with the higher priority leads")                          \
    X(names_rank_last, "of those that are equal in all the first by name leads")                   \
    X(first_to_ask_leads, "first-request: of those that received the same who asked first leads")  \
    X(lease_goes_back_to_its_equal,                                                                \
      "after a switchover that failed the old holder goes before its equals")                      \
    X(may_lead_is_kept, "one that may not lead, by the configuration, never does")                 \
    X(unwell_master_is_renewed, "an unwell master with a healthy database is renewed")             \
    X(unwell_never_leads, "one that says that it is unwell is not granted")                        \
    X(errant_leads_by_adopt_only, "one that is errant leads by adopt only")                        \
    X(candidates_have_promised, "only one that promised the epoch is granted it")                  \
    X(only_a_writable_one_is_followed,                                                             \
      "nobody is told to follow a master that is not writable yet")                                \
    X(master_follows_the_writer,                                                                   \
      "I7: the master record follows the heartbeat of one that is writable")                       \
    X(master_stands, "I7: the master record stands, also of one that is configured no more")       \
    X(master_over_restart, "the master record survives a restart of the arbiter")                  \
    X(zero_loss_gate, "nobody is elected who may lack what was acknowledged")                      \
    X(gate_needs_promises, "the gate counts a member's position only with its promise")            \
    X(gate_asks_the_leaving, "the gate asks members that are leaving too")                         \
    X(restarted_acker_is_absent, "an acker whose database restarted is absent until it caught up") \
    X(restarted_holder_is_not_intact,                                                              \
      "the last holder passes alone only if its database never restarted")                         \
    X(restarted_holder_asks_all,                                                                   \
      "the last holder after a restart needs the word of all that have data")                      \
    X(unknown_set_counts_restarts, "S unknown: nobody is elected after restarts of two databases") \
    X(final_position_is_reached, "who passes by the final position has received it")               \
    X(final_position_is_of_the_same_database, "a final position counts only without a restart")    \
    X(uncovered_elects_nobody, "no automatic failover while S does not cover the master's data")   \
    X(empty_set_covers_nothing, "an empty S covers nothing, before commits cease to wait")         \
    X(covered_anew_after_a_grant, "after a change of master S covers only what a member has")      \
    X(set_changes_with_the_holder,                                                                 \
      "S changes only while a heartbeat of the writable holder is answered")                       \
    X(cover_after_semi_sync, "S covers from a position read after commits began to wait")          \
    X(positions_by_marks, "a position is newer than an event only by its mark")                    \
    X(leaver_is_shut_out, "a leaver is in S until it can acknowledge no more")                     \
    X(leaver_waits_for_the_rest, "a leaver is in S until the others have what it acknowledged")    \
    X(surplus_acker_leaves, "of more ackers than the settings want one leaves")                    \
    X(silent_ackers_leave, "an acker that is silent for R is told no more")                        \
    X(dropped_ackers_leave, "an acker that is dropped from the configuration is told no more")     \
    X(barred_until_off, "one that is barred is let in when it says that it acknowledges nothing")  \
    X(dropped_ones_stay_barred, "one that the configuration dropped stays barred")                 \
    X(outsider_elects_nobody, "no automatic failover while somebody outside S acknowledges")       \
    X(old_master_rejoins_as_a_member, "one that was master follows only as a member of S")         \
    X(damping_block, "no automatic failover comes within B of the last")                           \
    X(damping_manual, "so many automatic failovers in an hour, then only an operator's word")      \
    X(block_doubles, "each failover within an hour of the one before doubles the block")           \
    X(damping_stops_relief, "an unwell holder is not relieved while failovers are blocked")        \
    X(damping_over_restart, "the block of the damping survives a restart of the arbiter")          \
    X(candidate_waits_for_final, "a switchover's candidate has the holder's final position first") \
    X(switchover_wants_little_lag, "the holder is told to yield to one that is close only")        \
    X(yielded_is_never_renewed, "who was told to yield gets no more ACK of that epoch")            \
    X(switchover_goes_to_the_named, "a switchover grants nobody but the one that it is to")        \
    X(commands_are_answered, "a command is answered when who was granted leads, or never will")    \
    X(one_word_at_a_time, "while a switchover or an election is under way no other begins")        \
    X(switchover_fails_in_time,                                                                    \
      "a switchover is ready within 5 H, and granted within max(L, 2 s)")                          \
    X(own_switchovers_are_paced, "between the arbiter's own switchovers there is a pause")         \
    X(no_relief_without_a_cause, "the arbiter relieves nobody who is well: there is no fail-back") \
    X(pause_stops_switchovers, "paused: no switchover of the arbiter's own")                       \
    X(pause_over_restart, "a pause survives a restart of the arbiter")                             \
    X(drain_over_restart, "a drain survives a restart of the arbiter")                             \
    X(pauses_and_drains_end, "a pause and a drain end when they were to")                          \
    X(silent_leave_www, "I9: www holds nobody silent for longer than R outside fail-open")         \
    X(unwell_leave_www, "a server that says that it is unwell leaves www")                         \
    X(good_heartbeats_in_a_row, "a server is back in www after up_after good heartbeats in a row") \
    X(flapping_is_damped, "one that comes and goes must be good for longer each time")             \
    X(www_never_empty, "I9: drained servers stay in www when nobody else is left for it")          \
    X(www_fails_open, "I9: when nobody stands, or half vanished at once, the stable set does")     \
    X(unwell_stay_out, "www that fails open leaves those out that said they are unwell")           \
    X(www_fails_open_only_when_due,                                                                \
      "one that falls silent does not make www fail open, nor do less than half")                  \
    X(vanished_within_one_r, "half of the stable set opens www only if it vanished within one R")  \
    X(half_that_vanish_are_back, "when half of the stable set vanished at once it stands again")   \
    X(only_the_stable_set_is_back, "www that fails open holds the stable set, not everybody")      \
    X(drained_open_nothing, "that drained servers are silent does not make www fail open")         \
    X(stable_set_stood_two_r, "the stable set is what stood unchanged for 2R")                     \
    X(stable_set_over_restart, "the stable set survives a restart of the arbiter")                 \
    X(drained_leave_www, "a drained server is out of www while another stands")                    \
    X(members_as_configured, "www holds each server with its weight and its addresses")            \
    X(master_as_configured, "the master record has the addresses that the configuration says")     \
    X(other_rules_are_published, "other weights and addresses are published as they are read")     \
    X(dropped_master_keeps_its_address,                                                            \
      "the address of a master that is dropped is the last that it had")                           \
    X(yield_waits_for_fenced, "a holder that was told to yield is waited for until it is fenced")  \
    X(no_way_back_after_the_grant, "after ACK(e+1) only the rule of free gives the lease away")    \
    X(drained_are_not_elected, "a drained server never leads")                                     \
    X(clones_are_not_renewed, "of two machines under one name neither is renewed")                 \
    X(clones_free_nothing, "what one of two machines says frees no lease")                         \
    X(clones_are_not_elected, "two machines under one name are neither granted nor renewed")       \
    X(dropped_holder_keeps_its_claim, "a dropped holder keeps its claim until E has passed")       \
    X(adopt_has_most, "nobody is adopted while another that reported has received more")           \
    X(a_word_grants_whom_it_names,                                                                 \
      "an election by a word that names somebody grants nobody else")                              \
    X(confirm_dead_only_for_the_silent, "confirm-dead only for one that is not heard")             \
    X(confirm_dead_is_allowed_first,                                                               \
      "nobody is taken for dead where the settings do not allow that")                             \
    X(a_cloned_name_is_not_dead, "nobody is taken for dead under whose name two machines speak")   \
    X(a_death_waits_for_the_others, "after a start confirm-dead only when all others were heard")  \
    X(writable_ones_are_not_dropped,                                                               \
      "a reload drops nobody who was writable before there were leases")                           \
    X(pause_stops_grants, "paused: no automatic grant")                                            \
    X(penalties_rank, "of equals the one that lost fewer leases leads")                            \
    X(penalties_wear_off, "the points of a lost lease are halved with each half-life")             \
    X(observe_moves_nothing, "an arbiter that observes gives no lease and no order")               \
    X(no_way_back_to_observing, "once a lease was given there is no way back to mode observe")

// X(name, "what must have happened in some world")
#define SIM_MOMENTS(X)                                                                             \
    X(granted_to_a_database_that_restarted, "an ACK came to a database that restarted meanwhile")  \
    X(a_promotion_failed, "a promotion failed, and the lease was given back")                      \
    X(a_winner_had_yet_to_apply, "one that was granted had yet to apply what it had received")     \
    X(a_database_restarted_while_promoted,                                                         \
      "a database restarted, or lost its relay log, during its promotion")                         \
    X(others_got_their_chance, "one that gave its lease back asked for nothing for a while")       \
    X(failed_write_was_on_disk, "what an agent could not write was on its disk when it started")   \
    X(failed_ledger_was_on_disk, "the ledger was found with what could not be written")            \
    X(wrote_after_its_lease,                                                                       \
      "a database went on after its lease, and performed what lay in its sockets")                 \
    X(demoted_before_its_deadline, "a master heard no ACK, and was demoted D before its deadline") \
    X(a_masters_database_restarted, "the database of a master restarted under its lease")          \
    X(somebody_wrote_by_hand, "somebody wrote to a server that neither led nor received")          \
    X(a_follower_was_opened_by_hand, "somebody made one writable that was read-only and followed") \
    X(an_errant_ones_data_were_replaced, "an errant one was given the data of another")            \
    X(a_master_took_an_errant_one, "a master took one as its replica that had been errant")        \
    X(a_refusal_was_proven, "an intact master refused a replica")                                  \
    X(the_refused_one_leads, "a master restarted, refused a replica, and that one was elected")    \
    X(the_holder_yielded, "a holder was told to yield")                                            \
    X(a_fence_had_no_position_yet,                                                                 \
      "a server was fenced, and had not looked at its database since")                             \
    X(a_look_saw_nothing, "a look at a database saw nothing")                                      \
    X(window_closed_with_the_best_late, "a candidate window closed with the best candidate late")  \
    X(an_election_was_not_paced_by_h, "a server was told to ask again within L/60")                \
    X(who_received_most_goes_first, "one candidate had received more than all others")             \
    X(a_window_waited_for_the_slow, "W had passed, and one that is there had not promised")        \
    X(a_window_waited_no_longer, "a window was open for a whole lease")                            \
    X(a_server_flapped, "a server left www soon after it had come back")                           \
    X(a_flapping_one_had_to_be_steady,                                                             \
      "one that comes and goes was good for up_after heartbeats, and had to be for longer")        \
    X(a_silent_server_left_www, "a server stood in www and was silent for R")                      \
    X(an_unwell_server_left_www, "a server stood in www and said that it is unwell")               \
    X(a_server_was_back_in_www, "a server was in www again after up_after good heartbeats")        \
    X(stable_set_changed, "another set had stood in www for 2R")                                   \
    X(only_drained_servers_left, "nobody but drained servers was left for www")                    \
    X(a_drained_server_left_www, "a server left www because it was drained")                       \
    X(all_servers_unwell, "all that could stand in www said that they are unwell")                 \
    X(an_unwell_one_stayed_out, "www failed open without one that had said that it is unwell")     \
    X(half_of_www_vanished_at_once, "half of the stable set fell silent within one R")             \
    X(nobody_stood_in_www, "nobody stood in www, and it failed open")                              \
    X(holder_reported_fenced, "a holder reported fenced, and its lease was free at once")          \
    X(lease_ended_by_time, "a lease was free when E had passed since its last ACK")                \
    X(holder_was_writable_and_is_not, "one-way loss: a holder said that it is no longer writable") \
    X(grant_lapsed, "a grant lapsed, as nobody became writable under it")                          \
    X(ledger_was_an_older_copy, "a server knew more than the ledger")                              \
    X(a_revision_showed_an_older_copy,                                                             \
      "a server knew no later epoch than the ledger, but a later revision")                        \
    X(a_promise_showed_an_older_copy,                                                              \
      "a server had promised the next epoch of one that is not closed")                            \
    X(the_ledger_was_damaged, "the arbiter started with a ledger that can not be read")            \
    X(gate_waited, "the zero-loss gate kept a window open")                                        \
    X(gate_passed_the_intact_holder, "the gate let pass: the last holder, intact")                 \
    X(gate_passed_who_has_the_final_position, "the gate let pass: who has the final position")     \
    X(a_final_position_was_of_another_start,                                                       \
      "a holder was fenced, and its database had restarted")                                       \
    X(gate_passed_by_the_set, "the gate let pass: who has all that S has")                         \
    X(gate_passed_by_everybody, "the gate let pass: S unknown, who has all that anybody has")      \
    X(gate_passed_a_restarted_holder, "the gate let pass: the last holder after a restart")        \
    X(gate_had_nothing_to_lose, "the gate let pass: nothing was ever granted")                     \
    X(too_many_restarted_with_the_set_unknown,                                                     \
      "S was unknown, and the databases of two had restarted")                                     \
    X(candidates_were_incomparable, "candidates each had what the other lacks")                    \
    X(two_were_found_writable, "two were found writable before the first lease")                   \
    X(the_first_election_waited, "the first election waited for one that may lead")                \
    X(the_first_would_lack_something,                                                              \
      "at the first election one that may not lead had what the winner lacks")                     \
    X(a_writable_one_was_missed, "one that was found writable fell silent before the first lease") \
    X(a_writable_one_was_granted, "one that was found writable was granted the first lease")       \
    X(unbounded_lease_got_its_end, "one that was found writable confirmed an ACK")                 \
    X(lease_was_lengthened, "a longer lease was told than ever under this epoch")                  \
    X(lease_was_shortened, "a shorter lease was told after a longer one")                          \
    X(a_lease_was_told_shorter, "clocks may differ by more than an agent knows")                   \
    X(renewed_after_a_restart, "a lease was renewed in quarantine")                                \
    X(nobody_was_promoted_in_quarantine,                                                           \
      "after a restart the holder was heard, and had not been master yet")                         \
    X(a_closed_epoch_was_not_renewed, "after a restart the holder of a closed epoch was heard")    \
    X(quarantine_ended_by_time,                                                                    \
      "E passed since the start, and nobody had ended the quarantine before")                      \
    X(renewed_while_the_ledger_failed, "a lease was renewed while the ledger failed")              \
    X(a_grant_waited_for_the_ledger, "nobody led, and the ledger could not be written")            \
    X(who_was_named_lacks_something, "another candidate had what the one lacks whom a word names") \
    X(who_was_named_was_granted, "the one whom a word names was elected")                          \
    X(a_refused_member_was_not_asked,                                                              \
      "a member had been refused for what it has more, and was not asked")                         \
    X(all_were_errant, "every server that may lead is errant, and a person is asked")              \
    X(free_was_not_believed_at_once, "no lease lived by the ledger, and not all had been heard")   \
    X(fenced_was_not_enough_after_a_start, "a holder reported fenced before all had been heard")   \
    X(somebody_claimed_too_much, "a server claimed an epoch that nobody can have reached")         \
    X(a_reply_came_after_a_newer_one, "an agent heard a reply older than the last it obeyed")      \
    X(an_old_heartbeat_was_not_heard, "a heartbeat came twice, or after a newer one")              \
    X(a_heartbeat_was_sent_again, "a heartbeat was not answered, and sent again")                  \
    X(a_reply_came_after_the_fence, "an agent heard a reply to what it asked before its fence")    \
    X(a_reply_was_below_the_known, "an agent heard a reply below what it knows or promised")       \
    X(an_ack_was_of_a_fenced_epoch, "an ACK came of an epoch that its server is fenced for")       \
    X(a_late_ack_shortened_nothing, "an ACK came whose lease ends before the one that is held")    \
    X(an_ack_came_too_late, "a first ACK came when its lease was all but over")                    \
    X(requests_died_with_the_arbiter,                                                              \
      "an agent met another boot of the arbiter, and waited for a reply of the last")              \
    X(a_promise_stood_through_a_wait, "one that had promised was told to wait")                    \
    X(a_wait_began_nothing, "one that was told to wait would have begun to follow")                \
    X(a_promise_outlived_its_agent, "an agent began anew with a promise on its disk")              \
    X(an_errant_one_stayed_errant, "an agent began anew, and its database is errant by its disk")  \
    X(an_agents_record_failed, "an agent could not write what it was to say")                      \
    X(guard_killed_a_database, "a guard killed its database at the deadline")                      \
    X(arbiter_died_before_the_ack, "the arbiter died between its ledger and the ACK of a grant")   \
    X(arbiter_died_before_the_ledger, "the arbiter died before its ledger had a grant")            \
    X(a_queue_went_before_a_timer,                                                                 \
      "one that was stopped had a datagram to read, and a timer to judge after it")                \
    X(a_dropped_server_stayed_barred, "one that was dropped was barred where it had been")         \
    X(www_failed_open_no_more, "www that had failed open was itself again")                        \
    X(an_adoption_was_refused, "an operator's adopt was refused")                                  \
    X(loss_was_accepted, "loss = allow went on without the gate")                                  \
    X(semi_sync_set_covers, "S came to cover the master's data")                                   \
    X(cover_outlived_a_change_of_master,                                                           \
      "a new master was writable, and a member had applied all that it had")                       \
    X(cover_ended_with_its_master, "a new master was writable, and S covered no more")             \
    X(semi_sync_set_became_empty, "S became empty, and commits waited for nobody")                 \
    X(semi_sync_was_switched_off, "semi-sync was switched off, and somebody still acknowledged")   \
    X(acker_restarted, "an acker's database restarted")                                            \
    X(restarted_acker_caught_up, "an acker caught up after its restart")                           \
    X(relay_log_was_lost, "a relay log began anew in a database that did not restart")             \
    X(unapplied_relay_log_was_lost, "… with what its server had received, and not applied")        \
    X(a_relay_log_was_kept,                                                                        \
      "one that could not apply what it has stayed with the master that it followed")              \
    X(old_master_caught_up, "an old master had its own transactions back")                         \
    X(an_old_master_waited_to_be_a_member, "an old master was to follow, and was not in S yet")    \
    X(an_errant_one_was_asked_once,                                                                \
      "an old master that was refused was asked to follow no second time")                         \
    X(leaver_came_back, "a leaver was back before it was let go")                                  \
    X(acker_fell_silent, "an acker was silent for R")                                              \
    X(acker_was_dropped, "an acker was dropped from the configuration")                            \
    X(acker_did_not_replicate, "an acker was heard, and did not replicate for R")                  \
    X(acker_may_not_lead, "an acker was drained, or may not lead any more")                        \
    X(acker_was_one_too_many, "an acker more than the rules want was let go")                      \
    X(a_leaver_waited_for_another_acker,                                                           \
      "an acker was to leave, and nobody else acknowledged yet")                                   \
    X(a_leaver_said_that_it_is_off, "one that leaves said that it acknowledges no more")           \
    X(a_leaver_waited_for_the_rest,                                                                \
      "one that leaves could acknowledge no more, and the others lacked what it has")              \
    X(the_last_acker_left,                                                                         \
      "the last acker was let go, as the master had kept all of it for long enough")               \
    X(acker_was_barred, "an acker that fell silent was barred by the master")                      \
    X(a_barred_one_was_cut_off, "a master cut the connection of one that it bars")                 \
    X(a_barred_one_was_kept_out, "one that is barred tried to connect to its master")              \
    X(barred_one_was_let_in, "one that was barred said that it is off, and was let in again")      \
    X(outsider_acknowledges, "somebody outside S acknowledged")                                    \
    X(outsider_was_gone, "nobody outside S acknowledged any more")                                 \
    X(semi_sync_was_configured_later,                                                              \
      "a database that led or followed was set to acknowledge, or no more")                        \
    X(a_setting_was_put_right, "a look found semi-sync set otherwise than its agent had set it")   \
    X(holder_was_told_to_yield, "a switchover's holder was told to yield")                         \
    X(a_switchover_was_given_up, "a switchover was given up before anybody was told to yield")     \
    X(a_candidate_was_waited_for,                                                                  \
      "a switchover's candidate had yet to receive what the holder wrote last")                    \
    X(switchover_was_granted, "a switchover's candidate was granted the next epoch")               \
    X(nobody_followed_before_the_promotion,                                                        \
      "one was to wait, for whoever was granted is not writable yet")                              \
    X(switchover_failed_late, "a switchover failed after its holder was told to yield")            \
    X(a_yielded_holder_had_restarted,                                                              \
      "who was told to yield has no final position, as its database restarted")                    \
    X(a_switchover_took_too_long, "a switchover was not ready, or not granted, in time")           \
    X(arbiter_began_a_switchover, "the arbiter began a switchover by itself")                      \
    X(a_drained_holder_was_to_go, "the holder was drained, and another was to lead")               \
    X(one_that_may_not_lead_was_to_go, "the holder might not lead any more, and another was to")   \
    X(an_unwell_holder_was_to_go, "the holder was unwell for R, and another was to lead")          \
    X(own_switchover_was_held_back, "the arbiter's own switchover waited for its pace")            \
    X(pace_outlived_a_restart, "the arbiter restarted in the pause after a switchover of its own") \
    X(relief_was_damped, "the holder was unwell, and the damping kept it leading")                 \
    X(relief_was_paused, "a pause kept the arbiter from a switchover of its own")                  \
    X(nobody_could_relieve_it, "another was to lead, and nobody was ready")                        \
    X(lease_went_back, "after a switchover that failed the old holder led again")                  \
    X(who_led_before_goes_first,                                                                   \
      "after a failed switchover the old holder stood beside its equal")                           \
    X(who_asked_first_goes_first, "of equals who asked first went before the other")               \
    X(who_applied_most_goes_first, "two had received the same, and one had applied more")          \
    X(who_lost_fewer_goes_first, "of equals one had lost fewer leases")                            \
    X(who_has_priority_goes_first, "of equals one had a higher priority")                          \
    X(who_is_first_by_name_goes_first, "two were equal in all but their names")                    \
    X(the_last_holder_led_again, "the last holder was granted the next epoch")                     \
    X(failed_over, "another than the last holder was granted, without an operator's word")         \
    X(failover_was_paused, "a pause kept an automatic failover back")                              \
    X(a_pause_outlived_a_restart, "the arbiter restarted while it was paused")                     \
    X(a_pause_ended, "a pause came to its end")                                                    \
    X(a_pause_kept_the_window_shut, "nobody led, and a pause kept everybody from being elected")   \
    X(failover_was_blocked, "the block of the damping kept an automatic failover back")            \
    X(what_was_blocked_was_no_failover,                                                            \
      "failovers were blocked or paused, and the last holder led again")                           \
    X(failovers_were_spent, "one automatic failover more was above what an hour may see")          \
    X(a_block_was_doubled, "a failover came within an hour of the one before")                     \
    X(a_resume_lifted_the_damping, "an operator's resume ended the damping")                       \
    X(a_block_outlived_a_restart, "the arbiter restarted while failovers were blocked")            \
    X(failover_wanted_a_word, "only an operator's word elected, after too many failovers")         \
    X(operator_called_an_election, "an operator's word called for an election")                    \
    X(a_word_lifted_the_damping,                                                                   \
      "an operator called for an election while failovers were blocked")                           \
    X(operator_confirmed_a_death, "an operator confirmed that the holder is dead")                 \
    X(one_that_is_heard_is_not_dead,                                                               \
      "an operator said that a holder is dead, and it had been heard")                             \
    X(a_cloned_holder_was_not_dead,                                                                \
      "a holder was not taken for dead, as two machines speak under its name")                     \
    X(a_death_waited_for_the_others, "… after a start, and not all others had been heard")         \
    X(an_adoption_was_judged_again,                                                                \
      "one that was to be adopted could not be any more when it asked")                            \
    X(a_server_was_adopted, "an operator adopted a master")                                        \
    X(an_errant_one_was_adopted, "an operator adopted one that was errant")                        \
    X(an_adoption_lost_something, "an operator adopted one that the gate would not have let pass") \
    X(a_server_was_drained, "an operator drained a server")                                        \
    X(a_drain_outlived_a_restart, "the arbiter restarted while a server was drained")              \
    X(a_drain_ended, "a drain came to its end")                                                    \
    X(an_end_passed_unseen,                                                                        \
      "the arbiter restarted, and by the wall clock something had ended meanwhile")                \
    X(the_wall_clock_went_back,                                                                    \
      "the arbiter restarted before what it had begun, by the wall clock")                         \
    X(an_unwell_master_was_renewed, "a master whose page or web server failed was renewed")        \
    X(holder_was_dropped, "the holder of a lease was dropped from the configuration")              \
    X(a_dropped_master_stood, "the master record named one that is configured no more")            \
    X(reload_was_refused, "a reload would have dropped one that is written to without a lease")    \
    X(clones_were_seen, "two machines spoke under one name")                                       \
    X(nobody_believed_a_clone, "one of two machines under one name was heard")                     \
    X(arbiter_observed, "an arbiter in mode observe heard a heartbeat")                            \
    X(an_agent_was_told_nothing, "an agent heard that the arbiter only observes")                  \
    X(observer_began_to_act, "mode observe ended by an operator's word")                           \
    X(there_was_no_way_back, "an operator asked to observe when a lease had been given")

// clang-format on

namespace sim {

enum class Rule : std::uint8_t {
#define SIM_NAME(name, text) name,
    SIM_RULES(SIM_NAME)
};
enum class Moment : std::uint8_t {
    SIM_MOMENTS(SIM_NAME)
#undef SIM_NAME
        count
};

// One thread, one world at a time: what is broken now, and what was come to since it was cleared.
inline Rule broken_rule = Rule::none;
inline bool rule_asked = false;  // some machine came to where it would have kept the broken rule
inline std::array<std::uint64_t, static_cast<std::size_t>(Moment::count)> moments{};

inline bool broken(Rule rule) {
    if (broken_rule != rule) return false;
    rule_asked = true;
    return true;
}
inline bool supposing = false;  // what is carried out now is forgotten again: a dry run
inline void came_to(Moment moment) {
    if (!supposing) ++moments[static_cast<std::size_t>(moment)];
}
struct Supposing {
    Supposing() { supposing = true; }
    ~Supposing() { supposing = false; }
    Supposing(const Supposing&) = delete;
    Supposing& operator=(const Supposing&) = delete;
};

}  // namespace sim
