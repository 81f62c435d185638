// SPDX-License-Identifier: MIT
// cc example.c $(pkg-config --cflags --libs cryocore) && ./a.out 4242
#include <cryocore/cryocore.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct cryocore_result *result;
	enum cryocore_outcome outcome;
	pid_t pid;

	if (argc != 2 || cryocore_parse_pid(argv[1], &pid) < 0)
		return 64;
	if (cryocore_capture(pid, NULL, &result) < 0)
		return 2;
	for (size_t i = 0; i < result->n_messages; i++)
		fprintf(stderr, "%s\n", result->messages[i].text);
	printf("%s: %llu threads\n", result->core_path ? result->core_path : "no core",
		(unsigned long long)result->n_threads);
	outcome = result->outcome;
	cryocore_result_free(result);
	return (int)outcome;
}
