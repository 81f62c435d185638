// SPDX-License-Identifier: MIT
/* sparse_capture PID [CONTENT]: a core as a sparse stream on stdout, by the library. */
#include <cryocore/cryocore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct cryocore_options options;
	struct cryocore_result *result = NULL;
	int outcome;

	if (argc < 2)
		return 64;
	cryocore_options_init(&options);
	options.stream_fd = STDOUT_FILENO;
	options.sparse_stream = true;
	options.content = argv[2];
	if (cryocore_capture(atoi(argv[1]), &options, &result) < 0)
		return 2;
	for (size_t i = 0; i < result->n_messages; i++)
		fprintf(stderr, "%s\n", result->messages[i].text);
	outcome = (int)result->outcome;
	cryocore_result_free(result);
	return outcome;
}
