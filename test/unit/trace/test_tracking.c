// SPDX-License-Identifier: MIT
/* Memory of our own is tracked; where the kernel can. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/page_set.h"
#include "trace/pagemap.h"
#include "trace/tracking.h"

#define SIZE (20ULL << 20)

struct setting {
	int userfaultfd;
	char *memory;
	struct cryo_extent range;
	struct cryo_page_set tracked;
	struct cryo_memory self;
};

/* Twenty mebibytes, all there, that begin and end between two pieces. */
static void begin(struct setting *setting)
{
	int self = -1;

	*setting = (struct setting){.self = CRYO_MEMORY_NONE};
	if (cryo_tracking_probe() < 0)
		cr_skip_test("the kernel has no asynchronous write protection, or we may not");
	setting->memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(setting->memory, MAP_FAILED);
	memset(setting->memory, 1, SIZE);
	setting->range = (struct cryo_extent){
		(uintptr_t)setting->memory + 4096, (uintptr_t)setting->memory + SIZE - 4096};
	cr_assert_eq(cryo_page_set_make(&setting->range, 1, 4096, &setting->tracked), 0);
	setting->userfaultfd = (int)syscall(SYS_userfaultfd, cryo_tracking_flags());
	cr_assert_eq(cryo_tracking_begin(setting->userfaultfd), 0);
	cr_assert_eq(
		cryo_tracking_add(setting->userfaultfd, setting->range.start, setting->range.end),
		0);
	self = open("/proc/self", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(cryo_memory_open(self, getpid(), &setting->self), 0);
	close(self);
}

static void finish(struct setting *setting)
{
	_Atomic uint64_t steps = 0;

	cryo_tracking_end(setting->userfaultfd, &setting->tracked, &setting->tracked, &steps);
	cr_expect_geq(steps, 1);
}

static void end(struct setting *setting)
{
	cryo_memory_close(&setting->self);
	cryo_page_set_clear(&setting->tracked);
	munmap(setting->memory, SIZE);
}

/* Pages that a scan of the tracked memory tells; or -errno. */
static int64_t count(const struct setting *setting, enum cryo_scan which)
{
	struct cryo_memory memory = setting->self;
	struct cryo_extent extents[64];
	uint64_t next, pages = 0;
	size_t n;
	int r;

	memory.which = which;
	r = cryo_memory_scan(
		&memory, setting->range.start, setting->range.end, extents, 64, &n, &next);
	for (size_t i = 0; r == 0 && i < n; i++)
		pages += (extents[i].end - extents[i].start) / 4096;
	return r < 0 ? r : (int64_t)pages;
}

/* Mappings that lie in the memory, and how many of them are tracked. */
static void look(const struct setting *setting, size_t *ret_mappings, size_t *ret_tracked)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	uint64_t start = (uintptr_t)setting->memory, from, to;
	bool inside = false;
	char line[512];

	*ret_mappings = *ret_tracked = 0;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			inside = from < start + SIZE && to > start;
			*ret_mappings += inside;
		}
		*ret_tracked += inside && strncmp(line, "VmFlags", 7) == 0 && strstr(line, " uw");
	}
	fclose(smaps);
}

Test(tracking, tells_what_is_written)
{
	struct setting setting;
	int64_t pages = (int64_t)(SIZE / 4096 - 2);

	begin(&setting);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), pages);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), 0);
	setting.memory[4096] = setting.memory[SIZE / 2] = 2;
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 2);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), 2);
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 0);
	madvise(setting.memory + 8192, 8192, MADV_DONTNEED);
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 2);
	close(setting.userfaultfd);
	end(&setting);
}

Test(tracking, end_leaves_nothing)
{
	struct setting setting;
	size_t before, mappings, tracked;

	begin(&setting);
	look(&setting, &before, &tracked);
	cr_expect_eq(tracked, 1);
	count(&setting, CRYO_SCAN_WRITTEN);
	finish(&setting);
	look(&setting, &mappings, &tracked);
	cr_expect_eq(tracked, 0);
	cr_expect_lt(mappings, before, "what was one mapping is one again");
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), -EPERM);
	for (size_t i = 0; i < SIZE; i += 4096)
		setting.memory[i]++;
	cr_expect_eq(setting.memory[4096], 2);
	end(&setting);
}

Test(tracking, end_where_mappings_have_gone)
{
	struct setting setting;
	size_t mappings, tracked;

	begin(&setting);
	count(&setting, CRYO_SCAN_WRITTEN);
	munmap(setting.memory + (7 << 20), 4 << 20);
	finish(&setting);
	look(&setting, &mappings, &tracked);
	cr_expect_eq(tracked, 0);
	end(&setting);
}

/* Not a trouble of whoever asks: a program was executed, or the process has ended. */
Test(pagemap, of_an_address_space_that_has_gone)
{
	struct cryo_memory memory;
	struct cryo_extent extents[4];
	char path[32];
	uint64_t next;
	size_t count;
	pid_t child = fork();
	int dir;

	if (child == 0)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d", (int)child);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(cryo_memory_open(dir, child, &memory), 0);
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(
			cryo_memory_scan(&memory, 4096, 8192, extents, 4, &count, &next), -ESRCH);
		memory.scan_wanted = 0; /* as an old kernel */
	}
	cryo_memory_close(&memory);
	close(dir);
}

/* ---- a large reservation ---- */

#define RESERVED (1ULL << 40)
#define TOUCHED (64ULL << 20)
#define PIECES_OF(size) ((size) / (256ULL << 20))

/**
 * struct reservation - of address space, tracked in a child of ours.
 * @seen, @stored: none of its pages
 */
struct reservation {
	struct cryo_extent range;
	struct cryo_page_set seen, stored;
	int userfaultfd;
	pid_t child;
	_Atomic uint64_t steps;
};

static void reserve(struct reservation *reservation, size_t size)
{
	void *memory;

	if (cryo_tracking_probe() < 0)
		cr_skip_test("the kernel has no asynchronous write protection, or we may not");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		cr_skip_test("so much cannot be reserved here");
	*reservation = (struct reservation){.range = {(uintptr_t)memory, (uintptr_t)memory + size}};
	cr_assert_eq(cryo_page_set_make(&reservation->range, 1, 4096, &reservation->seen), 0);
	cr_assert_eq(cryo_page_set_make(&reservation->range, 1, 4096, &reservation->stored), 0);
}

static int track(const struct reservation *reservation)
{
	int fd = (int)syscall(SYS_userfaultfd, cryo_tracking_flags());

	if (fd < 0 || cryo_tracking_begin(fd) < 0 ||
		cryo_tracking_add(fd, reservation->range.start, reservation->range.end) < 0)
		return -1;
	return fd;
}

static void unreserve(struct reservation *reservation)
{
	cryo_page_set_clear(&reservation->seen);
	cryo_page_set_clear(&reservation->stored);
	munmap((void *)reservation->range.start, reservation->range.end - reservation->range.start);
}

static void finish_reservation(struct reservation *reservation)
{
	cryo_tracking_end(reservation->userfaultfd, &reservation->seen, &reservation->stored,
		&reservation->steps);
}

Test(tracking, end_of_a_reservation_takes_few_pieces)
{
	struct reservation reservation;
	uint64_t touched;

	reserve(&reservation, RESERVED);
	touched = reservation.range.start + RESERVED / 2;
	memset((void *)touched, 1, TOUCHED);
	cryo_page_set_add(&reservation.seen, touched, touched + TOUCHED / 2);
	cryo_page_set_add(&reservation.stored, touched + TOUCHED / 2, touched + TOUCHED);
	reservation.userfaultfd = track(&reservation);
	cr_assert_geq(reservation.userfaultfd, 0);
	finish_reservation(&reservation);
	cr_expect_geq(reservation.steps, PIECES_OF(RESERVED) + 4, "of what is there 16 MiB");
	cr_expect_leq(reservation.steps, PIECES_OF(RESERVED) + 10);
	unreserve(&reservation);
}

/* In the child; its number of the descriptor is told. */
static _Noreturn void be_tracked(const struct reservation *reservation, int end)
{
	int fd = track(reservation);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(end, &fd, sizeof(fd)) != sizeof(fd))
		_exit(1);
	for (;;)
		pause();
}

static void track_child(struct reservation *reservation)
{
	int ends[2], fd, pidfd;

	cr_assert_eq(pipe(ends), 0);
	reservation->child = fork();
	cr_assert_geq(reservation->child, 0);
	if (reservation->child == 0)
		be_tracked(reservation, ends[1]);
	cr_assert_eq(read(ends[0], &fd, sizeof(fd)), sizeof(fd));
	pidfd = (int)syscall(SYS_pidfd_open, reservation->child, 0);
	reservation->userfaultfd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	cr_assert_geq(reservation->userfaultfd, 0);
	close(pidfd);
	close(ends[0]);
	close(ends[1]);
}

static void end_child(const struct reservation *reservation)
{
	kill(reservation->child, SIGKILL);
	waitpid(reservation->child, NULL, 0);
}

Test(tracking, end_of_what_has_ended)
{
	struct reservation reservation;

	reserve(&reservation, RESERVED);
	track_child(&reservation);
	end_child(&reservation);
	finish_reservation(&reservation);
	cr_expect_eq(reservation.steps, 0);
	unreserve(&reservation);
}

static void *kill_at_a_step(void *user)
{
	const struct reservation *reservation = user;

	while (reservation->steps < 3)
		usleep(1);
	end_child(reservation);
	return NULL;
}

Test(tracking, end_of_what_ends_meanwhile)
{
	struct reservation reservation;
	pthread_t thread;

	reserve(&reservation, 16 * RESERVED);
	track_child(&reservation);
	cr_assert_eq(pthread_create(&thread, NULL, kill_at_a_step, &reservation), 0);
	finish_reservation(&reservation);
	pthread_join(thread, NULL);
	cr_expect_geq(reservation.steps, 3);
	cr_expect_lt(reservation.steps, PIECES_OF(16 * RESERVED));
	unreserve(&reservation);
}
