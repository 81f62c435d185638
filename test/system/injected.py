# SPDX-License-Identifier: MIT
"""What the tests of faults and of kills share: one run of cryocore that is harmed at one call.

The list of calls is taken from a run that nobody harms. Which of them are tried is a sample, the
same in every run; ALL=1 in the environment tries each.
"""

import contextlib
import os
import random
import struct

from corefile import Core
from harness import (BUILD, COMPLETE, CRYOCORE, NOTHING, PARTIAL, Run, Skip, Victim, peek,
                     processes_named, read_bytes, start, status_of, tids_of, wait_until)

INJECT = os.path.join(BUILD, 'test/inject/inject')
SECONDS = 120
# The kernel writes the number of the processor into a thread's memory when it goes on (rseq(2)).
QUIET = {'GLIBC_TUNABLES': 'glibc.pthread.rseq=0'}
KEPT = ('SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'TracerPid')
# The roles: in the order in which the processes are made. Threads have higher ones.
SUPERVISOR, READER, TRACER = range(3)
FIRST_THREAD = 100
ROLES = ('supervisor', 'reader', 'tracer')


class Call:
    def __init__(self, line):
        role, index, number, path = line.split(' ', 3)
        self.role, self.index, self.number, self.path = int(role), int(index), int(number), path

    def __str__(self):
        return '%s, call %d (%s)' % (
            ROLES[self.role] if self.role < 3 else 'task %d' % self.role, self.index,
            NAMES.get(self.number, self.number))


NAMES = {0: 'read', 1: 'write', 3: 'close', 5: 'fstat', 7: 'poll', 8: 'lseek', 9: 'mmap',
         10: 'mprotect', 11: 'munmap', 12: 'brk', 13: 'rt_sigaction', 14: 'rt_sigprocmask',
         16: 'ioctl', 17: 'pread64', 18: 'pwrite64', 20: 'writev', 38: 'setitimer', 44: 'sendto',
         45: 'recvfrom', 53: 'socketpair', 56: 'clone', 61: 'wait4', 72: 'fcntl', 77: 'ftruncate',
         101: 'ptrace', 157: 'prctl', 217: 'getdents64', 228: 'clock_gettime', 247: 'waitid',
         257: 'openat', 262: 'newfstatat', 263: 'unlinkat', 264: 'renameat', 265: 'linkat',
         267: 'readlinkat', 269: 'faccessat', 310: 'process_vm_readv', 316: 'renameat2',
         319: 'memfd_create', 321: 'bpf', 332: 'statx', 434: 'pidfd_open', 435: 'clone3',
         439: 'faccessat2', 33: 'dup2', 430: 'fsopen', 431: 'fsconfig', 432: 'fsmount'}


def look(victim):
    """All that has to be the same afterwards."""
    seen = {}
    for tid in tids_of(victim.pid):
        status = status_of(victim.pid, tid)
        seen[tid] = [status.get(key) for key in KEPT] + [status.get('State', '?')[0]]
    seen['SIGCHLD'] = peek(victim.number('parent'), victim.number('sigchld'))
    return seen


def need_inject():
    if not os.path.exists(INJECT):
        raise Skip('the injector knows the registers of x86_64 only')


def is_parked(pid):
    """All threads are in pause(2), and no longer on the way there."""
    return all(read_bytes('/proc/%d/task/%d/syscall' % (pid, tid)).startswith(b'34 ')
               for tid in tids_of(pid))


def resting(*words):
    """A victim, and how it looks when it has come to rest."""
    victim = Victim('parent', *words, env=dict(os.environ, **QUIET))
    wait_until(lambda: is_parked(victim.pid) or victim.states() == {'T'}, 'the victim to rest')
    if victim.states() == {'T'}:
        wait_until(lambda: peek(victim.number('parent'), victim.number('sigchld')),
                   'the parent to hear of the stop')
    return victim, look(victim)


def harmed(victim, role, index, action, value, *options):
    """A run of cryocore with one call harmed: what it came to, and what inject says."""
    read, write = os.pipe()
    words = [INJECT, role, index, action, value, CRYOCORE, '--timeout', 20, '-o', 'out', *options,
             victim.pid]
    process = start(['bash', '-c', 'exec 9>&%d; exec "$@"' % write, 'bash'] + [str(w) for w in words],
                    stdin=-3, stdout=-1, stderr=-1, pass_fds=(write,))
    os.close(write)
    with os.fdopen(read) as results:
        told = results.read()
    out, err = process.communicate(timeout=SECONDS)
    return Run(process.returncode, out.decode(), err.decode(), 0), told


def calls_of(victim):
    """The calls of a whole run, and the core that it made."""
    result, told = harmed(victim, 0, 0, 'list', 0)
    if result.status != COMPLETE:
        raise AssertionError('an unharmed run fails: %s' % result)
    os.rename('out.%d' % victim.pid, 'reference')
    os.unlink('out.%d.exe' % victim.pid)
    return [Call(line) for line in told.splitlines()], Core('reference')


def sample(things, count):
    things = list(things)
    if os.environ.get('ALL') or len(things) <= count:
        return things
    chosen = set(random.Random(4).sample(range(len(things)), count))
    return [thing for i, thing in enumerate(things) if i in chosen]


def difference(reference, path):
    """Why a core is not what an unharmed run made; '' if it is."""
    try:
        core = Core(path)
    except (ValueError, struct.error) as error:
        return 'cannot be read: %s' % error
    if [(o, k, len(d)) for o, k, d in core.notes] != [(o, k, len(d)) for o, k, d in reference.notes]:
        return 'other notes'
    # One that was told to be gone when it was to be stopped is found behind the others.
    if {t.pid: t.regs for t in core.threads} != {t.pid: t.regs for t in reference.threads}:
        return 'other registers'
    shape = [(s.vaddr, s.memsz, s.filesz, s.flags) for s in core.loads]
    if shape != [(s.vaddr, s.memsz, s.filesz, s.flags) for s in reference.loads]:
        return 'other segments'
    for one, other in zip(core.loads, reference.loads):
        if core.at(one.offset, one.filesz) != reference.at(other.offset, other.filesz):
            a, b = core.at(one.offset, one.filesz), reference.at(other.offset, other.filesz)
            at = next(i for i in range(len(a)) if a[i] != b[i])
            return 'other memory at %#x: %s instead of %s' % (
                one.vaddr + at, a[at:at + 16].hex(), b[at:at + 16].hex())
    return '' if core.own else 'no note of our own'


def wrongs(victim, before, result, reference, statuses=(COMPLETE, PARTIAL, NOTHING)):
    """All that is wrong with what a harmed run came to."""
    name, found = 'out.%d' % victim.pid, []
    if result.status not in statuses:
        found.append('status %d' % result.status)
    there = os.path.exists(name)
    if result.status in (COMPLETE, PARTIAL, NOTHING) and there != (result.status != NOTHING):
        found.append('status %d, but the core is%s there' % (result.status, '' if there else ' not'))
    if there and (result.status == COMPLETE or result.status > NOTHING):
        wrong = difference(reference, name)
        found += ['the core: ' + wrong] if wrong else []
    if result.status in (PARTIAL, NOTHING) and not result.err:
        found.append('not a word about why')
    if processes_named(CRYOCORE):
        found.append('processes are left')
    found += untold(name, result)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: look(victim) == before, 'the old state')
    seen = look(victim)
    if seen != before:
        found.append('target altered: %s' % [
            (k, before[k], seen.get(k)) for k in before if before[k] != seen.get(k)])
    return found


def untold(name, result):
    """Files that nobody spoke of, where it could speak."""
    left = [f for f in os.listdir('.') if f.startswith('out')]
    told = result.out + result.err
    for file in left:
        os.unlink(file)
    if result.status > NOTHING:
        return []
    return ['%s is left behind' % f for f in left if f not in (name, name + '.exe')
            and f not in told]
