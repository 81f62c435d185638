// SPDX-License-Identifier: MIT
/*
 * A libzstd that was built without threads refuses to have any, and nothing is lost.
 */
#include "base/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/zstd_api.h"

enum {
	WORKERS_MAX = 4,
};

struct cryo_packer {
	const struct cryo_zstd_api *api;
	ZSTD_CCtx *zstd;
	cryo_packer_put *put;
	void *user;
	int error;
	size_t room_size;
	char room[];
};

static void set_workers(struct cryo_packer *packer)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (processors > 1)
		packer->api->ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_nbWorkers,
			processors < WORKERS_MAX ? (int)processors : WORKERS_MAX);
}

static struct cryo_packer *allocate(const struct cryo_zstd_api *api)
{
	size_t room_size = api->ZSTD_CStreamOutSize();
	struct cryo_packer *packer = calloc(1, sizeof(*packer) + room_size);

	if (!packer)
		return NULL;
	packer->api = api;
	packer->room_size = room_size;
	packer->zstd = api->ZSTD_createCCtx();
	if (packer->zstd)
		return packer;
	free(packer);
	return NULL;
}

int cryo_packer_ready(void)
{
	const struct cryo_zstd_api *api;

	return cryo_zstd_api_get(&api);
}

int cryo_packer_new(int level, cryo_packer_put *put, void *user, struct cryo_packer **ret_packer)
{
	const struct cryo_zstd_api *api;
	struct cryo_packer *packer;
	int r = cryo_zstd_api_get(&api);

	if (r < 0)
		return r;
	packer = allocate(api);
	if (!packer)
		return -ENOMEM;
	packer->put = put;
	packer->user = user;
	api->ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
	set_workers(packer);
	if (api->ZSTD_isError(
		    api->ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, level))) {
		cryo_packer_free(packer);
		return -EINVAL;
	}
	*ret_packer = packer;
	return 0;
}

/* Give the compressor input and take what it has. What it still holds back, or 0 after an error. */
static size_t step(struct cryo_packer *packer, ZSTD_inBuffer *in, ZSTD_EndDirective directive)
{
	ZSTD_outBuffer out = {packer->room, packer->room_size, 0};
	size_t left = packer->api->ZSTD_compressStream2(packer->zstd, &out, in, directive);

	if (packer->api->ZSTD_isError(left)) {
		packer->error = -ENOMEM;
		return 0;
	}
	if (out.pos)
		packer->error = packer->put(packer->user, packer->room, out.pos);
	return packer->error ? 0 : left;
}

int cryo_packer_write(struct cryo_packer *packer, const void *data, size_t size)
{
	ZSTD_inBuffer in = {data, size, 0};

	while (in.pos < in.size && packer->error == 0)
		step(packer, &in, ZSTD_e_continue);
	return packer->error;
}

int cryo_packer_finish(struct cryo_packer *packer)
{
	ZSTD_inBuffer none = {NULL, 0, 0};

	while (packer->error == 0 && step(packer, &none, ZSTD_e_end))
		;
	return packer->error;
}

void cryo_packer_free(struct cryo_packer *packer)
{
	if (!packer)
		return;
	packer->api->ZSTD_freeCCtx(packer->zstd);
	free(packer);
}
