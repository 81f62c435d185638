// SPDX-License-Identifier: MIT
/*
 * libarchive decodes, but it is not asked to decompress: it stops to read behind the mark at the
 * end of an archive, and does not mind if there is none. So the bytes go through our hands, which
 * see whether the stream is whole: its mark is two blocks of zeros, and a size in whole blocks
 * (tar(5)).
 */
#include "verify/archive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/archive_api.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/json_api.h"
#include "elf/core_keep.h"
#include "verify/members.h"
#include "verify/verify.h"

enum {
	ROOM = 1 << 17,
	BLOCK = 512,
	END_MARK = 2 * BLOCK,
	MAGIC_AT = 257, /* "ustar" in the first header */
};

/* @size, @zeros: of the archive so far, and at its end; @manifest: its text */
struct reading {
	const struct cryo_archive_api *api;
	struct archive *archive;
	struct cryo_input *input;
	struct cryo_verdict *verdict;
	struct cryo_members members;
	struct cryo_buffer manifest;
	bool has_manifest;
	uint64_t size, zeros;
	int error; /* of the input */
	uint8_t room[ROOM];
};

/* A file while it passes. */
struct file {
	struct cryo_member member;
	struct cryo_hash hash;
	struct cryo_core_keep keep;
	struct cryo_buffer *text;
	uint64_t position;
};

bool cryo_is_tar(const void *start, size_t size)
{
	return size >= BLOCK && memcmp((const char *)start + MAGIC_AT, "ustar", 5) == 0;
}

/* ---- bytes in ---- */

static void count_zeros(struct reading *reading, size_t size)
{
	size_t zeros = 0;

	while (zeros < size && reading->room[size - 1 - zeros] == 0)
		zeros++;
	reading->zeros = zeros < size ? zeros : reading->zeros + size;
	reading->size += size;
}

static ssize_t read_more(struct reading *reading)
{
	ssize_t n = reading->error ? reading->error
				   : cryo_input_read(reading->input, reading->room, ROOM);

	if (n < 0)
		reading->error = (int)n;
	else
		count_zeros(reading, (size_t)n);
	return n;
}

static la_ssize_t feed(struct archive *archive, void *user, const void **ret_data)
{
	struct reading *reading = user;
	ssize_t n = read_more(reading);

	(void)archive;
	*ret_data = reading->room;
	if (n < 0)
		errno = (int)-n;
	return n < 0 ? ARCHIVE_FATAL : n;
}

/* ---- one file ---- */

static uint64_t holes_of(const struct reading *reading, struct archive_entry *entry)
{
	uint64_t holes = (uint64_t)reading->api->archive_entry_size(entry);
	la_int64_t offset, size;

	if (reading->api->archive_entry_sparse_reset(entry) == 0)
		return 0;
	while (reading->api->archive_entry_sparse_next(entry, &offset, &size) == ARCHIVE_OK)
		holes -= (uint64_t)size < holes ? (uint64_t)size : holes;
	return holes;
}

static void pass(struct file *file, uint64_t offset, const void *data, size_t size)
{
	cryo_hash_add_zeros(&file->hash, offset - file->position);
	cryo_hash_add(&file->hash, data, size);
	cryo_core_keep_pass(&file->keep, offset, data, size);
	file->position = offset + size;
}

static int pass_text(struct file *file, const void *data, size_t size)
{
	if (!file->text || file->text->size + size > CRYO_MANIFEST_MAX)
		return 0;
	return cryo_buffer_add(file->text, data, size);
}

/* 0 at the end of a whole file, 1 if the archive is damaged in it, -ENOMEM. */
static int read_data(struct reading *reading, struct file *file)
{
	const void *data;
	la_int64_t offset;
	size_t size;
	int r;

	while ((r = reading->api->archive_read_data_block(
			reading->archive, &data, &size, &offset)) == ARCHIVE_OK) {
		if (offset < (la_int64_t)file->position ||
			(uint64_t)offset + size > file->member.size)
			return 1;
		pass(file, (uint64_t)offset, data, size);
		r = pass_text(file, data, size);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return 1;
	cryo_hash_add_zeros(&file->hash, file->member.size - file->position);
	return 0;
}

static int check_core(struct reading *reading, struct file *file)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r = cryo_core_keep_end(&file->keep, file->member.size);

	reading->verdict->about = file->member.path;
	if (r == 0)
		r = cryo_core_open_fd(file->keep.fd, &core);
	if (r == 0)
		r = cryo_verify_core(&core, reading->verdict);
	else if (r != -ENOMEM)
		cryo_verdict_add(reading->verdict, "unreadable", "it is not a core");
	reading->verdict->about = NULL;
	return r == -ENOMEM ? r : 0;
}

static bool is_core(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash, "/core") == 0;
}

static int finish(struct reading *reading, struct file *file)
{
	uint8_t digest[CRYO_DIGEST_SIZE];
	int r = file->keep.fd < 0 ? 0 : check_core(reading, file);

	cryo_hash_finish(&file->hash, digest);
	cryo_hash_hex(digest, file->member.hex);
	return r < 0 ? r : cryo_members_add(&reading->members, &file->member);
}

static int begin(struct reading *reading, struct archive_entry *entry, struct file *file)
{
	file->member.sparse = holes_of(reading, entry) > CRYO_HASH_HOLES_MAX;
	if (file->member.sparse)
		cryo_hash_init_sparse(&file->hash);
	else
		cryo_hash_init(&file->hash);
	if (strcmp(file->member.path, CRYO_MANIFEST_NAME) == 0) {
		reading->has_manifest = true;
		reading->manifest.size = 0;
		file->text = &reading->manifest;
	}
	return is_core(file->member.path) ? cryo_core_keep_begin(CRYO_KEEP_TAIL, &file->keep) : 0;
}

/* ---- the whole ---- */

static const char *without_dot(const char *path)
{
	return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static const char *path_of(const struct reading *reading, struct archive_entry *entry)
{
	const char *path = reading->api->archive_entry_pathname(entry);

	if (!path)
		path = reading->api->archive_entry_pathname_utf8(entry);
	return path ? without_dot(path) : NULL;
}

static int read_file(struct reading *reading, struct archive_entry *entry, const char *path)
{
	la_int64_t size = reading->api->archive_entry_size(entry);
	struct file file = {.keep = CRYO_CORE_KEEP_NONE,
		.member = {.path = (char *)(uintptr_t)path, .size = size < 0 ? 0 : (uint64_t)size}};
	const char *link = reading->api->archive_entry_hardlink(entry);
	int r;

	if (link) {
		file.member.link = (char *)(uintptr_t)without_dot(link);
		return cryo_members_add(&reading->members, &file.member);
	}
	r = begin(reading, entry, &file);
	if (r == 0)
		r = read_data(reading, &file);
	if (r == 0)
		r = finish(reading, &file);
	cryo_core_keep_clear(&file.keep);
	return r;
}

/* Damage of the archive ends its reading: it is told as a finding. */
static void tell_damage(const struct reading *reading)
{
	const char *why = reading->api->archive_error_string(reading->archive);

	if (reading->error == -EBADMSG)
		why = "the compressed data is damaged";
	else if (reading->error == -ENODATA)
		why = "the compressed data ends in the middle";
	cryo_verdict_add(reading->verdict, "frame", "%s", why ? why : "the archive is damaged");
}

/* One entry. 0; 1: the archive ends, or is damaged here; -errno. */
static int read_entry(struct reading *reading)
{
	struct archive_entry *entry;
	int r = reading->api->archive_read_next_header(reading->archive, &entry);
	const char *path;

	if (r == ARCHIVE_EOF)
		return 1;
	if (r < ARCHIVE_WARN) {
		tell_damage(reading);
		return 1;
	}
	path = path_of(reading, entry);
	if (!path)
		cryo_verdict_add(reading->verdict, "frame", "a name cannot be read");
	if (!path || S_ISDIR(reading->api->archive_entry_filetype(entry)))
		return 0;
	/* A hard link has no type of its own. */
	if (S_ISREG(reading->api->archive_entry_filetype(entry)) ||
		reading->api->archive_entry_hardlink(entry)) {
		r = read_file(reading, entry, path);
		if (r > 0)
			tell_damage(reading);
		return r;
	}
	reading->verdict->about = path;
	cryo_verdict_add(reading->verdict, "unlisted", "it is neither a file nor a directory");
	reading->verdict->about = NULL;
	return 0;
}

/* libarchive leaves what stands behind the end. */
static void check_end(struct reading *reading)
{
	while (read_more(reading) > 0)
		;
	if (reading->error == -EBADMSG || reading->error == -ENODATA)
		tell_damage(reading);
	else if (reading->zeros < END_MARK || reading->size % BLOCK != 0)
		cryo_verdict_add(reading->verdict, "truncated",
			"the archive does not end as one: its end is missing");
}

static int check_manifest(struct reading *reading)
{
	struct json_object *manifest;
	int r;

	if (!reading->has_manifest) {
		cryo_verdict_add(reading->verdict, "manifest",
			"there is no %s: it is the last file of whole evidence",
			CRYO_MANIFEST_NAME);
		return 0;
	}
	r = cryo_manifest_parse((const char *)reading->manifest.data, reading->manifest.size,
		reading->verdict, &manifest);
	if (r == 0 && manifest)
		r = cryo_members_check(&reading->members, manifest, reading->verdict);
	cryo_manifest_free(manifest);
	return r;
}

static int open_archive(struct reading *reading)
{
	const struct cryo_archive_api *api;
	int r = cryo_archive_api_get(&api);

	if (r < 0)
		return r;
	reading->api = api;
	reading->archive = api->archive_read_new();
	if (!reading->archive || api->archive_read_support_format_tar(reading->archive) < 0)
		return -ENOMEM;
	if (api->archive_read_open(reading->archive, reading, NULL, feed, NULL) < ARCHIVE_WARN)
		tell_damage(reading);
	return 0;
}

static void reading_free(struct reading **reading)
{
	if (!*reading)
		return;
	if ((*reading)->archive)
		(*reading)->api->archive_read_free((*reading)->archive);
	cryo_members_clear(&(*reading)->members);
	cryo_buffer_clear(&(*reading)->manifest);
	free(*reading);
}

int cryo_verify_archive(struct cryo_input *input, struct cryo_verdict *verdict)
{
	_cleanup_(reading_free) struct reading *reading = calloc(1, sizeof(*reading));
	int r = cryo_hash_ready();

	if (r == 0)
		r = cryo_json_ready();
	if (r < 0)
		return r;
	if (!reading)
		return -ENOMEM;
	reading->input = input;
	reading->verdict = verdict;
	r = open_archive(reading);
	if (r < 0)
		return r;
	while (r == 0 && verdict->n_findings < CRYO_FINDINGS_KEPT)
		r = read_entry(reading);
	if (r < 0)
		return r;
	check_end(reading);
	if (reading->error < 0 && reading->error != -EBADMSG && reading->error != -ENODATA)
		return reading->error;
	r = check_manifest(reading);
	return r < 0 ? r : verdict->error;
}
