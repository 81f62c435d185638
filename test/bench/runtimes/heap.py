# SPDX-License-Identifier: MIT
"""heap.py MIB MARKERS: a Python heap of that size, with markers that a core must contain."""

import os
import sys
import threading
import time

NONCE = os.urandom(8).hex()
LONGEST = [0]


def stamp():
    last = time.monotonic_ns()
    while True:
        time.sleep(0.0005)
        now = time.monotonic_ns()
        LONGEST[0] = max(LONGEST[0], now - last)
        last = now


def main():
    markers = ['cryobench-%s-%06d' % (NONCE, i) for i in range(int(sys.argv[2]))]
    # A dictionary of a string and an integer: some 256 bytes each.
    data = [{'name': 'item %d' % i, 'value': i << 40} for i in range(int(sys.argv[1]) << 12)]
    threading.Thread(target=stamp, daemon=True).start()
    print('nonce=%s\nREADY' % NONCE, flush=True)
    for line in sys.stdin:
        if line == 'reset\n':
            LONGEST[0] = 0
        print('gap=%d' % LONGEST[0], flush=True)
    return len(markers) + len(data) == 0


sys.exit(main())
