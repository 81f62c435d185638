// SPDX-License-Identifier: MIT
/*
 * The stacks that were made with the evidence, on the machine itself, had every file at hand; what
 * can be made from the core elsewhere may be less. So they are shown where they are.
 */
#include "stacks_directory.h"

#include <cryocore/cryocore.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_is_directory(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static int add(struct cli_process_list *list, pid_t pid)
{
	pid_t *grown = realloc(list->array, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->array = grown;
	list->array[list->count++] = pid;
	return 0;
}

static int compare(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

static int read_list(DIR *dir, struct cli_process_list *list)
{
	const struct dirent *entry;
	pid_t pid;
	int r = 0;

	while (r == 0 && (entry = readdir(dir)))
		if (cryocore_parse_pid(entry->d_name, &pid) == 0)
			r = add(list, pid);
	if (list->count)
		qsort(list->array, list->count, sizeof(*list->array), compare);
	return r < 0 ? r : list->count ? 0 : -ENODATA;
}

int cli_evidence_processes(const char *directory, struct cli_process_list *ret_list)
{
	char *path;
	DIR *dir;
	int r;

	if (asprintf(&path, "%s/proc", directory) < 0)
		return -ENOMEM;
	dir = opendir(path);
	r = dir ? 0 : errno == ENOENT ? -ENODATA : -errno;
	free(path);
	if (r < 0)
		return r;
	r = read_list(dir, ret_list);
	closedir(dir);
	return r;
}

static void print_escaped(const char *text, size_t size)
{
	char *safe = NULL;

	if (cryocore_escape(text, size, &safe) == 0)
		fputs(safe, stdout);
	free(safe);
}

/* Backslashes in it are our own, of names that were escaped when it was made. */
static void print_line(char *line)
{
	char *piece;

	line[strcspn(line, "\n")] = '\0';
	while ((piece = strsep(&line, "\\"))) {
		print_escaped(piece, strlen(piece));
		if (line)
			putchar('\\');
	}
	putchar('\n');
}

int cli_print_stored_stacks(const char *directory, pid_t pid)
{
	char *path = NULL, *line = NULL;
	FILE *file = NULL;
	size_t room = 0;
	int fd;

	if (asprintf(&path, "%s/proc/%d/stacks", directory, pid) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	free(path);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0)
		print_line(line);
	free(line);
	fclose(file);
	return 0;
}
