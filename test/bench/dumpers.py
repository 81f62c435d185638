# SPDX-License-Identifier: MIT
"""The three ways to a core, each timed in the same manner, and what the machine can do at all."""

import contextlib
import os
import shutil
import subprocess
import threading
import time

import check

OURS = ('cryocore', 'snapshot', 'evidence')
CORE_PATTERN = '/proc/sys/kernel/core_pattern'


class Failed(Exception):
    """A dumper made no core, or a wrong one."""


def read_facts(output):
    return {key: int(value) for key, _, value in
            (line.partition('=') for line in output.splitlines()) if value}


def run_tool(*arguments):
    result = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, DEBUGINFOD_URLS=''), check=False)
    if result.returncode:
        raise Failed('%s ended with %d' % (' '.join(map(str, arguments)), result.returncode))
    return read_facts(result.stdout)


def sync_file(path):
    """Nanoseconds until it is durable."""
    begin = time.monotonic_ns()
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return time.monotonic_ns() - begin


def settle(directory):
    """Begin with nothing of the last measurement left to be written."""
    subprocess.run(['sync', '-f', directory], check=True)


def take_cores(cores, targets, facts, after):
    """Time the fsync, check each core, and remove it."""
    facts['durable_ns'] = facts[after] + sum(sync_file(core) for core in cores)
    facts['core_bytes'] = sum(os.stat(core).st_size for core in cores)
    facts['core_blocks'] = sum(os.stat(core).st_blocks * 512 for core in cores)
    for core, target in zip(cores, targets):
        try:
            check.check(core, target)
        except check.Wrong as error:
            raise Failed('%s: %s' % (core, error)) from error
        os.unlink(core)
    return facts


class Peak:
    """Memory of all processes of one program, each at its highest: an upper bound of their sum."""

    def __init__(self, program):
        self.program, self.highest, self.ended = os.path.realpath(program), {}, False
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.ended:
            for pid in filter(str.isdigit, os.listdir('/proc')):
                with contextlib.suppress(OSError, IndexError):
                    if os.readlink('/proc/%s/exe' % pid) == self.program:
                        self._note(pid)
            time.sleep(0.003)

    def _note(self, pid):
        with open('/proc/%s/status' % pid, encoding='ascii', errors='replace') as file:
            text = file.read()
        self.highest[pid] = int(text.split('VmHWM:')[1].split()[0])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.ended = True
        self.thread.join()


class Program:
    """A dumper that is a program: it leaves PREFIX.PID for each target."""

    kills = False

    def __init__(self, name, tool, command):
        self.name, self.tool, self.command = name, tool, command

    def dump(self, targets, directory):
        prefix = os.path.join(directory, 'core')
        log = os.path.join(directory, 'log')
        command = [word.replace('{prefix}', prefix) for word in self.command]
        settle(directory)
        stamped = [target for target in targets if target.answers and len(targets) == 1]
        for word in ('reset', 'gap', 'reset'):  # what the answers touch is touched now
            for target in stamped:
                target.ask(word)
        before = [target.memory() for target in targets]
        facts = run_tool(self.tool, 'run', log, *command, *self.operands(targets))
        if stamped:
            facts['gap_ns'] = stamped[0].ask('gap')
        if facts['status']:
            with open(log, encoding='utf-8', errors='replace') as file:
                raise Failed('%s: %s' % (self.name, file.read()[-2000:]))
        for key, index in (('rss_growth_kib', 0), ('tables_growth_kib', 1)):
            facts[key] = sum(t.memory()[index] - b[index] for t, b in zip(targets, before))
        cores = [self.core_of(prefix, target.pid) for target in targets]
        return take_cores(cores, targets, facts, 'wall_ns')

    @staticmethod
    def operands(targets):
        return [target.pid for target in targets]

    @staticmethod
    def core_of(prefix, pid):
        return '%s.%d' % (prefix, pid)


class Collection(Program):
    """The evidence of all targets, which is their cores and some 25 files for each."""

    @staticmethod
    def operands(targets):
        return ['-p', ','.join(str(target.pid) for target in targets)]

    @staticmethod
    def core_of(prefix, pid):
        return '%s/proc/%d/core' % (prefix, pid)


class Kernel:
    """The dump of a process that dies by SIGABRT, which is the end of the targets."""

    kills = True
    name = 'kernel'

    def __init__(self, tool):
        self.tool = tool

    def dump(self, targets, directory):
        settle(directory)
        watched = targets[0].directory if len(targets) == 1 else directory
        facts = run_tool(self.tool, 'abort', watched, *(t.pid for t in targets))
        cores = []
        for target in targets:
            if target.pid == target.process.pid:
                target.process.wait()
            names = [n for n in os.listdir(target.directory) if n.startswith('core')]
            if not names:
                raise Failed('the kernel wrote no core: see core(5)')
            cores.append(os.path.join(target.directory, names[0]))
        return take_cores(cores, targets, facts, 'wall_ns')


@contextlib.contextmanager
def kernel_writes_here():
    """Whether the kernel's core goes into the directory of the target; made so where we may."""
    with open(CORE_PATTERN, encoding='utf-8') as file:
        pattern = file.read().rstrip('\n')
    if pattern[:1] not in ('|', '/', '@') and '/' not in pattern and pattern.startswith('core'):
        yield True
        return
    try:
        with open(CORE_PATTERN, 'w', encoding='utf-8') as file:
            file.write('core')
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with open(CORE_PATTERN, 'w', encoding='utf-8') as file:
            file.write(pattern)


def all_dumpers(tool, cryocore, with_kernel):
    """Those that there are here. The kernel's is last: it ends the target."""
    jobs = '--jobs=%d' % min(8, os.cpu_count())
    base = [cryocore, '--no-exe', '--json', jobs, '-o', '{prefix}']
    dumpers = [Program('cryocore', tool, base),
               Collection('evidence', tool, [cryocore, '--all', jobs, '-d', '{prefix}'])]
    usage = subprocess.run([cryocore, '--help'], stdout=subprocess.PIPE, text=True, check=True)
    if '--snapshot' in usage.stdout:
        dumpers.append(Program('snapshot', tool, base + ['--snapshot']))
    if shutil.which('gcore'):
        dumpers.append(Program('gcore', tool, ['gcore', '-o', '{prefix}']))
    if with_kernel:
        dumpers.append(Kernel(tool))
    return dumpers
