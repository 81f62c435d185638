// SPDX-License-Identifier: MIT
/*
 * Paths in a manifest are bytes from whoever had the directory: they are kept inside.
 */
#include "verify/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json_api.h"
#include "verify/manifest.h"
#include "verify/verify.h"

enum {
	STEP = 1 << 16,
	DEPTH_MAX = 80, /* CRYO_ROOT_DEPTH_MAX of evidence, below proc/PID/root, and some more */
};

/* @listed: paths that the manifest names, as the keys of an object. */
struct check {
	int dir;
	struct cryo_verdict *verdict;
	struct json_object *listed;
};

static int open_inside(int dir, const char *path, int flags)
{
	return cryo_open_beneath(dir, path, flags | O_RDONLY | O_NONBLOCK);
}

/* A digest of the kind that the manifest has, though the file has other holes than it had. */
static int hash_as(int fd, bool sparse, uint8_t digest[CRYO_DIGEST_SIZE])
{
	uint8_t data[STEP];
	struct cryo_hash hash;
	uint64_t offset = 0;
	ssize_t n;

	if (sparse)
		cryo_hash_init_sparse(&hash);
	else
		cryo_hash_init(&hash);
	while ((n = cryo_io_pread(fd, data, sizeof(data), (off_t)offset)) > 0) {
		cryo_hash_add(&hash, data, (size_t)n);
		offset += (uint64_t)n;
	}
	cryo_hash_finish(&hash, digest);
	return n < 0 ? (int)n : 0;
}

static int check_digest(struct check *check, const struct cryo_manifest_entry *entry, int fd)
{
	uint8_t digest[CRYO_DIGEST_SIZE];
	char hex[CRYO_DIGEST_HEX_SIZE];
	uint64_t size;
	bool sparse;
	int r = cryo_hash_file(fd, digest, &size, &sparse);

	if (r == 0 && sparse != entry->sparse)
		r = hash_as(fd, entry->sparse, digest);
	if (r < 0)
		return r;
	cryo_hash_hex(digest, hex);
	if (size != entry->size)
		cryo_verdict_add(check->verdict, "size",
			"it has %" PRIu64 " bytes, not the %" PRIu64 " of the manifest", size,
			entry->size);
	else if (strcmp(hex, entry->digest) != 0)
		cryo_verdict_add(
			check->verdict, "hash", "its contents are not those of the manifest");
	return 0;
}

static int check_core(struct check *check, int fd)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r = cryo_core_open_fd(fd, &core);

	if (r == 0)
		return cryo_verify_core(&core, check->verdict);
	if (r != -ENOMEM)
		cryo_verdict_add(check->verdict, "unreadable", "it is not a core");
	return r == -ENOMEM ? r : 0;
}

static int check_open_file(struct check *check, const struct cryo_manifest_entry *entry, int fd)
{
	struct stat info;
	int r;

	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		cryo_verdict_add(check->verdict, "missing", "it is not a regular file");
		return 0;
	}
	r = check_digest(check, entry, fd);
	if (r == 0 && entry->core)
		r = check_core(check, fd);
	return r;
}

/* Whoever has copied the directory may have made files of its hard links; as long as they are
 * links the bytes need no second look. */
static bool is_link_to(const struct check *check, const char *original, int fd)
{
	_cleanup_close_ int other = original ? open_inside(check->dir, original, 0) : -1;
	struct stat a, b;

	return other >= 0 && fstat(other, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static int check_file(const struct cryo_manifest_entry *entry, void *user)
{
	struct check *check = user;
	_cleanup_close_ int fd = open_inside(check->dir, entry->path, 0);
	int r = 0;

	json_object_object_add(check->listed, entry->path, NULL);
	if (fd >= 0 && is_link_to(check, entry->original, fd))
		return 0;
	check->verdict->about = entry->path;
	if (fd < 0)
		cryo_verdict_add(check->verdict, "missing", "%s", strerror(-fd));
	else
		r = check_open_file(check, entry, fd);
	if (r < 0 && r != -ENOMEM) {
		cryo_verdict_add(check->verdict, "missing", "it cannot be read: %s", strerror(-r));
		r = 0;
	}
	check->verdict->about = NULL;
	return r;
}

/* An empty NAME.partial beside NAME only says that NAME is not whole, as the manifest does. */
static bool is_marker(struct check *check, const char *path)
{
	size_t base = cryo_manifest_marker(path);
	_cleanup_free_ char *name = base ? strndup(path, base) : NULL;
	_cleanup_close_ int fd = name ? open_inside(check->dir, path, 0) : -1;
	struct stat found;

	return fd >= 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 0 &&
	       json_object_object_get_ex(check->listed, name, NULL);
}

static void tell_unlisted(struct check *check, const char *path, const char *why)
{
	check->verdict->about = path;
	cryo_verdict_add(check->verdict, "unlisted", "%s", why);
	check->verdict->about = NULL;
}

static void look_at_file(struct check *check, const char *path)
{
	if (strcmp(path, CRYO_MANIFEST_NAME) == 0 ||
		json_object_object_get_ex(check->listed, path, NULL) || is_marker(check, path))
		return;
	tell_unlisted(check, path, "the manifest does not know it");
}

/* Not every file system tells the type with the name. */
static bool is_directory(const struct check *check, const struct dirent *entry, const char *path)
{
	_cleanup_close_ int fd = -1;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	fd = open_inside(check->dir, path, O_PATH | O_DIRECTORY);
	return fd >= 0;
}

static int look_around(struct check *check, const char *directory, int depth);

static int look_at(
	struct check *check, const char *directory, const struct dirent *entry, int depth)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};
	const char *name = entry->d_name;
	int r;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	r = cryo_buffer_printf(&path, "%s%s%s", directory, directory[0] ? "/" : "", name);
	if (r < 0)
		return r;
	name = (const char *)path.data;
	if (!is_directory(check, entry, name))
		look_at_file(check, name);
	else if (depth < DEPTH_MAX)
		return look_around(check, name, depth + 1);
	else
		tell_unlisted(check, name, "it is too deep to be looked into");
	return 0;
}

static int look_at_each(struct check *check, DIR *stream, const char *directory, int depth)
{
	struct dirent *entry;
	int r = 0;

	while (r == 0 && (errno = 0, entry = readdir(stream)))
		r = look_at(check, directory, entry, depth);
	return r < 0 ? r : -errno;
}

/* Files that nobody vouches for. Where nobody can look there may be some. */
static int look_around(struct check *check, const char *directory, int depth)
{
	int fd = open_inside(check->dir, directory[0] ? directory : ".", O_DIRECTORY);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int r = fd < 0 ? fd : -ENOMEM;

	if (stream)
		r = look_at_each(check, stream, directory, depth);
	else if (fd >= 0)
		cryo_cleanup_close(&fd);
	if (r == 0 || r == -ENOMEM)
		return r;
	check->verdict->about = directory[0] ? directory : NULL;
	cryo_verdict_add(check->verdict, "unlisted", "it cannot be looked into: %s", strerror(-r));
	check->verdict->about = NULL;
	return 0;
}

static int read_manifest(int dir, struct cryo_verdict *verdict, struct json_object **ret_manifest)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_close_ int fd = open_inside(dir, CRYO_MANIFEST_NAME, 0);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? -ENODATA : fd;
	r = cryo_io_read_all(fd, CRYO_MANIFEST_MAX, &text);
	if (r != 0)
		return r < 0 ? r : -E2BIG;
	return cryo_manifest_parse((const char *)text.data, text.size, verdict, ret_manifest);
}

int cryo_verify_directory(int dir, struct cryo_verdict *verdict)
{
	struct check check = {.dir = dir, .verdict = verdict};
	struct json_object *manifest = NULL;
	int r = cryo_hash_ready();

	if (r == 0)
		r = cryo_json_ready();
	if (r < 0)
		return r;
	check.listed = json_object_new_object();
	r = check.listed ? read_manifest(dir, verdict, &manifest) : -ENOMEM;

	if (r == 0 && manifest)
		r = cryo_manifest_walk(manifest, check_file, &check);
	if (r == 0 && manifest)
		r = look_around(&check, "", 0);
	cryo_manifest_free(manifest);
	json_object_put(check.listed);
	return r < 0 ? r : verdict->error;
}
