/* SPDX-License-Identifier: MIT */
/*
 * The parts of bench-tool, which has no reader but scripts/bench. Each is a subcommand; all of them
 * speak lines of KEY=VALUE on stdout.
 */
#pragma once

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t bench_now(void);

/* Print why the last call failed and exit: a measurement of half a thing is none. */
_Noreturn void bench_die(const char *what);

/* The word that stands at an address of a target (splitmix64). test/bench/check.py knows it too. */
uint64_t bench_word(uint64_t address);

/**
 * bench_target - "target SHAPE BYTES COUNT": be a process to be dumped.
 *
 * Prints its facts (see shapes.c), READY, and then answers lines on stdin: "reset" with "ok=1", and
 * "gap" with "gap=NANOSECONDS", the longest time since the reset in which it did not run. Ends with
 * its stdin.
 */
int bench_target(int argc, char **argv);

/* The stamping of the clock (stamp.c): its thread is there from the start, and sleeps until it is
 * reset and after it is read. */
void bench_stamp_start(void);
void bench_stamp_reset(void);
uint64_t bench_stamp_gap(void);

/* "run FILE COMMAND...": run it with stdout and stderr in FILE; wall, CPU and peak memory. */
int bench_run(int argc, char **argv);

/* "abort DIRECTORY PID...": kill by SIGABRT and time the kernel's own dump. */
int bench_abort(int argc, char **argv);

/* "limits DIRECTORY BYTES": what memory and the disk of DIRECTORY can do at all. */
int bench_limits(int argc, char **argv);
