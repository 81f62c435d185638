// SPDX-License-Identifier: MIT
/*
 * The table becomes what getopt_long(3) wants: long options return 256 plus their row, short ones
 * are looked up by their letter.
 */
#include "options.h"

#include <cryocore/cryocore.h>
#include <errno.h>
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

static void explain(char **argv, int code)
{
	const char *word = argv[optind - 1];
	_Bool is_long = optopt == 0 || optopt >= FIRST_LONG;

	if (is_long)
		cli_error("%s '%s': see 'cryocore --help'",
			code == ':' ? "an argument is missing to" : "unknown or malformed option",
			word);
	else
		cli_error("%s '-%c': see 'cryocore --help'",
			code == ':' ? "an argument is missing to" : "unknown option", optopt);
}

int cli_options_parse(const struct cli_option *table, int argc, char **argv, void *state)
{
	struct getopt_tables tables = {0};
	int code;

	make_tables(table, &tables);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const struct cli_option *option = find_option(table, code);
		int r;

		if (code == '?' || code == ':' || !option) {
			explain(argv, code);
			return -1 - CLI_USAGE;
		}
		r = option->set(state, optarg);
		if (r < 0)
			return -1 - CLI_USAGE;
		if (r > 0)
			return -r;
	}
	return optind;
}

void cli_options_help(FILE *stream, const struct cli_option *table)
{
	for (; table->name; table++) {
		char left[64];
		const char *argument = table->argument ? table->argument : "";

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", table->letter ? '-' : ' ',
			table->letter ? table->letter : ' ', table->letter ? "," : " ", table->name,
			argument[0] && argument[0] != '[' ? "=" : "", argument);
		fprintf(stream, "  %-32s %s\n", left, table->help);
	}
}

int cli_option_quiet(void *state, const char *value)
{
	(void)state;
	(void)value;
	cli_verbosity = -1;
	return 0;
}

int cli_option_verbose(void *state, const char *value)
{
	(void)state;
	(void)value;
	cli_verbosity++;
	return 0;
}

int cli_option_version(void *state, const char *value)
{
	(void)state;
	(void)value;
	printf("cryocore %s\n", cryocore_version());
	return 1 + CLI_COMPLETE;
}

int cli_parse_seconds(const char *value, unsigned long long *ret_ms)
{
	unsigned long long ms = 0, unit = 1000;
	size_t digits = strspn(value, "0123456789");
	const char *fraction = value[digits] == '.' ? value + digits + 1 : "";
	size_t decimals = strspn(fraction, "0123456789");

	if (digits == 0 || digits > 8 || decimals > 3 || fraction[decimals] ||
		(!fraction[0] && value[digits]))
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		ms = ms * 10 + (unsigned int)(value[i] - '0');
	ms *= 1000;
	for (size_t i = 0; i < decimals; i++)
		ms += (unsigned int)(fraction[i] - '0') * (unit /= 10);
	if (ms == 0 || ms > 366ULL * 86400 * 1000)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}
