// SPDX-License-Identifier: MIT
/*
 * Good pages next to bad ones. What belongs into a core is the kernel's rule (fs/coredump.c,
 * vma_dump_size(), with the default filter 0x33); what can be read of it is told page by page.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "victim.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* since Linux 6.13 */
#endif

enum {
	PAGE = 4096
};

static char *map(size_t size, int protection, int flags, int fd)
{
	char *start = mmap(NULL, size, protection, flags, fd, 0);

	if (start == MAP_FAILED)
		die("mmap");
	return start;
}

static char *map_private(size_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void tell_region(const char *name, const char *start, size_t size, long long in_core)
{
	unsigned long from = (unsigned long)(uintptr_t)start;

	tell("region=%s %#lx %#llx %lld", name, from, (unsigned long long)from + size, in_core);
}

/* One letter for each page: d data, z zeros, anything else: not told. */
static void tell_pages(const char *start, const char *letters)
{
	for (size_t i = 0; letters[i]; i++)
		if (letters[i] == 'd' || letters[i] == 'z')
			tell("page=%#lx %s", (unsigned long)(uintptr_t)start + i * PAGE,
				letters[i] == 'd' ? "data" : "zero");
}

static int new_file(const char *name, off_t size)
{
	int fd = memfd_create(name, 0);

	if (fd < 0 || ftruncate(fd, size) < 0)
		die("memfd_create");
	return fd;
}

static int disk_file(char *path, off_t size)
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, size) < 0)
		die("mkstemp");
	return fd;
}

static void make_protections(void)
{
	static const struct {
		const char *name;
		int protection;
	} rows[] = {
		{"none", PROT_NONE},
		{"write-only", PROT_WRITE},
		{"exec-only", PROT_EXEC},
		{"read-only", PROT_READ},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *start = map_private(3 * PAGE);

		fill_pages(start, 3 * PAGE);
		if (mprotect(start, 3 * PAGE, rows[i].protection) < 0)
			die("mprotect");
		tell_region(rows[i].name, start, 3 * PAGE, 3 * PAGE);
		tell_pages(start, "ddd");
	}
}

static void make_guard(void)
{
	char *start = map_private(4 * PAGE);

	fill_pages(start, 4 * PAGE);
	if (madvise(start + 2 * PAGE, PAGE, MADV_GUARD_INSTALL) < 0) {
		tell("lacks=guard");
		return;
	}
	tell_region("guard", start, 4 * PAGE, 4 * PAGE);
	tell_pages(start, "ddzd");
}

/* A page and a half of file under four pages of mapping; the first was written to. */
static void make_eof(void)
{
	int fd = new_file("eof", 2 * PAGE - PAGE / 2);
	char *start = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);

	fill_pages(start, 2 * PAGE);
	tell_region("eof", start, 4 * PAGE, 4 * PAGE);
	tell_pages(start, "ddzz");
	close(fd);
}

static void make_sparse(void)
{
	char *start = map_private(64 * PAGE);

	fill_pages(start + 5 * PAGE, PAGE);
	fill_pages(start + 63 * PAGE, PAGE);
	tell_region("sparse", start, 64 * PAGE, 64 * PAGE);
	tell_pages(start, "zzzzzdzz");
	tell_pages(start + 62 * PAGE, "zd");
}

static void make_untouched(void)
{
	char *start = map(16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	tell_region("untouched", start, 16 * PAGE, 0);
}

static void make_dontdump(void)
{
	char *start = map_private(2 * PAGE);

	fill_pages(start, 2 * PAGE);
	if (madvise(start, 2 * PAGE, MADV_DONTDUMP) < 0)
		die("MADV_DONTDUMP");
	tell_region("dontdump", start, 2 * PAGE, 0);
}

static void make_shared(void)
{
	char path[] = "victim-shared-XXXXXX", gone[] = "victim-deleted-XXXXXX";
	int flags = PROT_READ | PROT_WRITE, fd;
	char *start;

	start = map(2 * PAGE, flags, MAP_SHARED, fd = new_file("odd\nname \033[31m", 2 * PAGE));
	fill_pages(start, 2 * PAGE);
	tell_region("memfd", start, 2 * PAGE, 2 * PAGE);
	tell_pages(start, "dd");
	start = map(2 * PAGE, flags, MAP_SHARED | MAP_ANONYMOUS, -1);
	fill_pages(start, PAGE);
	tell_region("anonymous-shared", start, 2 * PAGE, 2 * PAGE);
	tell_pages(start, "dz");
	start = map(2 * PAGE, flags, MAP_SHARED, fd = disk_file(gone, 2 * PAGE));
	unlink(gone);
	fill_pages(start, 2 * PAGE);
	tell_region("deleted", start, 2 * PAGE, 2 * PAGE);
	tell_pages(start, "dd");
	start = map(2 * PAGE, flags, MAP_SHARED, fd = disk_file(path, 2 * PAGE));
	fill_pages(start, 2 * PAGE);
	tell_region("file-shared", start, 2 * PAGE, 0);
	tell("path=%s", path);
	close(fd);
}

static void make_sysv(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	char *start = id < 0 ? (char *)-1 : shmat(id, NULL, 0);

	if (start == (char *)-1)
		die("shm");
	shmctl(id, IPC_RMID, NULL);
	fill_pages(start, 2 * PAGE);
	tell_region("sysv", start, 2 * PAGE, 2 * PAGE);
	tell_pages(start, "dd");
}

static void state_memory(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	make_protections();
	make_guard();
	make_eof();
	make_sparse();
	make_untouched();
	make_dontdump();
	make_shared();
	make_sysv();
	tell_thread(1);
	tell_ready();
	park(1);
}

static int open_userfaultfd(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		cannot("userfaultfd");
	if (ioctl(fd, UFFDIO_API, &api) < 0)
		cannot("UFFDIO_API");
	return fd;
}

/* Page 2 of 4 is missing and nobody will ever serve it. */
static void state_uffd(int argc, char **argv)
{
	char *start = map_private(4 * PAGE);
	struct uffdio_register area = {
		.range = {(uint64_t)(uintptr_t)start, 4 * PAGE},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = open_userfaultfd();

	(void)argc;
	(void)argv;
	fill_pages(start, PAGE);
	fill_pages(start + 2 * PAGE, 2 * PAGE);
	if (ioctl(fd, UFFDIO_REGISTER, &area) < 0)
		cannot("UFFDIO_REGISTER");
	tell_region("uffd", start, 4 * PAGE, 4 * PAGE);
	tell_pages(start, "dzdd");
	tell_thread(1);
	tell_ready();
	park(1);
}

/* A reservation of 1 TiB with one page in it, and another that nobody touched. */
static void state_noreserve(int argc, char **argv)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint64_t size = sizeof(void *) == 8 ? 1ULL << 40 : 1ULL << 29;
	char *start;

	(void)argc;
	(void)argv;
	start = map((size_t)size, PROT_READ | PROT_WRITE, flags, -1);
	fill_pages(start + size / 2, PAGE);
	tell_region("reservation", start, (size_t)size, (long long)size);
	tell_pages(start + size / 2 - PAGE, "zdz");
	start = map((size_t)size, PROT_READ, flags, -1);
	tell_region("never", start, (size_t)size, 0);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* So much memory that a capture of it takes a while; then another state. */
static void state_hog(int argc, char **argv)
{
	size_t size = (size_t)number(argc, argv, 1, 64) << 20;
	char *start = map_private(size);

	fill_pages(start, size);
	tell_region("hog", start, size, (long long)size);
	tell_pages(start, "d");
	tell_pages(start + size / 2, "d");
	tell_pages(start + size - PAGE, "d");
	victim_run(argc - 2, argv + 2);
}

static volatile uint64_t remapped;

/* The address space changes all the time; the counter page stays. */
static void state_remapping(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell("counter=%#lx", (unsigned long)(uintptr_t)&remapped);
	tell_ready();
	for (;; remapped++) {
		char *start = map_private(16 * PAGE);

		fill_pages(start, 16 * PAGE);
		mprotect(start + 4 * PAGE, PAGE, PROT_NONE);
		munmap(start, 16 * PAGE);
	}
}

const struct victim_state memory_states[] = {
	{"memory", "", state_memory},
	{"uffd", "", state_uffd},
	{"noreserve", "", state_noreserve},
	{"hog", "MEBIBYTES STATE...", state_hog},
	{"remapping", "", state_remapping},
	{NULL, NULL, NULL},
};
