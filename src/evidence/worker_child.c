// SPDX-License-Identifier: MIT
/*
 * A worker outlives what its owner did when it was forked. So it keeps no descriptor that is not
 * its own: the end of a channel of somebody else's capture would keep that from seeing its end.
 */
#include "evidence/worker_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/signals.h"
#include "proc/identity.h"
#include "proc/inherited.h"

struct life {
	const struct cryo_worker_setup *setup;
	struct cryo_records *records;
	struct cryo_net_space *namespaces; /* each read when the first process of it comes */
	size_t n_namespaces;
	void *stacks_memory; /* of who makes the stacks */
};

static const struct cryo_sockets *sockets_of(struct life *life, int live)
{
	const struct cryo_net_space *own = life->setup->own_net;
	struct cryo_net_space *namespace = life->namespaces;
	struct stat status;

	if (fstatat(live, "ns/net", &status, 0) < 0)
		return NULL;
	if (own && own->inode == status.st_ino)
		return &own->sockets;
	for (size_t i = 0; i < life->n_namespaces; i++)
		if (namespace[i].inode == status.st_ino)
			return &namespace[i].sockets;
	namespace = cryo_array_add(life->namespaces, life->n_namespaces);
	if (!namespace)
		return NULL;
	*namespace = (struct cryo_net_space){.inode = status.st_ino};
	cryo_sockets_load(live, &namespace->sockets);
	return &namespace->sockets;
}

/* What is open for one task. */
struct hands {
	int process, live;
	struct cryo_sink *place;
};

static void hands_clear(struct hands *hands)
{
	cryo_cleanup_close(&hands->process);
	cryo_cleanup_close(&hands->live);
	cryo_sink_close(hands->place);
}

static int open_process(const struct life *life, const struct cryo_task *task, struct hands *hands)
{
	struct cryo_stat stat;

	hands->process =
		cryo_identity_find(life->setup->procfs, task->pid, task->start_time, &stat);
	if (hands->process < 0)
		return hands->process;
	hands->live = cryo_collect_open_live(hands->process, &stat);
	return hands->live < 0 ? hands->live : 0;
}

/* Open the process, unless its core is enough, and the place of its files. */
static struct cryo_answer take_hands(
	const struct life *life, const struct cryo_task *task, struct hands *hands)
{
	char path[CRYO_SINK_PATH_MAX];
	int r = open_process(life, task, hands);

	if (task->stage != CRYO_ITEM_STACKS && (r == -ENOENT || r == -ESRCH))
		return (struct cryo_answer){.gone = true};
	if (task->stage != CRYO_ITEM_STACKS && r < 0)
		return (struct cryo_answer){.refused = r};
	snprintf(path, sizeof(path), "proc/%d", task->pid);
	return (struct cryo_answer){
		.error = cryo_sink_open_below(life->setup->sink, path, &hands->place)};
}

static int collect(struct life *life, const struct cryo_order *order, const struct hands *hands)
{
	const struct cryo_worker_setup *setup = life->setup;
	const struct cryo_task *task = &order->task;
	char path[CRYO_SINK_PATH_MAX];
	struct cryo_stacks_source stacks = {setup->stacks, task->core,
		task->core_has_path ? path : NULL, hands->live, &life->stacks_memory};
	struct cryo_collector collector = {
		.pid = task->pid,
		.process = hands->process,
		.live = hands->live,
		.sink = setup->sink,
		.place = hands->place,
		.records = life->records,
		.is_kernel_thread = task->is_kernel_thread,
		.deleted_files = setup->deleted_files,
		.max_copy = setup->max_copy,
		.holders = setup->holders,
		.copies = setup->copies,
		.stacks = &stacks,
	};

	snprintf(path, sizeof(path), "/proc/self/fd/%d/proc/%d/core",
		cryo_sink_directory_fd(setup->sink), task->pid);
	if (task->stage == CRYO_ITEM_VOLATILE && !task->is_kernel_thread)
		collector.sockets = sockets_of(life, hands->live);
	return cryo_collect(&collector, task->stage, order->after);
}

static struct cryo_answer obey(struct life *life, const struct cryo_order *order)
{
	_cleanup_(hands_clear) struct hands hands = {-1, -1, NULL};
	struct cryo_answer answer = take_hands(life, &order->task, &hands);

	if (!answer.gone && !answer.refused && !answer.error)
		answer.error = collect(life, order, &hands);
	return answer;
}

/* ---- orders ---- */

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int cryo_order_send(int orders, const struct cryo_order *order)
{
	struct iovec data = {(void *)(uintptr_t)order, sizeof(*order)};
	union control control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (order->task.core >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.header), &order->task.core, sizeof(int));
	}
	return sendmsg(orders, &message, MSG_NOSIGNAL) < 0 ? -EIO : 0;
}

/* Whether there is an order; its core is then a descriptor of ours. */
static bool receive(int orders, struct cryo_order *ret_order)
{
	struct iovec data = {ret_order, sizeof(*ret_order)};
	union control control;
	struct msghdr message = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(orders, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*ret_order))
		return false;
	ret_order->task.core = -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&ret_order->task.core, CMSG_DATA(header), sizeof(int));
	return true;
}

int cryo_worker_live(
	const struct cryo_worker_setup *setup, struct cryo_records *records, int orders)
{
	const int kept[] = {
		orders, records->fd, setup->procfs, cryo_sink_directory_fd(setup->sink)};
	struct life life = {.setup = setup, .records = records};
	struct cryo_order order;

	cryo_signals_leave();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	cryo_inherited_leave(kept, ARRAY_SIZE(kept));
	while (receive(orders, &order)) {
		struct cryo_answer answer = obey(&life, &order);

		cryo_cleanup_close(&order.task.core);
		if (send(orders, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			return 1;
	}
	return 0;
}
