// SPDX-License-Identifier: MIT
/*
 * Our own is where the auxiliary vector says. It is a whole ELF file (its section headers come
 * last), and the kernel maps its pages, zeros behind the last byte and all.
 *
 * The child that maps the 32-bit one has first to unmap its own with the pages of data that belong
 * to it, since the kernel allows one per process. From then on it calls nothing that uses the vdso
 * (the clocks; allocators ask them too): it looks for the new one where it must be, and ends.
 */
#include "capture/vdso.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#endif
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/maps.h"
#include "proc/procfs.h"

/* More than any vdso has: 64-bit 8 KiB, 32-bit 8 KiB on Linux 6.18. */
enum {
	VDSO_ROOM = 64 * 1024,
	PAGE = 4096
};

/* The vdso that is mapped here. */
static int copy_mapped(struct cryo_buffer *image)
{
	uintptr_t start = getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;
	size_t end;

	if (!header || !header->e_shoff)
		return -EOPNOTSUPP;
	end = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
	return cryo_buffer_add(image, header, (end + PAGE - 1) & ~((size_t)PAGE - 1));
}

#ifdef ARCH_MAP_VDSO_32
struct own_maps {
	struct cryo_vma *vmas;
	size_t count;
};

static void own_maps_clear(struct own_maps *maps)
{
	cryo_vmas_free(maps->vmas, maps->count);
}

static int read_own_maps(struct own_maps *ret_maps)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), self = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r;

	if (procfs < 0)
		return procfs;
	self = cryo_procfs_open_process(procfs, getpid());
	if (self < 0)
		return self;
	r = cryo_procfs_read(self, "maps", 0, &text);
	if (r < 0)
		return r;
	return cryo_maps_parse(
		(const char *)text.data, text.size, &ret_maps->vmas, &ret_maps->count);
}

static bool is_vdso(const struct cryo_vma *vma)
{
	return vma->name && strcmp(vma->name, "[vdso]") == 0;
}

static bool is_vvar(const struct cryo_vma *vma)
{
	return vma->name && strncmp(vma->name, "[vvar", strlen("[vvar")) == 0;
}

static void unmap_vdso(const struct own_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (is_vdso(&maps->vmas[i]) || is_vvar(&maps->vmas[i]))
			munmap((void *)(uintptr_t)maps->vmas[i].start,
				(size_t)(maps->vmas[i].end - maps->vmas[i].start));
}

/* Reads our own memory: pages of the vdso's data before it may not be there. */
static bool copy_own(uintptr_t address, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *)address, size};

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* In the child. Its exit status is the number of pages copied; 0: it did not work. The kernel
 * returns the size of the image and maps the data in front of it (arch/x86/entry/vdso/vma.c). */
static void map_and_copy(const struct own_maps *maps, uint8_t *shared)
{
	static const uintptr_t hint = 0x10000000; /* below 4 GiB, where no program is linked */
	long size;

	unmap_vdso(maps);
	size = syscall(SYS_arch_prctl, ARCH_MAP_VDSO_32, hint);
	if (size <= 0 || size > VDSO_ROOM)
		_exit(0);
	for (uintptr_t at = hint; at < hint + VDSO_ROOM; at += PAGE)
		if (copy_own(at, shared, SELFMAG) && memcmp(shared, ELFMAG, SELFMAG) == 0 &&
			copy_own(at, shared, (size_t)size))
			_exit((int)(size / PAGE));
	_exit(0);
}

static int copy_compat(struct cryo_buffer *image)
{
	_cleanup_(own_maps_clear) struct own_maps maps = {0};
	int status = 0, r = read_own_maps(&maps);
	uint8_t *shared;
	pid_t child;

	if (r < 0)
		return r;
	shared = mmap(NULL, VDSO_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	child = fork();
	if (child == 0)
		map_and_copy(&maps, shared);
	r = -EOPNOTSUPP;
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
		WEXITSTATUS(status))
		r = cryo_buffer_add(image, shared, (size_t)WEXITSTATUS(status) * PAGE);
	munmap(shared, VDSO_ROOM);
	return r;
}
#else
static int copy_compat(struct cryo_buffer *image)
{
	(void)image;
	return -EOPNOTSUPP;
}
#endif

int cryo_vdso_image(bool compat, struct cryo_buffer *image)
{
	return compat ? copy_compat(image) : copy_mapped(image);
}
