# SPDX-License-Identifier: MIT
"""Whether a core shows what its target had in memory: a fast dump of the wrong bytes is no dump."""

import bisect
import mmap
import os
import random
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
import corefile  # noqa: E402 pylint: disable=wrong-import-position

PAGE = 4096
MASK = (1 << 64) - 1
SAMPLES = 1024


class Wrong(Exception):
    """What is wrong with the core."""


def word(address):
    """bench_word() of bench.c."""
    z = (address + 0x9e3779b97f4a7c15) & MASK
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return z ^ (z >> 31)


def full(page):
    return struct.pack('<512Q', *(word(page + at) for at in range(0, PAGE, 8)))


def full_if(one_in):
    return lambda page: full(page) if word(page + 1) % one_in == 0 else bytes(PAGE)


EXPECTED = {
    'all': full,
    'half': full_if(2),
    'comb': lambda page: full(page) if page // PAGE % 2 == 0 else bytes(PAGE),
    'tenth': full_if(10),
    'head': lambda page: struct.pack('<Q', word(page)) + bytes(PAGE - 8),
}


class Memory:
    """The segments of a core, found by address in logarithmic time."""

    def __init__(self, core):
        self.core = core
        self.loads = sorted(core.loads, key=lambda segment: segment.vaddr)
        self.starts = [segment.vaddr for segment in self.loads]

    def page(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        segment = self.loads[at]
        if at < 0 or address - segment.vaddr + PAGE > segment.filesz:
            raise Wrong('nothing at %#x' % address)
        return self.core.at(segment.offset + address - segment.vaddr, PAGE)


def sample(start, end, count):
    pages = (end - start) // PAGE
    chosen = {0, pages - 1} | {random.randrange(pages) for _ in range(count)}
    return (start + PAGE * page for page in chosen)


def check_ranges(core, ranges):
    memory = Memory(core)
    for start, end, kind in ranges:
        for page in sample(start, end, SAMPLES // len(ranges)):
            if memory.page(page) != EXPECTED[kind](page):
                raise Wrong('other bytes at %#x' % page)


def check_markers(path, target, count):
    pattern = re.compile(b'cryobench-%s-([0-9]{6})' % target.nonce.encode())
    with open(path, 'rb') as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = {match.group(1) for match in pattern.finditer(data)}
    if len(found) < count:
        raise Wrong('%d of %d markers' % (len(found), count))


def check(path, target):
    """Raise Wrong if the file is no whole core of the target."""
    try:
        core = corefile.Core(path)
    except (OSError, ValueError, struct.error) as error:
        raise Wrong('no core: %s' % error) from error
    try:
        if core.size < core.end_of_data:
            raise Wrong('cut at %#x of %#x' % (core.size, core.end_of_data))
        if not core.threads or target.threads and len(core.threads) != target.threads:
            raise Wrong('%d threads' % len(core.threads))
        if target.ranges:
            check_ranges(core, target.ranges)
        if target.nonce:
            check_markers(path, target, 1000)
    except ValueError as error:
        raise Wrong(str(error)) from error
    finally:
        core.close()
