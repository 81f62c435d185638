// SPDX-License-Identifier: MIT
/*
 * A record is {kind, head size, text size}, the head, the text. Strings are escaped here, on the
 * way in, so that nothing unescaped ever reaches the public structures; but for the names of files,
 * which do not go there.
 */
#include "capture/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/escape.h"
#include "base/io.h"
#include "capture/unstopped.h"

struct record {
	uint32_t kind, head_size, text_size;
};

static int append(struct cryo_buffer *bytes, enum cryo_report_kind kind, const void *head,
	size_t head_size, const void *text, size_t text_size)
{
	struct record record = {kind, (uint32_t)head_size, (uint32_t)text_size};
	int r = cryo_buffer_add(bytes, &record, sizeof(record));

	if (r == 0)
		r = cryo_buffer_add(bytes, head, head_size);
	return r < 0 ? r : cryo_buffer_add(bytes, text, text_size);
}

int cryo_report_add(int report, enum cryo_report_kind kind, const void *head, size_t head_size,
	const char *text)
{
	_cleanup_buffer_ struct cryo_buffer bytes = {0}, escaped = {0};
	int r = cryo_escape(&escaped, text, strlen(text));

	if (r == 0)
		r = append(&bytes, kind, head, head_size, escaped.data, escaped.size);
	return r < 0 ? r : cryo_io_write(report, bytes.data, bytes.size);
}

static uint64_t count_complete(const struct cryo_process *process)
{
	uint64_t complete = 0;

	for (size_t i = 0; i < process->n_threads; i++)
		complete += process->threads[i].source == CRYO_REGISTERS_PTRACE;
	return complete;
}

static int add_unstopped(int report, const struct cryo_arch *arch, const struct cryo_thread *thread)
{
	_cleanup_buffer_ struct cryo_buffer names = {0};
	struct cryo_report_unstopped head = {thread->tid, thread->source, thread->unknown};
	int r = cryo_unstopped_name_unknown(arch, thread->unknown, &names);

	return r < 0 ? r
		     : cryo_report_add(report, CRYO_REPORT_UNSTOPPED, &head, sizeof(head),
			       names.data ? (const char *)names.data : "");
}

static int add_all_unstopped(int report, const struct cryo_process *process)
{
	int r = 0;

	for (size_t i = 0; i < process->n_threads && r == 0; i++)
		if (process->threads[i].source != CRYO_REGISTERS_PTRACE)
			r = add_unstopped(report, process->arch, &process->threads[i]);
	return r;
}

int cryo_report_add_written(int report, const struct cryo_process *process, uint64_t core_size,
	const struct cryo_written *written)
{
	struct cryo_report_numbers numbers = {
		.core_size = core_size,
		.data_bytes = written->data_bytes,
		.n_threads = process->n_threads,
		.n_registers = count_complete(process),
		.n_gaps = written->n_gaps,
		.gap_bytes = written->gap_bytes,
	};
	int r = cryo_report_add(report, CRYO_REPORT_NUMBERS, &numbers, sizeof(numbers), "");

	if (r == 0)
		r = add_all_unstopped(report, process);
	for (size_t i = 0; i < written->gaps_kept && r == 0; i++)
		r = cryo_report_add(
			report, CRYO_REPORT_GAP, &written->gaps[i], sizeof(written->gaps[i]), "");
	return r;
}

int cryo_report_add_mapping(int report, const struct cryo_vma *vma, uint64_t file_size,
	uint64_t present, enum cryo_dump_reason reason)
{
	bool shared = vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE);
	struct cryo_report_mapping mapping = {
		.start = vma->start,
		.end = vma->end,
		.file_size = file_size,
		.present = present,
		.reason = reason,
		.permissions = {vma->flags & CRYO_VM_READ ? 'r' : '-',
			vma->flags & CRYO_VM_WRITE ? 'w' : '-',
			vma->flags & CRYO_VM_EXEC ? 'x' : '-', shared ? 's' : 'p', 0},
	};

	return cryo_report_add(
		report, CRYO_REPORT_MAPPING, &mapping, sizeof(mapping), vma->name ? vma->name : "");
}

static bool is_mapped_image(const struct cryo_vma *vma)
{
	return vma->name && vma->name[0] &&
	       (vma->kind == CRYO_VMA_FILE || strcmp(vma->name, "[vdso]") == 0);
}

/* One library has several mappings in a row; who comes again later is sorted out by the reader. */
static bool is_same_again(const struct cryo_vma *last, const struct cryo_vma *vma)
{
	return last && last->inode == vma->inode && last->device == vma->device &&
	       strcmp(last->name, vma->name) == 0;
}

int cryo_report_add_mapped(int report, const struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	const struct cryo_vma *last = NULL;
	int r = 0;

	for (size_t i = 0; i < process->n_vmas && r == 0; i++) {
		const struct cryo_vma *vma = &process->vmas[i];
		struct cryo_mapped mapped = {vma->start, vma->end, vma->offset, vma->device,
			vma->inode, vma->remote, NULL};

		if (!is_mapped_image(vma) || is_same_again(last, vma))
			continue;
		last = vma;
		r = append(&bytes, CRYO_REPORT_MAPPED, &mapped, sizeof(mapped), vma->name,
			strlen(vma->name));
	}
	return r < 0 || !bytes.size ? r : cryo_io_write(report, bytes.data, bytes.size);
}

static int take_mapped(struct cryocore_result *result, const void *head, const char *text)
{
	struct cryo_mapped_list *list = cryo_result_mapped(result);
	char *name = strdup(text);
	struct cryo_mapped *mapped = name ? cryo_array_add(list->array, list->count) : NULL;

	if (!mapped) {
		free(name);
		return -ENOMEM;
	}
	*mapped = *(const struct cryo_mapped *)head;
	mapped->name = name;
	return 0;
}

static int take_mapping(struct cryocore_result *result, const void *head, const char *text)
{
	const struct cryo_report_mapping *from = head;
	struct cryocore_mapping *rows = (struct cryocore_mapping *)result->mappings, *row;
	char *name = strdup(text);

	row = name ? cryo_array_add(rows, result->n_mappings) : NULL;
	result->mappings = rows;
	if (!row) {
		free(name);
		return -ENOMEM;
	}
	*row = (struct cryocore_mapping){.start = from->start,
		.end = from->end,
		.file_size = from->file_size,
		.present = from->present,
		.reason = cryo_dump_reason_text((enum cryo_dump_reason)from->reason),
		.name = name};
	memcpy(row->permissions, from->permissions, sizeof(row->permissions));
	return 0;
}

static int take_unstopped(struct cryocore_result *result, const void *head, const char *text)
{
	static const char *const sources[] = {
		[CRYO_REGISTERS_NONE] = "none",
		[CRYO_REGISTERS_PTRACE] = "ptrace",
		[CRYO_REGISTERS_BPF] = "bpf",
		[CRYO_REGISTERS_SYSCALL] = "syscall",
	};
	const struct cryo_report_unstopped *from = head;
	struct cryocore_unstopped *rows = (struct cryocore_unstopped *)result->unstopped, *row;
	char *names = strdup(text);

	row = names ? cryo_array_add(rows, result->n_unstopped) : NULL;
	result->unstopped = rows;
	if (!row) {
		free(names);
		return -ENOMEM;
	}
	*row = (struct cryocore_unstopped){
		from->tid, sources[from->source % ARRAY_SIZE(sources)], from->unknown, names};
	return 0;
}

static int take_gap(struct cryocore_result *result, const void *head, const char *text)
{
	const struct cryo_gap *from = head;
	struct cryocore_gap *gaps = (struct cryocore_gap *)result->gaps, *gap;

	(void)text;
	gap = cryo_array_add(gaps, result->gaps_kept);
	result->gaps = gaps;
	if (!gap)
		return -ENOMEM;
	*gap = (struct cryocore_gap){from->start, from->end, -from->error};
	return 0;
}

static int take_numbers(struct cryocore_result *result, const void *head, const char *text)
{
	const struct cryo_report_numbers *numbers = head;

	(void)text;
	result->core_size = numbers->core_size;
	result->data_bytes = numbers->data_bytes;
	result->n_threads = numbers->n_threads;
	result->n_registers = numbers->n_registers;
	result->n_gaps = numbers->n_gaps;
	result->gap_bytes = numbers->gap_bytes;
	return 0;
}

static int take_text(const char **field, const char *text)
{
	free((char *)*field);
	*field = strdup(text);
	return *field ? 0 : -ENOMEM;
}

static int take_comm(struct cryocore_result *result, const void *head, const char *text)
{
	(void)head;
	return take_text(&result->comm, text);
}

static int take_core(struct cryocore_result *result, const void *head, const char *text)
{
	(void)head;
	return take_text(&result->core_path, text);
}

static int take_exe(struct cryocore_result *result, const void *head, const char *text)
{
	(void)head;
	return take_text(&result->exe_path, text);
}

static int take_snapshot(struct cryocore_result *result, const void *head, const char *text)
{
	const struct cryo_report_snapshot *snapshot = head;

	(void)text;
	result->pause_ns = snapshot->pause_ns;
	result->pauses_ns = snapshot->pauses_ns;
	result->n_stops = snapshot->n_stops;
	result->snapshot = (enum cryocore_snapshot)snapshot->way;
	return 0;
}

static const struct {
	size_t head_size;
	int (*take)(struct cryocore_result *result, const void *head, const char *text);
} takers[] = {
	[CRYO_REPORT_COMM] = {0, take_comm},
	[CRYO_REPORT_CORE] = {0, take_core},
	[CRYO_REPORT_EXE] = {0, take_exe},
	[CRYO_REPORT_NUMBERS] = {sizeof(struct cryo_report_numbers), take_numbers},
	[CRYO_REPORT_GAP] = {sizeof(struct cryo_gap), take_gap},
	[CRYO_REPORT_UNSTOPPED] = {sizeof(struct cryo_report_unstopped), take_unstopped},
	[CRYO_REPORT_SNAPSHOT] = {sizeof(struct cryo_report_snapshot), take_snapshot},
	[CRYO_REPORT_MAPPING] = {sizeof(struct cryo_report_mapping), take_mapping},
	[CRYO_REPORT_MAPPED] = {sizeof(struct cryo_mapped), take_mapped},
};

static int take_record(
	struct cryocore_result *result, const struct record *record, const char *body)
{
	_cleanup_free_ char *text = strndup(body + record->head_size, record->text_size);
	_cleanup_free_ void *head = malloc(record->head_size + 1);

	if (!text || !head)
		return -ENOMEM;
	memcpy(head, body, record->head_size);
	return takers[record->kind].take(result, head, text);
}

int cryo_report_read(int report, struct cryocore_result *result)
{
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	const char *at, *end;
	int r;

	if (lseek(report, 0, SEEK_SET) < 0)
		return -errno;
	r = cryo_io_read_all(report, SIZE_MAX / 8, &bytes);
	at = (const char *)bytes.data;
	end = at + bytes.size;
	while (r == 0 && at < end) {
		struct record record;
		size_t left = (size_t)(end - at);

		if (left < sizeof(record))
			return -EBADMSG;
		memcpy(&record, at, sizeof(record));
		left -= sizeof(record);
		if (record.kind >= ARRAY_SIZE(takers) ||
			record.head_size != takers[record.kind].head_size ||
			record.head_size > left || record.text_size > left - record.head_size)
			return -EBADMSG;
		r = take_record(result, &record, at + sizeof(record));
		at += sizeof(record) + record.head_size + record.text_size;
	}
	return r;
}
