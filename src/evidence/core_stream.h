// SPDX-License-Identifier: MIT
/*
 * A core on its way from the capture, as a sparse stream, into a sink that has no files of its own:
 * an archive.
 */
#pragma once

#include "elf/core_keep.h"
#include "evidence/deposit.h"

/**
 * cryo_core_stream_store - take a sparse stream into a file of a sink.
 * @fd: where cryocore_options.sparse_stream goes; read to its end, whatever happens to the sink,
 *	so that the capture is never held by us
 * @path: of the file
 * @keep: if not NULL, begun here, and fed with what passes; the caller's to clear
 * @ret_sum: size and digest of what stands there, also where the rest is zeros; as it was if
 * nothing does
 *
 * Returns 0; 1 if the stream ended early: the rest of the file is zeros and it is abandoned;
 * -ENODATA if there was not even a beginning, and no file; -EBADMSG (not such a stream); -ENOMEM;
 * or -errno of read(2) or the sink.
 */
int cryo_core_stream_store(int fd, struct cryo_sink *sink, const char *path,
	struct cryo_core_keep *keep, struct cryo_deposit_sum *ret_sum);
