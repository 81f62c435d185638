// SPDX-License-Identifier: MIT
/*
 * Whatever call fails while memory is copied: what comes out is an error, or each page is right or
 * a gap. The functions of the C library that may fail are ours here, and fail at a chosen call.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/hold.h"
#include "capture/mapped_file.h"
#include "capture/write.h"

enum {
	PAGE = 4096,
	PAGES = 16,
	SIZE = PAGES * PAGE,
	MOST_CALLS = 200,
};

/* ---- calls that fail ---- */

enum call {
	IOCTL,
	LSEEK,
	OPENAT,
	PREAD,
	READV,
	N_CALLS
};

/* SHORTENED: the chosen one does one byte less than it could, and the next fails. */
enum harm {
	ONCE,
	EVER_SINCE,
	SHORTENED,
	N_HARMS
};

static struct {
	bool armed;
	enum call call;
	enum harm harm;
	int error;
	unsigned int at, count;
} fault;

static bool fails(enum call call)
{
	unsigned int at;

	if (!fault.armed || call != fault.call)
		return false;
	at = fault.count++;
	errno = fault.error;
	return at == fault.at + (fault.harm == SHORTENED) ||
	       (fault.harm == EVER_SINCE && at > fault.at);
}

/* Of the call that just did not fail. */
static bool is_shortened(enum call call)
{
	return fault.armed && call == fault.call && fault.harm == SHORTENED &&
	       fault.count == fault.at + 1;
}

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	cr_assert(function, "%s", name);
	return function;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*call)(int, unsigned long, void *) =
		(int (*)(int, unsigned long, void *))real("ioctl");
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fails(IOCTL) ? -1 : call(fd, request, argument);
}

off_t lseek(int fd, off_t offset, int whence)
{
	off_t (*call)(int, off_t, int) = (off_t(*)(int, off_t, int))real("lseek64");

	return fails(LSEEK) ? -1 : call(fd, offset, whence);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*call)(int, const char *, int) = (int (*)(int, const char *, int))real("openat64");

	return fails(OPENAT) ? -1 : call(dir, path, flags);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	ssize_t (*call)(int, void *, size_t, off_t) =
		(ssize_t(*)(int, void *, size_t, off_t))real("pread64");

	if (fails(PREAD))
		return -1;
	return call(fd, data, is_shortened(PREAD) && size > 1 ? size - 1 : size, offset);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long n_local,
	const struct iovec *remote, unsigned long n_remote, unsigned long flags)
{
	ssize_t (*call)(pid_t, const struct iovec *, unsigned long, const struct iovec *,
		unsigned long, unsigned long) =
		(ssize_t(*)(pid_t, const struct iovec *, unsigned long, const struct iovec *,
			unsigned long, unsigned long))real("process_vm_readv");

	if (fails(READV))
		return -1;
	return call(pid, local, is_shortened(READV) ? 1 : n_local, remote, n_remote, flags);
}

/* ---- a process of one mapping ---- */

struct setting {
	struct cryo_vma vma;
	struct cryo_segment segment;
	struct cryo_plan plan;
	struct cryo_inspector inspector;
	struct cryo_shared shared;
	struct cryo_output output;
	uint8_t truth[SIZE];
};

/* Pages of a private mapping of a file: some only in the file, some in memory, some the process's
 * own, and holes of the file. */
static uint8_t *map_file(struct setting *setting)
{
	int file = memfd_create("mapped", 0);
	uint8_t *memory;

	cr_assert_eq(ftruncate(file, SIZE), 0);
	fchmod(file, 0600); /* not executable: its bytes tell */
	for (size_t i = 0; i < PAGES; i++) {
		memset(setting->truth + i * PAGE, i % 4 == 3 ? 0 : (int)i + 1, PAGE);
		memcpy(setting->truth + i * PAGE, i % 4 == 3 ? "" : "\177ELF", i % 4 == 3 ? 0 : 4);
		if (i % 4 != 3)
			cr_assert_eq(
				pwrite(file, setting->truth + i * PAGE, PAGE, (off_t)(i * PAGE)),
				PAGE);
	}
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	cr_assert_neq(memory, MAP_FAILED);
	close(file);
	madvise(memory, SIZE, MADV_RANDOM); /* no pages around the one that is asked for */
	for (size_t i = 5; i < PAGES; i += 5)
		setting->truth[i * PAGE] = memory[i * PAGE] = (uint8_t)(0x80 + i);
	setting->vma.kind = CRYO_VMA_FILE;
	return memory;
}

static uint8_t *map_anonymous(struct setting *setting)
{
	uint8_t *memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i += i % 3 + 1)
		memset(memory + i * PAGE, (int)i + 1, PAGE);
	memcpy(setting->truth, memory, SIZE); /* what is absent reads as zeros and stays so */
	madvise(memory + PAGE * 2, PAGE, MADV_DONTNEED);
	memset(setting->truth + PAGE * 2, 0, PAGE);
	return memory;
}

static void begin(struct setting *setting, bool is_file, bool has_scan)
{
	uint8_t *memory;

	*setting = (struct setting){.output = CRYO_OUTPUT_NONE};
	memory = is_file ? map_file(setting) : map_anonymous(setting);
	setting->vma.start = (uintptr_t)memory;
	setting->vma.end = (uintptr_t)memory + SIZE;
	setting->vma.flags = CRYO_VM_READ | CRYO_VM_WRITE;
	setting->segment = (struct cryo_segment){.vma = &setting->vma, .file_size = SIZE};
	setting->plan = (struct cryo_plan){
		.segments = &setting->segment, .n_segments = 1, .finished = true};
	setting->inspector = CRYO_INSPECTOR_NONE;
	setting->inspector.live_dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	setting->inspector.deadline = setting->inspector.write_until = UINT64_MAX;
	setting->inspector.guard = cryo_guard_new();
	cr_assert_eq(
		cryo_memory_open(setting->inspector.live_dir, getpid(), &setting->inspector.memory),
		0);
	if (!has_scan)
		setting->inspector.memory.scan_wanted = 0;
}

static void end(struct setting *setting)
{
	munmap((void *)(uintptr_t)setting->vma.start, SIZE);
	free(setting->inspector.guard);
	cryo_memory_close(&setting->inspector.memory);
	close(setting->inspector.live_dir);
}

/* ---- what has to hold ---- */

static bool is_gap(const struct cryo_written *written, uint64_t address)
{
	for (size_t i = 0; i < written->gaps_kept; i++)
		if (written->gaps[i].start <= address && address < written->gaps[i].end)
			return true;
	return false;
}

static void check(const struct setting *setting, const struct cryo_written *written)
{
	static uint8_t core[SIZE];

	memset(core, 0, SIZE);
	cr_assert_geq(pread(setting->output.fd, core, SIZE, 0), 0);
	for (size_t i = 0; i < PAGES; i++)
		cr_assert(memcmp(core + i * PAGE, setting->truth + i * PAGE, PAGE) == 0 ||
				  is_gap(written, setting->vma.start + i * PAGE),
			"page %zu; call %d, harm %d, number %u, error %d", i, fault.call,
			fault.harm, fault.at, fault.error);
}

/* Whether the call that was chosen came. */
static bool try_one(struct setting *setting)
{
	_cleanup_written_ struct cryo_written written = {0};
	struct cryo_arena arena = {0};
	struct cryo_copy *copy;
	int r;

	setting->output.fd = memfd_create("core", 0);
	cr_assert_eq(
		cryo_copy_begin(&setting->inspector, &setting->shared, &written, &arena, &copy), 0);
	fault.count = 0;
	fault.armed = true;
	r = cryo_copy_hold(copy, &setting->plan);
	if (r == 0)
		r = cryo_copy_flush(copy, &setting->output);
	fault.armed = false;
	if (r == 0)
		check(setting, &written);
	cryo_copy_end(copy);
	cryo_arena_clear(&arena);
	close(setting->output.fd);
	return fault.count > fault.at;
}

static void try_all(struct setting *setting)
{
	static const int errors[] = {EINTR, EIO, EINVAL, ENOMEM, EPERM, EAGAIN};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		for (int call = 0; call < N_CALLS; call++)
			for (int harm = 0; harm < N_HARMS; harm++) {
				bool endless = errors[i] == EINTR && harm == EVER_SINCE;

				fault.call = (enum call)call;
				fault.harm = (enum harm)harm;
				fault.error = errors[i];
				for (fault.at = 0; fault.at < MOST_CALLS && !endless; fault.at++)
					if (!try_one(setting))
						break;
			}
}

Test(faults, no_page_of_a_file_is_lost)
{
	for (int has_scan = 0; has_scan < 2; has_scan++) {
		struct setting setting;

		begin(&setting, true, has_scan);
		try_all(&setting);
		end(&setting);
	}
}

Test(faults, no_anonymous_page_is_lost)
{
	for (int has_scan = 0; has_scan < 2; has_scan++) {
		struct setting setting;

		begin(&setting, false, has_scan);
		try_all(&setting);
		end(&setting);
	}
}

/* Its first page is in the core: a file that cannot be asked for it may be one. */
Test(faults, elf_files_are_known)
{
	static const int errors[] = {EIO, ENOMEM, EPERM};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		for (int call = 0; call < N_CALLS; call++) {
			struct setting setting;

			begin(&setting, true, true);
			fault.call = (enum call)call;
			fault.harm = EVER_SINCE;
			fault.error = errors[i];
			for (fault.at = 0, fault.count = 1; fault.count > fault.at; fault.at++) {
				setting.vma.elf_magic = false;
				setting.inspector.root = (char *)"";
				fault.count = 0;
				fault.armed = true;
				cr_assert_eq(cryo_mapped_file_inspect(
						     &setting.inspector, &setting.vma, 1),
					0);
				fault.armed = false;
				cr_assert(setting.vma.elf_magic, "call %d, number %u, error %d",
					call, fault.at, errors[i]);
			}
			free(setting.vma.name);
			end(&setting);
		}
}
