// SPDX-License-Identifier: MIT
/*
 * The registers of stopped threads on their way from the tracer, who may ptrace, to the reader, who
 * must not: a file (a memfd) of records, written once and then mapped.
 *
 * A record is a struct cryo_registers_record followed by its regsets, each a struct
 * cryo_registers_regset followed by its bytes, padded to 8.
 */
#pragma once

#include "model/process.h"
#include "trace/tracee.h"

struct cryo_registers_record {
	uint32_t tid;
	uint32_t n_regsets;
	uint32_t source; /* enum cryo_register_source */
	uint32_t restarted;
	uint32_t incomplete; /* a register set could not be read */
	uint32_t foreign;    /* it runs code of another size of word than its program has */
};

struct cryo_registers_regset {
	uint32_t type;
	uint32_t size;
};

/* Give a new buffer @size bytes that have their pages, and room for what one set may have. 0 or
 * -ENOMEM. */
int cryo_registers_make_room(struct cryo_buffer *records, size_t size);

/**
 * cryo_registers_read - append the record of a stopped tracee.
 * @process_dir: /proc/PID of its process
 * @program: the row of its program: NULL at first, then what was found for another thread
 * @ret_arch: the row of the record: that of the program
 *
 * Returns 0; -ENOEXEC if no row fits; -ESRCH if the thread died; or -errno.
 */
int cryo_registers_read(int process_dir, pid_t tid, const struct cryo_arch **program,
	struct cryo_buffer *records, const struct cryo_arch **ret_arch);

/* The record that was appended last at @offset, and its general regset. */
struct cryo_registers_record *cryo_registers_at(struct cryo_buffer *records, size_t offset);
const void *cryo_registers_general(const struct cryo_registers_record *record);

/**
 * cryo_registers_parse - threads out of records.
 * @data: the mapped file; the regsets of @ret_threads point into it
 * @ret_threads: malloc'ed with their regsets; fields that the records do not tell are 0
 * @ret_arch: the row of the first thread
 *
 * Returns 0, -EBADMSG, -ENOEXEC or -ENOMEM.
 */
int cryo_registers_parse(const void *data, size_t size, struct cryo_thread **ret_threads,
	size_t *ret_count, const struct cryo_arch **ret_arch);
