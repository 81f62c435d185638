// SPDX-License-Identifier: MIT
/*
 * The first word decides: a name in the table is a command; anything else (an option or a PID) is
 * the main job, a capture.
 */
#include <cryocore/cryocore.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static const struct cli_command commands[] = {
	{NULL, "[OPTION]... PID...", "a core of each process, and its executable beside it",
		cli_cmd_capture},
	{NULL, "[OPTION]... --all|-p LIST|--tree PID|--cgroup PATH [-d DIR|--tar FILE]",
		"evidence: cores and what the kernel knows, with a manifest", cli_cmd_capture},
	{"freeze", "[OPTION]... --all|-p LIST|--tree PID|--cgroup PATH",
		"stop processes, all but what you need", cli_cmd_freeze},
	{"thaw", "[OPTION]... [--all|-p LIST]", "give back what freeze stopped", cli_cmd_thaw},
	{"list", "[OPTION]...", "every process: frozen, traced, hidden", cli_cmd_list},
	{"stacks", "[OPTION]... PID|CORE...", "backtraces of all threads", cli_cmd_stacks},
	{"verify", "[OPTION]... CORE|DIR...",
		"whether a core or a directory of evidence is whole and agrees with itself",
		cli_cmd_verify},
	{"journal", "[OPTION]... CORE...", "entries for systemd's journal, for coredumpctl",
		cli_cmd_journal},
};

enum {
	N_COMMANDS = sizeof(commands) / sizeof(commands[0])
};

void cli_usage(FILE *stream)
{
	fprintf(stream, "Usage:\n");
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(stream, "  cryocore %s%s%s\n      %s\n",
			commands[i].name ? commands[i].name : "", commands[i].name ? " " : "",
			commands[i].arguments, commands[i].summary);
}

static const struct cli_command *find_command(const char *word)
{
	for (int i = 0; i < N_COMMANDS; i++)
		if (commands[i].name && strcmp(commands[i].name, word) == 0)
			return &commands[i];
	return NULL;
}

/* Results that could not be printed are results that are missing. */
static int check_stdout(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_error("stdout: %s: not all results could be printed", strerror(errno));
	return status == CLI_COMPLETE ? CLI_PARTIAL : status;
}

/*
 * Results for a pipe that does not wait for its reader (O_NONBLOCK) would be lost, all that do not
 * fit into it. The flag is not ours alone, so the pipe is opened once more. Where nobody reads it,
 * or it is another's, it stays as it is, and what is lost is said.
 */
static void wait_for_reader(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL), fd;
	struct stat found;

	if (flags < 0 || !(flags & O_NONBLOCK) || fstat(STDOUT_FILENO, &found) < 0 ||
		!S_ISFIFO(found.st_mode))
		return;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fcntl(fd, F_SETFL, 0) == 0)
		dup2(fd, STDOUT_FILENO);
	close(fd);
}

static int run(int argc, char **argv)
{
	const struct cli_command *command;
	int r = cryocore_drop_privileges();

	if (r < 0) {
		cli_error("cannot drop privileges: %s: install cryocore without setuid and file "
			  "capabilities",
			strerror(-r));
		return CLI_FAILED;
	}
	wait_for_reader();
	if (argc < 2) {
		cli_usage(stderr);
		return CLI_USAGE;
	}
	if (argv[1][0] == '-' || isdigit((unsigned char)argv[1][0]))
		return cli_cmd_capture(argc, argv);
	command = find_command(argv[1]);
	if (!command) {
		cli_error("'%s' is neither a PID nor a command: see 'cryocore --help'", argv[1]);
		return CLI_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}

void cli_fence(void)
{
	int r = cryocore_fence();

	if (r < 0)
		cli_note(1, "there is no fence around what reads the files: %s", strerror(-r));
}

/* Whoever started us may ignore the end of his children, and then nothing is told of ours. A file
 * that may not grow is an error of write(2). */
static void set_signals(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	set_signals();
	umask(077); /* whatever is made is ours to read, and nobody else's */
	return check_stdout(run(argc, argv));
}
