// SPDX-License-Identifier: MIT
/* Who is at the other end of connections: machines made of files. */
#include "freeze/hunt.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spared.h"

/* A table of the network namespace of a process, with its heading. */
static FILE *open_table(const struct machine *machine, pid_t pid, const char *name)
{
	char path[128];
	FILE *table;

	snprintf(path, sizeof(path), "%s/%d/net", machine->path, pid);
	cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%d/net/%s", machine->path, pid, name);
	table = fopen(path, "w");
	cr_assert(table);
	fprintf(table, "heading\n");
	return table;
}

/* A socket by its addresses, as the kernel prints those of a machine with the low byte first. */
static void add_socket(FILE *table, const char *local, unsigned int local_port, const char *remote,
	unsigned int remote_port, uint64_t inode)
{
	fprintf(table, " 0: %s:%04X %s:%04X 01 00000000:00000000 00:00000000 00000000 0 0 %llu\n",
		local, local_port, remote, remote_port, (unsigned long long)inode);
}

static const char loopback[] = "0100007F", any[] = "00000000", host[] = "0100000A" /* 10.0.0.1 */,
		  guest[] = "0200000A" /* 10.0.0.2 */;

/* A connection between two ports of 127.0.0.1, as both ends see it. */
static void add_connection(FILE *table, unsigned int port, uint64_t inode, uint64_t peer)
{
	add_socket(table, loopback, port, loopback, port + 1, inode);
	add_socket(table, loopback, port + 1, loopback, port, peer);
}

/* A process is in a network namespace; the first that is has its addresses. */
static void enter_network(
	const struct machine *machine, pid_t pid, unsigned int number, const char *address)
{
	char path[128], link[32];
	FILE *table;

	snprintf(path, sizeof(path), "%s/%d/ns", machine->path, pid);
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/net");
	snprintf(link, sizeof(link), "net:[%u]", number);
	cr_assert_eq(symlink(link, path), 0);
	table = open_table(machine, pid, "fib_trie");
	fprintf(table,
		"Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
		"     |-- %s\n        /32 host LOCAL\n",
		address);
	fclose(table);
}

static void add_others(const struct machine *machine, pid_t first, pid_t last)
{
	for (pid_t pid = first; pid <= last; pid++)
		machine_add(
			machine, (struct machine_process){.pid = pid, .ppid = 1, .start_time = 9});
}

/* 60 reads what we print, and is no child of our ancestors. */
static void add_carrier(const struct machine *machine)
{
	machine_add_fd(machine, SELF, 1, "pipe:[8]", "flags:\t0100001\n");
	machine_add_fd(machine, 60, 0, "pipe:[8]", "flags:\t0100000\n");
}

static void add_socket_fd(const struct machine *machine, pid_t pid, int fd, unsigned int inode)
{
	char link[32];

	snprintf(link, sizeof(link), "socket:[%u]", inode);
	machine_add_fd(machine, pid, fd, link, NULL);
}

Test(hunt, follows_tcp_on_this_machine)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	FILE *table = (add_basics(&machine), open_table(&machine, SELF, "tcp"));

	add_others(&machine, 60, 64);
	add_connection(table, 1000, 100, 101);
	add_connection(table, 2000, 200, 201);
	add_connection(table, 3000, 300, 301);
	fclose(table);
	add_carrier(&machine);
	add_socket_fd(&machine, 60, 3, 100); /* nc */
	add_socket_fd(&machine, 61, 4, 101); /* nc -l, which goes on */
	add_socket_fd(&machine, 61, 5, 200);
	add_socket_fd(&machine, 62, 6, 201);
	add_socket_fd(&machine, 63, 6, 300);
	add_socket_fd(&machine, 64, 6, 301);
	decide(&machine, &spared);
	cr_expect_eq(why(&machine, &spared, 60), CRYO_SPARE_STDIO);
	cr_expect_eq(why(&machine, &spared, 61), CRYO_SPARE_NETWORK);
	cr_expect_eq(why(&machine, &spared, 62), CRYO_SPARE_NETWORK);
	cr_expect_eq(why(&machine, &spared, 63), CRYO_SPARE_NONE, "it does not lead to us");
	cr_expect_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE);
}

/* One more connection of 60, to a process. */
static void add_link(const struct machine *machine, unsigned int number, pid_t to)
{
	add_socket_fd(machine, 60, 3 + (int)number, 100000 + number);
	add_socket_fd(machine, to, 3 + (int)number, 200000 + number);
}

static enum cryo_spare decided(const struct machine *machine, pid_t pid)
{
	_cleanup_case_ struct spared_case spared = {0};

	decide(machine, &spared);
	return why(machine, &spared, pid);
}

Test(hunt, follows_thousands_of_connections)
{
	const unsigned int most = 10000;
	_cleanup_machine_ struct machine machine = machine_new();
	FILE *table = (add_basics(&machine), open_table(&machine, SELF, "tcp"));

	add_others(&machine, 60, 62);
	for (unsigned int i = 0; i <= most; i++)
		add_connection(table, 1000 + 2 * i, 100000 + i, 200000 + i);
	fclose(table);
	add_carrier(&machine);
	add_link(&machine, 0, 62);
	for (unsigned int i = 1; i < most; i++)
		add_link(&machine, i, 61);
	cr_expect_eq(decided(&machine, 62), CRYO_SPARE_NETWORK);
	add_link(&machine, most, 61);
	cr_expect_eq(decided(&machine, 62), CRYO_SPARE_NONE, "there is a bound");
}

Test(hunt, follows_datagrams)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	FILE *table = (add_basics(&machine), open_table(&machine, SELF, "udp"));

	add_others(&machine, 60, 67);
	enter_network(&machine, SELF, 1, "10.0.0.1");
	add_socket(table, loopback, 1000, loopback, 514, 100); /* to one that is not connected */
	add_socket(table, any, 514, any, 0, 101);
	add_connection(table, 2000, 200, 201);
	add_socket(table, host, 1002, host, 515, 300); /* to one that is bound to the address */
	add_socket(table, host, 515, any, 0, 301);
	add_socket(table, any, 515, any, 0, 302);
	add_socket(table, host, 1003, guest, 516, 400); /* to another machine */
	add_socket(table, any, 516, any, 0, 401);
	fclose(table);
	table = open_table(&machine, SELF, "udp6"); /* of both families */
	fprintf(table, " 0: 00000000000000000000000000000000:0205 "
		       "00000000000000000000000000000000:0000 07 00000000:00000000 "
		       "00:00000000 00000000 0 0 501\n");
	fclose(table);
	table = open_table(&machine, SELF, "udplite");
	add_socket(table, loopback, 1004, loopback, 517, 500);
	fclose(table);
	add_carrier(&machine);
	for (int i = 1; i <= 5; i++)
		add_socket_fd(&machine, 60, 2 + i, 100U * (unsigned int)i);
	add_socket_fd(&machine, 61, 3, 101);
	add_socket_fd(&machine, 62, 3, 201);
	add_socket_fd(&machine, 63, 3, 301);
	add_socket_fd(&machine, 64, 3, 302);
	add_socket_fd(&machine, 65, 3, 401);
	add_socket_fd(&machine, 66, 3, 501);
	decide(&machine, &spared);
	cr_expect_eq(why(&machine, &spared, 61), CRYO_SPARE_NETWORK, "it takes all that comes");
	cr_expect_eq(why(&machine, &spared, 62), CRYO_SPARE_NETWORK, "connected at both ends");
	cr_expect_eq(why(&machine, &spared, 63), CRYO_SPARE_NETWORK);
	cr_expect_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE, "the other one is bound closer");
	cr_expect_eq(why(&machine, &spared, 65), CRYO_SPARE_NONE, "that goes elsewhere");
	cr_expect_eq(why(&machine, &spared, 66), CRYO_SPARE_NETWORK, "an IPv6 socket takes IPv4");
}

Test(hunt, follows_connections_into_other_network_namespaces)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	FILE *table = (add_basics(&machine), open_table(&machine, SELF, "tcp"));

	add_others(&machine, 60, 66);
	enter_network(&machine, SELF, 1, "10.0.0.1");
	enter_network(&machine, 60, 1, "10.0.0.1");
	for (pid_t pid = 61; pid <= 63; pid++)
		enter_network(&machine, pid, 2, "10.0.0.2");
	enter_network(&machine, 64, 3, "10.0.0.3");
	enter_network(&machine, 65, 4, "10.0.0.2");
	add_socket(table, host, 1000, guest, 80, 100);
	add_socket(table, loopback, 1001, loopback, 81, 110); /* nobody is there */
	add_connection(table, 5000, 150, 151);
	fclose(table);
	table = open_table(&machine, 61, "tcp");
	add_socket(table, guest, 80, host, 1000, 200);
	add_socket(table, loopback, 81, loopback, 1001, 210);
	add_connection(table, 3000, 220, 221); /* inside of the container */
	fclose(table);
	table = open_table(&machine, 64, "tcp");
	add_socket(table, guest, 80, host, 1000, 300);
	fclose(table);
	table = open_table(&machine, 65, "tcp"); /* both ends of another connection */
	add_socket(table, guest, 80, host, 1000, 400);
	add_socket(table, host, 1000, guest, 80, 401);
	fclose(table);
	add_carrier(&machine);
	add_socket_fd(&machine, 60, 3, 100);
	add_socket_fd(&machine, 60, 4, 110);
	add_socket_fd(&machine, 61, 3, 200);
	add_socket_fd(&machine, 61, 4, 220);
	add_socket_fd(&machine, 61, 5, 150); /* from who started it */
	add_socket_fd(&machine, 62, 3, 210);
	add_socket_fd(&machine, 63, 3, 221);
	add_socket_fd(&machine, 64, 3, 300);
	add_socket_fd(&machine, 65, 3, 400);
	add_socket_fd(&machine, 66, 3, 151);
	decide(&machine, &spared);
	cr_expect_eq(why(&machine, &spared, 61), CRYO_SPARE_NETWORK, "in a container");
	cr_expect_eq(why(&machine, &spared, 62), CRYO_SPARE_NONE, "loopback is not shared");
	cr_expect_eq(why(&machine, &spared, 63), CRYO_SPARE_NETWORK, "and on from there");
	cr_expect_eq(why(&machine, &spared, 64), CRYO_SPARE_NONE, "it has not that address");
	cr_expect_eq(why(&machine, &spared, 65), CRYO_SPARE_NONE, "it talks with itself");
	cr_expect_eq(why(&machine, &spared, 66), CRYO_SPARE_NETWORK, "a socket that was inherited");
}

Test(hunt, follows_the_connections_of_ancestors_and_our_own)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_case_ struct spared_case spared = {0};
	FILE *table = (add_basics(&machine), open_table(&machine, SELF, "tcp"));

	add_others(&machine, 60, 62);
	add_connection(table, 1000, 100, 101);
	add_connection(table, 2000, 200, 201);
	add_connection(table, 3000, 300, 301);
	fclose(table);
	add_socket_fd(&machine, SHELL, 3, 100); /* sshd */
	add_socket_fd(&machine, 60, 3, 101);    /* ssh */
	add_socket_fd(&machine, SELF, 1, 200);
	add_socket_fd(&machine, 61, 3, 201);
	add_socket_fd(&machine, 1, 3, 300);
	add_socket_fd(&machine, 62, 3, 301);
	decide(&machine, &spared);
	cr_expect_eq(why(&machine, &spared, 60), CRYO_SPARE_NETWORK);
	cr_expect_eq(why(&machine, &spared, 61), CRYO_SPARE_STDIO);
	cr_expect_eq(why(&machine, &spared, 62), CRYO_SPARE_NONE, "PID 1 is no link");
}
