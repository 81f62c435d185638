// SPDX-License-Identifier: MIT
/* What a journal says, however it was cut, damaged or forged. */
#include "freeze/journal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"

static const struct cryo_world here = {"11111111-2222-3333-4444-555555555555", 4026531836};
static const char head[] = "H 1 11111111-2222-3333-4444-555555555555 4026531836";

static void add(struct cryo_buffer *text, const char *record)
{
	cr_assert_eq(cryo_buffer_printf(text, "%08x %s\n",
			     cryo_journal_checksum(record, strlen(record)), record),
		0);
}

/* A journal of these records, behind a head. */
static int parse(const char *const *records, struct cryo_journal_state *ret_state)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char *exact;
	int r;

	add(&text, head);
	for (; *records; records++)
		add(&text, *records);
	exact = malloc(text.size); /* nothing behind the end: a sanitizer sees an overrun */
	memcpy(exact, text.data, text.size);
	r = cryo_journal_parse(exact, text.size, ret_state);
	free(exact);
	return r;
}

Test(journal, keeps_the_order_of_stops)
{
	const char *const records[] = {"P 30 5 R s", "P 10 6 S s", "P 20 7 T s", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_eq(state.n_processes, 3);
	cr_assert_eq(state.processes[0].pid, 30);
	cr_assert_eq(state.processes[1].pid, 10);
	cr_assert_eq(state.processes[2].pid, 20);
	cr_assert_eq(state.processes[2].found, 'T');
	cr_assert_eq(state.damaged, 0);
	cr_assert_str_eq(state.world.boot_id, here.boot_id);
	cr_assert_eq(state.world.pid_namespace, here.pid_namespace);
}

Test(journal, tells_apart_processes_with_one_pid)
{
	const char *const records[] = {"P 30 5 R s", "P 30 6 R s", "T 30 5", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_eq(state.n_processes, 2);
	cr_assert(cryo_journal_find(&state, 30, 5)->thawed);
	cr_assert_not(cryo_journal_find(&state, 30, 6)->thawed);
	cr_assert_null(cryo_journal_find(&state, 30, 7));
	cr_assert_null(cryo_journal_find(&state, 31, 5));
}

Test(journal, believes_the_last_word)
{
	const char *const records[] = {
		"P 30 5 R s", "P 40 5 R s", "T 30 5", "P 30 5 D s", "T 99 1", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_eq(state.n_processes, 2);
	cr_assert_eq(state.processes[0].pid, 40);
	cr_assert_eq(state.processes[1].pid, 30, "stopped again, it is the last");
	cr_assert_not(state.processes[1].thawed);
	cr_assert_eq(state.processes[1].found, 'D');
	cr_assert(cryo_journal_is_open(&state));
}

Test(journal, is_closed_when_all_is_given_back)
{
	const char *const records[] = {"P 30 5 R s", "F 2f61", "P 40 5 R c 2f61", "C 7", "E 9",
		"T 30 5", "T 40 5", "U 2f61", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_not(cryo_journal_is_open(&state));
	cr_assert_str_eq(state.cgroups[0].path, "/a");
}

Test(journal, remembers_a_chase_that_was_cut_off)
{
	const char *const records[] = {"C 70", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert(state.chase_open);
	cr_assert_eq(state.chase_start, 70);
	cr_assert(cryo_journal_is_open(&state));
}

Test(journal, knows_its_guard_and_its_cgroups)
{
	const char *const records[] = {"G 77 1234", "N 2f622f63", "P 5 6 S m 2f622f63", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_eq(state.guard, 77);
	cr_assert_eq(state.guard_start, 1234);
	cr_assert(state.cgroups[0].made);
	cr_assert_str_eq(state.processes[0].cgroup, "/b/c");
	cr_assert_eq(state.processes[0].engine, CRYO_ENGINE_MOVED);
}

/* Records whose checksum is right and whose content is not. */
ParameterizedTestParameters(journal, leaves_out_what_makes_no_sense)
{
	static char records[][64] = {"P", "P 0 5 R s", "P 5 R s", "P 5 5 Q s", "P 5 5 R x",
		"P 5 5 R s trailing", "P 99999999999 5 R s", "P 5 5 R c", "P 5 5 R c 61",
		"P 5 5 R c 2f0", "P 5 5 R c 2f00", "P 5 5 R c zz", "P -5 5 R s", "T", "T 5", "F",
		"F 6162", "U 2f61", "C", "C x", "E", "G 0 5", "Q 1", "P 5 5 Rs", "P 5 5  R s",
		"H 1 aaaaaaaa 5", "P 5 99999999999999999999 R s", "F 2f 61", "P 5 5 R c 2f6 "};

	return cr_make_param_array(char[64], records, sizeof(records) / sizeof(records[0]));
}

ParameterizedTest(char record[64], journal, leaves_out_what_makes_no_sense)
{
	const char *const records[] = {"P 1 1 R s", record, "P 2 2 R s", NULL};
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	cr_assert_eq(parse(records, &state), 0);
	cr_assert_eq(state.damaged, 1, "'%s' was believed", record);
	cr_assert_eq(state.n_processes, 2);
	cr_assert_str_eq(state.world.boot_id, here.boot_id);
}

Test(journal, of_every_length_is_read_as_far_as_it_goes)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	size_t head_size;

	add(&text, head);
	head_size = text.size;
	add(&text, "P 30 5 R s");
	add(&text, "P 40 5 R c 2f61");
	for (size_t size = 0; size <= text.size; size++) {
		_cleanup_journal_state_ struct cryo_journal_state state = {0};
		char *cut = malloc(size + 1);
		int r;

		memcpy(cut, text.data, size);
		r = cryo_journal_parse(cut, size, &state);
		cr_assert_eq(r, size < head_size ? -EBADMSG : 0, "%zu bytes: %d", size, r);
		free(cut);
	}
}

Test(journal, of_which_any_byte_is_wrong_loses_that_record_only)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	size_t head_size;

	add(&text, head);
	head_size = text.size;
	add(&text, "P 30 5 R s");
	add(&text, "P 40 5 R s");
	for (size_t i = head_size; i < text.size - 1;
		i++) { /* without the last newline it is torn */
		_cleanup_journal_state_ struct cryo_journal_state state = {0};

		text.data[i] ^= 0x10;
		cr_assert_eq(cryo_journal_parse((char *)text.data, text.size, &state), 0);
		cr_assert_geq(state.damaged, 1, "byte %zu", i);
		cr_assert_leq(state.n_processes, 1, "byte %zu", i);
		text.data[i] ^= 0x10;
	}
}

/* A directory for journals. */
static void enter_directory(char path[static 32])
{
	strcpy(path, "/tmp/cryocore-journal-XXXXXX");
	cr_assert(mkdtemp(path));
	cr_assert_eq(chdir(path), 0);
}

Test(journal, file_is_written_and_read)
{
	_cleanup_journal_state_ struct cryo_journal_state state = {0};
	struct cryo_journal *journal;
	char path[32];

	enter_directory(path);
	cr_assert_eq(cryo_journal_open("j", &here, false, 0, &journal, &state), -ENOENT);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, &state), 0);
	cr_assert_eq(cryo_journal_path(journal)[0], '/', "the path is absolute");
	cryo_journal_add_process(journal, 5, 6, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cr_assert_eq(cryo_journal_commit(journal), 0);
	cryo_journal_add_process(journal, 7, 8, 'R', CRYO_ENGINE_CGROUP, "/a b\n");
	cr_assert_eq(cryo_journal_commit(journal), 0);
	cryo_journal_add_process(journal, 9, 9, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cryo_journal_close(journal); /* not committed: lost */
	cr_assert_eq(cryo_journal_peek("j", &here, &state), 0);
	cr_assert_eq(state.n_processes, 2);
	cr_assert_str_eq(state.processes[1].cgroup, "/a b\n");
	unlink("j");
	rmdir(path);
}

/* A caller's may take everything away: then nobody without privilege could open it again. */
Test(journal, is_for_us_whatever_the_umask_is)
{
	struct cryo_journal *journal;
	struct stat status;
	char path[32];

	enter_directory(path);
	umask(0777);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	cryo_journal_close(journal);
	cr_assert_eq(stat("j", &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
	unlink("j");
	rmdir(path);
}

Test(journal, file_with_a_torn_end_goes_on_behind_it)
{
	_cleanup_journal_state_ struct cryo_journal_state state = {0};
	struct cryo_journal *journal;
	char path[32];
	int fd;

	enter_directory(path);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	cryo_journal_add_process(journal, 5, 6, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cryo_journal_commit(journal);
	cryo_journal_close(journal);
	fd = open("j", O_WRONLY | O_APPEND);
	cr_assert_eq(write(fd, "0123", 4), 4);
	close(fd);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	cryo_journal_add_process(journal, 7, 8, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cryo_journal_commit(journal);
	cryo_journal_close(journal);
	cr_assert_eq(cryo_journal_peek("j", &here, &state), 0);
	cr_assert_eq(state.n_processes, 2);
	cr_assert_eq(state.damaged, 0, "nobody was stopped by what is torn");
	unlink("j");
	rmdir(path);
}

Test(journal, of_another_world_is_not_obeyed)
{
	struct cryo_world boot = here, space = here, clock = here;
	_cleanup_journal_state_ struct cryo_journal_state state = {0};
	struct cryo_journal *journal;
	char path[32];

	boot.boot_id[0] = '9';
	space.pid_namespace++;
	enter_directory(path);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	cryo_journal_add_process(journal, 5, 6, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cryo_journal_commit(journal);
	cryo_journal_close(journal);
	cr_assert_eq(cryo_journal_open("j", &space, true, 0, &journal, &state), -EXDEV);
	strcpy(clock.clock, "-5.000000007");
	cr_assert_eq(cryo_journal_open("j", &clock, true, 0, &journal, &state), -EXDEV);
	cr_assert_eq(cryo_journal_open("k", &clock, true, 0, &journal, NULL), 0);
	cr_assert_eq(cryo_journal_commit(journal), 0);
	cryo_journal_close(journal);
	cr_assert_eq(cryo_journal_open("k", &here, false, 0, &journal, &state), -EXDEV);
	cr_assert_eq(cryo_journal_open("k", &clock, false, 0, &journal, &state), 0);
	cr_assert_str_eq(state.world.clock, clock.clock);
	cryo_journal_state_clear(&state);
	cryo_journal_close(journal);
	unlink("k");
	cr_assert_eq(cryo_journal_open("j", &boot, false, 0, &journal, &state), -ESTALE);
	cr_assert_eq(cryo_journal_open("j", &boot, true, 0, &journal, &state), 0);
	cr_assert_eq(state.n_processes, 0, "a new boot begins anew");
	cr_assert_eq(cryo_journal_commit(journal), 0);
	cryo_journal_close(journal);
	unlink("j");
	rmdir(path);
}

Test(journal, is_ours_alone)
{
	struct cryo_journal *journal, *other;
	char path[32];
	int fd;

	enter_directory(path);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	cr_assert_eq(cryo_journal_open("j", &here, true, 20, &other, NULL), -EBUSY);
	cryo_journal_close(journal);
	cr_assert_eq(chmod("j", 0622), 0);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), -EPERM);
	unlink("j");
	cr_assert_eq(symlink("elsewhere", "j"), 0);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), -EPERM);
	cr_assert_eq(cryo_journal_peek("j", &here, NULL), -EPERM);
	unlink("j");
	cr_assert_eq(mkfifo("j", 0600), 0);
	cr_assert_lt(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	unlink("j");
	fd = open("j", O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(fd, "text\n", 5), 5);
	close(fd);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), -EBADMSG);
	unlink("j");
	rmdir(path);
}

Test(journal, that_cannot_be_written_says_so)
{
	struct cryo_journal *journal;
	struct stat info;
	char path[32];
	int fd;

	if (stat("/dev/full", &info) < 0)
		cr_skip_test("no /dev/full");
	enter_directory(path);
	cr_assert_eq(cryo_journal_open("j", &here, true, 0, &journal, NULL), 0);
	fd = open("/dev/full", O_WRONLY);
	for (int old = 3; old < fd; old++) { /* the journal's descriptor leads to /dev/full now */
		struct stat file;

		if (fstat(old, &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink == 1 &&
			flock(old, LOCK_EX | LOCK_NB) == 0 && file.st_size == 0)
			dup2(fd, old);
	}
	cryo_journal_add_process(journal, 5, 6, 'R', CRYO_ENGINE_SIGNAL, NULL);
	cr_assert_eq(cryo_journal_commit(journal), -ENOSPC);
	cryo_journal_close(journal);
	unlink("j");
	rmdir(path);
}
