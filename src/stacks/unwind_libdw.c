// SPDX-License-Identifier: MIT
/*
 * i386 by libdw: Debian's libunwind unwinds only the machine that it was compiled for. And x86_64,
 * where libunwind came to a frame without an entry: libdw also knows .debug_frame, and follows
 * frame pointers with more care.
 *
 * libdw works on ELF files, so each module is given to it as one: its real file where that is
 * known, else an image put together from the pages that memory has (its program headers lead libdw
 * to PT_GNU_EH_FRAME). Modules are named by number: libdw sees no name from the target, and opens
 * nothing. A frame that has no entry is unwound by its frame pointer; libdw does not say so, so the
 * entries are asked once more.
 */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "stacks/libdw_api.h"
#include "stacks/unwind.h"

enum {
	IMAGE_MAX = 64 << 20, /* bytes of a module put together from memory */
	REGISTERS = 17,       /* most of a machine */
};

/**
 * struct machine - registers by DWARF number.
 * @word: bytes of each
 * @sp: number of the stack pointer
 * @offsets: in the general regset (struct user_regs_struct, <sys/user.h>)
 */
struct machine {
	uint16_t machine;
	uint8_t elf_class, word, sp, n_registers;
	uint8_t offsets[REGISTERS];
};

static const struct machine machines[] = {
	/* eax ecx edx ebx esp ebp esi edi eip */
	{EM_386, ELFCLASS32, 4, 4, 9, {24, 4, 8, 0, 60, 20, 12, 16, 48}},
	/* rax rdx rcx rbx rsi rdi rbp rsp r8 to r15 rip */
	{EM_X86_64, ELFCLASS64, 8, 7, 17,
		{80, 96, 88, 40, 104, 112, 32, 152, 72, 64, 56, 48, 24, 16, 8, 0, 128}},
};

/* A module put together from memory, alive as long as libdw. */
struct image {
	char *data;
};

struct cryo_unwind_engine {
	const struct cryo_unwinder *unwinder;
	const struct cryo_libdw_api *api;
	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	const struct machine *machine;
	Elf *elf; /* an ELF header that tells libdw the machine */
	union {
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} header;
	struct image *images;
	size_t n_images;
	/* of the thread that is unwound: */
	const uint8_t *registers;
	struct cryo_stack *stack;
	bool exhausted, unreadable, missed;
	int error;
};

/* A word in the byte order of the target. */
static Dwarf_Word get_word(const void *data, uint8_t size)
{
	uint64_t wide;
	uint32_t narrow;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, data, sizeof(narrow));
		return le32toh(narrow);
	}
	memcpy(&wide, data, sizeof(wide));
	return le64toh(wide);
}

/* Pages that are not there stay zeros. */
static void copy_segment(
	struct cryo_view *view, uint64_t bias, const struct cryo_phdr *phdr, char *file)
{
	for (uint64_t done = 0; done < phdr->filesz;) {
		uint64_t at = bias + phdr->vaddr + done;
		uint64_t chunk = CRYO_VIEW_PAGE - at % CRYO_VIEW_PAGE;

		if (chunk > phdr->filesz - done)
			chunk = phdr->filesz - done;
		cryo_view_read_some(view, at, file + phdr->offset + done, chunk);
		done += chunk;
	}
}

static uint64_t image_size(const struct cryo_image *image)
{
	uint64_t size = 0, end;

	for (size_t i = 0; i < image->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &image->phdrs[i];

		if (phdr->type != PT_LOAD)
			continue;
		if (__builtin_add_overflow(phdr->offset, phdr->filesz, &end) || end > IMAGE_MAX)
			return 0;
		if (end > size)
			size = end;
	}
	return size;
}

/* Section headers are not mapped, except in the vdso: without them the header must not say so. */
static void drop_sections(char *file, uint64_t size, uint8_t elf_class)
{
	Elf32_Ehdr *e32 = (Elf32_Ehdr *)file;
	Elf64_Ehdr *e64 = (Elf64_Ehdr *)file;

	if (elf_class == ELFCLASS32 && size >= sizeof(*e32)) {
		uint64_t table = (uint64_t)le16toh(e32->e_shnum) * le16toh(e32->e_shentsize);

		if (le32toh(e32->e_shoff) + table > size)
			e32->e_shoff = e32->e_shnum = e32->e_shstrndx = 0;
	} else if (size >= sizeof(*e64)) {
		uint64_t table = (uint64_t)le16toh(e64->e_shnum) * le16toh(e64->e_shentsize);

		if (le64toh(e64->e_shoff) > size || le64toh(e64->e_shoff) + table > size)
			e64->e_shoff = e64->e_shnum = e64->e_shstrndx = 0;
	}
}

static Elf *assemble(struct cryo_unwind_engine *engine, const struct cryo_module *module)
{
	uint64_t size = image_size(&module->image);
	_cleanup_free_ char *file = size > sizeof(Elf64_Ehdr) ? calloc(1, size) : NULL;
	struct image *image;

	if (!file)
		return NULL;
	for (size_t i = 0; i < module->image.n_phdrs; i++)
		if (module->image.phdrs[i].type == PT_LOAD)
			copy_segment(engine->unwinder->view, module->bias, &module->image.phdrs[i],
				file);
	image = cryo_array_add(engine->images, engine->n_images);
	if (!image)
		return NULL;
	image->data = file;
	drop_sections(file, size, module->image.elf_class);
	return elf_memory(steal_ptr(file), size);
}

static int find_elf(Dwfl_Module *handle, void **userdata, const char *name, Dwarf_Addr base,
	char **ret_name, Elf **ret_elf)
{
	const struct cryo_modules *modules;
	struct cryo_unwind_engine *engine = *userdata;
	struct cryo_module *module;
	uint64_t index;
	int fd;

	(void)handle, (void)base;
	modules = engine->unwinder->modules;
	if (cryo_number_parse(name, 10, &index) < 0 || index >= modules->n_modules)
		return -1;
	module = &modules->modules[index];
	fd = cryo_module_fd(modules, module);
	if (fd < 0) {
		*ret_elf = assemble(engine, module);
		return -1;
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	*ret_name = fd >= 0 ? strdup(name) : NULL;
	return fd;
}

static int find_no_debuginfo(Dwfl_Module *handle, void **userdata, const char *name,
	Dwarf_Addr base, const char *file, const char *link, GElf_Word crc, char **ret_name)
{
	(void)handle, (void)userdata, (void)name, (void)base, (void)file, (void)link, (void)crc;
	(void)ret_name;
	return -1;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl, (void)arg, (void)thread_arg;
	return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl, (void)tid;
	*thread_arg = arg;
	return true;
}

static bool too_late(struct cryo_unwind_engine *engine)
{
	engine->exhausted |= cryo_now() > engine->unwinder->deadline;
	return engine->exhausted;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *arg)
{
	struct cryo_unwind_engine *engine = arg;
	uint8_t word[sizeof(uint64_t)];

	(void)dwfl;
	if (too_late(engine))
		return false;
	if (cryo_view_read(engine->unwinder->view, address, word, engine->machine->word) < 0) {
		engine->unreadable = true;
		return false;
	}
	*ret_word = get_word(word, engine->machine->word);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *thread_arg)
{
	struct cryo_unwind_engine *engine = thread_arg;
	const struct machine *machine = engine->machine;
	Dwarf_Word words[REGISTERS];

	for (size_t i = 0; i < machine->n_registers; i++)
		words[i] = get_word(engine->registers + machine->offsets[i], machine->word);
	return engine->api->dwfl_thread_state_registers(thread, 0, machine->n_registers, words);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_word,
	.set_initial_registers = set_registers,
};

static bool covers(const struct cryo_libdw_api *api, Dwarf_CFI *cfi, Dwarf_Addr address)
{
	Dwarf_Frame *frame = NULL;
	bool found = cfi && api->dwarf_cfi_addrframe(cfi, address, &frame) == 0;

	free(frame);
	return found;
}

static bool has_entry(const struct cryo_unwind_engine *engine, Dwarf_Addr pc)
{
	const struct cryo_libdw_api *api = engine->api;
	Dwfl_Module *module = api->dwfl_addrmodule(engine->dwfl, pc);
	Dwarf_Addr bias = 0;
	Dwarf_CFI *cfi;

	if (!module)
		return false;
	cfi = api->dwfl_module_eh_cfi(module, &bias);
	if (covers(api, cfi, pc - bias))
		return true;
	cfi = api->dwfl_module_dwarf_cfi(module, &bias);
	return covers(api, cfi, pc - bias);
}

static int visit_frame(Dwfl_Frame *state, void *arg)
{
	struct cryo_unwind_engine *engine = arg;
	struct cryo_stack *stack = engine->stack;
	struct cryo_frame frame = {0}, *last;
	Dwarf_Addr pc;
	Dwarf_Word sp = 0;
	bool activation;
	int r;

	if (!engine->api->dwfl_frame_pc(state, &pc, &activation))
		return DWARF_CB_ABORT;
	engine->api->dwfl_frame_reg(state, engine->machine->sp, &sp);
	last = stack->n_frames ? &stack->frames[stack->n_frames - 1] : NULL;
	if (last) {
		/* libdw says "activation" of the signal frame and of its caller. */
		frame.signal = activation && !last->signal;
		frame.heuristic = last->heuristic || engine->missed;
	}
	frame.pc = pc;
	frame.sp = sp;
	frame.call = !activation;
	r = cryo_stack_add(engine->unwinder, &frame, stack);
	engine->error = r < 0 ? r : 0;
	engine->exhausted |= r > 0;
	engine->unreadable = false;
	engine->missed = !has_entry(engine, pc - frame.call);
	return r == 0 ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static enum cryo_stack_end why(const struct cryo_unwind_engine *engine, int result)
{
	if (engine->exhausted)
		return CRYO_STACK_LIMIT;
	if (engine->missed)
		return CRYO_STACK_NO_INFO;
	if (result == 0)
		return CRYO_STACK_ROOT;
	return engine->unreadable ? CRYO_STACK_BAD_MEMORY : CRYO_STACK_NO_INFO;
}

static int unwind_thread(struct cryo_unwind_engine *engine, pid_t tid, const void *registers,
	struct cryo_stack *ret_stack)
{
	struct cryo_stack stack = {0};
	int r;

	engine->registers = registers;
	engine->stack = &stack;
	engine->exhausted = engine->unreadable = engine->missed = false;
	engine->error = 0;
	r = engine->api->dwfl_getthread_frames(engine->dwfl, tid, visit_frame, engine);
	stack.end = why(engine, r);
	engine->stack = NULL;
	if (engine->error < 0)
		free(stack.frames);
	else
		*ret_stack = stack;
	return engine->error;
}

static void close_engine(struct cryo_unwind_engine *engine)
{
	if (engine->dwfl)
		engine->api->dwfl_end(engine->dwfl);
	if (engine->elf)
		elf_end(engine->elf);
	for (size_t i = 0; i < engine->n_images; i++)
		free(engine->images[i].data);
	free(engine->images);
	free(engine);
}

static int report_modules(struct cryo_unwind_engine *engine)
{
	const struct cryo_modules *modules = engine->unwinder->modules;

	engine->api->dwfl_report_begin(engine->dwfl);
	for (size_t i = 0; i < modules->n_modules; i++) {
		const struct cryo_module *module = &modules->modules[i];
		Dwfl_Module *handle;
		void **userdata;
		char name[24];

		if (module->image.elf_class != engine->machine->elf_class)
			continue;
		snprintf(name, sizeof(name), "%zu", i);
		handle = engine->api->dwfl_report_module(
			engine->dwfl, name, module->start, module->end);
		if (!handle)
			continue;
		engine->api->dwfl_module_info(
			handle, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = engine;
	}
	return engine->api->dwfl_report_end(engine->dwfl, NULL, NULL) == 0 ? 0 : -ENOMEM;
}

/* Both classes have the same fields up to e_version. */
static size_t make_header(struct cryo_unwind_engine *engine)
{
	const struct machine *machine = engine->machine;
	size_t size = machine->elf_class == ELFCLASS32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);

	engine->header.e64 = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, machine->elf_class, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = htole16(ET_CORE),
		.e_machine = htole16(machine->machine),
		.e_version = htole32(EV_CURRENT),
	};
	if (machine->elf_class == ELFCLASS32)
		engine->header.e32.e_ehsize = htole16((uint16_t)size);
	else
		engine->header.e64.e_ehsize = htole16((uint16_t)size);
	return size;
}

static int attach(struct cryo_unwind_engine *engine)
{
	size_t size = make_header(engine);

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOMEM;
	engine->elf = elf_memory((char *)&engine->header, size);
	if (!engine->elf)
		return -ENOMEM;
	return engine->api->dwfl_attach_state(
		       engine->dwfl, engine->elf, 1, &thread_callbacks, engine)
		       ? 0
		       : -ENOMEM;
}

static const struct machine *find_machine(const struct cryo_arch *arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == arch->machine &&
			machines[i].elf_class == arch->elf_class)
			return &machines[i];
	return NULL;
}

static int begin(struct cryo_unwind_engine *engine)
{
	engine->callbacks = (Dwfl_Callbacks){
		.find_elf = find_elf,
		.find_debuginfo = find_no_debuginfo,
		.section_address = engine->api->dwfl_offline_section_address,
	};
	engine->dwfl = engine->machine ? engine->api->dwfl_begin(&engine->callbacks) : NULL;
	return engine->dwfl ? 0 : -ENOMEM;
}

static int open_engine(const struct cryo_unwinder *unwinder, struct cryo_unwind_engine **ret_engine)
{
	struct cryo_unwind_engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return -ENOMEM;
	engine->unwinder = unwinder;
	engine->machine = find_machine(unwinder->arch);
	r = cryo_libdw_api_get(&engine->api);
	if (r == 0)
		r = begin(engine);
	if (r == 0)
		r = report_modules(engine);
	if (r == 0)
		r = attach(engine);
	if (r < 0)
		close_engine(engine);
	else
		*ret_engine = engine;
	return r;
}

const struct cryo_unwind_engine_row cryo_unwind_libdw32 = {
	.machine = EM_386,
	.elf_class = ELFCLASS32,
	.open = open_engine,
	.thread = unwind_thread,
	.close = close_engine,
};

const struct cryo_unwind_engine_row cryo_unwind_libdw64 = {
	.machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.open = open_engine,
	.thread = unwind_thread,
	.close = close_engine,
};
