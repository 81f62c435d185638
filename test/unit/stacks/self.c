// SPDX-License-Identifier: MIT
#include "self.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "proc/maps.h"

static ssize_t read_self(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct iovec to = {data, size}, from = {(void *)(uintptr_t)address, size};
	ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

	(void)view;
	return n > 0 ? n : -EFAULT;
}

struct cryo_view self_view(void)
{
	return (struct cryo_view){read_self};
}

struct cryo_stack_mapping *self_mappings(size_t *ret_count)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_close_ int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct cryo_stack_mapping *mappings;
	struct cryo_vma *vmas;
	size_t count;

	cr_assert_eq(cryo_io_read_all(fd, 1 << 20, &text), 0);
	cr_assert_eq(cryo_maps_parse((char *)text.data, text.size, &vmas, &count), 0);
	mappings = calloc(count, sizeof(*mappings));
	for (size_t i = 0; i < count; i++)
		mappings[i] = (struct cryo_stack_mapping){
			.start = vmas[i].start,
			.end = vmas[i].end,
			.offset = vmas[i].offset,
			.name = vmas[i].kind == CRYO_VMA_FILE ? strdup(vmas[i].name) : NULL,
		};
	cryo_vmas_free(vmas, count);
	*ret_count = count;
	return mappings;
}

void self_mappings_free(struct cryo_stack_mapping *mappings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *)mappings[i].name);
	free(mappings);
}

static int open_by_name(struct cryo_file_finder *finder, const struct cryo_module *module,
	unsigned int attempt, bool *ret_own)
{
	int fd;

	(void)finder, (void)ret_own;
	if (attempt > 0)
		return -ENODATA;
	fd = open(module->name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -ENOENT : fd;
}

struct cryo_file_finder self_finder(void)
{
	return (struct cryo_file_finder){open_by_name};
}

void self_registers(const ucontext_t *context, uint8_t registers[static SELF_GPR_SIZE])
{
#if defined(__x86_64__)
	/* Register of <sys/ucontext.h>, and its place in struct user_regs_struct. */
	static const struct {
		int from, to;
	} places[] = {{REG_R15, 0}, {REG_R14, 1}, {REG_R13, 2}, {REG_R12, 3}, {REG_RBP, 4},
		{REG_RBX, 5}, {REG_R11, 6}, {REG_R10, 7}, {REG_R9, 8}, {REG_R8, 9}, {REG_RAX, 10},
		{REG_RCX, 11}, {REG_RDX, 12}, {REG_RSI, 13}, {REG_RDI, 14}, {REG_RIP, 16},
		{REG_RSP, 19}};

	memset(registers, 0, SELF_GPR_SIZE);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		memcpy(registers + 8 * places[i].to, &context->uc_mcontext.gregs[places[i].from],
			8);
#else
	(void)context;
	memset(registers, 0, SELF_GPR_SIZE);
#endif
}
