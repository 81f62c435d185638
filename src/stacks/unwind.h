// SPDX-License-Identifier: MIT
/*
 * The unwinding of one thread: registers in, program counters out.
 *
 * Two engines: libunwind for the machine it was compiled for, libdw for i386 (which a 64-bit
 * libunwind cannot unwind). Both read memory through the same view, and both are bounded, since the
 * stack, the tables and the registers all may be made by an enemy.
 */
#pragma once

#include "arch/arch.h"
#include "stacks/module.h"

/* Why a stack has no more frames. */
enum cryo_stack_end {
	CRYO_STACK_ROOT,       /* its outermost frame was reached */
	CRYO_STACK_LIMIT,      /* too many frames, too much time, or frames that repeat */
	CRYO_STACK_NO_INFO,    /* nothing says how to go on from the last frame */
	CRYO_STACK_BAD_MEMORY, /* what would say so, or the stack itself, cannot be read */
};

/**
 * struct cryo_frame - a frame, the innermost first.
 * @signal: made by the kernel to run a signal handler; its caller is where the signal came
 * @heuristic: found by a guess (frame pointers), or the caller of a frame that was
 * @call: @pc is a return address: the call is before it (not so for the first frame, for a signal
 *	frame, and for what the signal interrupted)
 */
struct cryo_frame {
	uint64_t pc, sp;
	bool signal, heuristic, call;
};

struct cryo_stack {
	struct cryo_frame *frames;
	size_t n_frames;
	enum cryo_stack_end end;
};

/**
 * struct cryo_unwinder - what all threads of a process share.
 * @view: memory, with everything that can stand in for it
 * @max_frames: of one thread
 * @deadline: CLOCK_MONOTONIC, for all threads together
 */
struct cryo_unwinder {
	const struct cryo_arch *arch;
	const struct cryo_modules *modules;
	struct cryo_view *view;
	size_t max_frames;
	uint64_t deadline;
};

/* The state of an engine, between threads. */
struct cryo_unwind_engine;

/**
 * struct cryo_unwind_engine_row - an engine.
 * @machine, @elf_class: of the processes that it can unwind
 * @open: 0, -ELIBACC (its library is not there) or -ENOMEM
 * @thread: unwind from a general regset of the architecture. @ret_stack belongs to the caller also
 *	when there is but the first frame. 0 or -ENOMEM
 */
struct cryo_unwind_engine_row {
	uint16_t machine;
	uint8_t elf_class;
	int (*open)(const struct cryo_unwinder *unwinder, struct cryo_unwind_engine **ret_engine);
	int (*thread)(struct cryo_unwind_engine *engine, pid_t tid, const void *registers,
		struct cryo_stack *ret_stack);
	void (*close)(struct cryo_unwind_engine *engine);
};

extern const struct cryo_unwind_engine_row cryo_unwind_libunwind, cryo_unwind_libdw32,
	cryo_unwind_libdw64;

/*
 * Engine number @rank (0: the first to be asked, 1: the next) for a machine and class (e_machine,
 * EI_CLASS); NULL if there is none.
 */
const struct cryo_unwind_engine_row *cryo_unwind_find(
	uint16_t machine, uint8_t elf_class, unsigned int rank);

/*
 * For engines: append a frame and decide whether to go on.
 *
 * Returns 0; 1 if the stack is to end here, with the reason in it; or -ENOMEM.
 */
int cryo_stack_add(const struct cryo_unwinder *unwinder, const struct cryo_frame *frame,
	struct cryo_stack *stack);
