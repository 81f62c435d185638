# SPDX-License-Identifier: MIT
"""Medians, ratios of medians, spreads: as a table in Markdown and as a picture."""

import html
import math
import statistics

import dumpers

# By row: wall by the kernel's and by gcore's, in memory and on a disk; the same until durable; the pause
# by gcore's, and in ms. What is missing is no goal.
GOALS = {
    'heap': {'kernel': 0.65, 'gcore': 0.6, 'durable': (0.5, 0.55), 'pause': 0.62},
    'huge': {'kernel': 0.65, 'gcore': 0.6, 'pause': 0.62},
    'half': {'kernel': 0.6, 'gcore': 0.5, 'disk kernel': 0.5, 'durable': (0.7, None)},
    'tenth': {'kernel': 0.8, 'gcore': 0.05, 'disk kernel': 0.8, 'disk gcore': 0.05},
    'reserved': {'kernel': 0.02, 'pause ms': 50},
    'sleep': {'kernel': 4, 'gcore': 0.06},
    'idle': {'pause ms': 1},
    'threads': {'kernel': 2, 'gcore': 0.16, 'pause': 0.2},
    'vmas': {'kernel': 1.8, 'gcore': 0.02, 'pause': 0.01},
    'python': {'kernel': 1.2, 'gcore': 0.3},
    'jvm': {'kernel': 1.2, 'gcore': 0.3},
    'node': {'kernel': 1.2, 'gcore': 0.3},
    'chromium': {'kernel': 1.2},
    'small': {'gcore': 0.03},
}
SNAPSHOT_GOALS = {
    'heap': {'gcore': 1, 'pause': 0.012, 'pause ms': 30},
    'busy': {'gcore': 1, 'pause': 0.012, 'pause ms': 30},
}
EVIDENCE_GOALS = {
    'small': {'gcore': 0.0333},
}
ALL_GOALS = {'cryocore': GOALS, 'snapshot': SNAPSHOT_GOALS, 'evidence': EVIDENCE_GOALS}
COLOURS = {'kernel': '#8a8f98', 'gcore': '#d9822b', 'cryocore': '#1f77d0', 'snapshot': '#16a085',
           'evidence': '#8e44ad'}


class Numbers:
    """The samples of one directory."""

    def __init__(self, samples, directory):
        self.samples = [s for s in samples if s['directory'] == directory]

    def values(self, row, dumper, key):
        found = [s for s in self.samples
                 if s['row'] == row and s['dumper'] == dumper and key in s and s['round'] > 0]
        return [s[key] for s in found]

    def median(self, row, dumper, key):
        values = self.values(row, dumper, key)
        return statistics.median(values) if values else None

    def ratio(self, row, dumper, other, key):
        mine, theirs = self.median(row, dumper, key), self.median(row, other, key)
        return mine / theirs if mine is not None and theirs else None

    def highest(self, row, dumper, key):
        return max((s[key] for s in self.samples
                    if s['row'] == row and s['dumper'] == dumper and key in s), default=None)


def seconds(ns):
    if ns is None:
        return '–'
    if ns < 10e6:
        return '%.2f ms' % (ns / 1e6)
    return '%.0f ms' % (ns / 1e6) if ns < 1e9 else '%.2f s' % (ns / 1e9)


def spread(numbers, row, dumper, key):
    values = numbers.values(row, dumper, key)
    if not values:
        return '–'
    text = seconds(statistics.median(values))
    if len(values) > 1:
        text += ' ±%.0f%%' % (50 * (max(values) - min(values)) / statistics.median(values))
    return text


def against(value, goal):
    """A ratio and, if there is one, its goal."""
    if value is None:
        return '–'
    text = '%.2f' % value if value >= 0.1 else '%.4f' % value
    if goal is None:
        return text
    return '%s (≤ %g)' % (text if value <= goal else '**%s**' % text, goal)


def table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def goals_of(row, dumper):
    return ALL_GOALS[dumper].get(row.name, {})


def wall_goals(row, dumper, kind):
    goals = goals_of(row, dumper)
    if kind == 'tmpfs':
        return goals.get('kernel'), goals.get('gcore')
    return goals.get('disk kernel'), goals.get('disk gcore')


def durable_goals(row, dumper):
    return goals_of(row, dumper).get('durable', (None, None))


def wall_table(numbers, rows, dumper, key, goals):
    """@goals: two for each row"""
    body = []
    for row, pair in zip(rows, goals):
        body.append([row.title] + [spread(numbers, row.name, d, key)
                                   for d in ('kernel', 'gcore', dumper)] +
                    [against(numbers.ratio(row.name, dumper, other, key), goal)
                     for other, goal in zip(('kernel', 'gcore'), pair)])
    return table(['target', 'kernel', 'gcore', dumper, '÷ kernel', '÷ gcore'], body)


def pause_table(numbers, rows, dumper):
    body = []
    for row in rows:
        goals = goals_of(row, dumper)
        limit, pause = goals.get('pause ms'), numbers.median(row.name, dumper, 'gap_ns')
        if pause is None:
            continue
        shown = spread(numbers, row.name, dumper, 'gap_ns')
        if limit:
            shown += ' (≤ %d ms)' % limit if pause <= limit * 1e6 else ' (**> %d ms**)' % limit
        body.append([row.title, spread(numbers, row.name, 'gcore', 'gap_ns'), shown,
                     against(numbers.ratio(row.name, dumper, 'gcore', 'gap_ns'),
                             goals.get('pause'))])
    return table(['target', 'gcore', dumper, '÷ gcore'], body)


def memory_table(numbers, rows, dumper):
    body = []
    for row in rows:
        peak = numbers.highest(row.name, dumper, 'peak_kib')
        growth = [[numbers.highest(row.name, d, key) for key in
                   ('rss_growth_kib', 'tables_growth_kib')] for d in (dumper, 'gcore')]
        body.append([row.title, '–' if peak is None else '%.1f MiB' % (peak / 1024)] +
                    ['–' if g[0] is None else '%d + %d KiB' % tuple(g) for g in growth])
    return table(['target', 'peak of ' + dumper, 'the target grows by (RSS + page tables)',
                  'by gcore'], body)


def limits_text(limits):
    def rate(key):
        return '%.1f' % (limits['bytes'] / limits[key] * 1e9 / (1 << 30))
    return ('Limits here, GiB/s, by one thread and by two: copying memory %s and %s; writing a '
            'file %s and %s; until it is durable %s and %s.' % tuple(
                rate(k) for k in ('copy1_ns', 'copy2_ns', 'write1_ns', 'write2_ns',
                                  'durable1_ns', 'durable2_ns')))


BEGIN, END = '<!-- scripts/bench --write: begin -->', '<!-- scripts/bench --write: end -->'


def write_into(path, text):
    """Replace what stands between two marks."""
    with open(path, encoding='utf-8') as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('%s%s\n%s\n%s%s' % (before, BEGIN, text, END, after))


def markdown(bench, rows, names):
    parts = []
    for where, kind in names:
        numbers = Numbers(bench.samples, where)
        parts.append('## On %s' % kind)
        parts.append(limits_text(bench.limits[where]))
        for dumper in dumpers.OURS:
            shown = [row for row in rows if numbers.values(row.name, dumper, 'wall_ns')]
            if not shown:
                continue
            goals = [wall_goals(row, dumper, kind) for row in shown]
            parts.append(wall_table(numbers, shown, dumper, 'wall_ns', goals))
            if kind != 'tmpfs':
                goals = [durable_goals(row, dumper) for row in shown]
                parts += ['Until fsync(2) returns:',
                          wall_table(numbers, shown, dumper, 'durable_ns', goals)]
            if any(numbers.values(row.name, dumper, 'gap_ns') for row in shown):
                parts += ['The pause, as the target feels it:', pause_table(numbers, shown, dumper)]
            parts.append(memory_table(numbers, shown, dumper))
    if bench.is_quick:
        parts.insert(0, 'Scaled down: the targets are smaller than their names say, and nothing '
                     'follows from the figures but that it runs.')
    return '\n\n'.join(parts + bench.failures)


# ---- the picture ----

STYLE = '''text { font: 13px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de } .faint { fill: #57606a; font-size: 11px }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #30363d }
.faint { fill: #9198a1 } }'''
LEFT, RIGHT, TOP, STEP, WIDTH = 215, 30, 64, 30, 860


def decades(values):
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


class Picture:
    """A point for each duration, on a logarithmic axis, a line of points for each target."""

    def __init__(self, values):
        self.low, self.high = decades(values)
        self.parts = []

    def x(self, ns):
        share = (math.log10(ns) - self.low) / max(1, self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def text(self, x, y, text, more=''):
        self.parts.append('<text x="%.0f" y="%.0f" %s>%s</text>' % (x, y, more, html.escape(text)))

    def grid(self, bottom):
        for power in range(self.low, self.high + 1):
            x = self.x(10 ** power)
            self.parts.append('<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (
                x, x, TOP - 14, bottom))
            label = {6: '1 ms', 7: '10 ms', 8: '0.1 s', 9: '1 s', 10: '10 s', 11: '100 s'}
            self.text(x, bottom + 16, label.get(power, '%g s' % 10 ** (power - 9)),
                      'class="faint" text-anchor="middle"')

    def dot(self, ns, y, dumper, is_pause):
        colour, tip = COLOURS[dumper], '%s, %s: %s' % (
            dumper, 'pause' if is_pause else 'whole', seconds(ns))
        style = 'fill="none" stroke="%s" stroke-width="2"' if is_pause else 'fill="%s"'
        self.parts.append('<circle cx="%.1f" cy="%.1f" r="%s" %s><title>%s</title></circle>' % (
            self.x(ns), y, '4.5' if is_pause else '6', style % colour, html.escape(tip)))

    def legend(self, made, kind):
        x = LEFT
        self.text(12, 22, 'Time to a core, on ' + kind, 'font-weight="600"')
        for dumper in made:
            self.parts.append('<circle cx="%d" cy="17" r="6" fill="%s"/>' % (x, COLOURS[dumper]))
            self.text(x + 11, 22, dumper)
            x += 100
        self.parts.append('<circle cx="%d" cy="17" r="4.5" fill="none" stroke="#8a8f98" '
                          'stroke-width="2"/>' % x)
        self.text(x + 11, 22, 'ring: the target stands still')


def svg(samples, rows, where, kind):
    """None if there is nothing to show."""
    numbers = Numbers(samples, where)
    made = [d for d in COLOURS if any(numbers.values(r.name, d, 'wall_ns') for r in rows)]
    points = [(row, d, key, numbers.median(row.name, d, key))
              for row in rows for d in made for key in ('wall_ns', 'gap_ns')]
    points = [point for point in points if point[3]]
    if not points:
        return None
    shown = [row for row in rows if any(point[0] is row for point in points)]
    bottom = TOP + STEP * len(shown)
    picture = Picture([point[3] for point in points])
    picture.grid(bottom)
    picture.legend(made, kind)
    for number, row in enumerate(shown):
        picture.text(12, TOP + STEP * number + 5, row.title)
    for row, dumper, key, value in points:
        picture.dot(value, TOP + STEP * shown.index(row), dumper, key == 'gap_ns')
    head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">'
            '<style>%s</style>' % (WIDTH, bottom + 28, STYLE))
    return '\n'.join([head] + picture.parts + ['</svg>', ''])
