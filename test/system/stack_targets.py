# SPDX-License-Identifier: MIT
"""Programs whose stacks are known, and what others say of their stacks."""

import json
import os
import re
import shutil
import subprocess

from harness import COMPLETE, PARTIAL, Skip, asleep, cryocore, run, start

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'stacks_target.c')
M32 = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu']
THREADS, FRAMES = 5, 94
RUSTC = shutil.which('rustc') or os.path.expanduser('~/.cargo/bin/rustc')

CXX = r'''
#include <cstdio>
#include <unistd.h>
#include <sys/prctl.h>
#include <signal.h>
#include <thread>
#include <functional>
struct Guard { ~Guard(); int depth; };
__attribute__((noinline)) static void stand(bool say)
{
	if (say) { std::printf("READY\n"); std::fflush(stdout); }
	for (;;) pause();
}
Guard::~Guard() { if (depth == 0) stand(true); }
template <typename T> __attribute__((noinline)) static T nest(T n, const std::function<T(T)> &f)
{
	Guard guard{n};
	return n == 0 ? 0 : f(n - 1) + 1;
}
int main()
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	std::thread other([] { stand(false); });
	std::function<int(int)> again = [&](int n) { return nest<int>(n, again); };
	return again(12);
}
'''

RUST = r'''
use std::io::Write;
#[inline(never)]
fn nest(n: u32, f: &dyn Fn(u32) -> u32) -> u32 { if n == 0 { f(0) } else { nest(n - 1, f) + 1 } }
fn main() {
    let t = std::thread::spawn(|| { std::thread::park(); });
    let v: Vec<u32> = vec![3, 1, 2].into_iter().map(|x| nest(x + 8, &|_| {
        println!("READY"); std::io::stdout().flush().unwrap();
        loop { std::thread::park(); }
    })).collect();
    t.join().unwrap();
    println!("{:?}", v);
}
'''

PYTHON = r'''
import threading, time, json, functools
def deep(n):
    if n: return deep(n - 1)
    print("READY", flush=True)
    threading.Event().wait()
threading.Thread(target=threading.Event().wait, daemon=True).start()
sorted([3, 1, 2], key=lambda x: functools.reduce(lambda a, b: deep(10), [1, 2]))
'''

JAVA = r'''
public class Park {
    static int deep(int n) throws Exception {
        if (n > 0) return deep(n - 1) + 1;
        System.out.println("READY");
        System.out.flush();
        synchronized (Park.class) { Park.class.wait(); }
        return 0;
    }
    public static void main(String[] a) throws Exception { deep(20); }
}
'''

GO = r'''
package main
import ("fmt"; "os"; "sync"; "syscall")
//go:noinline
func nest(n int, f func(int) int) int {
	if n == 0 { return f(0) }
	return nest(n-1, f) + 1
}
func wait(fd int) int {
	var b [1]byte
	n, _ := syscall.Read(fd, b[:])
	return n
}
func main() {
	var fds [2]int
	syscall.Pipe(fds[:])
	var group sync.WaitGroup
	group.Add(1)
	go func() { defer group.Done(); nest(5, func(int) int { return wait(fds[0]) }) }()
	fmt.Println("READY")
	os.Stdout.Sync()
	nest(12, func(int) int { return wait(fds[0]) })
	group.Wait()
}
'''


def compile_c(name, *flags, source=SOURCE, compiler='cc'):
    done = run([compiler, '-O2', '-o', name, source] + list(flags) + ['-pthread'], 120)
    if done.status != 0 and '-m32' in flags:
        raise Skip('no compiler for 32 bits')
    assert done.status == 0, done.err
    return os.path.abspath(name)


def write(name, text):
    with open(name, 'w', encoding='ascii') as file:
        file.write(text)
    return name


def compile_rust():
    if not os.access(RUSTC, os.X_OK):
        raise Skip('rustc is not installed')
    done = run([RUSTC, '-O', '-o', 'rust', write('target.rs', RUST)], 200)
    if done.status != 0:
        raise Skip('rustc cannot compile here: ' + done.err[:100])
    return os.path.abspath('rust')


def compile_go(*flags):
    if not shutil.which('go'):
        raise Skip('go is not installed')
    done = run(['go', 'build', '-o', 'go-target', *flags, write('target.go', GO)], 200,
               env=dict(os.environ, GOCACHE=os.environ.get('GOCACHE', os.path.abspath('go-cache')),
                        GO111MODULE='off', CGO_ENABLED='0'))
    if done.status != 0:
        raise Skip('go cannot compile here: ' + done.err[:100])
    return os.path.abspath('go-target')


def compile_java():
    if not shutil.which('javac'):
        raise Skip('javac is not installed')
    assert run(['javac', write('Park.java', JAVA)], 120).status == 0
    return ['java', '-Xmx64m', 'Park']


class Target:
    """A running program that has said READY."""

    def __init__(self, arguments, **options):
        self.process = start(arguments, stdout=subprocess.PIPE, **options)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        assert line.startswith(b'READY'), line
        asleep(self.pid)

    def tids(self):
        return [int(t) for t in os.listdir('/proc/%d/task' % self.pid)]

    def capture(self, *options):
        asleep(self.pid)
        done = cryocore('-q', '-o', 'core', *options, '-p', self.pid)
        assert done.status == COMPLETE, done
        return 'core.%d' % self.pid


def stacks_of(core, *options):
    """{tid: (frames, end)} and the run; of a core, or of a process."""
    if core.isdigit():
        asleep(int(core))  # who was looked at goes back by itself to where it waits
    done = cryocore('stacks', '--json', *options, core)
    if done.status not in (COMPLETE, PARTIAL):
        return {}, done
    threads = json.loads(done.out)['threads']
    return {t['tid']: (t['frames'], t['end']) for t in threads}, done


def pcs(stacks):
    return {tid: [f['pc'] for f in frames] for tid, (frames, _) in stacks.items()}


def plain_module(name):
    """A module's name as both say it."""
    if not name:
        return None
    return '[vdso]' if name.startswith('[vdso') else name.replace(' (deleted)', '')


def eu_frames(*arguments):
    """{tid: [(pc, module)]} as eu-stack has it."""
    if arguments[0] == '-p':
        asleep(int(arguments[1]))
    done = run(['eu-stack', '-q', '-m', '-n', '0'] + list(arguments), 60)
    found, tid = {}, None
    for line in done.out.splitlines():
        head = re.match(r'TID (\d+):', line)
        frame = re.match(r'#\d+\s+0x([0-9a-f]+)(?: - (.*))?', line)
        if head:
            tid = int(head.group(1))
            found[tid] = []
        elif frame:
            found[tid].append((int(frame.group(1), 16), plain_module(frame.group(2))))
    return found


def eu_stack(*arguments):
    """{tid: [pc]} as eu-stack has it."""
    return {tid: [pc for pc, _ in frames] for tid, frames in eu_frames(*arguments).items()}


def frames_of(stacks):
    """{tid: [(pc, module)]} of ours."""
    return {tid: [(f['pc'], plain_module(f.get('module'))) for f in frames]
            for tid, (frames, _) in stacks.items()}


def gdb_pcs(exe, core):
    script = ('import gdb\n'
              'for t in gdb.selected_inferior().threads():\n'
              '  t.switch()\n'
              '  f=gdb.newest_frame(); out=[]\n'
              '  while f:\n'
              '    if f.type()!=gdb.INLINE_FRAME: out.append(hex(f.pc()))\n'
              '    f=f.older()\n'
              '  print("THREAD",t.ptid[1],*out)\n')
    with open('pcs.py', 'w', encoding='ascii') as file:
        file.write(script)
    done = run(['gdb', '-nx', '-batch', '-ex', 'set backtrace past-main on', '-ex',
                'source pcs.py', exe, core], 60)
    return {int(w[1]): [int(x, 16) for x in w[2:]]
            for w in (line.split() for line in done.out.splitlines()) if w[:1] == ['THREAD']}


def check_same(tap, seen, expected, what):
    tap.ok(expected and seen == expected, what, '\n'.join(
        '%d: %d frames, expected %d\n  seen %s\n  expected %s' % (
            tid, len(seen.get(tid, [])), len(expected.get(tid, [])),
            [hex(p) for p in seen.get(tid, [])], [hex(p) for p in expected.get(tid, [])])
        for tid in sorted(set(seen) | set(expected)) if seen.get(tid) != expected.get(tid)) or
        'nothing to compare with')
