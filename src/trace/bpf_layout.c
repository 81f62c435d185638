// SPDX-License-Identifier: MIT
#include "trace/bpf_layout.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "trace/bpf_record.h"
#include "trace/btf.h"

/* How many fields of a kind there are. */
enum {
	N_TIMES = 4,
	N_GENERATION = 2
};

static bool find_layout(const struct cryo_btf *btf, struct cryo_bpf_layout *layout)
{
	uint32_t array, nr, size;

	if (!cryo_btf_path(btf, "task_struct", "thread_pid", &layout->thread_pid, &size) ||
		!cryo_btf_path(btf, "task_struct", "group_leader", &layout->group_leader, &size) ||
		!cryo_btf_path(btf, "pid", "level", &layout->level, &size) || size != 4 ||
		!cryo_btf_path(btf, "pid", "numbers", &array, &size) ||
		!cryo_btf_path(btf, "upid", "nr", &nr, &size) || size != 4 ||
		!cryo_btf_path(btf, "upid", "", &size, &layout->number_size) ||
		!cryo_btf_path(btf, "pt_regs", "", &size, &layout->registers))
		return false;
	layout->number = array + nr;
	if (layout->registers > CRYO_BPF_GENERAL)
		layout->registers = CRYO_BPF_GENERAL;
	return true;
}

/* A counter of what changed the mappings: a seqcount_t since Linux 6.14, an int since 6.4. */
static void find_sequence(const struct cryo_btf *btf, struct cryo_bpf_layout *layout)
{
	uint32_t size;

	if (!cryo_btf_path(btf, "task_struct", "mm", &layout->mm, &size) ||
		(!cryo_btf_path(
			 btf, "mm_struct", "mm_lock_seq.sequence", &layout->sequence, &size) &&
			!cryo_btf_path(
				btf, "mm_struct", "mm_lock_seq", &layout->sequence, &size)) ||
		size != 4)
		layout->sequence = 0;
}

#define EXTRA(index) (offsetof(struct cryo_bpf_record, extra) + 8 * (index))
#define RECORD_AT(field) offsetof(struct cryo_bpf_record, field)

/* What is copied from struct task_struct, and where to. On a kernel for one processor on_cpu is
 * missing: there no task but the reader is on it. */
static const struct {
	const char *path;
	uint16_t to;
	uint8_t room;
	bool late, needed, extra, time, generation;
} wanted[] = {
	{"on_cpu", RECORD_AT(on_cpu[0]), 4},
	{"nvcsw", RECORD_AT(voluntary[0]), 8, .needed = true},
	{"nivcsw", RECORD_AT(involuntary[0]), 8, .needed = true},
	{"thread_info.cpu", RECORD_AT(cpu), 4},
	{"pending.signal", RECORD_AT(pending), 8, .time = true},
	{"blocked", RECORD_AT(blocked), 8, .time = true},
	{"utime", RECORD_AT(user_ns), 8, .time = true},
	{"stime", RECORD_AT(system_ns), 8, .time = true},
	{"mm", RECORD_AT(mm), 8, .generation = true},
	{"self_exec_id", RECORD_AT(executed), 8, .generation = true},
	{"thread.fsbase", EXTRA(CRYO_BPF_FS_BASE), 8, .extra = true},
	{"thread.gsbase", EXTRA(CRYO_BPF_GS_BASE), 8, .extra = true},
	{"thread.ds", EXTRA(CRYO_BPF_DS), 8, .extra = true},
	{"thread.es", EXTRA(CRYO_BPF_ES), 8, .extra = true},
	{"thread.fsindex", EXTRA(CRYO_BPF_FS), 8, .extra = true},
	{"thread.gsindex", EXTRA(CRYO_BPF_GS), 8, .extra = true},
	{"on_cpu", RECORD_AT(on_cpu[1]), 4, .late = true},
	{"nvcsw", RECORD_AT(voluntary[1]), 8, .late = true, .needed = true},
	{"nivcsw", RECORD_AT(involuntary[1]), 8, .late = true, .needed = true},
};

_Static_assert(ARRAY_SIZE(wanted) <= CRYO_BPF_FIELDS, "room for all of them");

static bool find_fields(const struct cryo_btf *btf, struct cryo_bpf_kernel *kernel)
{
	size_t n_extra = 0, n_times = 0, n_generation = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct cryo_bpf_field *field = &kernel->fields[kernel->n_fields];
		uint32_t size;

		if (!cryo_btf_path(btf, "task_struct", wanted[i].path, &field->from, &size) ||
			size > wanted[i].room) {
			if (wanted[i].needed)
				return false;
			continue;
		}
		field->to = wanted[i].to;
		field->size = (uint16_t)size;
		field->late = wanted[i].late;
		kernel->n_fields++;
		n_extra += wanted[i].extra;
		n_times += wanted[i].time;
		n_generation += wanted[i].generation;
	}
	kernel->has_extra = n_extra == CRYO_BPF_N_EXTRA;
	kernel->has_times = n_times == N_TIMES;
	kernel->has_generation = n_generation == N_GENERATION && kernel->layout.sequence;
	return true;
}

int cryo_bpf_kernel_read(struct cryo_bpf_kernel *ret_kernel)
{
	_cleanup_btf_ struct cryo_btf btf = {0};
	struct cryo_bpf_kernel kernel = {0};
	int r = cryo_btf_open(&btf);

	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	kernel.attach = cryo_btf_find(&btf, "bpf_iter_task", BTF_KIND_FUNC);
	if (!kernel.attach || !find_layout(&btf, &kernel.layout))
		return -EOPNOTSUPP;
	find_sequence(&btf, &kernel.layout);
	if (!find_fields(&btf, &kernel))
		return -EOPNOTSUPP;
	*ret_kernel = kernel;
	return 0;
}
