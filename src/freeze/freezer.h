// SPDX-License-Identifier: MIT
/*
 * The state of one freeze while it runs, shared by its steps: select, pass, stop, chase, verify.
 * Nothing outside this folder needs it.
 */
#pragma once

#include "base/clock.h"
#include "freeze/cgroup.h"
#include "freeze/cgroup_name.h"
#include "freeze/freeze.h"

/**
 * struct cryo_freezer - one freeze.
 * @procfs: a private one where possible
 * @is_private: it is
 * @chosen, @spared: cgroups of the selection, and those among the words of what is spared
 * @old: what earlier freezes hold
 * @journal: NULL in a dry run
 * @subjects: every process looked at so far
 * @begin_ticks: clock ticks since boot when the freeze began
 * @pass_ticks: ... when the latest pass began: who is not in its census began later
 * @chase_ticks: @pass_ticks of the first chase; 0: none
 * @is_late: it has been given back time
 * @is_chased: a chase stopped processes that no pass has recorded yet
 * @deadline: CLOCK_MONOTONIC; when it gives up
 * @signalled_at: when the latest signal was sent
 * @last_pid: of the latest look at loadavg
 * @sequence: stops so far
 * @active: this pass stopped something, or something changed under it
 * @unsettled: subjects that may still stop by themselves
 */
struct cryo_freezer {
	const struct cryo_freeze_request *request;
	int procfs;
	bool is_private;
	struct cryo_world world;
	struct cryo_cgroup_names chosen, spared;
	struct cryo_outputs outputs;
	struct cryo_roster_request roster_request;
	struct cryo_roster roster;
	struct cryo_journal *journal;
	struct cryo_journal_state old;
	struct cryo_cgroups cgroups;
	struct cryo_subjects subjects;
	uint64_t begin_ticks, pass_ticks, chase_ticks;
	uint64_t deadline, signalled_at;
	pid_t last_pid;
	size_t sequence, passes, chases;
	bool active, is_chased, is_late;
	size_t unsettled;
};

bool cryo_freezer_is_cancelled(const struct cryo_freezer *freezer);

/* Put subjects into their order again after some were added. */
void cryo_subjects_sort(struct cryo_subjects *subjects);

/* The subject that has a pid and was not seen to be gone, or NULL. */
struct cryo_subject *cryo_subjects_find_living(const struct cryo_subjects *subjects, pid_t pid);

/* For each row of a census whether it is selected; malloc'ed. 0 or -ENOMEM. */
int cryo_freezer_select(
	const struct cryo_freezer *freezer, const struct cryo_census *census, bool **ret_selected);

/**
 * cryo_pass - look at every process once: what is new and selected is judged and stopped, what
 * should stand still is verified and stopped again.
 *
 * Sets @active and @unsettled. 0 or -errno.
 */
int cryo_freezer_pass(struct cryo_freezer *freezer);

/**
 * cryo_stop - stop new subjects, journal first, parents and tracers before others.
 * @batch: the subjects; their fate and trouble are set
 *
 * 0, or -errno of the journal (then nothing was stopped).
 */
int cryo_freezer_stop(struct cryo_freezer *freezer, struct cryo_subject *batch, size_t count);

/* Whether a process was asked to stop and has not yet: its wait(2) would still see a child stop. */
bool cryo_freezer_is_awaited(const struct cryo_freezer *freezer, pid_t pid);

/**
 * cryo_chase - stop processes that fork and end faster than they can be listed.
 * @ret_hits: signals that reached somebody
 *
 * 0 or -errno.
 */
int cryo_freezer_chase(struct cryo_freezer *freezer, size_t *ret_hits);

/* Whether all pids given out after @from, up to the last one, are used by who is spared. */
bool cryo_pids_are_explained(struct cryo_freezer *freezer, pid_t from, pid_t to);

/**
 * cryo_freezer_find_hidden - compare what is frozen with what other views of the machine show.
 *
 * Sets @hidden of subjects, and adds those that procfs does not show. 0 or -errno.
 */
int cryo_freezer_find_hidden(struct cryo_freezer *freezer);

/* Send the secondary signal to what could not be stopped. */
void cryo_freezer_then(struct cryo_freezer *freezer);

/**
 * cryo_freezer_start_guard - a process that thaws after some time unless somebody did before.
 * @journal_path: of the journal to thaw
 *
 * It has its own session, no descriptors of ours, and reports nothing. Returns its pid or -errno.
 */
pid_t cryo_freezer_start_guard(const char *journal_path, unsigned int seconds);
