// SPDX-License-Identifier: MIT
/*
 * Names and rights: who a process says it is, and what it may no longer do. Each leads into another
 * state.
 */
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "victim.h"

enum {
	PAGE = 4096
};

static void state_dumpable_0(int argc, char **argv)
{
	prctl(PR_SET_DUMPABLE, 0);
	victim_run(argc - 1, argv + 1);
}

/* A name given in hex: a newline, a parenthesis or an escape sequence may be in it. */
static void state_comm(int argc, char **argv)
{
	char name[16] = "";
	unsigned int byte;

	for (size_t i = 0; argc > 1 && i < 15 && sscanf(argv[1] + 2 * i, "%2x", &byte) == 1; i++)
		name[i] = (char)byte;
	prctl(PR_SET_NAME, name);
	victim_run(argc - 2, argv + 2);
}

/* setproctitle(3) as servers do it: written over the arguments. */
static void state_title(int argc, char **argv)
{
	char *rest[8] = {NULL};
	char *start = argv[-1], *end = argv[argc - 1] + strlen(argv[argc - 1]);
	int n = 0;

	for (int i = 1; i < argc && n < 7; i++)
		rest[n++] = strdup(argv[i]);
	memset(start, 0, (size_t)(end - start));
	snprintf(start, (size_t)(end - start), "t: \033[31m\n");
	tell_hex("args", start, (size_t)(end - start) + 1);
	victim_run(n, rest);
}

/*
 * The arguments move to pages of their own: a last argument so long that the first one is at the
 * start of its page. The name of the program, which lies above them, changes in the first turn.
 */
static void align_arguments(int argc, char **argv)
{
	char pad[4 * PAGE] = "";
	size_t above = (uintptr_t)argv[-1] % PAGE;
	size_t size = (argc > 1 ? strlen(argv[1]) + 1 : 0) + above;

	if (above == 0)
		return;
	if (size >= sizeof(pad))
		cannot("the arguments cannot be moved to a page of their own");
	memset(pad, '-', size - 1);
	execl("/proc/self/exe", argv[-1], argv[0], pad, NULL);
	die("exec");
}

/* The memory that held the arguments is no longer there. */
static void state_args_gone(int argc, char **argv)
{
	const char *end;
	size_t size;

	align_arguments(argc, argv);
	end = argv[argc - 1] + strlen(argv[argc - 1]);
	size = (size_t)(end - argv[-1] + PAGE) / PAGE * PAGE;
	tell_thread(1);
	if (munmap(argv[-1], size) < 0)
		die("munmap");
	tell_ready();
	park(1);
}

/* Only read, write, _exit and sigreturn are left. */
static void state_seccomp_strict(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell_ready();
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		_exit(1);
	await_command();
	tell("alive=1");
	await_command();
}

static void state_user(int argc, char **argv)
{
	uid_t id = (uid_t)number(argc, argv, 1, 65534);

	if (setgid(id) < 0 || setuid(id) < 0)
		cannot("setuid");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids clears it */
	victim_run(argc - 2, argv + 2);
}

const struct victim_state identity_states[] = {
	{"dumpable-0", "STATE...", state_dumpable_0},
	{"comm", "HEX STATE...", state_comm},
	{"title", "STATE...", state_title},
	{"args-gone", "", state_args_gone},
	{"seccomp-strict", "", state_seccomp_strict},
	{"user", "UID STATE...", state_user},
	{NULL, NULL, NULL},
};
