// SPDX-License-Identifier: MIT
#include "model/mapped.h"

#include <stdlib.h>

void cryo_mapped_list_clear(struct cryo_mapped_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->array[i].name);
	free(list->array);
	*list = (struct cryo_mapped_list){0};
}
