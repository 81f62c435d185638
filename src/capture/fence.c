// SPDX-License-Identifier: MIT
/*
 * What is named here is refused, everything else is allowed: the C library and libbpf may use other
 * calls tomorrow, and a reader that fails is worse than a fence with a hole. What it could still do
 * is what it is there for: read what it may read, and write files that it has made. Calls of
 * another ABI than our own are refused altogether, since their numbers mean something else.
 */
#include "capture/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

#ifdef SYS_landlock_create_ruleset
#include <linux/landlock.h>
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#endif

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
	SYS_io_uring_setup, /* what goes through a ring passes no filter */
#endif
#ifdef SYS_open_tree
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
	SYS_process_madvise,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
};

/* Beside these, to who only reads files: what changes some, and what looks at processes. */
static const uint32_t refused_to_readers[] = {
	SYS_unlinkat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_renameat2,
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_truncate,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	SYS_process_vm_readv,
	SYS_bpf,
#ifdef SYS_unlink /* the older calls, where there are any */
	SYS_creat,
	SYS_unlink,
	SYS_rmdir,
	SYS_link,
	SYS_symlink,
	SYS_mkdir,
	SYS_mknod,
	SYS_rename,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_utime,
	SYS_utimes,
	SYS_futimesat,
#endif
};

#ifdef OWN_ABI

/* x32 calls have a number above this one and the ABI of x86-64 (<asm/unistd.h>). */
#define X32_BIT 0x40000000U

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* The next instruction is for where this holds, or for where it does not. */
#define IF(test, value) BPF_JUMP(BPF_JMP | BPF_##test | BPF_K, value, 0, 1)
#define UNLESS(test, value) BPF_JUMP(BPF_JMP | BPF_##test | BPF_K, value, 1, 0)
/* The next @count instructions are for one call. */
#define FOR(number, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, count)

/* With any of these flags open(2) changes something, or could. */
#define CHANGING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

enum {
	ROOM = 2 * (ARRAY_SIZE(refused) + ARRAY_SIZE(refused_to_readers)) + 64
};

struct filter {
	struct sock_filter code[ROOM];
	unsigned short count;
};

static void add(struct filter *filter, const struct sock_filter *code, size_t count)
{
	for (size_t i = 0; i < count; i++)
		filter->code[filter->count++] = code[i];
}

#define ADD(filter, ...)                                                                           \
	add(filter, (const struct sock_filter[]){__VA_ARGS__},                                     \
		sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

static void add_refused(struct filter *filter, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ADD(filter, IF(JEQ, numbers[i]), REFUSE(EPERM));
}

/* Another ABI, calls that nobody needs, and signals to other processes. */
static void begin(struct filter *filter)
{
	filter->count = 0;
	ADD(filter, LOAD(arch), UNLESS(JEQ, OWN_ABI), REFUSE(EPERM), LOAD(nr), IF(JGE, X32_BIT),
		REFUSE(EPERM));
	add_refused(filter, refused, ARRAY_SIZE(refused));
	ADD(filter, FOR(SYS_tgkill, 4), LOAD(args[0]), IF(JEQ, (uint32_t)getpid()), ALLOW,
		REFUSE(EPERM));
}

/* Who may make files may not write into those that there are, which memory of a process is. */
static void add_opening(struct filter *filter, bool new_files)
{
	struct sock_filter made =
		new_files ? (struct sock_filter)ALLOW : (struct sock_filter)REFUSE(EPERM);

	ADD(filter, FOR(SYS_openat, 6), LOAD(args[2]), UNLESS(JSET, CHANGING), ALLOW,
		IF(JSET, O_EXCL), made, REFUSE(EPERM));
#ifdef SYS_open
	ADD(filter, FOR(SYS_open, 6), LOAD(args[1]), UNLESS(JSET, CHANGING), ALLOW,
		IF(JSET, O_EXCL), made, REFUSE(EPERM));
#endif
}

/* Its flags lie in memory, where no filter looks; there is a way without it (base/beneath.h). */
static void add_no_openat2(struct filter *filter)
{
#ifdef SYS_openat2
	ADD(filter, IF(JEQ, SYS_openat2), REFUSE(ENOSYS));
#endif
}

/* Calls that put words into the mouth of who sits at our terminal. */
static void add_terminal(struct filter *filter)
{
	ADD(filter, FOR(SYS_ioctl, 6), LOAD(args[1]), IF(JEQ, TIOCSTI), REFUSE(EPERM),
		IF(JEQ, TIOCLINUX), REFUSE(EPERM), ALLOW);
}

static int close_fence(struct filter *filter)
{
	struct sock_fprog program = {0, filter->code};

	ADD(filter, ALLOW);
	program.len = filter->count;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

int cryo_fence_close(void)
{
	struct filter filter;

	begin(&filter);
	add_opening(&filter, true);
	add_no_openat2(&filter);
	return close_fence(&filter);
}

/* Nothing below any directory may be changed, however it is opened (Linux 6.2). */
static int close_file_systems(void)
{
#ifdef SYS_landlock_create_ruleset
	static const struct landlock_ruleset_attr changes = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
	_cleanup_close_ int rules =
		(int)syscall(SYS_landlock_create_ruleset, &changes, sizeof(changes), 0);

	if (rules < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return -errno;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

int cryo_fence_close_for_reading(void)
{
	struct filter filter;

	begin(&filter);
	add_refused(&filter, refused_to_readers, ARRAY_SIZE(refused_to_readers));
	add_opening(&filter, false);
	if (close_file_systems() < 0)
		add_no_openat2(&filter);
	add_terminal(&filter);
	return close_fence(&filter);
}

#else

int cryo_fence_close(void)
{
	(void)refused;
	return -EOPNOTSUPP;
}

int cryo_fence_close_for_reading(void)
{
	(void)refused_to_readers;
	return -EOPNOTSUPP;
}

#endif
