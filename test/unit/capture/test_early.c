// SPDX-License-Identifier: MIT
/* The mappings of a child, read early; where BPF may be used. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "capture/guard.h"
#include "capture/inspect.h"
#include "capture/mapped_file.h"
#include "proc/maps.h"
#include "proc/procfs.h"

enum {
	PAGE = 4096,
	MAPPINGS = 2000,
	VERY_MANY = 16000 /* maps is longer than what smaps is read for */
};

/* What the child is to do. */
typedef void change_function(char *memory);

struct setting {
	size_t mappings;
	pid_t child;
	struct cryo_inspector inspector;
	struct cryo_identity identity;
	char *memory;
	struct cryo_vma *vmas;
	size_t n_vmas;
};

/* The child: it changes something when it gets a byte, and then sends one. */
static void be_child(char *memory, change_function *change, const int order[2], const int done[2])
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(order[1]);
	close(done[0]);
	if (read(order[0], &byte, 1) == 1 && change)
		change(memory);
	if (write(done[1], &byte, 1) == 1)
		pause();
	_exit(0);
}

static void look_at(struct setting *setting)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", setting->child);
	setting->identity.pid = setting->child;
	setting->inspector = CRYO_INSPECTOR_NONE;
	setting->inspector.identity = &setting->identity;
	setting->inspector.live = setting->child;
	setting->inspector.live_dir = open(path, O_RDONLY | O_DIRECTORY);
	setting->inspector.guard = cryo_guard_new();
	cr_assert_eq(cryo_memory_open(setting->inspector.live_dir, setting->child,
			     &setting->inspector.memory),
		0);
	cryo_early_read(&setting->inspector);
}

/* Neighbours of which others are expected, every fourth touched; they are read, and then changed.
 */
static void begin_with(struct setting *setting, size_t mappings, change_function *change)
{
	int order[2], done[2];
	char byte = 0;

	*setting = (struct setting){.mappings = mappings};
	cr_assert_eq(pipe(order), 0);
	cr_assert_eq(pipe(done), 0);
	/* One that touches others would be one with them, and used as they are. */
	setting->memory =
		mmap(NULL, (mappings + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(setting->memory, MAP_FAILED);
	setting->memory += PAGE;
	cr_assert_eq(mprotect(setting->memory, mappings * PAGE, PROT_READ | PROT_WRITE), 0);
	madvise(setting->memory, mappings * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < mappings; i += 2)
		cr_assert_eq(madvise(setting->memory + i * PAGE, PAGE, MADV_RANDOM), 0);
	for (size_t i = 0; i < mappings; i += 4)
		setting->memory[i * PAGE] = 1;
	setting->child = fork();
	if (setting->child == 0)
		be_child(setting->memory, change, order, done);
	close(order[0]);
	close(done[1]);
	look_at(setting);
	cr_assert_eq(write(order[1], &byte, 1), 1);
	cr_assert_eq(read(done[0], &byte, 1), 1);
	close(order[1]);
	close(done[0]);
	if (!setting->inspector.early.vmas)
		cr_skip_test("BPF is not to be had here, or the kernel does not count");
}

static void begin(struct setting *setting, change_function *change)
{
	begin_with(setting, MAPPINGS, change);
}

static bool take(struct setting *setting)
{
	return cryo_early_take(&setting->inspector, &setting->vmas, &setting->n_vmas);
}

static const struct cryo_vma *find(const struct setting *setting, size_t index)
{
	uint64_t start = (uintptr_t)setting->memory + index * PAGE;

	for (size_t i = 0; i < setting->n_vmas; i++)
		if (setting->vmas[i].start == start)
			return &setting->vmas[i];
	cr_assert_fail("the mapping is not there");
	return NULL;
}

static void end(struct setting *setting)
{
	kill(setting->child, SIGKILL);
	waitpid(setting->child, NULL, 0);
	cryo_vmas_free(setting->vmas, setting->n_vmas);
	cryo_early_clear(&setting->inspector.early);
	cryo_memory_close(&setting->inspector.memory);
	close(setting->inspector.live_dir);
	munmap(setting->memory - PAGE, (setting->mappings + 2) * PAGE);
}

static void touch(char *memory)
{
	memory[101 * PAGE] = 1;
}

Test(early, what_has_not_changed_is_taken)
{
	struct setting setting;

	begin(&setting, touch);
	cr_assert(take(&setting));
	cr_assert_geq(setting.n_vmas, MAPPINGS);
	cr_assert_eq(find(&setting, 100)->anonymous, PAGE);
	cr_assert_eq(find(&setting, 101)->anonymous, PAGE, "touched after it was read");
	cr_assert_eq(find(&setting, 102)->anonymous, 0);
	cr_assert_eq(find(&setting, 103)->anonymous, 0);
	cr_assert_not(take(&setting), "only once");
	end(&setting);
}

static void leave_out(char *memory)
{
	madvise(memory + 8 * PAGE, PAGE, MADV_DONTDUMP);
}

Test(early, a_flag_that_maps_does_not_show_is_a_change)
{
	struct setting setting;

	begin(&setting, leave_out);
	cr_assert_not(take(&setting));
	end(&setting);
}

static void unmap(char *memory)
{
	munmap(memory + 8 * PAGE, PAGE);
}

Test(early, a_mapping_that_is_gone_is_a_change)
{
	struct setting setting;

	begin(&setting, unmap);
	cr_assert_not(take(&setting));
	end(&setting);
}

static char path[] = "/tmp/early-XXXXXX";

static void unlink_file(char *memory)
{
	(void)memory;
	unlink(path);
}

Test(early, a_file_that_has_lost_its_name_is_a_change)
{
	struct setting setting;
	int fd = mkstemp(path);
	void *mapping;

	cr_assert_eq(ftruncate(fd, PAGE), 0);
	mapping = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	begin(&setting, unlink_file);
	cr_assert_not(take(&setting));
	munmap(mapping, PAGE);
	close(fd);
	end(&setting);
}

Test(early, times_are_those_of_proc)
{
	struct cryo_bpf_times *times;
	struct setting setting;
	size_t count;

	begin(&setting, NULL);
	cr_assert_eq(
		cryo_bpf_read_times(&setting.inspector.early.bpf, setting.child, &times, &count),
		0);
	cr_assert_eq(count, 1);
	cr_assert_eq(times[0].tid, setting.child);
	cr_assert_eq(times[0].pending | times[0].blocked, 0);
	cr_assert_lt(times[0].user_ns, 10000000000);
	free(times);
	end(&setting);
}

/* What smaps tells, but for how much there is, and whether it still is. */
static void check_with_smaps(const struct setting *setting)
{
	_cleanup_close_ int smaps = openat(setting->inspector.live_dir, "smaps", O_RDONLY);
	struct cryo_vma *theirs = NULL;
	size_t n_theirs = 0;

	cr_assert_eq(cryo_maps_read(smaps, &theirs, &n_theirs), 0);
	cr_assert_eq(setting->n_vmas, n_theirs);
	for (size_t i = 0; i < n_theirs; i++) {
		const struct cryo_vma *ours = &setting->vmas[i];

		cr_assert_eq(ours->start, theirs[i].start);
		cr_assert_eq(ours->end, theirs[i].end);
		cr_assert_eq(ours->flags, theirs[i].flags);
		if (theirs[i].anonymous || theirs[i].swap)
			cr_assert(ours->anonymous, "%" PRIx64, ours->start);
	}
	cryo_vmas_free(theirs, n_theirs);
}

/* Mappings of several pages: all of them, the last one, or in a run that crosses into the next. */
static void touch_some(char *memory)
{
	madvise(memory + 4 * PAGE, 8 * PAGE, MADV_NORMAL);
	memory[11 * PAGE] = 1;
	madvise(memory + 20 * PAGE, 8 * PAGE, MADV_NORMAL);
	memset(memory + 20 * PAGE, 1, 8 * PAGE);
	mprotect(memory + 24 * PAGE, 4 * PAGE, PROT_READ);
	madvise(memory + 600 * PAGE, 1000 * PAGE, MADV_DONTNEED);
}

static void do_nothing(char *memory)
{
	(void)memory;
}

Test(early, very_many_mappings_are_as_smaps_tells)
{
	static change_function *const changes[] = {do_nothing, touch_some, touch};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct setting setting;

		begin_with(&setting, VERY_MANY, changes[i]);
		if (setting.inspector.early.flags < 0)
			cr_skip_test("the flags of mappings are not to be had by BPF here");
		cr_assert(take(&setting));
		check_with_smaps(&setting);
		cr_expect(find(&setting, 800)->anonymous, "it has had a page");
		cr_expect_eq(find(&setting, 801)->anonymous, 0);
		cr_expect_eq(!find(&setting, 101)->anonymous, changes[i] != touch);
		end(&setting);
	}
}

Test(early, sizes_are_told_where_they_matter)
{
	struct setting setting;

	begin_with(&setting, VERY_MANY, do_nothing);
	cryo_early_clear(&setting.inspector.early);
	setting.inspector.needs_sizes = true;
	cryo_early_read(&setting.inspector);
	cr_assert_eq(setting.inspector.early.flags, -1);
	cr_assert(take(&setting));
	end(&setting);
}

/* Ourselves, who are small. */
static void look_at_self(struct cryo_inspector *inspector)
{
	*inspector = CRYO_INSPECTOR_NONE;
	inspector->root = strdup("");
	inspector->guard = cryo_guard_new();
	inspector->live_dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(cryo_memory_open(inspector->live_dir, getpid(), &inspector->memory), 0);
	cryo_early_read(inspector);
}

Test(early, a_small_process_is_left_alone)
{
	struct cryo_inspector inspector;

	look_at_self(&inspector);
	cr_assert_null(inspector.early.vmas);
	cr_assert_eq(inspector.early.bpf.program, -1);
	cryo_inspector_clear(&inspector);
}

/* A thread that waits at a pipe instead of at maps. */
struct late {
	struct cryo_inspector inspector;
	_Atomic(struct cryo_guard *) guard;
};

static void *read_late(void *argument)
{
	struct late *late = argument;

	late->inspector.guard = cryo_guard_new();
	late->guard = late->inspector.guard;
	cryo_early_read(&late->inspector);
	return NULL;
}

/* It is at rest for good when it has gone to sleep and does so no more. */
static bool is_parked(pid_t tid)
{
	_cleanup_buffer_ struct cryo_buffer wchan = {0};
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/task/%d/syscall", tid);
	if (cryo_procfs_read(AT_FDCWD, name, 256, &wchan) < 0 || !wchan.size)
		return false;
#ifdef SYS_pause
	return atol((const char *)wchan.data) == SYS_pause;
#else
	return atol((const char *)wchan.data) == SYS_ppoll;
#endif
}

Test(early, who_was_given_up_changes_nothing_any_more)
{
	static const char line[] = "10000-20000 r-xp 00000000 08:01 7    /nowhere\n";
	char directory[] = "/tmp/cryocore-unit-XXXXXX", pipe_path[64];
	struct late late = {.inspector = CRYO_INSPECTOR_NONE};
	struct cryo_early before;
	pthread_t thread;
	int fd;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(pipe_path, sizeof(pipe_path), "%s/maps", directory);
	cr_assert_eq(mkfifo(pipe_path, 0600), 0);
	late.inspector.root = strdup("");
	late.inspector.live_dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(
		cryo_memory_open(late.inspector.live_dir, getpid(), &late.inspector.memory), 0);
	late.inspector.live_dir = open(directory, O_RDONLY | O_DIRECTORY);
	cr_assert_eq(pthread_create(&thread, NULL, read_late, &late), 0);
	while (!late.guard || cryo_guard_give_up(late.guard, 1000) != CRYO_PLACE_EARLY)
		usleep(1000);
	cryo_early_leave(&late.inspector.early);
	memcpy(&before, &late.inspector.early, sizeof(before));
	fd = open(pipe_path, O_WRONLY);
	cr_assert_eq(write(fd, line, sizeof(line) - 1), (ssize_t)sizeof(line) - 1);
	close(fd);
	while (!is_parked(late.guard->tid))
		usleep(1000);
	cr_expect_arr_eq(&late.inspector.early, &before, sizeof(before));
	unlink(pipe_path);
	rmdir(directory);
}

static struct cryo_vma *find_head(struct cryo_vma *vmas, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vmas[i].kind == CRYO_VMA_FILE && vmas[i].offset == 0 &&
			vmas[i].flags & CRYO_VM_READ && vmas[i].mode & 0111)
			return &vmas[i];
	return NULL;
}

Test(early, what_files_are_is_noted_and_taken_for_pages_that_are_theirs)
{
	struct cryo_inspector inspector;
	struct cryo_vma head, *noted;

	look_at_self(&inspector);
	noted = find_head(inspector.early.files, inspector.early.n_files);
	cr_assert_not_null(noted);
	head = *noted;
	head.name = strdup(noted->name);
	noted->elf_magic = true;
	noted->mode = 0;
	cr_assert_eq(cryo_mapped_file_inspect(&inspector, &head, 1), 0);
	cr_assert_eq(head.mode, 0);
	cr_assert(head.elf_magic);
	head.anonymous = PAGE;
	head.elf_magic = false;
	cr_assert_eq(cryo_mapped_file_inspect(&inspector, &head, 1), 0);
	cr_assert(head.mode & 0111, "a page of its own is looked at");
	cr_assert_not(head.elf_magic);
	cryo_early_forget_files(&inspector.early);
	cr_assert_eq(inspector.early.n_files, 0);
	free(head.name);
	cryo_inspector_clear(&inspector);
}

/* A file that begins as an ELF file does, and is mapped twice, once with another beginning. */
Test(early, what_a_process_has_written_over_a_file_is_not_noted_of_it)
{
	struct cryo_inspector inspector;
	FILE *file = tmpfile();
	char *own, *plain;
	struct cryo_vma vma = {.kind = CRYO_VMA_FILE, .flags = CRYO_VM_READ};
	struct stat status;

	cr_assert_eq(fputs("\177ELF", file), 1);
	cr_assert_eq(fflush(file), 0);
	own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
	plain = own + PAGE;
	cr_assert_eq(mmap(plain, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fileno(file), 0), plain);
	memset(own, 'x', 4);
	look_at_self(&inspector);
	cr_assert_eq(fstat(fileno(file), &status), 0);
	vma.start = (uintptr_t)plain;
	vma.end = vma.start + PAGE;
	vma.inode = status.st_ino;
	vma.device = status.st_dev;
	cr_assert_eq(cryo_mapped_file_inspect(&inspector, &vma, 1), 0);
	cr_assert(vma.elf_magic);
	free(vma.name);
	cryo_inspector_clear(&inspector);
	munmap(own, 2 * PAGE);
	fclose(file);
}
