// SPDX-License-Identifier: MIT
/*
 * rt_sigreturn(2) takes everything from the frame: general registers, signal mask, extended state.
 * The alternate stack too, but it ignores one with flags that it does not know, and then leaves the
 * thread's own in place.
 *
 * The state of AMX tiles is not put in: the kernel takes a state of the size that the process may
 * have without asking for them, or none.
 */
#include "trace/inject_frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	RED_ZONE = 128,
	ALIGNMENT = 64,
	CODE_64 = 0x33, /* __USER_CS */
	SYS_restart_syscall_64 = 219,
	SYS_exit_group_64 = 231,
	/* struct fpstate: where its software bytes are, and the sizes of its parts */
	SOFTWARE = 464,
	FIXED_STATE = 512 + 64,
	STATE_WITHOUT_TILES = 2696,
	BAD_STACK_FLAGS = 0x7f,
};

#define MAGIC1 0x46505853U
#define MAGIC2 0x46505845U
#define TILES (3ULL << 17)
#define ALL_SIGNALS (~0ULL)

/* UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
#define CONTEXT_FLAGS 7ULL

/* struct rt_sigframe, up to what sigreturn reads. */
struct frame {
	uint64_t restorer;
	uint64_t flags, link;
	uint64_t stack, stack_flags, stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t state;
	uint64_t reserved[8];
	uint64_t mask;
	uint8_t info[128];
};

struct software_bytes {
	uint32_t magic, whole_size;
	uint64_t features;
	uint32_t size, padding[7];
};

bool cryo_frame_is_native(const struct cryo_frame_registers *registers)
{
	return registers->cs == CODE_64;
}

void cryo_frame_set_call(struct cryo_frame_registers *registers, uint64_t number,
	const uint64_t *arguments, size_t count)
{
	uint64_t *const slots[] = {&registers->di, &registers->si, &registers->dx, &registers->r10,
		&registers->r8, &registers->r9};

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		*slots[i] = i < count ? arguments[i] : 0;
	registers->result = number;
	registers->number = UINT64_MAX;
}

void cryo_frame_go_on(struct cryo_frame_registers *registers)
{
	enum {
		RESTART_SYS = -512,
		RESTART_NO_INTERRUPT = -513,
		RESTART_NO_HANDLER = -514,
		RESTART_BLOCK = -516,
		INSTRUCTION = 2
	};
	int64_t result = (int64_t)registers->result;

	if ((int64_t)registers->number < 0)
		return;
	if (result == RESTART_SYS || result == RESTART_NO_INTERRUPT || result == RESTART_NO_HANDLER)
		registers->result = registers->number;
	else if (result == RESTART_BLOCK)
		registers->result = SYS_restart_syscall_64;
	else
		return;
	registers->pc -= INSTRUCTION;
	registers->number = UINT64_MAX;
}

static struct frame make_frame(
	const struct cryo_frame_registers *registers, uint64_t restorer, uint64_t mask)
{
	return (struct frame){
		.restorer = restorer,
		.flags = CONTEXT_FLAGS,
		.stack_flags = BAD_STACK_FLAGS,
		.r8 = registers->r8,
		.r9 = registers->r9,
		.r10 = registers->r10,
		.r11 = registers->r11,
		.r12 = registers->r12,
		.r13 = registers->r13,
		.r14 = registers->r14,
		.r15 = registers->r15,
		.di = registers->di,
		.si = registers->si,
		.bp = registers->bp,
		.bx = registers->bx,
		.dx = registers->dx,
		.ax = registers->result,
		.cx = registers->cx,
		.sp = registers->sp,
		.ip = registers->pc,
		.eflags = registers->flags,
		.cs = (uint16_t)registers->cs,
		.gs = (uint16_t)registers->gs,
		.fs = (uint16_t)registers->fs,
		.ss = (uint16_t)registers->ss,
		.mask = mask,
	};
}

/* Give the regset the marks of a state in a signal frame. Its size with them. */
static size_t mark_state(struct cryo_frame *frame)
{
	struct software_bytes *software = (struct software_bytes *)(frame->state + SOFTWARE);
	uint64_t features; /* ptrace has XCR0 here */
	uint32_t magic2 = MAGIC2;
	size_t size = frame->state_size;

	memcpy(&features, frame->state + SOFTWARE, sizeof(features));
	if (features & TILES && size > STATE_WITHOUT_TILES)
		size = STATE_WITHOUT_TILES;
	*software = (struct software_bytes){
		.magic = MAGIC1,
		.whole_size = (uint32_t)(size + sizeof(magic2)),
		.features = features & ~TILES,
		.size = (uint32_t)size,
	};
	memcpy(frame->state + size, &magic2, sizeof(magic2));
	return size + sizeof(magic2);
}

static uint64_t align_down(uint64_t address)
{
	return address & ~(uint64_t)(ALIGNMENT - 1);
}

int cryo_frame_make(const struct cryo_frame_registers *registers, struct cryo_frame *frame,
	struct cryo_buffer *bytes, uint64_t *ret_stack, uint64_t *ret_child)
{
	struct cryo_frame_registers going_on = *registers, ending = *registers;
	struct frame back, end;
	uint64_t state;
	size_t size;

	if (frame->state_size < FIXED_STATE || frame->state_size > sizeof(frame->state) - 8)
		return -EOPNOTSUPP;
	size = mark_state(frame);
	state = align_down(registers->sp - RED_ZONE - size);
	*ret_child = align_down(state - sizeof(end));
	*ret_stack = align_down(*ret_child - sizeof(back));
	cryo_frame_go_on(&going_on);
	back = make_frame(&going_on, frame->restorer, frame->mask);
	back.state = state;
	cryo_frame_set_call(&ending, SYS_exit_group_64, NULL, 0);
	ending.pc = frame->call;
	ending.sp = *ret_child;
	end = make_frame(&ending, frame->restorer, ALL_SIGNALS);
	if (!cryo_buffer_add_zero(bytes, state + size - *ret_stack))
		return -ENOMEM;
	memcpy(bytes->data, &back, sizeof(back));
	memcpy(bytes->data + (*ret_child - *ret_stack), &end, sizeof(end));
	memcpy(bytes->data + (state - *ret_stack), frame->state, size);
	return 0;
}
