// SPDX-License-Identifier: MIT
/*
 * Each file is written line by line as things happen, so that a collection that is cut off still
 * says what it has. Room for them is set aside at the beginning. When the disk is full, what does
 * not fit waits in memory, and the room is given back at the end, when nobody else writes: before,
 * cores that are still being written would take it. So what exists can still be described.
 *
 * Paths in SHA256SUMS are names and numbers of our own, so nothing in them needs the escapes of
 * sha256sum(1). The manifest is written last and holds the digests of the other two: its own stands
 * for everything.
 */
#include "evidence/ledger.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/escape.h"
#include "config.h"
#include "evidence/manifest.h"
#include "proc/procfs.h"

enum {
	ROOM = 1 << 18,            /* for the log and the ends of the files */
	ROOM_FOR_PROCESS = 1 << 14 /* in manifest, SHA256SUMS and log */
};

/* Once the room is given back an error is final: a file without its middle must not get its name.
 */
static int write_own(
	struct cryo_ledger *ledger, struct cryo_deposit *deposit, const void *data, size_t size)
{
	int r = ledger->is_full ? 0 : cryo_deposit_write(deposit, data, size);

	if ((r == -ENOSPC || r == -EDQUOT) && !ledger->is_ending) {
		ledger->is_full = true;
		deposit->error = 0;
	}
	if (ledger->is_full)
		r = cryo_buffer_add(&deposit->pending, data, size);
	if (r < 0 && ledger->error == 0)
		ledger->error = r;
	return r;
}

static int write_line(struct cryo_ledger *ledger, struct cryo_deposit *deposit, const char *format,
	...) __attribute__((format(printf, 3, 4)));

static int write_line(
	struct cryo_ledger *ledger, struct cryo_deposit *deposit, const char *format, ...)
{
	_cleanup_buffer_ struct cryo_buffer line = {0};
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = cryo_buffer_vprintf(&line, format, arguments);
	va_end(arguments);
	return r < 0 ? r : write_own(ledger, deposit, line.data, line.size);
}

void cryo_ledger_log(struct cryo_ledger *ledger, pid_t pid, const char *format, va_list arguments)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char time[CRYO_UTC_SIZE];

	if (cryo_buffer_vprintf(&text, format, arguments) < 0)
		return;
	cryo_utc_format(cryo_clock_ns(CLOCK_REALTIME), time);
	pthread_mutex_lock(&ledger->lock);
	if (pid)
		write_line(ledger, &ledger->log, "%s pid %d: %s\n", time, pid,
			(const char *)text.data);
	else
		write_line(ledger, &ledger->log, "%s %s\n", time, (const char *)text.data);
	pthread_mutex_unlock(&ledger->lock);
}

static void say(struct cryo_ledger *ledger, pid_t pid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct cryo_ledger *ledger, pid_t pid, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	cryo_ledger_log(ledger, pid, format, arguments);
	va_end(arguments);
}

/* Count a file; its line of SHA256SUMS is appended to @lines. */
static int count_file(struct cryo_ledger *ledger, const char *path,
	const struct cryo_deposit_sum *sum, struct cryo_buffer *lines)
{
	char hex[CRYO_DIGEST_HEX_SIZE];

	ledger->files++;
	ledger->bytes += sum->size;
	if (sum->sparse)
		return 0; /* sha256sum(1) would take hours over its holes; the manifest has it */
	cryo_hash_hex(sum->sha256, hex);
	return cryo_buffer_printf(lines, "%s  %s\n", hex, path);
}

static int add_file(
	struct cryo_ledger *ledger, const char *path, const struct cryo_deposit_sum *sum)
{
	_cleanup_buffer_ struct cryo_buffer line = {0};
	int r = count_file(ledger, path, sum, &line);

	return r < 0 ? r : write_own(ledger, &ledger->sums, line.data, line.size);
}

int cryo_ledger_add_file(
	struct cryo_ledger *ledger, const char *path, const struct cryo_deposit_sum *sum)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = add_file(ledger, path, sum);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int cryo_ledger_add_items(
	struct cryo_ledger *ledger, pid_t pid, const struct cryo_record *records, size_t count)
{
	_cleanup_buffer_ struct cryo_buffer lines = {0};
	char path[CRYO_SINK_PATH_MAX];
	int r = 0;

	pthread_mutex_lock(&ledger->lock);
	for (size_t i = 0; i < count && r == 0; i++) {
		cryo_item_path(pid, records[i].name, path);
		if (records[i].made)
			r = count_file(ledger, path, &records[i].sum, &lines);
	}
	if (r == 0 && lines.size)
		r = write_own(ledger, &ledger->sums, lines.data, lines.size);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

static int keep_loose(struct cryo_ledger *ledger, const struct cryo_manifest_file *file)
{
	char *path = strdup(file->path);
	struct cryo_manifest_file *added =
		path ? cryo_array_add(ledger->loose, ledger->n_loose) : NULL;

	if (!added) {
		free(path);
		return -ENOMEM;
	}
	*added = *file;
	added->path = path;
	return 0;
}

static int add_loose(struct cryo_ledger *ledger, const struct cryo_manifest_file *file)
{
	int r = keep_loose(ledger, file);

	return r < 0 ? r : add_file(ledger, file->path, &file->sum);
}

int cryo_ledger_add_loose(struct cryo_ledger *ledger, const char *path,
	const struct cryo_deposit_sum *sum, uint64_t time, bool changed)
{
	struct cryo_manifest_file file = {path, *sum, time, changed};
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = add_loose(ledger, &file);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int cryo_ledger_describe(const struct cryo_dossier *dossier, struct cryo_buffer *text)
{
	int r = cryo_buffer_add(text, ",\n", 2);

	return r < 0 ? r : cryo_manifest_process(dossier, text);
}

int cryo_ledger_add_process(struct cryo_ledger *ledger, const struct cryo_buffer *text)
{
	size_t comma;
	int r;

	pthread_mutex_lock(&ledger->lock);
	comma = ledger->any_process ? 0 : 1; /* there is none before the first */
	r = write_own(ledger, &ledger->manifest, text->data + comma, text->size - comma);
	ledger->any_process |= r == 0;
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

/* ---- the head ---- */

static void hash_path(const char *path, char ret_hex[CRYO_DIGEST_HEX_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t digest[CRYO_DIGEST_SIZE];
	uint64_t size;
	bool sparse;

	ret_hex[0] = 0;
	if (fd >= 0 && cryo_hash_file(fd, digest, &size, &sparse) == 0)
		cryo_hash_hex(digest, ret_hex);
}

/* The program, and the file in which this function is, which may be the same one. */
static void hash_ourselves(
	char ret_program[CRYO_DIGEST_HEX_SIZE], char ret_library[CRYO_DIGEST_HEX_SIZE])
{
	Dl_info info;

	hash_path("/proc/self/exe", ret_program);
	memcpy(ret_library, ret_program, CRYO_DIGEST_HEX_SIZE);
	if (dladdr(__extension__(void *) cryo_ledger_begin, &info) != 0 && info.dli_fname &&
		strchr(info.dli_fname, '/'))
		hash_path(info.dli_fname, ret_library);
}

static int64_t utc_offset(uint64_t ns)
{
	time_t seconds = (time_t)(ns / CRYO_NSEC_PER_SEC);
	struct tm broken_down;

	return localtime_r(&seconds, &broken_down) ? broken_down.tm_gmtoff : 0;
}

static void log_text(struct cryo_ledger *ledger, const char *key, const char *value)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	if (value && cryo_escape(&text, value, strlen(value)) == 0 && text.data)
		say(ledger, 0, "%s: %s", key, (const char *)text.data);
}

static void log_command_line(struct cryo_ledger *ledger)
{
	const struct cryo_evidence_options *options = ledger->options;
	_cleanup_buffer_ struct cryo_buffer text = {0};

	for (int i = 0; i < options->argc; i++) {
		if (i && cryo_buffer_add(&text, " ", 1) < 0)
			return;
		if (cryo_escape_word(&text, options->argv[i], strlen(options->argv[i])) < 0)
			return;
	}
	if (text.size)
		say(ledger, 0, "command line: %s", (const char *)text.data);
}

static void log_head(struct cryo_ledger *ledger, const struct cryo_manifest_head *head)
{
	say(ledger, 0,
		"cryocore " CRYOCORE_VERSION
		" begins; SHA-256 of the program: %s, of the library: %s",
		head->tool_sha256 ? head->tool_sha256 : "not known",
		head->library_sha256 ? head->library_sha256 : "not known");
	log_text(ledger, "host", head->nodename);
	say(ledger, 0, "kernel: %s %s, boot %s", head->release, head->machine, head->boot_id);
	log_command_line(ledger);
	log_text(ledger, "case", ledger->options->case_id);
	log_text(ledger, "examiner", ledger->options->examiner);
	log_text(ledger, "note", ledger->options->note);
}

static int write_head(struct cryo_ledger *ledger, int procfs)
{
	_cleanup_buffer_ struct cryo_buffer text = {0}, boot = {0};
	char tool[CRYO_DIGEST_HEX_SIZE], library[CRYO_DIGEST_HEX_SIZE];
	struct utsname names;
	struct cryo_manifest_head head = {.options = ledger->options,
		.nodename = names.nodename,
		.release = names.release,
		.version = names.version,
		.machine = names.machine,
		.boot_id = "unknown",
		.started_ns = cryo_clock_ns(CLOCK_REALTIME)};
	int r;

	uname(&names);
	hash_ourselves(tool, library);
	head.utc_offset_s = utc_offset(head.started_ns);
	head.tool_sha256 = tool[0] ? tool : NULL;
	head.library_sha256 = library[0] ? library : NULL;
	if (cryo_procfs_read(procfs, "sys/kernel/random/boot_id", 64, &boot) == 0 && boot.size) {
		boot.data[boot.size - 1] = 0;
		head.boot_id = (const char *)boot.data;
	}
	log_head(ledger, &head);
	r = cryo_manifest_begin(&head, &text);
	if (r == 0)
		r = write_own(ledger, &ledger->manifest, text.data, text.size);
	return r < 0 ? r : ledger->error;
}

static int open_own(struct cryo_ledger *ledger)
{
	int r = cryo_deposit_open(ledger->sink, "log", UINT64_MAX, &ledger->log);

	if (r == 0)
		r = cryo_deposit_open(ledger->sink, "SHA256SUMS", UINT64_MAX, &ledger->sums);
	if (r == 0)
		r = cryo_deposit_open(ledger->sink, "manifest.json", UINT64_MAX, &ledger->manifest);
	return r;
}

int cryo_ledger_begin(struct cryo_sink *sink, int procfs,
	const struct cryo_evidence_options *options, struct cryo_ledger *ledger)
{
	int r;

	*ledger = (struct cryo_ledger){.sink = sink, .options = options};
	pthread_mutex_init(&ledger->lock, NULL);
	cryo_sink_reserve(sink, ROOM);
	r = open_own(ledger);
	return r < 0 ? r : write_head(ledger, procfs);
}

void cryo_ledger_expect(struct cryo_ledger *ledger, size_t n_processes)
{
	pthread_mutex_lock(&ledger->lock);
	cryo_sink_reserve(ledger->sink, ROOM + n_processes * ROOM_FOR_PROCESS);
	pthread_mutex_unlock(&ledger->lock);
}

/* ---- the end ---- */

static int end_manifest(struct cryo_ledger *ledger, struct cryo_evidence_sum *sum)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_deposit_sum manifest;
	int r;

	sum->files = ledger->files;
	sum->bytes = ledger->bytes;
	sum->error = ledger->error;
	r = cryo_manifest_end(
		sum, cryo_clock_ns(CLOCK_REALTIME), ledger->loose, ledger->n_loose, &text);
	if (r == 0)
		r = write_own(ledger, &ledger->manifest, text.data, text.size);
	if (r == 0)
		r = cryo_deposit_commit(&ledger->manifest, &manifest);
	if (r == 0)
		memcpy(sum->manifest, manifest.sha256, sizeof(sum->manifest));
	return r;
}

static int end_own(struct cryo_ledger *ledger)
{
	struct cryo_manifest_file log = {.path = "log"};
	struct cryo_manifest_file sums = {.path = "SHA256SUMS"};
	int r = cryo_deposit_commit(&ledger->log, &log.sum);

	if (r == 0)
		r = add_loose(ledger, &log);
	if (r == 0)
		r = cryo_deposit_commit(&ledger->sums, &sums.sum);
	return r < 0 ? r : keep_loose(ledger, &sums);
}

int cryo_ledger_end(struct cryo_ledger *ledger, struct cryo_evidence_sum *sum)
{
	int r;

	cryo_sink_reserve(ledger->sink, 0);
	ledger->is_full = false;
	ledger->is_ending = true;
	say(ledger, 0, "cryocore ends: %zu processes, %" PRIu64 " files", sum->processes,
		ledger->files);
	r = end_own(ledger);
	if (r == 0)
		r = end_manifest(ledger, sum);
	for (size_t i = 0; i < ledger->n_loose; i++)
		free((char *)ledger->loose[i].path);
	free(ledger->loose);
	pthread_mutex_destroy(&ledger->lock);
	return r;
}
