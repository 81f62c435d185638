// SPDX-License-Identifier: MIT
/*
 * PTRACE_GETREGS and PTRACE_GETFPREGS are in the form of the tracer (arch/x86/kernel/ptrace.c,
 * arch_ptrace()), whatever the tracee runs.
 */
#include "trace/foreign.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "proc/auxv.h"
#include "proc/procfs.h"
#include "trace/bpf_record.h"

enum {
	AUXV_LIMIT = 1 << 16
};

/* Who leads the process may have ended. */
const struct cryo_arch *cryo_foreign_program(int process_dir, pid_t tid)
{
	_cleanup_buffer_ struct cryo_buffer auxv = {0};
	char name[32];
	size_t word = 0;

	snprintf(name, sizeof(name), "task/%d/auxv", tid);
	if (cryo_procfs_read(process_dir, name, AUXV_LIMIT, &auxv) == 0)
		word = cryo_auxv_word(auxv.data, auxv.size);
	return word ? cryo_arch_by_word(cryo_arch_host(), word) : NULL;
}

#ifdef __x86_64__
int cryo_foreign_general(pid_t tid, const struct cryo_arch *program, void *ret)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0)
		return -errno;
	if (program->machine == EM_386)
		cryo_bpf_record_narrow((const uint64_t *)&registers, ret);
	else if (program->machine == EM_X86_64)
		memcpy(ret, &registers, sizeof(registers));
	else
		return -EOPNOTSUPP;
	return 0;
}

int cryo_foreign_floating(pid_t tid, void *ret, size_t size)
{
	if (size != sizeof(struct user_fpregs_struct))
		return -EOPNOTSUPP;
	return ptrace(PTRACE_GETFPREGS, tid, NULL, ret) < 0 ? -errno : 0;
}
#else
int cryo_foreign_general(pid_t tid, const struct cryo_arch *program, void *ret)
{
	(void)tid;
	(void)program;
	(void)ret;
	return -EOPNOTSUPP;
}

int cryo_foreign_floating(pid_t tid, void *ret, size_t size)
{
	(void)tid;
	(void)ret;
	(void)size;
	return -EOPNOTSUPP;
}
#endif
