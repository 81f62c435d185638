// SPDX-License-Identifier: MIT
/*
 * What is named here is refused, everything else is allowed: the C library and libbpf may use other
 * calls tomorrow, and a reader that fails is worse than a fence with a hole. What it could still do
 * is what it is there for: read what it may read, and write files. Calls of another ABI than our
 * own are refused altogether, since their numbers mean something else.
 */
#include "capture/fence.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/array.h"

#if defined(__x86_64__)
#define OWN_ABI AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define OWN_ABI AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define OWN_ABI AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ABI AUDIT_ARCH_RISCV64
#endif

static const uint32_t refused[] = {
	SYS_execve,
	SYS_execveat,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_ptrace,
	SYS_process_vm_writev,
	SYS_kill,
	SYS_tkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_unshare,
	SYS_setns,
	SYS_chroot,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
	SYS_swapon,
	SYS_swapoff,
	SYS_reboot,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_acct,
	SYS_quotactl,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
#ifdef SYS_kexec_load
	SYS_kexec_load,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
	SYS_perf_event_open,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_open_by_handle_at,
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_process_madvise
	SYS_process_madvise,
#endif
};

#ifdef OWN_ABI

/* x32 calls have a number above this one and the ABI of x86-64 (<asm/unistd.h>). */
#define X32_BIT 0x40000000U

enum {
	HEAD = 4,
	COUNT = HEAD + ARRAY_SIZE(refused) + 2
};

static void make_filter(struct sock_filter filter[COUNT])
{
	static const struct sock_filter head[HEAD] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ABI, 0, COUNT - 1 - 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, COUNT - 1 - 4, 0),
	};

	for (size_t i = 0; i < HEAD; i++)
		filter[i] = head[i];
	for (size_t i = HEAD; i < COUNT - 2; i++)
		filter[i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			refused[i - HEAD], (uint8_t)(COUNT - 1 - (i + 1)), 0);
	filter[COUNT - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[COUNT - 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
}

int cryo_fence_close(void)
{
	struct sock_filter filter[COUNT];
	struct sock_fprog program = {COUNT, filter};

	make_filter(filter);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

#else

int cryo_fence_close(void)
{
	(void)refused;
	return -EOPNOTSUPP;
}

#endif
