# SPDX-License-Identifier: MIT
"""What the tests of --snapshot share."""

import json
import os
import struct

from harness import PAGE, Skip, children_of, cryocore, maps_of, read_bytes, status_of, tids_of, wait_until

# The kernel writes the number of the processor into a thread's memory when it goes on (rseq(2)).
QUIET = dict(os.environ, GLIBC_TUNABLES='glibc.pthread.rseq=0')


def supported():
    release = tuple(int(x) for x in os.uname().release.split('.')[:2])
    if os.uname().machine != 'x86_64':
        raise Skip('snapshots are for x86-64')
    if release < (6, 7):
        raise Skip('pre-copy needs Linux 6.7')


def snapshot(way, victim, *options, prefix='snap', **more):
    run = cryocore('--snapshot=' + way, '--json', '--no-exe', '-f', '-o', prefix, *options,
                   victim.pid, **more)
    return run, json.loads(run.out)


def facts(pid):
    """What must not change: descriptors, signals, threads, flags of mappings."""
    seen = [sorted(os.listdir('/proc/%d/fd' % pid)), tids_of(pid), children_of(pid)]
    for tid in tids_of(pid):
        status = status_of(pid, tid)
        seen.append([status.get(k) for k in ('SigPnd', 'ShdPnd', 'SigBlk', 'SigCgt', 'TracerPid',
                                             'Seccomp')])
    return seen


def protected(pid):
    """Pages with a write protection by a userfaultfd, and mappings with one."""
    smaps = read_bytes('/proc/%d/smaps' % pid).decode('latin-1')
    mappings = sum(bool({'uw', 'um', 'ui'} & set(line.split())) for line in smaps.splitlines()
                   if line.startswith('VmFlags'))
    pages = 0
    with open('/proc/%d/pagemap' % pid, 'rb', buffering=0) as pagemap:
        for start_, end, _, name in maps_of(pid):
            if name.startswith('[v'):
                continue
            data = os.pread(pagemap.fileno(), (end - start_) // PAGE * 8, start_ // PAGE * 8)
            pages += sum(entry >> 57 & 1 for (entry,) in struct.iter_unpack('<Q', data))
    return mappings, pages


def refused(tap, what, victim, status, way='precopy', says='no snapshot'):
    """It is captured the ordinary way, and that is said."""
    before = facts(victim.pid)
    run, result = snapshot(way, victim)
    tap.equal((run.status, result['snapshot']), (status, 'none'), '%s: the ordinary way' % what)
    tap.ok(any('no snapshot' in m['text'] and says in m['text'] for m in result['messages']), '%s: and it is said' % what,
           result['messages'])
    tap.ok(os.path.exists('snap.%d' % victim.pid), '%s: a core' % what)
    tap.equal(facts(victim.pid), before, '%s: the target is as it was' % what)
    return result


def unlike(left, right):
    """What differs between the memory of two cores."""
    found = []
    segments = [[(s.vaddr, s.end, s.filesz, s.flags) for s in core.loads] for core in (left, right)]
    if segments[0] != segments[1]:
        found += sorted(set(segments[0]) ^ set(segments[1]))
    for segment in left.loads:
        for at in range(segment.vaddr, segment.vaddr + segment.filesz, 1 << 20):
            size = min(1 << 20, segment.vaddr + segment.filesz - at)
            one, two = left.read(at, size), right.read(at, size)
            if one != two:
                found += [hex(at + i) for i in range(0, size, PAGE)
                          if one[i:i + PAGE] != two[i:i + PAGE]]
    return found


def rest(victim):
    """All of its threads wait where they always do, and not for a lock or a processor on the way there."""
    if victim.all('thread'):
        victim.wait_parked()
    wait_until(lambda: victim.states() == {'S'}, 'threads to wait')
