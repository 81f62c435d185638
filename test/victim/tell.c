// SPDX-License-Identifier: MIT
/*
 * What a victim says about itself comes from its own system calls and its own memory, never from
 * /proc/self, where the program under test looks: two witnesses, not one asked twice. (The pending
 * signals of the process are the exception: no system call tells them apart from the thread's.)
 */
#include "victim.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile uint64_t global_sentinel = 0x6106a1006106a100ULL;
static volatile uint64_t *heap_sentinel;
static __thread volatile uint64_t tls_sentinel;

static void write_line(char *line, size_t length)
{
	line[length] = '\n';
	if (write(STDOUT_FILENO, line, length + 1) < 0)
		_exit(3);
}

void tell(const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	write_line(line, (size_t)length < sizeof(line) - 1 ? (size_t)length : sizeof(line) - 2);
}

void tell_hex(const char *key, const void *data, size_t size)
{
	char line[1024];
	const unsigned char *bytes = data;
	size_t length = (size_t)snprintf(line, sizeof(line), "%s=", key);

	for (size_t i = 0; i < size && length + 3 < sizeof(line); i++)
		length += (size_t)snprintf(line + length, sizeof(line) - length, "%02x", bytes[i]);
	write_line(line, length);
}

void tell_sentinel(const char *name, const volatile uint64_t *address)
{
	tell("sentinel=%#lx %#llx %s", (unsigned long)(uintptr_t)address,
		(unsigned long long)*address, name);
}

static void say_and_exit(const char *word, const char *what, int status)
{
	tell("%s %s: %s", word, what, strerror(errno));
	_exit(status);
}

void die(const char *what)
{
	say_and_exit("FAIL", what, 1);
	abort();
}

void cannot(const char *what)
{
	say_and_exit("SKIP", what, EXIT_CANNOT);
	abort();
}

pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

long number(int argc, char **argv, int index, long otherwise)
{
	return index < argc ? strtol(argv[index], NULL, 0) : otherwise;
}

void fill_pages(void *start, size_t size)
{
	uint64_t *words = start;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = WORD_AT(&words[i]);
}

static unsigned long long first_word(const sigset_t *set)
{
	unsigned long long word;

	memcpy(&word, set, sizeof(word)); /* the kernel's 64 signals come first */
	return word;
}

static void tell_signals(void)
{
	sigset_t blocked, pending;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigpending(&pending);
	tell("sigblk=%#llx", first_word(&blocked));
	tell("sigpending=%#llx", first_word(&pending));
}

static void tell_ids(void)
{
	tell("pid=%d", (int)getpid());
	tell("tid=%d", (int)thread_id());
	tell("ppid=%d", (int)getppid());
	tell("pgrp=%d", (int)getpgrp());
	tell("sid=%d", (int)getsid(0));
	tell("uid=%u", (unsigned int)getuid());
	tell("gid=%u", (unsigned int)getgid());
	tell("bits=%zu", 8 * sizeof(void *));
}

static void tell_memory(void)
{
	volatile uint64_t stack_sentinel = 0x57ac57ac57ac57acULL;

	heap_sentinel = malloc(sizeof(*heap_sentinel));
	if (!heap_sentinel)
		die("malloc");
	*heap_sentinel = 0x4ea94ea94ea94ea9ULL;
	tell_sentinel("global", &global_sentinel);
	tell_sentinel("heap", heap_sentinel);
	tell("stack=%#lx", (unsigned long)(uintptr_t)&stack_sentinel);
	tell("entry=%#lx", getauxval(AT_ENTRY));
}

void tell_ready(void)
{
	char comm[16] = "";

	prctl(PR_GET_NAME, comm);
	tell_hex("comm", comm, strnlen(comm, sizeof(comm)));
	tell_ids();
	tell_signals();
	tell_memory();
	tell("READY");
}

void tell_thread(unsigned int id)
{
	tls_sentinel = 0x7157715700000000ULL + id;
	tell_sentinel("tls", &tls_sentinel);
	tell("thread=%d %u", (int)thread_id(), id);
}

const char *await_command(void)
{
	static char line[256];
	size_t length = 0;

	while (length < sizeof(line) - 1 && read(STDIN_FILENO, &line[length], 1) == 1) {
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = 0;
	return line;
}
