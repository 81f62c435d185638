// SPDX-License-Identifier: MIT
#include "trace/bpf_sweep.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "trace/bpf_types.h"
#include "trace/btf.h"
#include "trace/libbpf_api.h"

#define LICENCE "Dual MIT/GPL"

/* ---- the kernel ---- */

static int find_function(const struct cryo_btf *kernel, const char *name)
{
	return (int)cryo_btf_find(kernel, name, BTF_KIND_FUNC);
}

/* Whether the table of numbers is one that the program can read. */
static bool find_table(const struct cryo_btf *kernel, struct cryo_bpf_sweep_layout *layout)
{
	uint32_t array, namespace, idr, root, size;

	layout->lock = find_function(kernel, "bpf_rcu_read_lock");
	layout->unlock = find_function(kernel, "bpf_rcu_read_unlock");
	if (!layout->lock || !layout->unlock ||
		!cryo_btf_path(kernel, "task_struct", "thread_pid", &layout->thread_pid, &size) ||
		!cryo_btf_path(kernel, "pid", "level", &layout->level, &size) || size != 4 ||
		!cryo_btf_path(kernel, "pid", "numbers", &array, &size) ||
		!cryo_btf_path(kernel, "upid", "ns", &namespace, &size) ||
		!cryo_btf_path(kernel, "upid", "", &size, &layout->number_size) ||
		!cryo_btf_path(kernel, "pid_namespace", "idr", &idr, &size) ||
		!cryo_btf_path(kernel, "idr", "idr_rt.xa_head", &root, &size) ||
		!cryo_btf_path(kernel, "xa_node", "shift", &layout->shift, &size) || size != 1 ||
		!cryo_btf_path(kernel, "xa_node", "slots", &layout->slots, &size))
		return false;
	layout->namespaces = array + namespace;
	layout->root = idr + root;
	return size == CRYO_BPF_SWEEP_SLOTS * sizeof(void *);
}

static int find_layout(struct cryo_bpf_sweep_layout *layout)
{
	_cleanup_btf_ struct cryo_btf kernel = {0};
	int r = cryo_btf_open(&kernel);

	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	*layout = (struct cryo_bpf_sweep_layout){
		.find = find_function(&kernel, "bpf_task_from_vpid"),
		.release = find_function(&kernel, "bpf_task_release"),
	};
	if (!layout->find || !layout->release)
		return -EOPNOTSUPP;
	layout->has_table = find_table(&kernel, layout);
	return 0;
}

/* ---- the program ---- */

/* What is to be loaded. */
struct recipe {
	int map;
	struct cryo_bpf_sweep_layout layout;
	struct btf *types;
	uint32_t sweep, look; /* among the types */
};

static int load_one(const struct recipe *recipe)
{
	struct cryo_bpf_sweep_program program;
	struct bpf_func_info functions[CRYO_BPF_SWEEP_FUNCTIONS];
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE,
		.prog_btf_fd = (uint32_t)btf__fd(recipe->types), .func_info = functions,
		.func_info_rec_size = sizeof(functions[0]));

	cryo_bpf_sweep_program_make(&recipe->layout, recipe->map, &program);
	for (size_t i = 0; i < program.n_functions; i++)
		functions[i] = (struct bpf_func_info){
			(uint32_t)program.functions[i], i ? recipe->look : recipe->sweep};
	options.func_info_cnt = (uint32_t)program.n_functions;
	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "cryocore_sweep", LICENCE, program.instructions,
		program.count, &options);
}

/* A kernel that refuses to let its table be read can still be asked for each number. */
static int load(struct recipe *recipe)
{
	int r = load_one(recipe);

	if (r >= 0 || !recipe->layout.has_table)
		return r;
	recipe->layout.has_table = false;
	return load_one(recipe);
}

/* ---- the whole ---- */

static int open_map(struct cryo_bpf_sweep *sweep)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	void *seen;

	sweep->map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "cryocore_seen", 4, CRYO_BPF_PID_LIMIT, 1, &options);
	if (sweep->map < 0)
		return sweep->map;
	seen = mmap(NULL, CRYO_BPF_PID_LIMIT, PROT_READ, MAP_SHARED, sweep->map, 0);
	if (seen == MAP_FAILED)
		return -errno;
	sweep->seen = seen;
	return 0;
}

static int open_sweep(struct cryo_bpf_sweep *sweep)
{
	struct recipe recipe = {0};
	int r = open_map(sweep); /* refused without the privilege, before anything is parsed */

	if (r == 0)
		r = find_layout(&recipe.layout);
	if (r < 0)
		return r;
	recipe.map = sweep->map;
	r = cryo_bpf_types_load(&recipe.types, &recipe.sweep, &recipe.look);
	if (r == 0)
		r = sweep->program = load(&recipe);
	btf__free(recipe.types);
	return r < 0 ? r : 0;
}

static int open_silently(struct cryo_bpf_sweep *sweep)
{
	libbpf_print_fn_t print;
	int r = cryo_libbpf_ready();

	if (r < 0)
		return r;
	print = libbpf_set_print(NULL);
	r = open_sweep(sweep);
	libbpf_set_print(print);
	return r;
}

int cryo_bpf_sweep_open(struct cryo_bpf_sweep *ret_sweep)
{
	struct cryo_bpf_sweep sweep = CRYO_BPF_SWEEP_NONE;
	int r = open_silently(&sweep);

	if (r == 0) {
		*ret_sweep = sweep;
		return 0;
	}
	cryo_bpf_sweep_close(&sweep);
	return r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

void cryo_bpf_sweep_close(struct cryo_bpf_sweep *sweep)
{
	if (sweep->seen)
		munmap((void *)(uintptr_t)sweep->seen, CRYO_BPF_PID_LIMIT);
	cryo_cleanup_close(&sweep->map);
	cryo_cleanup_close(&sweep->program);
	*sweep = CRYO_BPF_SWEEP_NONE;
}

int cryo_bpf_sweep_run(const struct cryo_bpf_sweep *sweep, pid_t first, pid_t count)
{
	pid_t before = first % CRYO_BPF_SWEEP_STEP;
	struct cryo_bpf_sweep_context context = {(uint64_t)(first - before),
		(uint64_t)(before + count + CRYO_BPF_SWEEP_STEP - 1) / CRYO_BPF_SWEEP_STEP};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context));

	return bpf_prog_test_run_opts(sweep->program, &options);
}
