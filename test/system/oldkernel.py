# SPDX-License-Identifier: MIT
"""What came after Linux 4.18 is taken away by a filter.

System calls that were added later (their numbers on x86_64 are 335 and up) and the ioctl PAGEMAP_SCAN of
Linux 6.7 fail as they do on a kernel that does not know them.
"""

import ctypes
import errno
import os
import struct

from harness import CRYOCORE, Skip, run

FIRST_NEW, IOCTL, PAGEMAP_SCAN = 335, 16, 0xc0606610
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, EQUAL, GREATER, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, FAIL = 0x7fff0000, 0x00050000

PROGRAM = b''.join(struct.pack('<HBBI', *row) for row in (
    (LOAD, 0, 0, 0),                          # the number
    (GREATER, 4, 0, FIRST_NEW),
    (EQUAL, 0, 2, IOCTL),
    (LOAD, 0, 0, 24),                         # the low half of its second argument
    (EQUAL, 2, 0, PAGEMAP_SCAN),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, FAIL | errno.ENOSYS),
    (RETURN, 0, 0, FAIL | errno.ENOTTY),
))


def become_old():
    """In the child, before it becomes cryocore."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(PROGRAM, len(PROGRAM))

    class Filter(ctypes.Structure):
        _fields_ = [('count', ctypes.c_ushort), ('code', ctypes.c_void_p)]
    program = Filter(len(PROGRAM) // 8, ctypes.cast(code, ctypes.c_void_p))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
            libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program)):
        os._exit(77)


def old(*arguments, **options):
    if os.uname().machine != 'x86_64':
        raise Skip('the numbers of system calls are those of x86_64')
    done = run([CRYOCORE, *arguments], preexec_fn=become_old, **options)
    if done.status == 77:
        raise Skip('no filter can be set here')
    return done
