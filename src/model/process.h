// SPDX-License-Identifier: MIT
/*
 * What is known about a stopped process: the value that inspect makes and that plan, write and
 * record only read. It holds no descriptor and no reference to /proc, so a synthetic one (another
 * architecture, a million threads) is as good as a real one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cryo_arch;

/**
 * struct cryo_regset - one register set of one thread, exactly as PTRACE_GETREGSET returned it.
 * @type: NT_* (elf.h)
 * @size: bytes
 * @data: the bytes; not owned
 */
struct cryo_regset {
	uint32_t type;
	uint32_t size;
	const void *data;
};

/* How the registers of a thread were had. */
enum cryo_register_source {
	CRYO_REGISTERS_NONE,    /* nothing is known: the general regset is all zero */
	CRYO_REGISTERS_PTRACE,  /* whole regsets, the thread was stopped by us */
	CRYO_REGISTERS_BPF,     /* general registers, by bpf_task_pt_regs() */
	CRYO_REGISTERS_SYSCALL, /* pc and sp only, from /proc/PID/task/TID/syscall */
};

/* CPU time in microseconds: struct timeval of prstatus. */
struct cryo_times {
	uint64_t user, system, children_user, children_system;
};

/**
 * struct cryo_thread - one thread, as its NT_PRSTATUS and regset notes show it.
 * @tid: in our own pid namespace
 * @ns_tid: in the pid namespace of the process
 * @ppid: of the thread that forked this process (elfcore: real_parent), same namespace; 0: outside
 * @pending: thread-directed pending signals, bit N-1 for signal N
 * @blocked: blocked signals
 * @times: of this thread; of the whole group in the leader
 * @incomplete: it has a register set that could not be read
 * @unknown: bit N: the N-th general register is not known, and 0 here. Of a thread that was not
 * stopped no other register set is known at all
 * @regsets: in the order of the architecture's table, the general one first; owned
 */
struct cryo_thread {
	pid_t tid;
	pid_t ns_tid;
	pid_t ppid;
	uint64_t pending;
	uint64_t blocked;
	struct cryo_times times;
	enum cryo_register_source source;
	bool incomplete;
	uint64_t unknown;
	struct cryo_regset *regsets;
	size_t n_regsets;
};

/* VmFlags of /proc/PID/smaps that the dump rules look at, or that keep neighbours apart; one bit
 * each. */
enum cryo_vm_flag {
	CRYO_VM_READ = 1 << 0,        /* rd */
	CRYO_VM_WRITE = 1 << 1,       /* wr */
	CRYO_VM_EXEC = 1 << 2,        /* ex */
	CRYO_VM_SHARED = 1 << 3,      /* sh */
	CRYO_VM_MAYSHARE = 1 << 4,    /* ms */
	CRYO_VM_IO = 1 << 5,          /* io */
	CRYO_VM_PFNMAP = 1 << 6,      /* pf */
	CRYO_VM_HUGETLB = 1 << 7,     /* ht */
	CRYO_VM_DONTDUMP = 1 << 8,    /* dd */
	CRYO_VM_MTE = 1 << 9,         /* mt */
	CRYO_VM_UFFD = 1 << 10,       /* um, uw or ui */
	CRYO_VM_MIXEDMAP = 1 << 11,   /* mm */
	CRYO_VM_LOCKED = 1 << 12,     /* lo */
	CRYO_VM_WIPEONFORK = 1 << 13, /* wf */
	CRYO_VM_DONTCOPY = 1 << 14,   /* dc */
	CRYO_VM_HUGEPAGE = 1 << 15,   /* hg */
	CRYO_VM_NOHUGEPAGE = 1 << 16, /* nh */
	CRYO_VM_MERGEABLE = 1 << 17,  /* mg */
	CRYO_VM_SEQ_READ = 1 << 18,   /* sr */
	CRYO_VM_RAND_READ = 1 << 19,  /* rr */
	CRYO_VM_ACCOUNT = 1 << 20,    /* ac */
	CRYO_VM_NORESERVE = 1 << 21,  /* nr */
	CRYO_VM_GROWSDOWN = 1 << 22,  /* gd */
};

/* What lies behind a mapping. */
enum cryo_vma_kind {
	CRYO_VMA_ANONYMOUS, /* no file: heap, stack, [anon:...], plain */
	CRYO_VMA_FILE,    /* a file, in the kernel's sense (vm_file): also memfd, SysV, /dev/zero */
	CRYO_VMA_SPECIAL, /* [vdso], [vvar], [vsyscall], ...: arch_vma_name() or vm_ops->name() */
};

/**
 * struct cryo_vma - one mapping.
 * @start, @end: addresses
 * @offset: bytes into the file; 0 without one
 * @flags: enum cryo_vm_flag
 * @rss, @anonymous, @swap: bytes, from smaps; @anonymous counts pages of the process's own
 * @device, @inode: as maps shows them
 * @mode: st_mode of the file, 0 if unknown
 * @n_links: st_nlink of the file; ~0 if unknown
 * @elf_magic: the first four bytes of the mapping are those of an ELF file
 * @remote: the file lies on a file system that a user-space or remote server may fail to serve
 * @dax: the file is mapped without page cache (vma_is_dax)
 * @name: of the file, as NT_FILE names it; or the [name]; NULL if there is none; owned
 */
struct cryo_vma {
	uint64_t start, end;
	uint64_t offset;
	uint32_t flags;
	enum cryo_vma_kind kind;
	uint64_t rss, anonymous, swap;
	dev_t device;
	ino_t inode;
	mode_t mode;
	nlink_t n_links;
	bool elf_magic;
	bool remote;
	bool dax;
	char *name;
};

/**
 * struct cryo_process - a process, as its core shows it.
 * @arch: the row that its general regset chose
 * @page_size: of its memory, bytes
 * @pid: in our pid namespace; the others are those of the process's own
 * @ns_pid, @ppid, @pgrp, @sid: ids for prpsinfo
 * @start_time: field 22 of stat (clock ticks since boot): with @pid its identity
 * @state: of the leader ('Z' for one that has exited)
 * @nice, @task_flags: fields 19 and 9 of stat
 * @uid, @gid: real ids in the user namespace of the process
 * @comm: of the leader, zero padded
 * @psargs: the first bytes of its arguments as prpsinfo has them (NULs are blanks)
 * @psargs_failed: the argument area could not be read whole: the kernel gives up on prpsinfo
 * @coredump_filter: of the process, bits as in core(5)
 * @auxv: bytes of NT_AUXV up to and including the AT_NULL pair; owned
 * @siginfo: 128 bytes for NT_SIGINFO; all zero for a live process
 * @xsave_layout: bytes of NT_X86_XSAVE_LAYOUT; size 0 off x86; owned
 * @loose_registers: regsets of threads that were not stopped point into it; owned
 * @threads: the leader first if it lives; owned
 * @vmas: in address order; owned
 * @vmas_torn: they changed while they were read, so some may be wrong
 * @vmas_cut: the list ends before its end, since the kernel gave no more of it
 * @filter_unknown: it could not be read
 * @use_unknown: which mappings hold something is not known: all of them are taken to
 * @files_unknown: nothing could be asked about the mapped files
 */
struct cryo_process {
	const struct cryo_arch *arch;
	uint64_t page_size;
	pid_t pid;
	pid_t ns_pid, ppid, pgrp, sid;
	uint64_t start_time;
	char state;
	int nice;
	uint64_t task_flags;
	uid_t uid;
	gid_t gid;
	uid_t overflow_uid;
	gid_t overflow_gid;
	char comm[16];
	char psargs[80];
	bool psargs_failed;
	uint64_t coredump_filter;
	uint8_t *auxv;
	size_t auxv_size;
	uint8_t siginfo[128];
	uint8_t *xsave_layout;
	size_t xsave_layout_size;
	uint8_t *loose_registers;
	struct cryo_thread *threads;
	size_t n_threads;
	struct cryo_vma *vmas;
	size_t n_vmas;
	bool vmas_torn, vmas_cut, use_unknown, files_unknown, filter_unknown;
};

/* Free what the process owns (not the struct itself) and zero it. */
void cryo_process_clear(struct cryo_process *process);

#define _cleanup_process_ _cleanup_(cryo_process_clear)
