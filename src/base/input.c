// SPDX-License-Identifier: MIT
/*
 * Frames of zstd may follow each other (RFC 8878, section 3); a file that ends between two of them
 * is whole. The window is bounded as that of zstd -d is: what asks for more is refused as damaged.
 */
#include "base/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/zstd_api.h"

enum {
	ROOM = 1 << 17,
	WINDOW_LOG_MAX = 27,
};

static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};

struct cryo_input {
	int fd;
	const struct cryo_zstd_api *api;
	ZSTD_DStream *zstd; /* NULL: it is not compressed */
	bool in_frame;
	int error;
	size_t start, end; /* of what was read and not used */
	uint8_t raw[ROOM];
};

static ssize_t fill(struct cryo_input *input)
{
	ssize_t n = cryo_io_read(input->fd, input->raw, ROOM);

	input->start = 0;
	input->end = n < 0 ? 0 : (size_t)n;
	return n;
}

static int start_zstd(struct cryo_input *input)
{
	int r = cryo_zstd_api_get(&input->api);

	if (r < 0)
		return r;
	input->zstd = input->api->ZSTD_createDStream();
	if (!input->zstd)
		return -ENOMEM;
	input->api->ZSTD_DCtx_setParameter(input->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return 0;
}

int cryo_input_open(int fd, struct cryo_input **ret_input)
{
	struct cryo_input *input = calloc(1, sizeof(*input));
	ssize_t n;

	if (!input)
		return -ENOMEM;
	input->fd = fd;
	n = fill(input);
	if (n >= (ssize_t)sizeof(magic) && memcmp(input->raw, magic, sizeof(magic)) == 0)
		n = start_zstd(input);
	if (n < 0)
		cryo_input_close(input);
	else
		*ret_input = input;
	return n < 0 ? (int)n : 0;
}

bool cryo_input_is_compressed(const struct cryo_input *input)
{
	return input->zstd;
}

static size_t read_plain(struct cryo_input *input, uint8_t *data, size_t size)
{
	size_t there = input->end - input->start, step = there < size ? there : size;

	memcpy(data, input->raw + input->start, step);
	input->start += step;
	return step;
}

static size_t read_zstd(struct cryo_input *input, uint8_t *data, size_t size)
{
	ZSTD_outBuffer out = {data, size, 0};
	ZSTD_inBuffer in = {input->raw, input->end, input->start};
	size_t left = input->api->ZSTD_decompressStream(input->zstd, &out, &in);

	input->start = in.pos;
	input->in_frame = left != 0;
	if (input->api->ZSTD_isError(left))
		input->error = -EBADMSG;
	return out.pos;
}

/* Whether there is nothing more to come; what was read may still wait inside of the decompressor.
 */
static bool is_at_end(struct cryo_input *input)
{
	ssize_t n;

	if (input->start < input->end)
		return false;
	n = fill(input);
	if (n < 0)
		input->error = (int)n;
	return n <= 0;
}

ssize_t cryo_input_read(struct cryo_input *input, void *data, size_t size)
{
	size_t done = 0, step;

	while (done < size && input->error == 0) {
		bool end = is_at_end(input);

		if (end && (!input->zstd || !input->in_frame))
			break;
		step = input->zstd ? read_zstd(input, (uint8_t *)data + done, size - done)
				   : read_plain(input, (uint8_t *)data + done, size - done);
		done += step;
		if (end && step == 0 && input->error == 0)
			input->error = -ENODATA;
	}
	return done || input->error == 0 ? (ssize_t)done : input->error;
}

void cryo_input_close(struct cryo_input *input)
{
	if (!input)
		return;
	if (input->zstd)
		input->api->ZSTD_freeDStream(input->zstd);
	free(input);
}
