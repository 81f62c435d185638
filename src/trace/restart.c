// SPDX-License-Identifier: MIT
/*
 * The registers are changed at once, not at the release: if we are killed in between, the thread
 * still finds its call put back. Whether a signal comes first is left to the kernel, since one may
 * come at any moment until the thread runs. Only calls of the table are touched. close(2), for one,
 * may say EINTR after it has closed, and making it again would close somebody else's descriptor.
 *
 * The calls of the table move no data before they fail with EINTR, so they can be made again. Those
 * on sockets do it only with SO_RCVTIMEO or SO_SNDTIMEO (else they restart by themselves).
 */
#include "trace/restart.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/array.h"
#include "trace/dispatch.h"
#include "trace/seccomp.h"

/* include/linux/errno.h of the kernel: not for programs, but seen by tracers. */
enum {
	RESTART_NO_HANDLER = -514, /* ERESTARTNOHAND: made anew, or EINTR if a signal is handled */
	RESTART_BLOCK = -516,      /* ERESTART_RESTARTBLOCK */
};

struct restartable {
	uint16_t machine;
	uint16_t number;
};

/* arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl */
static const struct restartable calls[] = {
	{EM_X86_64, 0},   /* read (a socket) */
	{EM_X86_64, 1},   /* write (a socket) */
	{EM_X86_64, 19},  /* readv */
	{EM_X86_64, 20},  /* writev */
	{EM_X86_64, 40},  /* sendfile (to a socket) */
	{EM_X86_64, 42},  /* connect */
	{EM_X86_64, 43},  /* accept */
	{EM_X86_64, 44},  /* sendto */
	{EM_X86_64, 45},  /* recvfrom */
	{EM_X86_64, 46},  /* sendmsg */
	{EM_X86_64, 47},  /* recvmsg */
	{EM_X86_64, 65},  /* semop */
	{EM_X86_64, 128}, /* rt_sigtimedwait */
	{EM_X86_64, 208}, /* io_getevents */
	{EM_X86_64, 220}, /* semtimedop */
	{EM_X86_64, 232}, /* epoll_wait */
	{EM_X86_64, 275}, /* splice (a socket) */
	{EM_X86_64, 281}, /* epoll_pwait */
	{EM_X86_64, 288}, /* accept4 */
	{EM_X86_64, 299}, /* recvmmsg */
	{EM_X86_64, 307}, /* sendmmsg */
	{EM_X86_64, 333}, /* io_pgetevents */
	{EM_X86_64, 426}, /* io_uring_enter */
	{EM_X86_64, 441}, /* epoll_pwait2 */
	{EM_386, 3},      /* read */
	{EM_386, 4},      /* write */
	{EM_386, 102},    /* socketcall */
	{EM_386, 117},    /* ipc: semop and semtimedop */
	{EM_386, 145},    /* readv */
	{EM_386, 146},    /* writev */
	{EM_386, 177},    /* rt_sigtimedwait */
	{EM_386, 187},    /* sendfile */
	{EM_386, 239},    /* sendfile64 */
	{EM_386, 247},    /* io_getevents */
	{EM_386, 256},    /* epoll_wait */
	{EM_386, 313},    /* splice */
	{EM_386, 319},    /* epoll_pwait */
	{EM_386, 337},    /* recvmmsg */
	{EM_386, 345},    /* sendmmsg */
	{EM_386, 362},    /* connect */
	{EM_386, 364},    /* accept4 */
	{EM_386, 369},    /* sendto */
	{EM_386, 370},    /* sendmsg */
	{EM_386, 371},    /* recvfrom */
	{EM_386, 372},    /* recvmsg */
	{EM_386, 385},    /* io_pgetevents */
	{EM_386, 416},    /* io_pgetevents_time64 */
	{EM_386, 417},    /* recvmmsg_time64 */
	{EM_386, 420},    /* semtimedop_time64 */
	{EM_386, 421},    /* rt_sigtimedwait_time64 */
	{EM_386, 426},    /* io_uring_enter */
	{EM_386, 441},    /* epoll_pwait2 */
};

static bool is_restartable(uint16_t machine, int64_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].machine == machine && calls[i].number == number)
			return true;
	return false;
}

static int64_t get_register(const struct cryo_arch *arch, const void *registers, uint32_t offset)
{
	int64_t wide;
	int32_t narrow;

	if (arch->gpr_word == 8) {
		memcpy(&wide, (const char *)registers + offset, 8);
		return wide;
	}
	memcpy(&narrow, (const char *)registers + offset, 4);
	return narrow;
}

/* The host is little-endian wherever the table has a row, so the low bytes stand first. */
static void set_register(
	const struct cryo_arch *arch, void *registers, uint32_t offset, int64_t value)
{
	memcpy((char *)registers + offset, &value, arch->gpr_word);
}

static int write_registers(pid_t tid, void *registers, size_t size)
{
	struct iovec vector = {registers, size};

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &vector) < 0 ? -errno : 0;
}

/* restart_syscall(2) as a filter of the thread would see it. What the call was given counts for
 * none. */
static bool may_not_go_on(pid_t tid, const struct cryo_arch *arch, const void *registers)
{
	struct seccomp_data data = {
		.nr = (int)arch->restart.block,
		.arch = arch->machine == EM_386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
		.instruction_pointer = (uint64_t)get_register(arch, registers, arch->pc),
	};

	return cryo_seccomp_refuses(tid, &data);
}

/* Whether the call has ended, or will end, because of the stop. */
static bool is_ended(pid_t tid, const struct cryo_arch *arch, const void *registers)
{
	int64_t result = get_register(arch, registers, arch->restart.result);
	int64_t number = get_register(arch, registers, arch->restart.number);

	if (result == -EINTR)
		return is_restartable(arch->machine, number);
	return result == RESTART_BLOCK && number >= 0 && may_not_go_on(tid, arch, registers);
}

int cryo_restart_prepare(
	struct cryo_tracee *tracee, const struct cryo_arch *arch, const void *registers)
{
	_cleanup_buffer_ struct cryo_buffer changed = {0};
	int r;

	if (!arch->restart.possible || !cryo_tracee_is_plain_stop(tracee) ||
		!is_ended(tracee->tid, arch, registers) || cryo_dispatch_is_on(tracee->tid))
		return 0;
	r = cryo_buffer_add(&tracee->saved_registers, registers, arch->gpr_size);
	if (r == 0)
		r = cryo_buffer_add(&changed, registers, arch->gpr_size);
	if (r == 0) {
		set_register(arch, changed.data, arch->restart.result, RESTART_NO_HANDLER);
		r = write_registers(tracee->tid, changed.data, changed.size);
	}
	if (r < 0)
		cryo_buffer_clear(&tracee->saved_registers);
	return r < 0 ? r : 1;
}

void cryo_restart_undo(struct cryo_tracee *tracee)
{
	write_registers(tracee->tid, tracee->saved_registers.data, tracee->saved_registers.size);
}
