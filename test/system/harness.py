# SPDX-License-Identifier: MIT
"""What the system tests share: TAP, victims, the program under test, and looks at /proc.

A test file is a list of functions marked with @test and a last line run_tests(). A function gets
a Tap and works in a fresh directory; every process that it starts by this module is killed after
it. Arguments of the test program select functions by name.
"""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get('BUILD_ROOT', '.')
CRYOCORE = os.environ.get('CRYOCORE') or os.path.join(BUILD, 'src/cli/cryocore')
VICTIMS = {
    64: os.environ.get('VICTIM') or os.path.join(BUILD, 'test/victim/victim'),
    32: os.environ.get('VICTIM32') or os.path.join(BUILD, 'test/victim/victim32'),
}
CANNOT = 77
COMPLETE, PARTIAL, NOTHING, USAGE = 0, 1, 2, 64
PAGE = os.sysconf('SC_PAGESIZE')
SANITIZED = os.environ.get('SANITIZED') == '1'
# Words of memory that the victim fills with a pattern.
SALT = 0xc0de5eedc0de5eed


# A shell ignores these two for what it runs in the background, and a program that is started inherits it.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class Skip(Exception):
    """The state or tool cannot be had here; the text says why."""


class Tap:
    """One line for each thing checked."""

    def __init__(self):
        self.count = self.failed = 0
        self.prefix = ''

    def ok(self, condition, what, detail=''):
        self.count += 1
        self.failed += not condition
        name = clean(self.prefix + what)
        print('%s %d - %s' % ('ok' if condition else 'not ok', self.count, name))
        if not condition and detail != '':
            for line in str(detail).splitlines()[:30]:
                print('#   ' + clean(line))
        sys.stdout.flush()
        return bool(condition)

    def equal(self, seen, expected, what):
        return self.ok(seen == expected, what, 'expected %s\nseen     %s' % (
            shown(expected), shown(seen)))

    def skip(self, what, reason):
        self.count += 1
        print('ok %d - %s # SKIP %s' % (self.count, clean(self.prefix + what), clean(str(reason))))
        sys.stdout.flush()

    @contextlib.contextmanager
    def group(self, name):
        """A prefix for the names of what is checked inside; a Skip or an error ends the group."""
        outer, self.prefix = self.prefix, self.prefix + name + ': '
        try:
            yield
        except Skip as reason:
            self.prefix = outer
            self.skip(name, reason)
        except Exception:
            self.ok(False, 'runs to its end', traceback.format_exc())
        finally:
            self.prefix = outer


def clean(text):
    return re.sub(r'[^ -~]', lambda m: '\\x%02x' % ord(m.group()), text).replace('#', '\\#')


def shown(value):
    return hex(value) if isinstance(value, int) and value > 0xffff else repr(value)


TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run_tests():
    tap, wanted = Tap(), sys.argv[1:]
    # A run that is ended from outside still takes its processes and files with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    for function in TESTS:
        if wanted and not any(word in function.__name__ for word in wanted):
            continue
        with tap.group(function.__name__), directory(), reaped():
            function(tap)
    print('1..%d' % tap.count)
    return sys.exit(1 if tap.failed else 0)


@contextlib.contextmanager
def directory():
    """A fresh current directory."""
    before = os.getcwd()
    path = tempfile.mkdtemp(prefix='cryocore-test-')
    os.chmod(path, 0o755)
    os.chdir(path)
    try:
        yield path
    finally:
        os.chdir(before)
        shutil.rmtree(path, ignore_errors=True)


STARTED = []


@contextlib.contextmanager
def reaped():
    """Processes started inside end with it."""
    mark = len(STARTED)
    try:
        yield
    finally:
        for process in STARTED[mark:]:
            end_process(process)
        del STARTED[mark:]


def end_process(process):
    """A victim that is stuck in its own file system dies when the server of it hears this end."""
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def start(arguments, **options):
    """A process that is killed at the end of the test; see subprocess.Popen."""
    process = subprocess.Popen(arguments, **options)
    STARTED.append(process)
    return process


def wait_until(condition, what, seconds=60):
    """Poll a condition; a wait without end is a failure of the test, not a proof of anything."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError('in vain waited for: ' + what)
        time.sleep(0.005)


def need_victim(bits):
    if bits == 32 and not os.path.exists(VICTIMS[32]):
        raise Skip('no victim of 32 bits was built: the compiler has no -m32')


class Victim:
    """test/victim in the state named by the words; its facts are read up to READY."""

    def __init__(self, *words, bits=64, wrapper=(), program=None, **options):
        need_victim(bits)
        self.bits, self.words = bits, words
        self.facts = []
        self._rest = b''
        # A group of its own, so that Ctrl-Z stops it: in an orphaned group it would not.
        options.setdefault('process_group', 0)
        self.process = start(list(wrapper) + [program or VICTIMS[bits]] + [str(w) for w in words],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        while True:
            line = self.line(60)
            if line is None:
                raise AssertionError('victim %s ended before READY' % ' '.join(map(str, words)))
            if line.startswith('SKIP'):
                raise Skip(line[5:])
            if line.startswith('FAIL'):
                raise AssertionError('victim: ' + line)
            if line == 'READY':
                break
            self.facts.append(line.partition('=')[::2])
        self.pid = int(self.fact('pid'))

    def line(self, seconds):
        """The next line; None at the end of the file."""
        deadline = time.monotonic() + seconds
        stream = self.process.stdout
        while b'\n' not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise AssertionError('no line from the victim in %s s' % seconds)
            data = os.read(stream.fileno(), 65536)
            if not data:
                return None
            self._rest += data
        line, self._rest = self._rest.split(b'\n', 1)
        return line.decode('latin-1')

    def silent(self):
        """Nothing to read: no line, no end."""
        return not self._rest and not select.select([self.process.stdout], [], [], 0)[0]

    def later(self, key, seconds=60):
        """The value of a fact that is told after READY."""
        while True:
            line = self.line(seconds)
            if line is None:
                return None
            if line.startswith(key + '='):
                return line.partition('=')[2]

    def all(self, key):
        return [value for name, value in self.facts if name == key]

    def fact(self, key, otherwise=None):
        values = self.all(key)
        return values[-1] if values else otherwise

    def number(self, key):
        return int(self.fact(key), 0)

    def send(self, text):
        self.process.stdin.write(text.encode() + b'\n')
        self.process.stdin.flush()

    def counters(self):
        return [peek(self.pid, int(a, 0)) for a in self.all('counter')]

    def state(self):
        return state_of(self.pid)

    def states(self):
        """The states of all threads."""
        return {state_of(self.pid, t) for t in tids_of(self.pid)}

    def wait_parked(self):
        """
        Wait until all threads that park do so. READY is said on the way there, and after a capture each goes
        back there by itself: until then it may touch more memory, and has other registers and another state.
        Told from inside a pid namespace, its threads have other numbers: then it is all of them.
        """
        told = {int(line.split()[0]) for line in self.all('thread')}
        wait_until(lambda: all(is_parked(self.pid, t, self.bits) for t in
                               told & set(tids_of(self.pid)) or tids_of(self.pid)), 'threads to park')

    def close(self):
        end_process(self.process)


class Run:
    """What a run of a program came to."""

    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds

    def __str__(self):
        return 'status %s\nstdout %r\nstderr %r' % (self.status, self.out[-2000:], self.err[-2000:])

    @property
    def lines(self):
        return self.err.splitlines()


def forks_from_threads(arguments):
    """Whether it is a cryocore that makes evidence, or several cores at a time."""
    options = arguments[arguments.index(CRYOCORE) + 1:] if CRYOCORE in arguments else []
    return any(re.match('-d$|--directory|--tar|-j|--jobs', option) for option in options)


def run(arguments, seconds=60, **options):
    """Run a program to its end; a run that lasts too long is killed and fails the test."""
    arguments = [str(a) for a in arguments]
    if SANITIZED and forks_from_threads(arguments):
        raise Skip('the allocator of AddressSanitizer takes no locks around fork(2): a child that a thread '
                   'has made may wait for ever')
    options.setdefault('stdin', subprocess.DEVNULL)
    options.setdefault('stdout', subprocess.PIPE)
    options.setdefault('stderr', subprocess.PIPE)
    begin = time.monotonic()
    process = start(arguments, **options)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError('%s hangs: killed after %d s\nstdout %r\nstderr %r' % (
            ' '.join(map(str, arguments)), seconds, out, err))
    finally:
        STARTED.remove(process)
    return Run(process.returncode, (out or b'').decode('utf-8', 'surrogateescape'),
               (err or b'').decode('utf-8', 'surrogateescape'), time.monotonic() - begin)


def cryocore(*arguments, **options):
    return run([CRYOCORE] + list(arguments), **options)


def kernel_core(process):
    """End a process with SIGABRT; the core that the kernel makes in the current directory."""
    with open('/proc/sys/kernel/core_pattern', encoding='latin-1') as file:
        pattern = file.read().strip()
    if pattern != 'core':
        raise Skip('kernel.core_pattern is %r and not "core"' % pattern)
    resource.prlimit(process.pid, resource.RLIMIT_CORE,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    process.send_signal(signal.SIGABRT)
    process.wait()
    for name in ('core', 'core.%d' % process.pid):
        if os.path.exists(name):
            os.rename(name, 'kernel.core')
            return 'kernel.core'
    raise Skip('the kernel made no core: its hard limit is 0, or the directory is another')


def read_bytes(path):
    with open(path, 'rb') as file:
        return file.read()


def status_of(pid, tid=None):
    """/proc/PID/status as a dictionary; {} if there is no such process."""
    path = '/proc/%d/status' % pid if tid is None else '/proc/%d/task/%d/status' % (pid, tid)
    try:
        text = read_bytes(path).decode('latin-1')
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict((a, b.strip()) for a, _, b in (line.partition(':') for line in text.split('\n')))


def state_of(pid, tid=None):
    return status_of(pid, tid).get('State', '?')[0]


def is_parked(pid, tid, bits=64):
    """Asleep in pause(2), or stopped. To be asleep is not enough: one that waits for a lock is, too."""
    state = state_of(pid, tid)
    if state != 'S' or os.uname().machine != 'x86_64':
        return state in 'STtZX'
    try:
        number = read_bytes('/proc/%d/task/%d/syscall' % (pid, tid)).split(b' ')[0]
    except PermissionError:
        return True
    return number == (b'34' if bits == 64 else b'29')


def asleep(*pids):
    """
    Wait until all threads of programs sleep: start() returns in the middle of execve(2), long before their
    memory is what it will be, and while it comes from the disk they cannot be stopped.
    """
    for pid in pids:
        wait_until(lambda: all(state_of(pid, tid) in 'SI' for tid in tids_of(pid)),
                   'threads of %d to sleep' % pid)


def sleepers(count, **options):
    """Processes that sleep, each in its place."""
    found = [start(['sleep', '1000'], **options) for _ in range(count)]
    asleep(*(process.pid for process in found))
    return found


def kib(status, key):
    return int(status.get(key, '0 kB').split()[0])


def tids_of(pid):
    return sorted(int(t) for t in os.listdir('/proc/%d/task' % pid))


def maps_of(pid):
    """(start, end, permissions, name) of each mapping."""
    rows = []
    for line in read_bytes('/proc/%d/maps' % pid).decode('latin-1').splitlines():
        words = line.split(None, 5)
        start, end = (int(x, 16) for x in words[0].split('-'))
        rows.append((start, end, words[1], words[5] if len(words) > 5 else ''))
    return rows


def peek(pid, address, size=8):
    with open('/proc/%d/mem' % pid, 'rb', buffering=0) as memory:
        data = os.pread(memory.fileno(), size, address)
    return struct.unpack('<Q', data)[0] if size == 8 else data


def children_of(pid):
    """All children, of whichever thread."""
    found = []
    for tid in os.listdir('/proc/%d/task' % pid):
        with contextlib.suppress(OSError):
            text = read_bytes('/proc/%d/task/%s/children' % (pid, tid)).decode()
            found += [int(p) for p in text.split()]
    return found


def processes_named(name):
    """Pids of all processes whose executable is this file; also when it is gone."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if os.readlink('/proc/%s/exe' % pid).split(' (deleted)')[0] == os.path.realpath(name):
                found.append(int(pid))
    return found


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip('%s is not installed' % program)


def need_root():
    if os.geteuid() != 0:
        raise Skip('needs root')


def runs_on(victim):
    """Whether every counter moves: proof by progress, not by time."""
    before = victim.counters()
    with contextlib.suppress(AssertionError):
        return wait_until(lambda: all(a != b for a, b in zip(victim.counters(), before)),
                          'counters to move')
    return False
