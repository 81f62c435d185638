// SPDX-License-Identifier: MIT
/*
 * The table becomes what getopt_long(3) wants: long options return 256 plus their row, short ones
 * are looked up by their letter.
 */
#include "options.h"

#include <getopt.h>
#include <string.h>

#include "cli.h"

enum {
	MAX_OPTIONS = 64,
	FIRST_LONG = 256
};

struct getopt_tables {
	struct option longs[MAX_OPTIONS + 1];
	char shorts[3 * MAX_OPTIONS + 2];
};

static int argument_kind(const struct cli_option *option)
{
	if (!option->argument)
		return no_argument;
	return option->argument[0] == '[' ? optional_argument : required_argument;
}

static void make_tables(const struct cli_option *table, struct getopt_tables *tables)
{
	char *letter = tables->shorts;

	*letter++ = ':';
	for (int i = 0; table[i].name && i < MAX_OPTIONS; i++) {
		int kind = argument_kind(&table[i]);

		tables->longs[i] = (struct option){table[i].name, kind, NULL, FIRST_LONG + i};
		if (!table[i].letter)
			continue;
		*letter++ = table[i].letter;
		for (int colons = 0; colons < kind; colons++)
			*letter++ = ':';
	}
}

static const struct cli_option *find_option(const struct cli_option *table, int code)
{
	if (code >= FIRST_LONG)
		return &table[code - FIRST_LONG];
	while (table->name && table->letter != code)
		table++;
	return table->name ? table : NULL;
}

/* A page of a command has its own usage. */
static void explain(const struct cli_page *page, char **argv, int code)
{
	const char *gap = page->usage ? " " : "", *command = page->usage ? argv[0] : "";
	const char *word = argv[optind - 1];
	_Bool is_long = optopt == 0 || optopt >= FIRST_LONG;

	if (is_long)
		cli_error("%s '%s': see 'cryocore%s%s --help'",
			code == ':' ? "an argument is missing to" : "unknown or malformed option",
			word, gap, command);
	else
		cli_error("%s '-%c': see 'cryocore%s%s --help'",
			code == ':' ? "an argument is missing to" : "unknown option", optopt, gap,
			command);
}

static void print_rows(const struct cli_option *table)
{
	for (; table->name; table++) {
		char left[64];
		const char *argument = table->argument ? table->argument : "";

		const char *equals = !argument[0] ? "" : argument[0] == '[' ? "[=" : "=";

		argument += argument[0] == '[';
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", table->letter ? '-' : ' ',
			table->letter ? table->letter : ' ', table->letter ? "," : " ", table->name,
			equals, argument);
		printf("  %-32s %s\n", left, table->help);
	}
}

static int print_page(const struct cli_page *page)
{
	if (page->usage)
		printf("%s\n", page->usage);
	else
		cli_usage(stdout);
	printf("Options:\n");
	print_rows(page->options);
	if (page->tail)
		printf("\n%s", page->tail);
	return 1 + CLI_COMPLETE;
}

static int set(const struct cli_page *page, const struct cli_option *option, void *state)
{
	if (!option->set)
		return print_page(page);
	return option->set(option, (char *)state + option->offset, optarg);
}

int cli_options_parse(const struct cli_page *page, int argc, char **argv, void *state)
{
	struct getopt_tables tables = {0};
	int code;

	make_tables(page->options, &tables);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const struct cli_option *option = find_option(page->options, code);
		int r;

		if (code == '?' || code == ':' || !option) {
			explain(page, argv, code);
			return -1 - CLI_USAGE;
		}
		r = set(page, option, state);
		if (r < 0)
			return -1 - CLI_USAGE;
		if (r > 0)
			return -r;
	}
	return optind;
}

int cli_options_parse_only(const struct cli_page *page, int argc, char **argv, void *state)
{
	int first = cli_options_parse(page, argc, argv, state);

	if (first < 0 || first >= argc)
		return first;
	cli_error("'%s' is one word too many: %s takes options only", argv[first], argv[0]);
	return -1 - CLI_USAGE;
}
