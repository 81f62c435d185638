// SPDX-License-Identifier: MIT
/*
 * Theory: a crash can tear the last record, and a bad disk any; a hostile hand can write whatever
 * it likes. So each line stands alone, a line that does not check is left out, and no number in it
 * is used as a size. What remains is folded: the last word about a process or a cgroup counts. What
 * a torn record was to announce has never happened: only one that has its end is damaged.
 *
 * Each kind of record is a row of a table: its letter, and the function that takes its fields.
 */
#include "freeze/journal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"

uint32_t cryo_journal_checksum(const char *text, size_t size)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash;
}

/* The fields of one record, from behind its letter to its end. */
struct fields {
	const char *at, *end;
};

static bool take_number(struct fields *fields, uint64_t *ret_number)
{
	return cryo_number_scan(&fields->at, fields->end, 10, ret_number);
}

/* Whether nothing is left: what a record has too much makes all of it doubtful. */
static bool at_end(const struct fields *fields)
{
	return fields->at == fields->end;
}

static bool take_identity(struct fields *fields, pid_t *ret_pid, uint64_t *ret_start_time)
{
	uint64_t pid, start_time;

	if (!take_number(fields, &pid) || pid == 0 || pid > INT_MAX ||
		!take_number(fields, &start_time))
		return false;
	*ret_pid = (pid_t)pid;
	*ret_start_time = start_time;
	return true;
}

/* A blank and one letter out of `letters`. */
static bool take_letter(struct fields *fields, const char *letters, char *ret_letter)
{
	if (fields->end - fields->at < 2 || fields->at[0] != ' ' || !fields->at[1] ||
		!strchr(letters, fields->at[1]))
		return false;
	*ret_letter = fields->at[1];
	fields->at += 2;
	return true;
}

/* A blank and an absolute path in hexadecimal; malloc'ed, or NULL. */
static char *take_path(struct fields *fields)
{
	size_t size = (size_t)(fields->end - fields->at) / 2;
	_cleanup_free_ char *path = calloc(1, size + 1);

	if (!path || fields->at == fields->end || *fields->at++ != ' ')
		return NULL;
	for (size_t i = 0; i < size; i++) {
		const char *digits = fields->at;
		uint64_t byte;

		if (!cryo_number_scan(&digits, fields->at + 2, 16, &byte) || byte == 0 ||
			digits != fields->at + 2 || *fields->at == ' ')
			return NULL;
		path[i] = (char)byte;
		fields->at += 2;
	}
	return path[0] == '/' && at_end(fields) ? steal_ptr(path) : NULL;
}

/* Nothing, or a blank and what boot time is shifted by. */
static bool take_clock(struct fields *fields, char *clock, size_t size)
{
	size_t length = (size_t)(fields->end - fields->at);

	if (length == 0)
		return true;
	if (*fields->at != ' ' || length < 2 || length > size)
		return false;
	for (size_t i = 0; i < length - 1; i++)
		if (!strchr("-.0123456789", fields->at[i + 1]) || !fields->at[i + 1])
			return false;
	memcpy(clock, fields->at + 1, length - 1);
	return true;
}

/* Every function below returns 0, -EBADMSG for fields that make no sense, or -ENOMEM. */
static int take_head(struct cryo_journal_state *state, struct fields *fields)
{
	struct cryo_world world = {0};
	uint64_t version;

	if (state->world.boot_id[0] || !take_number(fields, &version) || version != 1 ||
		fields->at == fields->end || *fields->at++ != ' ')
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(world.boot_id) - 1; i++)
		if (fields->at < fields->end && *fields->at != ' ')
			world.boot_id[i] = *fields->at++;
	if (!world.boot_id[0] || !take_number(fields, &world.pid_namespace) ||
		!take_clock(fields, world.clock, sizeof(world.clock)))
		return -EBADMSG;
	state->world = world;
	return 0;
}

static int take_process(struct cryo_journal_state *state, struct fields *fields)
{
	struct cryo_journal_process process = {0}, *added;
	char engine;

	if (!take_identity(fields, &process.pid, &process.start_time) ||
		!take_letter(fields, "RSDTtFCZIWP", &process.found) ||
		!take_letter(fields, "scm", &engine))
		return -EBADMSG;
	process.engine = (enum cryo_engine)engine;
	if (process.engine != CRYO_ENGINE_SIGNAL)
		process.cgroup = take_path(fields);
	if (!at_end(fields) || (process.engine != CRYO_ENGINE_SIGNAL && !process.cgroup)) {
		free(process.cgroup);
		return -EBADMSG;
	}
	added = cryo_array_add(state->processes, state->n_processes);
	if (!added) {
		free(process.cgroup);
		return -ENOMEM;
	}
	*added = process;
	return 0;
}

static int take_thawed(struct cryo_journal_state *state, struct fields *fields)
{
	struct cryo_journal_process process = {.thawed = true}, *added;

	if (!take_identity(fields, &process.pid, &process.start_time) || !at_end(fields))
		return -EBADMSG;
	added = cryo_array_add(state->processes, state->n_processes);
	if (!added)
		return -ENOMEM;
	*added = process;
	return 0;
}

static struct cryo_journal_cgroup *find_cgroup(struct cryo_journal_state *state, const char *path)
{
	for (size_t i = 0; i < state->n_cgroups; i++)
		if (strcmp(state->cgroups[i].path, path) == 0)
			return &state->cgroups[i];
	return NULL;
}

static int take_cgroup(struct cryo_journal_state *state, struct fields *fields, bool made)
{
	_cleanup_free_ char *path = take_path(fields);
	struct cryo_journal_cgroup *cgroup = path ? find_cgroup(state, path) : NULL;

	if (!path)
		return -EBADMSG;
	if (!cgroup) {
		cgroup = cryo_array_add(state->cgroups, state->n_cgroups);
		if (!cgroup)
			return -ENOMEM;
		cgroup->path = steal_ptr(path);
	}
	cgroup->made = made;
	cgroup->thawed = false;
	return 0;
}

static int take_frozen_cgroup(struct cryo_journal_state *state, struct fields *fields)
{
	return take_cgroup(state, fields, false);
}

static int take_made_cgroup(struct cryo_journal_state *state, struct fields *fields)
{
	return take_cgroup(state, fields, true);
}

static int take_thawed_cgroup(struct cryo_journal_state *state, struct fields *fields)
{
	_cleanup_free_ char *path = take_path(fields);
	struct cryo_journal_cgroup *cgroup = path ? find_cgroup(state, path) : NULL;

	if (!cgroup)
		return -EBADMSG;
	cgroup->thawed = true;
	return 0;
}

static int take_chase(struct cryo_journal_state *state, struct fields *fields)
{
	uint64_t ticks;

	if (!take_number(fields, &ticks) || !at_end(fields))
		return -EBADMSG;
	if (!state->chase_open || ticks < state->chase_start)
		state->chase_start = ticks;
	state->chase_open = true;
	return 0;
}

static int take_chase_end(struct cryo_journal_state *state, struct fields *fields)
{
	uint64_t ticks;

	if (!take_number(fields, &ticks) || !at_end(fields))
		return -EBADMSG;
	state->chase_open = false;
	return 0;
}

static int take_guard(struct cryo_journal_state *state, struct fields *fields)
{
	pid_t pid;
	uint64_t start_time;

	if (!take_identity(fields, &pid, &start_time) || !at_end(fields))
		return -EBADMSG;
	state->guard = pid;
	state->guard_start = start_time;
	return 0;
}

static const struct record_kind {
	char letter;
	int (*take)(struct cryo_journal_state *state, struct fields *fields);
} record_kinds[] = {
	{'H', take_head},
	{'P', take_process},
	{'T', take_thawed},
	{'F', take_frozen_cgroup},
	{'N', take_made_cgroup},
	{'U', take_thawed_cgroup},
	{'C', take_chase},
	{'E', take_chase_end},
	{'G', take_guard},
};

enum {
	CHECKSUM_DIGITS = 8,
	PREFIX_SIZE = CHECKSUM_DIGITS + 1 /* the checksum and a blank */
};

/* One line without its newline. 0, -EBADMSG or -ENOMEM. */
static int take_record(struct cryo_journal_state *state, const char *line, size_t size)
{
	const char *at = line;
	struct fields fields = {line + PREFIX_SIZE + 1, line + size};
	uint64_t checksum;
	int r = -EBADMSG;

	if (size < PREFIX_SIZE + 1 || line[0] == ' ' ||
		!cryo_number_scan(&at, line + CHECKSUM_DIGITS, 16, &checksum) ||
		at != line + CHECKSUM_DIGITS || *at != ' ' ||
		checksum != cryo_journal_checksum(line + PREFIX_SIZE, size - PREFIX_SIZE))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(record_kinds); i++)
		if (record_kinds[i].letter == line[PREFIX_SIZE])
			r = record_kinds[i].take(state, &fields);
	return r;
}

static int compare_identity(const struct cryo_journal_process *a, pid_t pid, uint64_t start_time)
{
	if (a->pid != pid)
		return a->pid < pid ? -1 : 1;
	return (a->start_time > start_time) - (a->start_time < start_time);
}

static int compare_index(const void *a, const void *b, void *processes)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	const struct cryo_journal_process *array = processes;
	int order = compare_identity(&array[left], array[right].pid, array[right].start_time);

	return order ? order : (left > right) - (left < right);
}

static int make_index(struct cryo_journal_state *state)
{
	size_t *index = calloc(state->n_processes + 1, sizeof(*index));

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < state->n_processes; i++)
		index[i] = i;
	qsort_r(index, state->n_processes, sizeof(*index), compare_index, state->processes);
	free(state->index);
	state->index = index;
	return 0;
}

/*
 * Records of one identity follow each other in the index, oldest first. A record of a thaw (it has
 * no engine) marks the stop before it; a newer stop replaces an older one. What is superseded gets
 * pid 0.
 */
static void fold_records(struct cryo_journal_state *state)
{
	struct cryo_journal_process *previous = NULL;

	for (size_t i = 0; i < state->n_processes; i++) {
		struct cryo_journal_process *now = &state->processes[state->index[i]];
		bool same = previous && compare_identity(previous, now->pid, now->start_time) == 0;

		if (now->engine == CRYO_ENGINE_NONE) {
			if (same)
				previous->thawed = true;
			now->pid = 0;
			continue;
		}
		if (same)
			previous->pid = 0;
		previous = now;
	}
}

static void drop_superseded(struct cryo_journal_state *state)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->n_processes; i++) {
		if (state->processes[i].pid)
			state->processes[kept++] = state->processes[i];
		else
			free(state->processes[i].cgroup);
	}
	state->n_processes = kept;
}

static int fold(struct cryo_journal_state *state)
{
	int r = make_index(state);

	if (r < 0)
		return r;
	fold_records(state);
	drop_superseded(state);
	return make_index(state);
}

int cryo_journal_parse(const char *text, size_t size, struct cryo_journal_state *ret_state)
{
	_cleanup_journal_state_ struct cryo_journal_state state = {0};
	const char *end = text + size;
	int r = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);

		if (length && newline)
			r = take_record(&state, text, length);
		if (r == -ENOMEM)
			return r;
		if (!state.world.boot_id[0])
			return -EBADMSG;
		state.damaged += r < 0 && length && newline;
		text += length + (newline != NULL);
	}
	if (!state.world.boot_id[0])
		return -EBADMSG;
	r = fold(&state);
	if (r < 0)
		return r;
	*ret_state = state;
	state = (struct cryo_journal_state){0};
	return 0;
}

void cryo_journal_state_clear(struct cryo_journal_state *state)
{
	for (size_t i = 0; i < state->n_processes; i++)
		free(state->processes[i].cgroup);
	for (size_t i = 0; i < state->n_cgroups; i++)
		free(state->cgroups[i].path);
	free(state->processes);
	free(state->cgroups);
	free(state->index);
	*state = (struct cryo_journal_state){0};
}

struct cryo_journal_process *cryo_journal_find(
	const struct cryo_journal_state *state, pid_t pid, uint64_t start_time)
{
	size_t low = 0, high = state->n_processes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct cryo_journal_process *process = &state->processes[state->index[middle]];
		int order = compare_identity(process, pid, start_time);

		if (order == 0)
			return process;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool cryo_journal_is_open(const struct cryo_journal_state *state)
{
	for (size_t i = 0; i < state->n_processes; i++)
		if (!state->processes[i].thawed)
			return true;
	for (size_t i = 0; i < state->n_cgroups; i++)
		if (!state->cgroups[i].thawed)
			return true;
	return state->chase_open;
}
