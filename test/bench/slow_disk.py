# SPDX-License-Identifier: MIT
"""A disk that is slow: an ext4 on a loop device that the block layer holds to a rate (cgroup v1, blkio
throttle of the root; a root of cgroup v2 has no such file)."""

import contextlib
import os
import subprocess
import tempfile

RATE = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device'
SIZE = 32 << 30  # of the file below it, which is sparse
KIND = 'a disk of %d MiB/s (ext4)'


class NotHere(RuntimeError):
    """This machine cannot do it."""


def hold_to(number, rate):
    with open(RATE, 'w', encoding='ascii') as file:
        file.write('%s %d' % (number, rate))


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def mounted(rate):
    """Its directory. @rate: MiB/s."""
    if os.geteuid() != 0 or not os.path.exists(RATE):
        raise NotHere('a slow disk takes root and the blkio controller of cgroup v1 (%s)' % RATE)
    with tempfile.TemporaryDirectory(prefix='cryocore-slow-', dir='/var/tmp') as base, \
            contextlib.ExitStack() as undo:
        image, directory = os.path.join(base, 'image'), os.path.join(base, 'disk')
        os.mkdir(directory)
        with open(image, 'wb') as file:
            file.truncate(SIZE)
        run('mkfs.ext4', '-q', '-F', image)
        device = run('losetup', '-f', '--show', image)
        undo.callback(run, 'losetup', '-d', device)
        run('mount', device, directory)
        undo.callback(run, 'umount', directory)
        with open('/sys/block/%s/dev' % os.path.basename(device), encoding='ascii') as file:
            number = file.read().strip()
        hold_to(number, rate << 20)
        undo.callback(hold_to, number, 0)
        yield directory
