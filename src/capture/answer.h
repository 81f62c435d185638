// SPDX-License-Identifier: MIT
/*
 * A file server that answers nobody: whoever asks it anything may never come back, and a child that
 * cannot die can be left behind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_answer_is_given - whether the file system of a path, which need not exist, answers.
 * @procfs: to look at who asks it
 *
 * Only a server is asked, by a child, and for some seconds.
 */
bool cryo_answer_is_given(int procfs, const char *path);

/**
 * struct cryo_asking - a server that is asked again and again. All zero: not yet.
 * @child: who asks now; 0: nobody
 * @since, @again: when that was begun, and when it is to be done again
 */
struct cryo_asking {
	pid_t child;
	uint64_t since, again;
};

/* Ask, or look whether there is an answer; does not wait. How long there has been none, in ns. */
uint64_t cryo_asking_look(struct cryo_asking *asking, const char *path);

/* Ask no more. */
void cryo_asking_end(struct cryo_asking *asking, int procfs);
