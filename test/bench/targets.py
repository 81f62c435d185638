# SPDX-License-Identifier: MIT
"""What is dumped: processes of known content, each in a directory of its own."""

import contextlib
import os
import resource
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ALWAYS, SLOWLY, NEVER = range(3)
MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40


class Shape:
    """A row of the benchmark. @full and @quick: arguments. @gcore: whether it is tried: ALWAYS;
    SLOWLY, once; NEVER, since it cannot. @disk: the disk matters. @stamps: it measures its pause.
    @snapshot: --snapshot is measured too.
    """

    def __init__(self, name, title, full, quick, make, group=1, gcore=ALWAYS, disk=False,
                 stamps=True, snapshot=False):
        self.name, self.title, self.full, self.quick = name, title, full, quick
        self.make, self.group, self.gcore = make, group, gcore
        self.disk, self.stamps, self.snapshot = disk, stamps, snapshot

    def command(self, tool, is_quick):
        return self.make(tool, *(self.quick if is_quick else self.full))


def shape(name):
    return lambda tool, size, count: [tool, 'target', name, str(size), str(count)]


def runtime(program, *before):
    """The words of @before may name %d: the most memory that the heap may take, in MiB."""
    path = os.path.join(HERE, 'runtimes', program)
    return lambda tool, size, count: [word.replace('%d', str(8 * size)) for word in before] + [
        path, str(size), str(count)]


SHAPES = [
    Shape('heap', '4 GiB of random heap', (4 * GIB, 0), (64 * MIB, 0), shape('heap'), disk=True,
          snapshot=True),
    Shape('huge', 'the same in huge pages', (4 * GIB, 0), (64 * MIB, 0), shape('huge')),
    Shape('busy', 'the same heap, 10,000 pages written a second', (4 * GIB, 10000),
          (64 * MIB, 10000), shape('busy'), gcore=SLOWLY, snapshot=True),
    Shape('half', '4 GiB, half its pages zero', (4 * GIB, 0), (64 * MIB, 0), shape('half'),
          disk=True),
    Shape('tenth', '8 GiB mapped, a tenth touched', (8 * GIB, 0), (128 * MIB, 0), shape('tenth'),
          gcore=SLOWLY, disk=True),
    Shape('comb', '1 GiB mapped, every second page touched', (GIB, 0), (128 * MIB, 0),
          shape('comb'), gcore=SLOWLY),
    Shape('reserved', '1 TiB reserved, 64 MiB touched', (TIB, 64), (16 * GIB, 4),
          shape('reserved'), gcore=NEVER, snapshot=True),
    Shape('sleep', 'sleep', (), (), lambda tool: ['sleep', '100000'], stamps=False),
    Shape('idle', 'a process that does nothing', (MIB, 0), (MIB, 0), shape('heap'),
          snapshot=True),
    Shape('threads', '1,000 threads', (MIB, 1000), (MIB, 50), shape('threads')),
    Shape('vmas', '60,000 mappings, one in 16 used', (16, 60000), (16, 2000), shape('vmas')),
    Shape('full', '60,000 mappings, all used', (1, 60000), (1, 2000), shape('vmas')),
    Shape('python', 'python with 256 MiB', (256, 1000), (16, 1000),
          runtime('heap.py', 'python3'), snapshot=True),
    Shape('jvm', 'a JVM with 512 MiB', (512, 1000), (16, 1000),
          runtime('Heap.java', 'java', '-Xmx%dm'), gcore=SLOWLY),
    Shape('node', 'node with 256 MiB', (256, 1000), (16, 1000), runtime('heap.js', 'node'),
          gcore=SLOWLY),
    Shape('chromium', 'a renderer of chromium, 64 MiB', (64, 1000), (32, 1000),
          runtime('renderer.py', 'python3'), gcore=NEVER, stamps=False),
    Shape('small', '200 small processes', (MIB, 0), (MIB, 0), shape('heap'), group=200,
          gcore=SLOWLY),
]


class Target:
    """One running process. It ends with close(), or with us."""

    def __init__(self, row, command, directory):
        self.directory, self.ranges, self.threads, self.nonce = directory, [], 0, ''
        os.mkdir(directory)
        self.process = subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.answers = row.stamps
        if command[0] == 'sleep':
            self._wait_for_sleep()
        else:
            self._read_facts()
        resource.prlimit(self.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

    def _read_facts(self):
        for line in self.process.stdout:
            key, _, value = line.strip().partition('=')
            if key == 'READY':
                return
            if key == 'range':
                start, end, kind = value.split(',')
                self.ranges.append((int(start, 16), int(end, 16), kind))
            elif key == 'threads':
                self.threads = int(value)
            elif key == 'nonce':
                self.nonce = value
            elif key == 'pid':  # not always the process that we have started
                self.pid = int(value)
        raise RuntimeError('the target ended before it was ready')

    def _wait_for_sleep(self):
        while True:
            with open('/proc/%d/syscall' % self.pid, encoding='ascii') as file:
                if file.read().split()[0] in ('230', '115'):  # clock_nanosleep on x86_64, aarch64
                    break
            time.sleep(0.001)
        self.threads = 1

    def ask(self, word):
        self.process.stdin.write(word + '\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline().partition('=')[2])

    def memory(self):
        """(resident, page tables) in KiB; VmRSS of status would be a guess."""
        found = {}
        for name in ('smaps_rollup', 'status'):
            with open('/proc/%d/%s' % (self.pid, name), encoding='ascii', errors='replace') as file:
                found.update(line.partition(':')[::2] for line in file)
        return tuple(int(found[key].split()[0]) for key in ('Rss', 'VmPTE'))

    def _end(self):
        """One that has processes of its own ends with its stdin, and these with it."""
        if self.pid != self.process.pid:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.process.kill()

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self._end()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def running(row, tool, is_quick, directory):
    """The processes of a row, ready to be dumped."""
    count = 10 if is_quick and row.group > 1 else row.group
    command, targets = row.command(tool, is_quick), []
    try:
        for number in range(count):
            targets.append(Target(row, command, os.path.join(directory, 'target-%d' % number)))
        yield targets
    finally:
        for target in targets:
            target.close()


def is_available(row):
    program = row.command('/', True)[0]
    if row.name == 'chromium' and not os.path.exists('/usr/lib/chromium/chromium'):
        return False
    return program == '/' or shutil.which(program) is not None
