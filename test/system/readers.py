# SPDX-License-Identifier: MIT
"""Programs that read cores, each asked what a person would ask, and the kernel's own core."""

import contextlib
import os
import re
import resource
import shutil
import signal

import corefile
from harness import COMPLETE, PARTIAL, Skip, cryocore, need, need_root, run, state_of, tids_of, wait_until

DEBUGGER_SECONDS = 240


def gdb(core, exe, *commands):
    need('gdb')
    words = ['gdb', '-nx', '-batch', '-iex', 'set debuginfod enabled off',
             '-iex', 'add-auto-load-safe-path /usr', '-ex', 'set pagination off',
             '-ex', 'set width 0', '-ex', 'set print thread-events off']
    for command in commands:
        words += ['-ex', command]
    # PYTHONPATH and the like are for our Python, not for the one inside gdb.
    clean = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    return run(words + [exe, core], seconds=DEBUGGER_SECONDS, env=clean)


def lldb(core, exe, *commands):
    need('lldb')
    words = ['lldb', '-x', '-b']
    for command in commands:
        words += ['-o', command]
    return run(words + ['-c', core, exe], seconds=DEBUGGER_SECONDS)


def check_gdb(tap, core, exe, tids, frames):
    result = gdb(core, exe, 'info threads', 'thread apply all backtrace 60')
    rows = re.findall(r'^[* ] *\d+ .*?(?:LWP|process|Thread) (\d+)', result.out, re.M)
    seen = {int(t) for t in rows + re.findall(r'\(LWP (\d+)\)', result.out)}
    tap.ok(set(tids) <= seen, 'gdb: all %d threads' % len(tids), sorted(set(tids) ^ seen))
    for frame in frames:
        tap.ok(re.search(frame, result.out), 'gdb: a frame of %s' % frame, tail(result))
    bad = re.findall(r'^Cannot access memory.*|.*core file may not match.*|.*is truncated.*',
                     result.out + '\n' + result.err, re.M)
    tap.ok(not bad, 'gdb: no complaint', bad)


def check_lldb(tap, core, exe, tids, frames):
    result = lldb(core, exe, 'thread list', 'thread backtrace all')
    seen = {int(t) for t in re.findall(r'thread #\d+: tid = (\d+)', result.out)}
    tap.ok(set(tids) <= seen, 'lldb: all %d threads' % len(tids), sorted(set(tids) ^ seen))
    for frame in frames:
        tap.ok(re.search(frame, result.out), 'lldb: a frame of %s' % frame, tail(result))


def check_eu_stack(tap, core, exe, tids, frames):
    need('eu-stack')
    # No frame limit that a deep stack would make an error of.
    result = run(['eu-stack', '-n', '200', '--core', core, '-e', exe], seconds=DEBUGGER_SECONDS)
    seen = {int(t) for t in re.findall(r'^TID (\d+):', result.out, re.M)}
    tap.equal(sorted(seen), sorted(tids), 'eu-stack: all %d threads' % len(tids))
    tap.ok(len(re.findall(r'^#0 ', result.out, re.M)) == len(tids), 'eu-stack: a frame of each')
    for frame in frames:
        tap.ok(re.search(frame, result.out), 'eu-stack: a frame of %s' % frame, tail(result))


def check_readelf(tap, core, exe, tids, frames):
    need('readelf', 'eu-readelf')
    result = run(['readelf', '-W', '-h', '-l', '-n', core], seconds=DEBUGGER_SECONDS)
    tap.ok(result.status == 0 and result.out.count('NT_PRSTATUS') == len(tids),
           'readelf: %d NT_PRSTATUS' % len(tids), tail(result))
    result = run(['eu-readelf', '-h', '-l', '-n', core], seconds=DEBUGGER_SECONDS)
    tap.ok(result.status == 0 and len(re.findall(r' PRSTATUS', result.out)) == len(tids)
           and re.search(r' FILE\n +\d+ files:', result.out),
           'eu-readelf: notes, threads and mapped files', tail(result))


DRGN = '''
import sys, drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
for thread in program.threads():
    print("thread", thread.tid)
print("main", program.main_thread().tid)
address = int(sys.argv[2], 0)
print("word", program.read_u64(address))
'''


def check_drgn(tap, core, tids, address, value):
    need('/usr/bin/drgn')
    result = run(['/usr/bin/python3', '-c', DRGN, core, hex(address)], seconds=60)
    seen = [int(t) for t in re.findall(r'^thread (\d+)', result.out, re.M)]
    tap.equal(sorted(seen), sorted(tids), 'drgn: all %d threads' % len(tids))
    tap.ok('word %d\n' % value in result.out, 'drgn: memory', tail(result))


def tail(result):
    return (result.out[-1500:] + result.err[-700:]).strip()


def check_verify(tap, path):
    """It is clean; with a bit of its head turned, and without its end, it is not."""
    tap.equal(cryocore('verify', '-q', path, seconds=120).status, COMPLETE, 'verify: clean')
    with open(path, 'r+b') as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(64 + 40)  # p_memsz of the PT_NOTE
        byte = file.read(1)[0]
        file.seek(64 + 40)
        file.write(bytes([byte ^ 0x10]))
        file.flush()
        tap.equal(cryocore('verify', '-q', path, seconds=120).status, PARTIAL, 'verify: a turned bit')
        file.seek(64 + 40)
        file.write(bytes([byte]))
        file.truncate(size - 1)
        file.flush()
        tap.equal(cryocore('verify', '-q', path, seconds=120).status, PARTIAL, 'verify: a byte less')
        file.truncate(size)


READERS = {
    'gdb': check_gdb,
    'lldb': check_lldb,
    'eu-stack': check_eu_stack,
    'readelf': check_readelf,
}


def contains(core, needle):
    """Whether some memory in the core has these bytes."""
    for segment in core.loads:
        size, at = segment.filesz, 0
        if size > 1 << 30:
            continue
        while at < size:
            data = core.at(segment.offset + at, min(size - at, (1 << 24) + len(needle)))
            if needle in data:
                return True
            at += 1 << 24
    return False


def on_disk(path):
    return os.stat(path).st_blocks * 512


def unlimited_cores():
    """For preexec_fn: the kernel writes a core of any size."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def core_pattern():
    """Cores go into the directory of the process, as a file called core."""
    path = '/proc/sys/kernel/core_pattern'
    with open(path) as file:
        before = file.read()
    if before.strip() != 'core':
        need_root()
        try:
            with open(path, 'w') as file:
                file.write('core')
        except OSError as error:
            raise Skip('kernel.core_pattern cannot be set: %s' % error)
    try:
        yield
    finally:
        if before.strip() != 'core':
            with open(path, 'w') as file:
                file.write(before)


def kernel_core(pid, number, into):
    """Make the process die with a core of the kernel, and move that here; its path."""
    directory = os.readlink('/proc/%d/cwd' % pid)
    names = [os.path.join(directory, n) for n in ('core', 'core.%d' % pid)]
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    os.kill(pid, number)
    wait_until(lambda: state_of(pid) in '?ZX', 'pid %d to die of %s' % (pid, number.name), 120)
    for name in names:
        if os.path.exists(name):
            shutil.move(name, into)
            return into
    raise Skip('the kernel wrote no core of it in %s' % directory)


class Client:
    """A real program that runs, and what its core has to show."""

    def __init__(self, pid, exe=None, frames=(), lldb_frames=(), strings=(),
                 signal_number=signal.SIGABRT):
        self.pid, self.frames, self.lldb_frames = pid, frames, lldb_frames
        self.exe, self.strings, self.signal_number = exe, strings, signal_number


def examine(tap, client, readers=tuple(READERS), more=None, limit=1.1):
    """Capture; let the kernel write its own core at once; then look at ours with every reader."""
    wait_for_disk(client.pid)
    result = cryocore('-o', 'out', client.pid, seconds=120)
    tap.ok(result.status == COMPLETE and not result.err, 'captured', result)
    path = 'out.%d' % client.pid
    there = tids_of(client.pid)
    with tap.group('size'), core_pattern():
        compare_size(tap, client.pid, client.signal_number, path, limit)
    core = corefile.Core(path)
    tids = sorted(t.pid for t in core.threads)
    tap.ok(abs(len(tids) - len(there)) <= 2, 'threads as in /proc', (tids, there))
    for text in client.strings:
        tap.ok(contains(core, text), 'the string %r is in it' % text)
    for name in readers:
        frames = client.lldb_frames if name == 'lldb' else client.frames if name == 'gdb' else ()
        with tap.group(name):
            READERS[name](tap, path, client.exe or path + '.exe', tids, frames)
    with tap.group('drgn'):
        stack = core.threads[0].sp & ~7
        check_drgn(tap, path, tids, stack, core.word(stack))
    if more:
        more(tap, path, path + '.exe')
    core.close()
    check_verify(tap, path)


def wait_for_disk(pid):
    """A thread that waits in D for a page of a library cannot be stopped: the core is partial."""
    wait_until(lambda: all(state_of(pid, t) != 'D' for t in tids_of(pid)),
               'the pages of %d to come from the disk' % pid, 60)


def compare_size(tap, pid, number, path, limit):
    kernel = kernel_core(pid, number, 'kernel.core')
    ours, theirs = on_disk(path), on_disk(kernel)
    tap.ok(ours <= theirs * limit, 'at most %.1f x the core of the kernel' % limit,
           'ours %d, of the kernel %d' % (ours, theirs))
    print('# on disk: ours %d KiB, of the kernel %d KiB' % (ours >> 10, theirs >> 10))
