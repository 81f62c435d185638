// SPDX-License-Identifier: MIT
/*
 * A build without libbpf: what cannot be had is said, as on a kernel without it.
 */
#include <errno.h>

#include "trace/bpf.h"
#include "trace/bpf_sweep.h"
#include "trace/bpf_vmas.h"
#include "trace/bpf_words.h"

int cryo_bpf_open(struct cryo_bpf *ret_bpf)
{
	(void)ret_bpf;
	return -EOPNOTSUPP;
}

void cryo_bpf_close(struct cryo_bpf *bpf)
{
	(void)bpf;
}

int cryo_bpf_read(const struct cryo_bpf *bpf, pid_t pid, const struct cryo_arch *arch,
	struct cryo_bpf_thread **ret_threads, size_t *ret_count)
{
	(void)bpf;
	(void)pid;
	(void)arch;
	(void)ret_threads;
	(void)ret_count;
	return -EOPNOTSUPP;
}

int cryo_bpf_read_times(
	const struct cryo_bpf *bpf, pid_t pid, struct cryo_bpf_times **ret_times, size_t *ret_count)
{
	(void)bpf;
	(void)pid;
	(void)ret_times;
	(void)ret_count;
	return -EOPNOTSUPP;
}

int cryo_bpf_read_generation(const struct cryo_bpf *bpf, pid_t pid, pid_t tid,
	struct cryo_bpf_generation *ret_generation)
{
	(void)bpf;
	(void)pid;
	(void)tid;
	(void)ret_generation;
	return -EOPNOTSUPP;
}

int cryo_bpf_sweep_open(struct cryo_bpf_sweep *ret_sweep)
{
	(void)ret_sweep;
	return -EOPNOTSUPP;
}

void cryo_bpf_sweep_close(struct cryo_bpf_sweep *sweep)
{
	(void)sweep;
}

int cryo_bpf_sweep_run(const struct cryo_bpf_sweep *sweep, pid_t first, pid_t count)
{
	(void)sweep;
	(void)first;
	(void)count;
	return -EOPNOTSUPP;
}

int cryo_bpf_vmas_open(void)
{
	return -EOPNOTSUPP;
}

int cryo_bpf_vmas_read(int program, pid_t tid, struct cryo_bpf_vma **ret_vmas, size_t *ret_count)
{
	(void)program;
	(void)tid;
	(void)ret_vmas;
	(void)ret_count;
	return -EOPNOTSUPP;
}

int cryo_bpf_words_open(size_t count, struct cryo_bpf_words *ret_words)
{
	(void)count;
	(void)ret_words;
	return -EOPNOTSUPP;
}

void cryo_bpf_words_close(struct cryo_bpf_words *words)
{
	(void)words;
}

int cryo_bpf_words_read(const struct cryo_bpf_words *words)
{
	(void)words;
	return -EOPNOTSUPP;
}
