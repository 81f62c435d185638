// SPDX-License-Identifier: MIT
/* What a process can do, judged over its threads, and whom it means. */
#include "freeze/census.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "machine.h"
#include "proc/stat.h"

static enum cryo_rest rest(char state, const char *wchan)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine, (struct machine_process){
				      .pid = 5, .start_time = 1, .state = state, .wchan = wchan});
	return cryo_rest_of(machine.procfs, 5, 1);
}

Test(census, judges_a_single_thread)
{
	cr_assert_eq(rest('R', NULL), CRYO_REST_RUNS);
	cr_assert_eq(rest('S', "do_sys_poll"), CRYO_REST_RUNS);
	cr_assert_eq(rest('I', NULL), CRYO_REST_RUNS);
	cr_assert_eq(rest('D', "request_wait_answer"), CRYO_REST_BLOCKED);
	cr_assert_eq(rest('D', "__refrigerator"), CRYO_REST_FROZEN);
	cr_assert_eq(rest('S', "do_freezer_trap"), CRYO_REST_FROZEN);
	cr_assert_eq(rest('S', "get_signal"), CRYO_REST_FROZEN);
	cr_assert_eq(rest('T', NULL), CRYO_REST_STOPPED);
	cr_assert_eq(rest('t', NULL), CRYO_REST_TRACED);
	cr_assert_eq(rest('Z', NULL), CRYO_REST_DEAD);
	cr_assert_eq(rest('X', NULL), CRYO_REST_DEAD);
}

static enum cryo_rest rest_of_two(char first, char second)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine, (struct machine_process){.pid = 5, .start_time = 1});
	machine_add_thread(&machine, 5, 5, first);
	machine_add_thread(&machine, 5, 6, second);
	return cryo_rest_of(machine.procfs, 5, 1);
}

Test(census, lets_the_liveliest_thread_decide)
{
	cr_assert_eq(rest_of_two('T', 'T'), CRYO_REST_STOPPED);
	cr_assert_eq(rest_of_two('T', 'R'), CRYO_REST_RUNS);
	cr_assert_eq(rest_of_two('Z', 'S'), CRYO_REST_RUNS);
	cr_assert_eq(rest_of_two('Z', 'T'), CRYO_REST_STOPPED);
	cr_assert_eq(rest_of_two('t', 'D'), CRYO_REST_BLOCKED);
	cr_assert_eq(rest_of_two('t', 'T'), CRYO_REST_STOPPED);
	cr_assert_eq(rest_of_two('Z', 'Z'), CRYO_REST_DEAD);
}

static const char ended[] = "6 (x) Z 0 0 0 0 0 0 0 0 0 0 0 0 0 0 20 0 2 0 1 0 0 0\n";

/* Whoever looks at a thread finds that it has ended meanwhile, and that the leader lives. */
static void *change_places(void *user)
{
	const struct machine *machine = user;
	_cleanup_close_ int pipe = openat(machine->procfs, "5/task/6/stat", O_WRONLY);

	machine_add_thread(machine, 5, 5, 'S');
	cr_assert_eq(write(pipe, ended, strlen(ended)), (ssize_t)strlen(ended));
	return NULL;
}

Test(census, looks_again_where_no_thread_seems_to_live)
{
	_cleanup_machine_ struct machine machine = machine_new();
	pthread_t thread;

	machine_add(&machine, (struct machine_process){.pid = 5, .start_time = 1});
	machine_add_thread(&machine, 5, 5, 'Z');
	machine_add_thread(&machine, 5, 6, 'Z');
	cr_assert_eq(unlinkat(machine.procfs, "5/task/6/stat", 0), 0);
	cr_assert_eq(mkfifoat(machine.procfs, "5/task/6/stat", 0600), 0);
	cr_assert_eq(pthread_create(&thread, NULL, change_places, &machine), 0);
	cr_assert_eq(cryo_rest_of(machine.procfs, 5, 1), CRYO_REST_RUNS);
	pthread_join(thread, NULL);
}

static enum cryo_rest rest_of_killed(unsigned long long flags, bool core_dumping)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine,
		(struct machine_process){
			.pid = 5, .start_time = 1, .flags = flags, .core_dumping = core_dumping});
	return cryo_rest_of(machine.procfs, 5, 1);
}

Test(census, sees_the_kernel_write_a_core)
{
	cr_assert_eq(rest_of_killed(CRYO_PF_SIGNALED, true), CRYO_REST_DUMPED);
	cr_assert_eq(rest_of_killed(CRYO_PF_EXITING, true), CRYO_REST_DUMPED,
		"of another thread than the leader, which had exited");
	cr_assert_eq(rest_of_killed(CRYO_PF_SIGNALED, false), CRYO_REST_RUNS);
	cr_assert(cryo_rest_is_still(CRYO_REST_DUMPED));
}

Test(census, calls_another_process_with_the_number_dead)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine, (struct machine_process){.pid = 5, .start_time = 1});
	cr_assert_eq(cryo_rest_of(machine.procfs, 5, 2), CRYO_REST_DEAD);
	cr_assert_eq(cryo_rest_of(machine.procfs, 6, 1), CRYO_REST_DEAD);
}

Test(census, sees_stops_that_are_pending)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine, (struct machine_process){.pid = 5, .pending = "0000000000040000"});
	machine_add(&machine, (struct machine_process){.pid = 6, .pending = "0000000000020000"});
	cr_assert(cryo_stop_is_pending(machine.procfs, 5), "SIGSTOP");
	cr_assert_not(cryo_stop_is_pending(machine.procfs, 6), "SIGCONT is no stop");
	cr_assert_not(cryo_stop_is_pending(machine.procfs, 7));
}

Test(census, sees_stops_that_only_some_threads_have_taken)
{
	_cleanup_machine_ struct machine machine = machine_new();

	const struct machine_process blocked = {.pid = 5, .start_time = 1, .state = 'D'};

	machine_add(&machine, blocked);
	cr_assert_not(cryo_stop_is_in_force(machine.procfs, 5, 1), "none was sent");
	machine_add_thread(&machine, 5, 6, 'T');
	machine_add(&machine, blocked);
	cr_assert(cryo_stop_is_in_force(machine.procfs, 5, 1), "the leader stops when it can");
	cr_assert_not(cryo_stop_is_in_force(machine.procfs, 5, 2), "of another process");
	machine_add(&machine, (struct machine_process){.pid = 7, .state = 't'});
	cr_assert_not(cryo_stop_is_in_force(machine.procfs, 7, 0), "of a tracer");
	machine_add(&machine, (struct machine_process){.pid = 8, .state = 'T'});
	cr_assert(cryo_stop_is_in_force(machine.procfs, 8, 0));
	machine_add(&machine, (struct machine_process){.pid = 9, .pending = "0000000000040000"});
	cr_assert(cryo_stop_is_in_force(machine.procfs, 9, 0));
}

Test(census, names_the_process_of_a_tracing_thread)
{
	_cleanup_machine_ struct machine machine = machine_new();
	struct cryo_row row;

	machine_add(&machine, (struct machine_process){.pid = 5, .tracer = 9});
	machine_add(&machine, (struct machine_process){.pid = 9});
	cr_assert_eq(cryo_row_read(machine.procfs, 5, &row), 0);
	cr_assert_eq(row.tracer, 0, "not asked yet");
	cryo_row_complete(machine.procfs, &row);
	cr_assert_eq(row.tracer, 9);
	cr_assert_eq(row.uid, 0);
}

Test(census, counts_those_who_went_meanwhile)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_census_ struct cryo_census census = {0};
	char path[128];

	machine_add(&machine, (struct machine_process){.pid = 30});
	machine_add(&machine, (struct machine_process){.pid = 4});
	machine_add(&machine, (struct machine_process){.pid = 9});
	snprintf(path, sizeof(path), "%s/9/stat", machine.path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(cryo_census_take(machine.procfs, &census), 0);
	cr_assert_eq(census.count, 2);
	cr_assert_eq(census.vanished, 1);
	cr_assert_eq(cryo_census_find(&census, 30)->pid, 30);
	cr_assert_null(cryo_census_find(&census, 9));
}
