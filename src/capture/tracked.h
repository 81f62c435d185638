// SPDX-License-Identifier: MIT
/*
 * What tracking by a userfaultfd of ours shows in the list of mappings, taken out of it: the list
 * is then the one that there would be without.
 */
#pragma once

#include "model/process.h"
#include "trace/page_set.h"

/**
 * cryo_tracked_clean - make a tracked process look as it will when the tracking has ended.
 * @ours: its ranges are what is tracked
 *
 * The mappings of these ranges are under a userfaultfd of nobody (CRYO_VM_UFFD), and are one with
 * those that the kernel keeps apart from them for its sake alone.
 */
void cryo_tracked_clean(struct cryo_process *process, const struct cryo_page_set *ours);
