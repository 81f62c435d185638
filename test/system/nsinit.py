# SPDX-License-Identifier: MIT
"""A machine of one's own: a pid and mount namespace in which a test may freeze "everything".

The test program runs itself again inside, below a PID 1 that only reaps; when it ends, the kernel
kills whatever is left of the namespace.
"""

import os
import sys

INSIDE = 'CRYOCORE_TEST_INSIDE'


def enter():
    """Return inside the namespace; outside never."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root for a namespace of its own')
        sys.exit(0)
    os.environ[INSIDE] = '1'
    os.execvp('unshare', ['unshare', '--pid', '--mount', '--fork', '--kill-child', '--mount-proc',
                          sys.executable, os.path.abspath(__file__), sys.executable,
                          os.path.abspath(sys.argv[0])] + sys.argv[1:])


def reap(arguments):
    child = os.fork()
    if child == 0:
        os.execv(arguments[0], arguments)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) & 0xff


if __name__ == '__main__':
    sys.exit(reap(sys.argv[1:]))
