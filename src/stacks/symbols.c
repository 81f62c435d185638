// SPDX-License-Identifier: MIT
/*
 * All function symbols of a module are read once, sorted, and searched. Aliases of one address
 * (global, weak and local names) stand together, the most public one last, and it is the one shown.
 * A small function inside the range of a larger one occurs (hand-written assembly), so the search
 * steps back over a few symbols that begin before the address but do not reach it.
 */
#include "stacks/symbols.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "stacks/symbols_cache.h"

enum {
	STEPS_BACK = 16,
	IMAGE_MAX = 1 << 20, /* bytes of an image in memory; a vdso has two pages */
};

struct symbol {
	uint64_t start, size; /* as linked */
	uint32_t name;        /* offset into names */
	uint8_t rank;
};

/* The strings of one symbol table. */
struct names {
	char *data;
	size_t size;
};

struct cryo_symbols {
	struct symbol *symbols;
	size_t n_symbols;
	char *names;
	size_t names_size;
};

static uint8_t rank(unsigned char binding)
{
	return binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
}

static bool is_function(const GElf_Sym *symbol)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
	       symbol->st_size > 0 && symbol->st_shndx != SHN_UNDEF;
}

/* Append the strings of a section; the offset at which they begin. */
static int add_names(struct cryo_symbols *all, Elf *elf, size_t index, size_t *ret_base)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	char *grown;

	if (!data || !data->d_buf || data->d_size > UINT32_MAX / 4)
		return -ENOENT;
	grown = realloc(all->names, all->names_size + data->d_size + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + all->names_size, data->d_buf, data->d_size);
	grown[all->names_size + data->d_size] = '\0';
	*ret_base = all->names_size;
	all->names = grown;
	all->names_size += data->d_size + 1;
	return 0;
}

static int add_symbol(
	struct cryo_symbols *all, const GElf_Sym *symbol, size_t names_base, size_t names_size)
{
	struct symbol *added;

	if (!is_function(symbol) || symbol->st_name == 0 || symbol->st_name >= names_size)
		return 0;
	added = cryo_array_add(all->symbols, all->n_symbols);
	if (!added)
		return -ENOMEM;
	*added = (struct symbol){
		.start = symbol->st_value,
		.size = symbol->st_size,
		.name = (uint32_t)(names_base + symbol->st_name),
		.rank = rank(GELF_ST_BIND(symbol->st_info)),
	};
	return 0;
}

static int add_section(struct cryo_symbols *all, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t base, count;
	GElf_Sym symbol;
	int r;

	if (!data || shdr->sh_entsize == 0)
		return 0;
	count = shdr->sh_size / shdr->sh_entsize;
	r = add_names(all, elf, shdr->sh_link, &base);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 1; r == 0 && i < count && all->n_symbols < CRYO_SYMBOLS_MAX; i++)
		if (gelf_getsym(data, (int)i, &symbol))
			r = add_symbol(all, &symbol, base, all->names_size - base);
	return r;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->rank - right->rank;
}

static int add_elf(struct cryo_symbols *all, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	int r = 0;

	while (r == 0 && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) &&
			(shdr.sh_type == SHT_SYMTAB || shdr.sh_type == SHT_DYNSYM))
			r = add_section(all, elf, scn, &shdr);
	if (r == 0 && all->n_symbols)
		qsort(all->symbols, all->n_symbols, sizeof(*all->symbols), compare_symbols);
	return r;
}

static int from_file(struct cryo_symbols *all, int fd)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	int r = elf ? add_elf(all, elf) : 0;

	elf_end(elf);
	return r;
}

/* The vdso is mapped with its section headers: memory is its file. */
static int from_memory(
	struct cryo_symbols *all, struct cryo_view *view, const struct cryo_module *module)
{
	uint64_t size = module->end - module->start;
	_cleanup_free_ char *image = NULL;
	Elf *elf;
	int r;

	if (size > IMAGE_MAX || module->image.shoff == 0 || module->image.shoff >= size)
		return 0;
	image = malloc(size);
	if (!image)
		return -ENOMEM;
	if (cryo_view_read(view, module->start, image, size) < 0)
		return 0;
	elf = elf_memory(image, size);
	r = elf ? add_elf(all, elf) : 0;
	elf_end(elf);
	return r;
}

static int load_new(const struct cryo_modules *modules, struct cryo_module *module, int fd)
{
	struct cryo_symbols *all = calloc(1, sizeof(*all));
	size_t size;
	int r;

	if (!all || elf_version(EV_CURRENT) == EV_NONE) {
		free(all);
		return -ENOMEM;
	}
	r = fd >= 0 ? from_file(all, fd) : from_memory(all, modules->view, module);
	if (r < 0) {
		cryo_symbols_free(all);
		return r;
	}
	size = sizeof(*all) + all->n_symbols * sizeof(*all->symbols) + all->names_size;
	module->symbols = all;
	module->has_shared_symbols =
		modules->cache && fd >= 0 && cryo_symbols_cache_add(modules->cache, fd, all, size);
	return 0;
}

static int load(const struct cryo_modules *modules, struct cryo_module *module)
{
	int fd = cryo_module_fd(modules, module);

	if (modules->cache && fd >= 0)
		module->symbols = cryo_symbols_cache_find(modules->cache, fd);
	module->has_shared_symbols = module->symbols;
	return module->symbols ? 0 : load_new(modules, module, fd);
}

/* The number of symbols that begin at or before an address. */
static size_t begun(const struct cryo_symbols *all, uint64_t address)
{
	size_t low = 0, high = all->n_symbols;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int cryo_symbol_find(const struct cryo_modules *modules, struct cryo_module *module,
	uint64_t address, const char **ret_name, uint64_t *ret_offset)
{
	uint64_t linked = address - module->bias;
	size_t i;
	int r = module->symbols ? 0 : load(modules, module);

	if (r < 0)
		return r;
	i = begun(module->symbols, linked);
	for (size_t step = 0; i > 0 && step < STEPS_BACK; i--, step++) {
		const struct symbol *symbol = &module->symbols->symbols[i - 1];

		if (linked - symbol->start >= symbol->size)
			continue;
		*ret_name = module->symbols->names + symbol->name;
		*ret_offset = linked - symbol->start;
		return 0;
	}
	return -ENOENT;
}

void cryo_symbols_free(struct cryo_symbols *all)
{
	if (!all)
		return;
	free(all->symbols);
	free(all->names);
	free(all);
}
