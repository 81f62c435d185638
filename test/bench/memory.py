# SPDX-License-Identifier: MIT
"""Memory that the machine has. A virtual one may give free pages back to its host at once (free page
reporting, mm/page_reporting.c), and gets them again one fault of the host at a time: then all that a
benchmark shows is the host (a core of 4 GiB on tmpfs took 8.8 s instead of 1.7 s)."""

import contextlib
import mmap
import sys

ORDER = '/sys/module/page_reporting/parameters/page_reporting_order'
NONE_SO_LARGE = '11'  # above MAX_PAGE_ORDER: no block of free pages is reported
NOT_HELD = 'bench: freed memory goes back to the host of this machine: figures are those of the host'


def mem_free():
    with open('/proc/meminfo', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('MemFree:')) << 10


def touch(size):
    """Have the host give what will be used."""
    with contextlib.suppress(OSError, ValueError):
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


@contextlib.contextmanager
def kept(is_quick):
    """What is freed meanwhile stays in this machine, where its kernel allows that. Gives whether the
    machine is one whose host takes memory back and was kept from it, for the report."""
    try:
        with open(ORDER, encoding='ascii') as file:
            order = file.read()
        if is_quick:
            yield False
            return
        with open(ORDER, 'w', encoding='ascii') as file:
            file.write(NONE_SO_LARGE)
    except FileNotFoundError:
        yield False
        return
    except OSError:
        print(NOT_HELD, file=sys.stderr)
        yield False
        return
    try:
        touch(mem_free() * 3 // 4)
        yield True
    finally:
        with open(ORDER, 'w', encoding='ascii') as file:
            file.write(order)
