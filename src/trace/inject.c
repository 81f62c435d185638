// SPDX-License-Identifier: MIT
/*
 * The way of one call: registers set, PTRACE_SYSCALL to its entry and once more to its end. Then an
 * interrupt brings the thread into a stop as it had been in before (no instruction runs in
 * between), where a system call that is to be restarted can be given back its state. Meanwhile all
 * signals are blocked: they stay pending for later.
 *
 * Until the very last step, which gives the thread its registers back, its next instruction is the
 * `ret` that leads to the frame, which has the registers and the mask. A thread that is still in
 * our call when we lose patience needs the frame to find its way back: it stays.
 *
 * PTRACE_O_TRACESYSGOOD: if we die in a stop at a system call, its number is no signal and is
 * dropped; without it the thread would get SIGTRAP.
 */
#include "trace/inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "proc/procfs.h"
#include "proc/status.h"
#include "trace/dispatch.h"
#include "trace/inject_frame.h"

enum {
	WAIT4_64 = 61, /* arch/x86/entry/syscalls/syscall_64.tbl */
	WAITID_64 = 247
};

#define CALL_NS (2 * CRYO_NSEC_PER_SEC)
#define SYSCALL_STOP (SIGTRAP | 0x80)

static const uint8_t call_code[] = {0x0f, 0x05, 0xc3};
static const uint8_t restorer_codes[][9] = {
	{0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05}, {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}};
static const size_t restorer_sizes[] = {7, 9};

bool cryo_inject_is_possible(void)
{
	return cryo_arch_host() == EM_X86_64;
}

static uint64_t find(const uint8_t *code, size_t size, const uint8_t *what, size_t what_size)
{
	const uint8_t *found = memmem(code, size, what, what_size);

	return found ? (uint64_t)(found - code) : UINT64_MAX;
}

void cryo_inject_find_code(
	struct cryo_site *site, uint64_t address, const uint8_t *code, size_t size)
{
	uint64_t at = find(code, size, call_code, sizeof(call_code));

	if (!site->call && at != UINT64_MAX)
		site->call = address + at;
	for (size_t i = 0; i < 2 && !site->restorer; i++) {
		at = find(code, size, restorer_codes[i], restorer_sizes[i]);
		if (at != UINT64_MAX)
			site->restorer = address + at;
	}
}

/* ---- registers and memory ---- */

static int get_registers(pid_t tid, struct cryo_frame_registers *registers)
{
	struct iovec vector = {registers, sizeof(*registers)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &vector) < 0)
		return -errno;
	return vector.iov_len == sizeof(*registers) ? 0 : -EOPNOTSUPP;
}

static int set_registers(pid_t tid, const void *registers)
{
	struct iovec vector = {(void *)registers, sizeof(struct cryo_frame_registers)};

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &vector) < 0 ? -errno : 0;
}

static const struct cryo_frame_registers *before(const struct cryo_injection *injection)
{
	return (const struct cryo_frame_registers *)injection->before.data;
}

typedef ssize_t transfer_function(pid_t, const struct iovec *, unsigned long, const struct iovec *,
	unsigned long, unsigned long);

static int transfer(
	transfer_function *function, pid_t tid, uint64_t address, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *)(uintptr_t)address, size};

	return function(tid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

static bool has_code(pid_t tid, uint64_t address, const uint8_t *code, size_t size)
{
	for (size_t i = 0; i < size; i += sizeof(long)) {
		long word;
		size_t part = size - i < sizeof(word) ? size - i : sizeof(word);

		errno = 0;
		word = ptrace(PTRACE_PEEKTEXT, tid, (void *)(uintptr_t)(address + i), NULL);
		if (errno || memcmp(&word, code + i, part) != 0)
			return false;
	}
	return true;
}

static bool has_site(pid_t tid, const struct cryo_site *site)
{
	bool has_restorer = false;

	for (size_t i = 0; i < 2; i++)
		has_restorer = has_restorer ||
			       has_code(tid, site->restorer, restorer_codes[i], restorer_sizes[i]);
	return has_restorer && has_code(tid, site->call, call_code, sizeof(call_code));
}

/* ---- begin ---- */

/* seccomp may kill for any call but those that a program is known to make. Where /proc is of
 * another pid namespace the number is that of somebody whom we do not trace. */
static bool is_watched(pid_t tid)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;
	struct cryo_status status;

	if (procfs >= 0)
		dir = cryo_procfs_open_process(procfs, tid);
	return dir < 0 || cryo_status_read(dir, &status) < 0 || status.tracer != gettid() ||
	       status.seccomp > 0;
}

static bool is_in_stack(const struct cryo_site *site, uint64_t low, uint64_t high)
{
	for (size_t i = 0; i < site->n_stacks; i++)
		if (low >= site->stacks[i].start && high <= site->stacks[i].end)
			return true;
	return false;
}

static int read_frame(struct cryo_injection *injection, struct cryo_frame *frame)
{
	pid_t tid = injection->tracee->tid;
	struct iovec vector = {frame->state, sizeof(frame->state)};

	if (ptrace(PTRACE_GETSIGMASK, tid, (void *)sizeof(frame->mask), &frame->mask) < 0 ||
		ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &vector) < 0)
		return -errno;
	frame->state_size = vector.iov_len;
	frame->restorer = injection->site->restorer;
	frame->call = injection->site->call;
	return 0;
}

static int put_frame(struct cryo_injection *injection)
{
	pid_t tid = injection->tracee->tid;
	struct cryo_frame frame = {0};
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	int r = read_frame(injection, &frame);

	if (r < 0)
		return r;
	injection->mask = frame.mask;
	r = cryo_frame_make(
		before(injection), &frame, &bytes, &injection->stack, &injection->child);
	if (r < 0)
		return r;
	if (!is_in_stack(injection->site, injection->stack, before(injection)->sp))
		return -ESTRPIPE;
	if (!cryo_buffer_add_zero(&injection->below, bytes.size))
		return -ENOMEM;
	r = transfer(process_vm_readv, tid, injection->stack, injection->below.data, bytes.size);
	return r < 0 ? r
		     : transfer(process_vm_writev, tid, injection->stack, bytes.data, bytes.size);
}

static void remove_frame(struct cryo_injection *injection)
{
	if (injection->below.size)
		transfer(process_vm_writev, injection->tracee->tid, injection->stack,
			injection->below.data, injection->below.size);
}

static void forget(struct cryo_injection *injection)
{
	cryo_buffer_clear(&injection->below);
	cryo_buffer_clear(&injection->before);
}

bool cryo_inject_would_find_child(pid_t tid)
{
	struct cryo_frame_registers registers;

	if (get_registers(tid, &registers) < 0)
		return false;
	if (registers.number == WAIT4_64)
		return registers.dx & (__WALL | __WCLONE);
	return registers.number == WAITID_64 && registers.r10 & (__WALL | __WCLONE);
}

int cryo_inject_begin(struct cryo_tracee *tracee, const struct cryo_site *site,
	struct cryo_injection *ret_injection)
{
	struct cryo_injection injection = {.tracee = tracee, .site = site};
	struct cryo_frame_registers registers;
	int r = get_registers(tracee->tid, &registers);

	if (r < 0)
		return r;
	if (!cryo_inject_is_possible() || !cryo_frame_is_native(&registers))
		return -EOPNOTSUPP;
	if (is_watched(tracee->tid))
		return -EKEYREJECTED;
	if (cryo_dispatch_is_on(tracee->tid))
		return -ENOSYS;
	if (!cryo_tracee_is_plain_stop(tracee))
		return -EBUSY;
	if (!has_site(tracee->tid, site))
		return -ENOEXEC;
	r = cryo_buffer_add(&injection.before, &registers, sizeof(registers));
	if (r == 0)
		r = put_frame(&injection);
	if (r == 0 &&
		ptrace(PTRACE_SETOPTIONS, tracee->tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0)
		r = -errno;
	if (r == 0) {
		*ret_injection = injection;
		return 0;
	}
	remove_frame(&injection);
	forget(&injection);
	return r;
}

/* ---- call ---- */

static int set_mask(struct cryo_injection *injection, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, injection->tracee->tid, (void *)sizeof(mask), &mask) < 0
		       ? -errno
		       : 0;
}

/* Let the thread go on to its next stop. */
static int resume(struct cryo_tracee *tracee, enum __ptrace_request request)
{
	int r;

	if (ptrace(request, tracee->tid, NULL, NULL) < 0)
		return -errno;
	tracee->state = CRYO_TRACEE_SEIZED;
	r = cryo_tracee_wait(tracee, cryo_now() + CALL_NS);
	if (r < 0)
		return r;
	return tracee->state == CRYO_TRACEE_STOPPED ? 0 : -ESRCH;
}

static bool is_at_call(const struct cryo_tracee *tracee)
{
	return tracee->status >> 8 == SYSCALL_STOP;
}

/* The child of a clone(2) is told of on the way; its stop is waited for by whoever wants it. */
static bool is_event(const struct cryo_tracee *tracee)
{
	return tracee->status >> 8 == (SIGTRAP | PTRACE_EVENT_CLONE << 8);
}

static void tell_child(const struct cryo_injection *injection)
{
	unsigned long pid = 0;

	if (injection->child_pid &&
		ptrace(PTRACE_GETEVENTMSG, injection->tracee->tid, NULL, &pid) == 0)
		*injection->child_pid = (int32_t)pid;
}

static int run_to_call(struct cryo_injection *injection)
{
	struct cryo_tracee *tracee = injection->tracee;
	int r = resume(tracee, PTRACE_SYSCALL);

	if (r == 0 && is_event(tracee)) {
		tell_child(injection);
		r = resume(tracee, PTRACE_SYSCALL);
	}
	return r == 0 && !is_at_call(tracee) ? -EBUSY : r;
}

int cryo_inject_call(struct cryo_injection *injection, uint64_t number, const uint64_t *arguments,
	size_t count, int64_t *ret_result)
{
	pid_t tid = injection->tracee->tid;
	struct cryo_frame_registers registers = *before(injection);
	int r;

	cryo_frame_set_call(&registers, number, arguments, count);
	registers.pc = injection->site->call;
	registers.sp = injection->stack;
	r = set_registers(tid, &registers);
	if (r == 0 && !injection->is_masked)
		r = set_mask(injection, ~0ULL);
	injection->is_masked |= r == 0;
	if (r == 0)
		r = run_to_call(injection);
	if (r == 0)
		r = run_to_call(injection);
	if (r == 0)
		r = get_registers(tid, &registers);
	*ret_result = (int64_t)registers.result;
	return r;
}

/* ---- end ---- */

int cryo_inject_clean(const struct cryo_injection *injection, pid_t copy)
{
	return transfer(process_vm_writev, copy, injection->stack, injection->below.data,
		injection->below.size);
}

int cryo_inject_end(struct cryo_injection *injection)
{
	struct cryo_tracee *tracee = injection->tracee;
	int r = tracee->state == CRYO_TRACEE_STOPPED ? 0 : -EBUSY;

	if (r == 0 && is_at_call(tracee)) {
		if (ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) < 0)
			r = -errno;
		if (r == 0)
			r = resume(tracee, PTRACE_CONT);
	}
	if (r == 0 && injection->is_masked)
		r = set_mask(injection, injection->mask);
	if (r == 0)
		r = set_registers(tracee->tid, injection->before.data);
	if (r == 0 && ptrace(PTRACE_SETOPTIONS, tracee->tid, NULL, NULL) < 0)
		r = -errno;
	if (r == 0)
		remove_frame(injection);
	forget(injection);
	return r;
}
