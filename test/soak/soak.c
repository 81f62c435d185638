// SPDX-License-Identifier: MIT
/*
 * soak [CAPTURES]: a server with threads, clients that never pause, and one process that takes a
 * core of the server again and again through the library. TAP: not one request is lost or answered
 * wrongly, every capture is complete, and the user of the library grows by no descriptor and no
 * memory.
 */
#include <cryocore/cryocore.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PAIRS = 8,
	WARM_UP = 5,
	PRIORITY = -5, /* asked for; without the right to it the captures only take longer */
	GROWTH_KIB = 512
};

static int ends[PAIRS][2];

/* What the clients tell: requests answered, requests that went wrong. */
static struct account {
	_Atomic uint64_t answered[PAIRS], wrong;
} * account;

static void *serve(void *argument)
{
	int fd = ends[(uintptr_t)argument][1];
	uint64_t request;

	while (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
		request = ~request;
		if (send(fd, &request, sizeof(request), 0) != sizeof(request))
			break;
	}
	_exit(1); /* nothing that we do may end a call early */
}

static _Noreturn void *ask(void *argument)
{
	uintptr_t pair = (uintptr_t)argument;
	uint64_t reply;

	for (uint64_t i = 1;; i++) {
		if (send(ends[pair][0], &i, sizeof(i), 0) != sizeof(i) ||
			recv(ends[pair][0], &reply, sizeof(reply), MSG_WAITALL) != sizeof(reply) ||
			reply != ~i)
			account->wrong++;
		account->answered[pair]++;
	}
}

static pid_t start(void *(*work)(void *))
{
	pid_t parent = getpid(), pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (uintptr_t i = 1; i < PAIRS; i++)
		pthread_create(&thread, NULL, work, (void *)i);
	work(NULL);
	_exit(1);
}

static size_t count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long total = 0, resident = 0;

	if (file) {
		if (fscanf(file, "%ld %ld", &total, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int is_captured(pid_t server)
{
	struct cryocore_options options;
	struct cryocore_result *result = NULL;
	int good;

	cryocore_options_init(&options);
	options.prefix = "soak-core";
	options.no_exe = true;
	options.overwrite = true;
	good = cryocore_capture(server, &options, &result) == 0 &&
	       result->outcome == CRYOCORE_COMPLETE && result->n_threads == PAIRS;
	for (size_t i = 0; !good && result && i < result->n_messages; i++)
		fprintf(stderr, "# %s\n", result->messages[i].text);
	cryocore_result_free(result);
	return good;
}

static int check(int number, int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", number, what);
	return !good;
}

int main(int argc, char **argv)
{
	long captures = argc > 1 ? atol(argv[1]) : 10000, complete = 0, before = 0;
	char directory[] = "/tmp/cryocore-soak-XXXXXX", core[64];
	int failed = 0, moving = 1;
	uint64_t seen[PAIRS];
	size_t descriptors = 0;
	pid_t server, clients;

	account = mmap(
		NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (account == MAP_FAILED || !mkdtemp(directory) || chdir(directory) < 0)
		return 99;
	for (int i = 0; i < PAIRS; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[i]) < 0)
			return 99;
	server = start(serve);
	clients = start(ask);
	/* Sixteen threads that never rest leave us one turn in eight: most of the time would be
	 * waiting. */
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	while (!account->answered[PAIRS - 1])
		usleep(1000);
	for (long i = 0; i < captures + WARM_UP; i++) {
		if (i == WARM_UP) {
			descriptors = count_descriptors();
			before = resident_kib();
		}
		complete += is_captured(server);
	}
	for (int i = 0; i < PAIRS; i++)
		seen[i] = account->answered[i];
	usleep(200 * 1000);
	for (int i = 0; i < PAIRS; i++)
		moving &= account->answered[i] > seen[i];
	printf("1..5\n# %ld captures, %llu requests of the first client\n", captures,
		(unsigned long long)seen[0]);
	failed += check(1, complete == captures + WARM_UP, "every capture is complete");
	failed += check(2, account->wrong == 0, "no request is lost");
	failed += check(3, moving, "every client is still answered");
	failed += check(4, count_descriptors() == descriptors, "no descriptor is left open");
	failed += check(5, resident_kib() - before <= GROWTH_KIB, "memory does not grow");
	snprintf(core, sizeof(core), "soak-core.%d", (int)server);
	unlink(core);
	rmdir(directory);
	kill(clients, SIGKILL);
	kill(server, SIGKILL);
	return failed != 0;
}
