// SPDX-License-Identifier: MIT
/*
 * The victim: a program that puts itself into a named state and tells the truth about itself.
 *
 *	victim STATE [ARGUMENT]...
 *
 * On stdout, one fact a line, KEY=VALUE (a key may come more than once; `victim` without
 * arguments lists the states), then the line READY as soon as the state is reached:
 *
 *	pid, ppid, pgrp, sid, uid, gid, bits, sigblk, sigpnd, shdpnd
 *	comm, at_random			in hex
 *	sentinel=ADDRESS VALUE NAME	eight bytes of memory, as one little-endian number
 *	thread=TID ID			a thread parked by park(ID): its registers are known
 *	counter=ADDRESS			an uint64_t that grows as long as somebody runs
 *	region=NAME START END SIZE	a mapping; SIZE bytes of it belong into a core, -1: not said
 *	page=ADDRESS data|zero		data: each word W of the page holds WORD_AT(address of W)
 *	end=RESULT ERRNO		after READY: how a blocked system call ended
 *
 * "SKIP reason" and exit status 77: this kernel cannot make the state. Every victim is killed when
 * the thread that started it ends.
 */
#pragma once

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define WORD_AT(address) ((uint64_t)(uintptr_t)(address) ^ 0xc0de5eedc0de5eedULL)

enum {
	EXIT_CANNOT = 77
};

/* One row of a table of states; the table ends with a row of NULLs. argv[0] is the name. */
struct victim_state {
	const char *name;
	const char *arguments;
	void (*run)(int argc, char **argv);
};

extern const struct victim_state run_states[];
extern const struct victim_state thread_states[];
extern const struct victim_state memory_states[];
extern const struct victim_state family_states[];
extern const struct victim_state identity_states[];
extern const struct victim_state blocked_states[];
extern const struct victim_state hostile_fuse_states[];
extern const struct victim_state hostile_memory_states[];
extern const struct victim_state hostile_family_states[];
extern const struct victim_state hostile_kernel_states[];
extern const struct victim_state snapshot_states[];

/* Enter the state argv[0]; does not return. For states that lead into another one. */
noreturn void victim_run(int argc, char **argv);

/* Print one line, in one write(2). */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell_hex(const char *key, const void *data, size_t size);
void tell_sentinel(const char *name, const volatile uint64_t *address);

/* The facts that every state has, then READY. */
void tell_ready(void);

noreturn void die(const char *what);    /* "FAIL what: errno", exit status 1 */
noreturn void cannot(const char *what); /* "SKIP what: errno", exit status 77 */

/* Make the calling thread tell its tid and @id, without parking it yet. */
void tell_thread(unsigned int id);

/* Wait for ever with known registers. */
noreturn void park(unsigned int id);

/* Wait for a line on stdin, and give it without its newline; "" at the end of the file. */
const char *await_command(void);

/* Die with the thread that forked us, whose process was @parent. */
void die_with_parent(pid_t parent);

pid_t thread_id(void);
long number(int argc, char **argv, int index, long otherwise);
void fill_pages(void *start, size_t size);
