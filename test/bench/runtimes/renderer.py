# SPDX-License-Identifier: MIT
"""renderer.py MIB MARKERS: a renderer process of chromium whose page holds that much data, and
markers that a core must contain."""

import contextlib
import os
import signal
import subprocess
import sys
import time

PROGRAM = '/usr/lib/chromium/chromium'
NONCE = os.urandom(8).hex()
PAGE = '''<body>%s<script>
window.data = [];
for (let i = 0; i < %d; i++)
	window.data.push(crypto.getRandomValues(new Uint8Array(65536)));
</script>'''
PATIENCE = 60


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
        return [int(word) for word in file.read().split()]


def status(pid, key):
    with open('/proc/%d/status' % pid, encoding='ascii', errors='replace') as file:
        return int(file.read().split(key + ':')[1].split()[0])


def renderers(pid):
    found = []
    with contextlib.suppress(OSError):
        with open('/proc/%d/cmdline' % pid, 'rb') as file:
            found = [pid] if b'--type=renderer' in file.read() else []
        for child in children(pid):
            found += renderers(child)
    return found


def anonymous(pid):
    with contextlib.suppress(OSError, IndexError):
        return status(pid, 'RssAnon')
    return 0


def find_renderer(browser, kib):
    """That with the page, when it has come to rest: another one is a spare without a page."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.5)
        pid = max(renderers(browser), key=anonymous, default=0)
        if not pid or anonymous(pid) < kib:
            continue
        with contextlib.suppress(OSError, IndexError):
            before = status(pid, 'voluntary_ctxt_switches')
            time.sleep(0.5)
            if status(pid, 'voluntary_ctxt_switches') == before:
                return pid
    sys.exit('no renderer came to rest')


def main():
    mib, markers = int(sys.argv[1]), int(sys.argv[2])
    text = '<br>'.join('cryobench-%s-%06d' % (NONCE, i) for i in range(markers))
    with open('page.html', 'w', encoding='ascii') as file:
        file.write(PAGE % (text, mib * 16))
    browser = subprocess.Popen(
        [PROGRAM, '--headless', '--no-sandbox', '--disable-gpu', '--disable-breakpad',
         '--disable-crash-reporter', '--user-data-dir=' + os.path.abspath('profile'),
         '--remote-debugging-port=0', 'file://' + os.path.abspath('page.html')],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(os.environ, HOME=os.getcwd()), start_new_session=True)
    try:
        print('pid=%d\nnonce=%s\nREADY' % (
            find_renderer(browser.pid, (mib + 8) << 10), NONCE), flush=True)
        sys.stdin.read()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


main()
