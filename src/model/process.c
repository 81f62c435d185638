// SPDX-License-Identifier: MIT
/*
 * The one place that knows what a process owns.
 */
#include "model/process.h"

#include <stdlib.h>

void cryo_process_clear(struct cryo_process *process)
{
	for (size_t i = 0; i < process->n_threads; i++)
		free(process->threads[i].regsets);
	for (size_t i = 0; i < process->n_vmas; i++)
		free(process->vmas[i].name);
	free(process->threads);
	free(process->vmas);
	free(process->auxv);
	free(process->xsave_layout);
	free(process->loose_registers);
	*process = (struct cryo_process){0};
}
