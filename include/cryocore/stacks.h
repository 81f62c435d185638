// SPDX-License-Identifier: MIT
/*
 * libcryocore: backtraces of all threads, from a core file or a live process.
 *
 * Strings are escaped as cryocore.h says. Nothing is taken from a file unless its build-id (or, for
 * the copy of the executable beside a core, its header) is the one in memory.
 */
#ifndef CRYOCORE_STACKS_H
#define CRYOCORE_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Why a stack has no more frames. */
enum cryocore_stack_end {
	CRYOCORE_STACK_ROOT = 0,       /* its outermost frame was reached */
	CRYOCORE_STACK_LIMIT = 1,      /* too many frames, too much time, or frames that repeat */
	CRYOCORE_STACK_NO_INFO = 2,    /* nothing says how to go on from the last frame */
	CRYOCORE_STACK_BAD_MEMORY = 3, /* what would say so, or the stack itself, is not there */
};

/**
 * struct cryocore_frame - a frame; the innermost is the first.
 * @pc: where it goes on: a return address, but for the first frame and the caller of a signal frame
 * @sp: its stack pointer
 * @module: file that it lies in, as the process had it, or "[vdso]"; NULL if it is in none
 * @offset: @pc as the module's file was linked (for addr2line)
 * @build_id: of the module, in hexadecimal; NULL if it has none
 * @symbol: function whose range covers the call; NULL if none is known
 * @symbol_offset: of @pc in it
 * @signal: made by the kernel to run a signal handler
 * @heuristic: this frame was found by a guess (frame pointers), or its callee was
 */
struct cryocore_frame {
	uint64_t pc, sp;
	const char *module;
	uint64_t offset;
	const char *build_id;
	const char *symbol;
	uint64_t symbol_offset;
	bool signal, heuristic;
};

/* A thread. @tid is its number in the pid namespace of its process. */
struct cryocore_stack {
	pid_t tid;
	enum cryocore_stack_end end;
	size_t n_frames;
	const struct cryocore_frame *frames;
};

/**
 * struct cryocore_stacks - the stacks of a process. Read only; cryocore_stacks_free().
 * @architecture: as uname(2) says it
 * @damaged: the core is damaged: stacks may be missing or short (see cryocore_verify())
 */
struct cryocore_stacks {
	const char *architecture;
	bool damaged;
	size_t n_stacks;
	const struct cryocore_stack *stacks;
};

/**
 * struct cryocore_stacks_options - bounds; cryocore_stacks_options_init() gives the defaults.
 * @size: sizeof(struct cryocore_stacks_options), set by cryocore_stacks_options_init()
 * @max_frames: of one thread; 512
 * @timeout_ms: for all threads together; 30,000
 */
struct cryocore_stacks_options {
	size_t size;
	size_t max_frames;
	uint64_t timeout_ms;
};

void cryocore_stacks_options_init(struct cryocore_stacks_options *options);

/**
 * cryocore_stacks_core - the stacks in a core file.
 * @path: of the core, of anybody's making; it may be compressed by zstd(1). PATH.exe, `exe` and
 * `root/` beside it are used
 * @options: NULL stands for the defaults
 *
 * Returns 0; -ENOEXEC (not an ELF file, or of an architecture that cryocore does not know),
 * -EMEDIUMTYPE (ELF, but not a core), -ENODATA (no thread is in it), -ENOTSUP (stacks of this
 * architecture cannot be unwound here), -ELIBACC (libunwind or libdw, which are loaded when they
 * are first needed, cannot be), -EINVAL, -ENOMEM, or -errno of open(2) and read(2).
 */
int cryocore_stacks_core(const char *path, const struct cryocore_stacks_options *options,
	struct cryocore_stacks **ret_stacks);

/**
 * cryocore_stacks_pid - the stacks of a live process.
 *
 * It is stopped for as long as its stacks are copied (into memory, nothing is written to a file
 * system), released, and then they are unwound. Private memory of which less than a mebibyte is in
 * use is copied too, for stacks that no stack pointer is in.
 *
 * @ret_why: if not NULL, a line, malloc'ed, that says what went wrong where the capture failed
 *
 * Returns 0, -EIO (it could not be captured, see @ret_why), or what cryocore_stacks_core() returns.
 */
int cryocore_stacks_pid(pid_t pid, const struct cryocore_stacks_options *options,
	struct cryocore_stacks **ret_stacks, char **ret_why);

void cryocore_stacks_free(struct cryocore_stacks *stacks);

/* The stacks for people: text of many lines, malloc'ed. 0 or -ENOMEM. */
int cryocore_stacks_text(const struct cryocore_stacks *stacks, char **ret_text);

/* The stacks as one line of JSON, malloc'ed. 0, -ELIBACC (json-c cannot be loaded)
 * or -ENOMEM. */
int cryocore_stacks_json(const struct cryocore_stacks *stacks, char **ret_json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
