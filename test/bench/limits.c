// SPDX-License-Identifier: MIT
/*
 * What no dumper can beat: copying memory that is in no cache, by one thread and by two, and
 * writing a file of the same size with a warm buffer, until write(2) returns and until fsync(2)
 * does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

enum {
	CHUNK = 512 * 1024
};

struct job {
	const char *from;
	uint64_t size;
	int fd; /* -1: copy only */
	uint64_t offset;
};

static void *copy(void *argument)
{
	const struct job *job = argument;
	char *buffer = malloc(CHUNK);

	if (!buffer)
		bench_die("malloc");
	for (uint64_t at = 0; at + CHUNK <= job->size; at += CHUNK) {
		memcpy(buffer, job->from + at, CHUNK);
		/* Keeps the compiler from leaving the copy out. */
		__asm__ volatile("" : : "r"(buffer) : "memory");
		if (job->fd >= 0 &&
			pwrite(job->fd, buffer, CHUNK, (off_t)(job->offset + at)) != CHUNK)
			bench_die("pwrite");
	}
	free(buffer);
	return NULL;
}

/* Nanoseconds that @threads take to copy @size bytes, and to write them if there is a file. */
static uint64_t measure(const char *from, uint64_t size, unsigned int threads, int fd)
{
	uint64_t begin = bench_now(), part = size / threads;
	struct job jobs[2];
	pthread_t ids[2];

	for (unsigned int i = 0; i < threads; i++) {
		jobs[i] = (struct job){from + part * i, part, fd, part * i};
		if (pthread_create(&ids[i], NULL, copy, &jobs[i]) != 0)
			bench_die("pthread_create");
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return bench_now() - begin;
}

int bench_limits(int argc, char **argv)
{
	uint64_t size, begin;
	char *memory, path[4096];
	int fd;

	if (argc != 2)
		return 64;
	size = strtoull(argv[1], NULL, 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bench_die("mmap");
	memset(memory, 1, size);
	snprintf(path, sizeof(path), "%s/limits", argv[0]);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		bench_die(path);
	printf("bytes=%lu\n", (unsigned long)size);
	printf("copy1_ns=%lu\n", (unsigned long)measure(memory, size, 1, -1));
	printf("copy2_ns=%lu\n", (unsigned long)measure(memory, size, 2, -1));
	begin = bench_now();
	printf("write1_ns=%lu\n", (unsigned long)measure(memory, size, 1, fd));
	fsync(fd);
	printf("durable1_ns=%lu\n", (unsigned long)(bench_now() - begin));
	if (ftruncate(fd, 0) < 0)
		bench_die("ftruncate");
	begin = bench_now();
	printf("write2_ns=%lu\n", (unsigned long)measure(memory, size, 2, fd));
	fsync(fd);
	printf("durable2_ns=%lu\n", (unsigned long)(bench_now() - begin));
	close(fd);
	unlink(path);
	return 0;
}
