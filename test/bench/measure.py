# SPDX-License-Identifier: MIT
"""Rounds: each has every dumper once, in an order that turns, on targets that are new."""

import contextlib
import os
import shutil
import sys
import tempfile
import time

import dumpers
import targets


class Bench:
    """All measurements of one run, as they go into the JSON file."""

    def __init__(self, tool, cryocore, is_quick):
        self.tool, self.cryocore, self.is_quick = tool, cryocore, is_quick
        self.samples, self.failures, self.limits = [], [], {}
        self.deadline = None  # what begins later gets one round only

    def note(self, row, where, dumper, number, facts):
        self.samples.append(dict(facts, row=row.name, directory=where, dumper=dumper.name,
                                 round=number))

    def fail(self, row, dumper, error):
        self.failures.append('%s: %s: %s' % (row.title, dumper.name, error))
        print('  ' + self.failures[-1], file=sys.stderr)

    def dump_once(self, row, where, work, dumper, processes, number):
        """Round 0 is not timed: it warms up, and its memory is watched; --quick has none."""
        watch = (number == 0 or self.is_quick) and not dumper.kills
        try:
            peak = dumpers.Peak(self.cryocore)
            with peak if watch else contextlib.nullcontext():
                facts = dumper.dump(processes, work)
        except (dumpers.Failed, OSError) as error:
            self.fail(row, dumper, error)
            return
        if peak.highest:
            facts['peak_kib'] = sum(peak.highest.values())
        self.note(row, where, dumper, number, facts)

    def run_round(self, row, where, work, those, number):
        """gcore has targets of its own: it makes their page tables grow, which others would pay."""
        if number == 0:
            those = [d for d in those if d.name in dumpers.OURS]
        if number > 1 and row.gcore == targets.SLOWLY:
            those = [d for d in those if d.name != 'gcore']
        groups = [[d for d in those if d.name != 'gcore'], [d for d in those if d.name == 'gcore']]
        for group in groups if number % 2 else reversed(groups):
            if not group:
                continue
            with targets.running(row, self.tool, self.is_quick, work) as processes:
                for dumper in group:
                    self.dump_once(row, where, work, dumper, processes, number)

    def run_row(self, row, where, those, rounds):
        if self.deadline and time.monotonic() > self.deadline:
            rounds = 1
        if row.gcore == targets.NEVER or (row.gcore == targets.SLOWLY and self.is_quick):
            those = [dumper for dumper in those if dumper.name != 'gcore']
        if not row.snapshot:
            those = [dumper for dumper in those if dumper.name != 'snapshot']
        if row.group == 1:
            those = [dumper for dumper in those if dumper.name != 'evidence']
        print('%s: %s' % (where, row.title), file=sys.stderr)
        begin = time.monotonic()
        for number in range(1 if self.is_quick else 0, rounds + 1):
            work = tempfile.mkdtemp(prefix='cryocore-bench-', dir=where)
            try:
                self.run_round(row, where, work, those, number)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        print('  %.0f s' % (time.monotonic() - begin), file=sys.stderr)

    def measure_limits(self, where):
        """The best of three of each."""
        size = (64 if self.is_quick else 1024) << 20
        for _ in range(3):
            facts = dumpers.run_tool(self.tool, 'limits', where, size)
            known = self.limits.setdefault(where, facts)
            for key, value in facts.items():
                known[key] = min(known[key], value)

    def run(self, rows, directories, rounds):
        """@rows: gives the rows for a directory."""
        with dumpers.kernel_writes_here() as with_kernel:
            those = dumpers.all_dumpers(self.tool, self.cryocore, with_kernel)
            for where in directories:
                self.measure_limits(where)
                for row in rows(where):
                    self.run_row(row, os.path.abspath(where), those, rounds)
