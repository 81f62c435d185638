// SPDX-License-Identifier: MIT
/*
 * What is named here is refused, everything else is allowed: the C library and libbpf may use other
 * calls tomorrow, and a reader that fails is worse than a fence with a hole. What it could still do
 * is what it is there for: read what it may read, and write files that it has made. Calls of
 * another ABI than our own are refused altogether, since their numbers mean something else. Of
 * ioctl(2) only requests that all file systems share are known here, and a message through a socket
 * that was inherited, or made by socketpair(2), may name who gets it: that lies in memory, where no
 * filter looks.
 */
#include "capture/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

#ifdef OWN_ABI

/* Younger than the headers of some: these have one number everywhere. */
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef SYS_removexattrat
#define SYS_removexattrat 466
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
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
	SYS_setfsuid,
	SYS_setfsgid,
#ifdef SYS_setuid32 /* the calls of those names have ids of 16 bits then */
	SYS_setuid32,
	SYS_setgid32,
	SYS_setreuid32,
	SYS_setregid32,
	SYS_setresuid32,
	SYS_setresgid32,
	SYS_setgroups32,
	SYS_setfsuid32,
	SYS_setfsgid32,
	SYS_chown32,
	SYS_lchown32,
	SYS_fchown32,
#endif
	SYS_unshare,
	SYS_setns,
	SYS_chroot,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
#ifdef SYS_umount
	SYS_umount,
#endif
	SYS_swapon,
	SYS_swapoff,
	SYS_reboot,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
#ifdef SYS_clock_settime64
	SYS_clock_settime64,
#endif
#ifdef SYS_stime
	SYS_stime,
#endif
	SYS_acct,
	SYS_quotactl,
	SYS_quotactl_fd,
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
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
	SYS_open_tree_attr,
	/* Files that there are: a reader makes its own by open(2), and they are right from then on.
	 */
	SYS_truncate,
#ifdef SYS_truncate64
	SYS_truncate64,
#endif
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchmodat2,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
#ifdef SYS_utimensat_time64
	SYS_utimensat_time64,
#endif
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_setxattrat,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	SYS_removexattrat,
	SYS_file_setattr,
#ifdef SYS_creat /* the older calls, where there are any */
	SYS_creat,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_utime,
	SYS_utimes,
	SYS_futimesat,
#endif
	/* How other processes run, and where. */
	SYS_setpriority,
	SYS_ioprio_set,
	SYS_migrate_pages,
	SYS_move_pages,
	SYS_process_mrelease,
};

/* Their first argument is a process or thread: only 0 is allowed, who calls. The C library asks for
 * its limits so, and sampling moves from CPU to CPU. */
static const uint32_t only_of_oneself[] = {
	SYS_prlimit64,
	SYS_sched_setaffinity,
	SYS_sched_setscheduler,
	SYS_sched_setparam,
	SYS_sched_setattr,
};

/* Words into the mouth of who sits at our terminal, attributes of files (for which a descriptor for
 * reading is enough), signals to whom one names as the owner of a file. */
static const uint32_t refused_ioctls[] = {TIOCSTI, TIOCLINUX, FS_IOC_SETFLAGS, FS_IOC_SETVERSION,
	FS_IOC_FSSETXATTR, FIOSETOWN, SIOCSPGRP};
static const uint32_t refused_fcntls[] = {F_SETOWN, F_SETOWN_EX};
#ifdef SYS_socketcall
static const uint32_t refused_socketcalls[] = {SYS_SOCKET, SYS_BIND, SYS_CONNECT, SYS_LISTEN};
#endif

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
	SYS_process_vm_readv,
	SYS_process_madvise,
	SYS_kcmp,
	SYS_bpf,
#ifdef SYS_unlink /* the older calls, where there are any */
	SYS_unlink,
	SYS_rmdir,
	SYS_link,
	SYS_symlink,
	SYS_mkdir,
	SYS_mknod,
	SYS_rename,
#endif
};

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

/* It makes a file with both of these flags. Without O_CREAT the kernel heeds no O_EXCL. */
#define MAKING (O_CREAT | O_EXCL)

enum {
	GROUP = 12,
	ROOM = 2 * (ARRAY_SIZE(refused) + ARRAY_SIZE(refused_to_readers)) + 128
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

static int by_number(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* Some calls, in order, one of which only a number up to the last can be. */
static void add_group(struct filter *filter, const uint32_t *numbers, uint8_t count)
{
	ADD(filter, BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, numbers[count - 1], count + 2, 0));
	for (uint8_t i = 0; i < count; i++)
		ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], count - i, 0));
	ADD(filter, BPF_STMT(BPF_JMP | BPF_JA, 1), REFUSE(EPERM));
}

/* The kernel goes through the filter for each number that there is (seccomp_cache_prepare()), and
 * once more for each call whose arguments are looked at. */
static void add_refused_calls(struct filter *filter, const uint32_t *calls, size_t count)
{
	uint32_t numbers[ROOM];

	memcpy(numbers, calls, count * sizeof(*calls));
	qsort(numbers, count, sizeof(*numbers), by_number);
	for (size_t i = 0; i < count; i += GROUP)
		add_group(filter, numbers + i, (uint8_t)(count - i < GROUP ? count - i : GROUP));
}

static void add_only_of_oneself(struct filter *filter)
{
	for (size_t i = 0; i < ARRAY_SIZE(only_of_oneself); i++)
		ADD(filter, FOR(only_of_oneself[i], 4), LOAD(args[0]), IF(JEQ, 0), ALLOW,
			REFUSE(EPERM));
}

/* The call @number, where its argument at @offset is one of @values. */
static void add_refused_values(struct filter *filter, uint32_t number, uint32_t offset,
	const uint32_t *values, uint8_t count)
{
	ADD(filter, FOR(number, (uint8_t)(2 * count + 2)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
	add_refused(filter, values, count);
	ADD(filter, ALLOW);
}

#define REFUSE_VALUES(filter, number, argument, values)                                            \
	add_refused_values(filter, number, offsetof(struct seccomp_data, args[argument]), values,  \
		ARRAY_SIZE(values))

static void add_calls_of_many(struct filter *filter)
{
	REFUSE_VALUES(filter, SYS_ioctl, 1, refused_ioctls);
	REFUSE_VALUES(filter, SYS_fcntl, 1, refused_fcntls);
#ifdef SYS_fcntl64
	REFUSE_VALUES(filter, SYS_fcntl64, 1, refused_fcntls);
#endif
#ifdef SYS_socketcall
	REFUSE_VALUES(filter, SYS_socketcall, 0, refused_socketcalls);
#endif
}

/* Another ABI, calls that nobody needs, and what is done to other processes. */
static void begin(struct filter *filter)
{
	filter->count = 0;
	ADD(filter, LOAD(arch), UNLESS(JEQ, OWN_ABI), REFUSE(EPERM), LOAD(nr), IF(JGE, X32_BIT),
		REFUSE(EPERM));
	add_refused_calls(filter, refused, ARRAY_SIZE(refused));
	ADD(filter, FOR(SYS_tgkill, 4), LOAD(args[0]), IF(JEQ, (uint32_t)getpid()), ALLOW,
		REFUSE(EPERM));
	add_only_of_oneself(filter);
	add_calls_of_many(filter);
}

/* Pages go back into swap (trace/swap.h); any other advice is about memory that is in use. */
static void add_paging_out(struct filter *filter)
{
	ADD(filter, FOR(SYS_process_madvise, 4), LOAD(args[3]), IF(JEQ, MADV_PAGEOUT), ALLOW,
		REFUSE(EPERM));
}

/* open(2) and the like: @offset is where the flags are. */
static void add_opening_call(
	struct filter *filter, uint32_t number, uint32_t offset, bool new_files)
{
	struct sock_filter made =
		new_files ? (struct sock_filter)ALLOW : (struct sock_filter)REFUSE(EPERM);

	ADD(filter, FOR(number, 7), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
		UNLESS(JSET, CHANGING), ALLOW, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, MAKING),
		IF(JEQ, MAKING), made, REFUSE(EPERM));
}

/* Who may make files may not write into those that there are, which memory of a process is. */
static void add_opening(struct filter *filter, bool new_files)
{
	add_opening_call(filter, SYS_openat, offsetof(struct seccomp_data, args[2]), new_files);
#ifdef SYS_open
	add_opening_call(filter, SYS_open, offsetof(struct seccomp_data, args[1]), new_files);
#endif
}

/* Its flags lie in memory, where no filter looks; there is a way without it (base/beneath.h). */
static void add_no_openat2(struct filter *filter)
{
#ifdef SYS_openat2
	ADD(filter, IF(JEQ, SYS_openat2), REFUSE(ENOSYS));
#endif
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
	add_paging_out(&filter);
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
	add_refused_calls(&filter, refused_to_readers, ARRAY_SIZE(refused_to_readers));
	add_opening(&filter, false);
	if (close_file_systems() < 0)
		add_no_openat2(&filter);
	return close_fence(&filter);
}

#else

int cryo_fence_close(void)
{
	return -EOPNOTSUPP;
}

int cryo_fence_close_for_reading(void)
{
	return -EOPNOTSUPP;
}

#endif
