// SPDX-License-Identifier: MIT
/*
 * PT_GNU_EH_FRAME is a header (version, three encodings, pointer to .eh_frame, count) and then the
 * table that a binary search wants (Linux Standard Base, "The .eh_frame_hdr section"). Every linker
 * writes it as 32-bit offsets from the header, and glibc, libgcc and libunwind read no other form.
 *
 * `gcc -static` makes none, since libgcc finds .eh_frame by a symbol there. Then the section
 * headers of the file tell where .eh_frame is, libdw walks it, and the table is made here.
 * libunwind is not to know: it reads it like any other, at an address that no process can have.
 */
#include "stacks/eh_table.h"

#include <dwarf.h>
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "stacks/libdw_api.h"

enum {
	EH_FRAME_MAX = 256 << 20, /* bytes of .eh_frame that are walked */
	PAIR = sizeof(struct cryo_eh_pair),
};

struct eh_header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	uint32_t frame;
	uint32_t count;
};

static int read_header(
	const struct cryo_module *module, struct cryo_view *view, struct cryo_eh_table *table)
{
	const struct cryo_phdr *phdr = cryo_image_phdr(&module->image, PT_GNU_EH_FRAME);
	struct eh_header header;
	uint64_t at;

	if (!phdr || phdr->memsz < sizeof(header))
		return -ENOENT;
	at = module->bias + phdr->vaddr;
	if (cryo_view_read(view, at, &header, sizeof(header)) < 0)
		return -EFAULT;
	if (header.version != 1 || (header.frame_encoding & 7) != DW_EH_PE_udata4 ||
		header.count_encoding != DW_EH_PE_udata4 ||
		header.table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return -ENOENT;
	table->base = at;
	table->address = at + sizeof(header);
	table->count = le32toh(header.count);
	return table->count > 0 && table->count <= phdr->memsz / PAIR ? 0 : -ENOENT;
}

/* How the CIE at an offset says that its FDEs encode addresses. */
struct cie {
	uint64_t offset;
	uint8_t encoding;
};

/* The walk over one .eh_frame. */
struct walk {
	const struct cryo_module *module;
	const uint8_t *data;
	size_t size;
	uint64_t address; /* of the section, in the target */
	struct cie *cies;
	size_t n_cies;
	struct cryo_eh_table *table;
};

/* The byte behind 'R' in the augmentation data ("zPLR": each letter has its own data). */
static uint8_t fde_encoding(const Dwarf_CIE *cie, size_t word)
{
	const uint8_t *data = cie->augmentation_data;
	const uint8_t *end = data + cie->augmentation_data_size;

	if (!data || cie->augmentation[0] != 'z')
		return DW_EH_PE_absptr;
	for (const char *letter = cie->augmentation + 1; *letter && data < end; letter++) {
		if (*letter == 'R')
			return *data;
		if (*letter == 'L')
			data++;
		if (*letter == 'P')
			data += 1 + ((*data & 7) == DW_EH_PE_absptr          ? word
					    : (*data & 7) == DW_EH_PE_udata8 ? 8
					    : (*data & 7) == DW_EH_PE_udata2 ? 2
									     : 4);
	}
	return DW_EH_PE_absptr;
}

static int add_cie(struct walk *walk, uint64_t offset, const Dwarf_CIE *entry)
{
	struct cie *cie = cryo_array_add(walk->cies, walk->n_cies);

	if (!cie)
		return -ENOMEM;
	cie->offset = offset;
	cie->encoding = fde_encoding(entry, walk->module->image.elf_class == ELFCLASS64 ? 8 : 4);
	return 0;
}

static const struct cie *find_cie(const struct walk *walk, uint64_t offset)
{
	size_t low = 0, high = walk->n_cies;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->cies[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && walk->cies[low - 1].offset == offset ? &walk->cies[low - 1] : NULL;
}

/* An encoded address; false for a form that no compiler uses here. */
static bool decode(const struct walk *walk, const uint8_t *at, uint8_t encoding, uint64_t *ret)
{
	bool wide = walk->module->image.elf_class == ELFCLASS64;
	bool eight = (encoding & 7) == DW_EH_PE_udata8 || ((encoding & 7) == 0 && wide);
	size_t left = walk->size - (size_t)(at - walk->data);
	uint64_t value;
	uint32_t half;

	if (((encoding & 7) != DW_EH_PE_udata4 && (encoding & 7) != 0 && !eight) ||
		left < (eight ? sizeof(value) : sizeof(half)))
		return false;
	memcpy(&value, at, eight ? sizeof(value) : sizeof(half));
	memcpy(&half, at, sizeof(half));
	if (eight)
		value = le64toh(value);
	else
		value = encoding & 8 ? (uint64_t)(int32_t)le32toh(half) : le32toh(half);
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		*ret = walk->address + (uint64_t)(at - walk->data) + value;
	else
		*ret = walk->module->bias + value;
	return (encoding & 0x70) == DW_EH_PE_pcrel || (encoding & 0x70) == 0;
}

static int add_fde(struct walk *walk, uint64_t offset, const Dwarf_FDE *fde)
{
	const struct cie *cie = find_cie(walk, fde->CIE_pointer);
	struct cryo_eh_table *table = walk->table;
	uint64_t first, entry = walk->address + offset;
	struct cryo_eh_pair *pair;
	int64_t to_first, to_fde;

	if (!cie || !decode(walk, fde->start, cie->encoding, &first))
		return 0;
	to_first = (int64_t)(first - table->base);
	to_fde = (int64_t)(entry - table->base);
	if (to_first != (int32_t)to_first || to_fde != (int32_t)to_fde)
		return 0;
	pair = cryo_array_add(table->made, table->count);
	if (!pair)
		return -ENOMEM;
	*pair = (struct cryo_eh_pair){(int32_t)to_first, (int32_t)to_fde};
	return 0;
}

static int walk_entries(struct walk *walk, const unsigned char *ident, Elf_Data *data)
{
	Dwarf_Off at = 0, next;
	const struct cryo_libdw_api *api;
	Dwarf_CFI_Entry entry;
	int r = cryo_libdw_api_get(&api);

	while (r == 0 && api->dwarf_next_cfi(ident, data, true, at, &next, &entry) == 0 &&
		next > at) {
		if (dwarf_cfi_cie_p(&entry))
			r = add_cie(walk, at, &entry.cie);
		else
			r = add_fde(walk, at, &entry.fde);
		at = next;
	}
	return r;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct cryo_eh_pair *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *ret_shdr)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *found;

		if (!gelf_getshdr(scn, ret_shdr))
			continue;
		found = elf_strptr(elf, names, ret_shdr->sh_name);
		if (found && strcmp(found, name) == 0)
			return scn;
	}
	return NULL;
}

static int make_table(
	const struct cryo_module *module, Elf *elf, uint64_t synthetic, struct cryo_eh_table *table)
{
	struct walk walk = {.module = module, .table = table};
	const char *ident = elf_getident(elf, NULL);
	GElf_Shdr shdr;
	Elf_Scn *scn = find_section(elf, ".eh_frame", &shdr);
	Elf_Data *data;
	int r;

	if (!ident || !scn || shdr.sh_type == SHT_NOBITS || shdr.sh_size > EH_FRAME_MAX)
		return -ENOENT;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf)
		return -ENOENT;
	walk.data = data->d_buf;
	walk.size = data->d_size;
	walk.address = module->bias + shdr.sh_addr;
	table->base = module->bias + module->image.link_base;
	table->address = synthetic;
	r = walk_entries(&walk, (const unsigned char *)ident, data);
	free(walk.cies);
	if (r < 0 || table->count == 0)
		return r < 0 ? r : -ENOENT;
	qsort(table->made, table->count, PAIR, compare_pairs);
	return 0;
}

static int from_file(
	const struct cryo_modules *all, struct cryo_module *module, struct cryo_eh_table *table)
{
	uint64_t synthetic = CRYO_EH_SYNTHETIC + ((uint64_t)(module - all->modules) << 32);
	int fd = cryo_module_fd(all, module), r;
	Elf *elf;

	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return -ENOENT;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -ENOENT;
	r = make_table(module, elf, synthetic, table);
	elf_end(elf);
	return r;
}

static int find_table(const struct cryo_modules *all, struct cryo_module *module,
	struct cryo_view *view, struct cryo_eh_table *table)
{
	bool unreadable = false;
	int r = read_header(module, view, table);

	if (r < 0) {
		unreadable = r == -EFAULT;
		*table = (struct cryo_eh_table){0};
		r = from_file(all, module, table);
	}
	if (r < 0) {
		table->count = 0;
		table->unreadable = unreadable;
	}
	return r == -ENOMEM ? r : 0;
}

/* A table of no pairs is kept too: what was not there once need not be looked for again. */
int cryo_eh_table_get(const struct cryo_modules *all, struct cryo_module *module,
	struct cryo_view *view, const struct cryo_eh_table **ret_table)
{
	_cleanup_free_ struct cryo_eh_table *table = NULL;
	int r;

	if (!module->table) {
		table = calloc(1, sizeof(*table));
		if (!table)
			return -ENOMEM;
		r = find_table(all, module, view, table);
		module->table = steal_ptr(table);
		if (r < 0)
			return r;
	}
	*ret_table = module->table;
	if (module->table->count)
		return 0;
	return module->table->unreadable ? -EFAULT : -ENOENT;
}

void cryo_eh_table_free(struct cryo_eh_table *table)
{
	if (table)
		free(table->made);
	free(table);
}

static ssize_t tables_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	const struct cryo_modules *all = ((struct cryo_view_tables *)view)->modules;
	uint64_t index = (address - CRYO_EH_SYNTHETIC) >> 32, offset = (uint32_t)address;
	const struct cryo_eh_table *table;

	if (address < CRYO_EH_SYNTHETIC || index >= all->n_modules)
		return -EFAULT;
	table = all->modules[index].table;
	if (!table || !table->made || offset >= table->count * PAIR)
		return -EFAULT;
	if (size > table->count * PAIR - offset)
		size = table->count * PAIR - offset;
	memcpy(data, (uint8_t *)table->made + offset, size);
	return (ssize_t)size;
}

struct cryo_view_tables cryo_view_tables(const struct cryo_modules *modules)
{
	return (struct cryo_view_tables){.view = {tables_read}, .modules = modules};
}
