// SPDX-License-Identifier: MIT
/*
 * cryocore journal CORE...: entries for systemd's journal on stdout. Exit status: 0; 2 if a core
 * could not be read.
 */
#include <cryocore/journal.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "options.h"
#include "values.h"

static const struct cli_option rows[] = {
	CLI_COMMON_OPTIONS("say more"),
};

static const struct cli_page page = {
	"Usage: cryocore journal [OPTION]... CORE... >FILE\n",
	rows,
	"FILE is for systemd-journal-remote -o NAME.journal FILE, and that for\n"
	"coredumpctl --file=NAME.journal list, info, debug and dump.\n"
	"\n"
	"Exit status: 0 done; 2 a core could not be read; 64 wrong usage.\n",
};

static const char *why(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "it is not an ELF file";
	case -EMEDIUMTYPE:
		return "it is an ELF file, but not a core";
	case -EBADMSG:
		return "it is damaged";
	case -ENODATA:
		return "the compressed data ends in the middle";
	default:
		return strerror(-error);
	}
}

static int print_entry(const char *path)
{
	size_t size;
	char *text;
	int r = cryocore_journal_entry(path, &text, &size);

	if (r < 0) {
		cli_error("%s: %s", path, why(r));
		return CLI_FAILED;
	}
	fwrite(text, 1, size, stdout);
	free(text);
	return CLI_COMPLETE;
}

int cli_cmd_journal(int argc, char **argv)
{
	int worst = CLI_COMPLETE, first = cli_options_parse(&page, argc, argv, NULL);

	if (first < 0)
		return -1 - first;
	if (first >= argc) {
		cli_error("no core is named: see 'cryocore journal --help'");
		return CLI_USAGE;
	}
	for (int i = first; i < argc; i++) {
		int status = print_entry(argv[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}
