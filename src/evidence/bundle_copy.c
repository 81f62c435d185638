// SPDX-License-Identifier: MIT
/*
 * A copy has a passing name until its digest is known. The file may be written to by anybody
 * meanwhile: only as many bytes are taken as it had at first, and a change is said.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "evidence/bundle_state.h"

#define COPY "copy"

enum {
	STEP = 1 << 18
};

static int begin(
	struct cryo_bundle *bundle, const struct stat *status, struct cryo_deposit *deposit)
{
	uint64_t size = (uint64_t)status->st_size, data = 512 * (uint64_t)status->st_blocks;
	int r;

	/* what a child before has left */
	unlinkat(bundle->directory, COPY ".partial", 0);
	unlinkat(bundle->directory, COPY, 0);
	r = cryo_deposit_open(bundle->options.sink, "files/" COPY, size, deposit);
	if (r < 0)
		return r;
	deposit->beat = cryo_bundle_beat;
	deposit->user = bundle;
	if (size > data && size - data > CRYO_HASH_HOLES_MAX)
		cryo_hash_init_sparse(&deposit->hash);
	return 0;
}

/* 0; 1: there is more data than may be; or -errno, which is EFBIG where a file may not be so large.
 */
static int copy(struct cryo_bundle *bundle, int fd, struct cryo_deposit *deposit)
{
	_cleanup_free_ uint8_t *buffer = malloc(STEP);
	uint64_t bytes = 0;
	off_t data, hole;
	int r = buffer ? 0 : -ENOMEM;

	while (r == 0 && deposit->size < deposit->limit) {
		off_t at = (off_t)deposit->size, size;
		ssize_t n;

		cryo_io_find_data(fd, at, &data, &hole);
		if (data > at)
			r = cryo_deposit_skip(deposit, (uint64_t)(data - at));
		size = hole - data < STEP ? hole - data : STEP;
		if (r < 0 || size <= 0)
			return r;
		n = cryo_io_pread(fd, buffer, (size_t)size, data);
		if (n <= 0)
			return (int)n;
		bytes += (uint64_t)n;
		if (bytes > bundle->options.max_file)
			return 1;
		r = cryo_deposit_write(deposit, buffer, (size_t)n);
	}
	return r;
}

static bool has_changed(int fd, const struct stat *before, const struct cryo_deposit *deposit)
{
	struct stat after;

	return fstat(fd, &after) < 0 || after.st_size != before->st_size || deposit->cut ||
	       deposit->size != (uint64_t)before->st_size ||
	       memcmp(&after.st_mtim, &before->st_mtim, sizeof(after.st_mtim)) != 0 ||
	       memcmp(&after.st_ctim, &before->st_ctim, sizeof(after.st_ctim)) != 0;
}

bool cryo_bundle_has(const struct cryo_bundle *bundle, const uint8_t digest[CRYO_DIGEST_SIZE])
{
	for (size_t i = 0; i < bundle->n_files; i++)
		if (bundle->files[i].reason == CRYO_BUNDLE_STORED &&
			memcmp(bundle->files[i].sum.sha256, digest, CRYO_DIGEST_SIZE) == 0)
			return true;
	return false;
}

static int give_name(struct cryo_bundle *bundle, struct cryo_bundle_file *file)
{
	char path[CRYO_BUNDLE_PATH_SIZE];

	file->again = cryo_bundle_has(bundle, file->sum.sha256);
	if (file->again)
		return unlinkat(bundle->directory, COPY, 0) < 0 ? -errno : 0;
	cryo_bundle_path(file->sum.sha256, path);
	return cryo_io_rename_new(bundle->directory, COPY, strchr(path, '/') + 1);
}

/* As copy(). */
static int store(struct cryo_bundle *bundle, int fd, struct cryo_bundle_file *file)
{
	struct cryo_deposit deposit;
	struct stat before;
	int r = fstat(fd, &before) < 0 ? -errno : begin(bundle, &before, &deposit);

	if (r < 0)
		return r;
	r = copy(bundle, fd, &deposit);
	if (r != 0) {
		cryo_deposit_abandon(&deposit, &file->sum);
		unlinkat(bundle->directory, COPY ".partial", 0);
		return r;
	}
	file->changed = has_changed(fd, &before, &deposit);
	r = cryo_deposit_commit(&deposit, &file->sum);
	return r < 0 ? r : give_name(bundle, file);
}

void cryo_bundle_copy(struct cryo_bundle *bundle, int fd, struct cryo_bundle_file *file)
{
	int r = store(bundle, fd, file);

	file->reason = r == 0  ? CRYO_BUNDLE_STORED
		       : r > 0 ? CRYO_BUNDLE_TOO_LARGE
			       : CRYO_BUNDLE_FAILED;
	file->error = file->reason == CRYO_BUNDLE_FAILED ? r : 0;
	if (r == 0)
		bundle->new_bytes += file->sum.size;
}
