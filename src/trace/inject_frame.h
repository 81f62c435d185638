// SPDX-License-Identifier: MIT
/*
 * The signal frame that leads a thread back to where it was (sigreturn(2)), as bytes: pure. x86-64
 * only: arch/x86/include/asm/sigframe.h, arch/x86/include/uapi/asm/sigcontext.h of the kernel.
 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

/* The general regset of x86-64: struct user_regs_struct. */
struct cryo_frame_registers {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	uint64_t result, cx, dx, si, di; /* rax */
	uint64_t number;                 /* orig_rax */
	uint64_t pc, cs, flags, sp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

enum {
	CRYO_FRAME_STATE = 64 * 1024
};

/**
 * struct cryo_frame - what goes into it besides the general registers.
 * @mask: blocked signals
 * @state, @state_size: the regset NT_X86_XSTATE
 * @restorer, @call: see struct cryo_site
 */
struct cryo_frame {
	uint64_t mask;
	uint8_t state[CRYO_FRAME_STATE];
	size_t state_size;
	uint64_t restorer, call;
};

/* Whether the thread runs 64-bit code. */
bool cryo_frame_is_native(const struct cryo_frame_registers *registers);

/* The registers with which a call is made: all others are left. */
void cryo_frame_set_call(struct cryo_frame_registers *registers, uint64_t number,
	const uint64_t *arguments, size_t count);

/*
 * What the registers are when the thread returns to its program, if no signal is delivered: a call
 * that the kernel restarts is made again (arch/x86/kernel/signal.c arch_do_signal_or_restart()).
 */
void cryo_frame_go_on(struct cryo_frame_registers *registers);

/**
 * cryo_frame_make - two frames below the red zone of a stack.
 * @frame: @state is changed
 * @bytes: what is to stand at @ret_stack. At @ret_stack is the frame that restores @registers; at
 *	@ret_child, above it, one that ends the process: for a child that is left alone
 *
 * 0 or -ENOMEM.
 */
int cryo_frame_make(const struct cryo_frame_registers *registers, struct cryo_frame *frame,
	struct cryo_buffer *bytes, uint64_t *ret_stack, uint64_t *ret_child);
