#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A live archive: the program runs in a loop while a writer finishes segments
as fast as it can, replaces some, hides what it replaced, begins new hours and
removes old ones, and now and then leaves a hole. Each run must show all holes
that were there before it began, and no other.

LIVE_SECONDS=5 says how long, LIVE_DIR where the archive is made. Where
LIVE_READ_DIR is another way to the same directory, it is read there.
"""
import bisect
import collections
import concurrent.futures
import json
import os
import random
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import model
import tap

SECONDS = float(os.environ.get('LIVE_SECONDS', '5'))
HOUR = model.HOUR
STEP = HOUR // 5000     # a segment; a listing takes several calls
KEPT = 4                # hours
AHEAD = 3               # temp files after the newest segment


class Writer:
    """What downloaders, backfillers and the cleaner do."""

    def __init__(self, path):
        self.path = path
        self.chance = random.Random(20251115)
        self.front = self.low = model.parse_hour(b'2025-11-06T04')
        self.limit = None       # not beyond, while a run is on
        self.holes = []         # by start
        self.temps = collections.deque()
        self.fulls = {}         # start: the path of the segment
        self.done = collections.Counter()
        self.stop = False
        self.step(self.front)

    def place(self, start, kind):
        minutes, rest = divmod(start % HOUR, 60 * model.SECOND)
        return os.path.join(
            self.path, model.hour_name(start),
            '%02d:%09.6f-%s-%s-%032x.ts' % (
                minutes, rest / model.SECOND, STEP / model.SECOND, kind,
                self.chance.getrandbits(128)))

    def finish(self, start, temp):
        path = self.place(start, 'full')
        os.rename(temp, path)
        self.done['finished'] += 1
        return path

    def step(self, start):
        """Begins a segment, finishes one that was begun before."""
        if start % HOUR == 0:
            os.mkdir(os.path.join(self.path, model.hour_name(start)))
            self.done['hours begun'] += 1
        temp = self.place(start, 'temp')
        open(temp, 'x').close()
        self.temps.append((start, temp))
        if len(self.temps) <= AHEAD:
            return
        start, temp = self.temps.popleft()
        if self.chance.random() < 0.001 and STEP < start % HOUR < HOUR - STEP:
            if not self.holes or self.holes[-1][1] < start:
                os.unlink(temp)
                self.holes.append((start, start + STEP))
                self.front = start + STEP
                return
        self.fulls[start] = self.finish(start, temp)
        self.front = start + STEP

    def replace(self):
        """Another segment where there is one, which is then hidden."""
        start = self.front - STEP * self.chance.randrange(1, 10000)
        old = self.fulls.get(start)
        if old is None:
            return
        temp = self.place(start, 'temp')
        open(temp, 'x').close()
        self.fulls[start] = self.finish(start, temp)
        open(old[:-len('ts')] + 'tombstone', 'x').close()
        self.done['hidden'] += 1

    def clean(self):
        """The oldest hour goes: at once, or file by file."""
        path = os.path.join(self.path, model.hour_name(self.low))
        for start in range(self.low, self.low + HOUR, STEP):
            self.fulls.pop(start, None)
        self.low += HOUR
        if self.chance.random() < 0.5:
            os.rename(path, path + '.gone')
            path += '.gone'
        shutil.rmtree(path)
        self.done['hours removed'] += 1

    def run(self):
        while not self.stop:
            if self.limit is None or self.front < self.limit:
                for _ in range(self.chance.randrange(1, 30)):
                    self.step(self.temps[-1][0] + STEP)
            for _ in range(self.chance.randrange(5)):
                self.replace()
            if self.front >= self.low + (KEPT + 1) * HOUR:
                self.clean()


def judge(run, writer, front, known):
    """What is wrong with a run; front and the number of holes as it began."""
    status, out, err = run
    if status != 0 or err:
        yield 'status %d: %s' % (status, err)
        return
    report = json.loads(out)['reports'][0]
    low = writer.low
    after = list(writer.holes)
    for kind in 'raw', 'editable':
        seen = {tuple(map(model.parse_instant, (hole['start'], hole['end'])))
                for hole in report[kind]['holes']}
        for hole in after[:known]:
            if hole[0] >= low and hole not in seen:
                yield 'missed: %s' % model.instant(hole[0])
        for hole in sorted(seen - set(after)):
            if hole[0] >= low:
                yield 'false %s hole: %s to %s' % (
                    kind, *map(model.instant, hole))
    if model.parse_instant(report['end']) < front:
        yield 'ends at %s, before %s' % (report['end'], model.instant(front))


def live(base, read):
    writer = Writer(base + '/ch/source')
    while writer.front < writer.low + 3 * HOUR // 2:
        writer.step(writer.temps[-1][0] + STEP)
    writes = concurrent.futures.ThreadPoolExecutor().submit(writer.run)
    runs, wrong, until = 0, [], time.monotonic() + SECONDS
    while time.monotonic() < until and writes.running():
        front = writer.front
        known = bisect.bisect(writer.holes, (front - STEP, 0))
        writer.limit = front + HOUR // 2
        options = ((), ('-j', '1'), ('-j', '3'))[runs % 3]
        run = tap.run('-b', read, '-n', '-f', 'json', '--now',
                      model.instant(front + HOUR), *options, 'ch')
        fault = list(judge(run, writer, front, known))
        runs += 1
        if fault:
            wrong.append('run %d: %s' % (runs, '; '.join(fault[:3])))
    writer.stop = True
    failure = writes.exception()
    print('# %d runs: %s, %d holes' % (runs, ', '.join(
        '%s %d' % each for each in writer.done.items()), len(writer.holes)))
    tap.ok(not failure, 'the writer writes', repr(failure))
    tap.ok(runs > 5 and writer.done['hidden'] > 100 and
           len(writer.holes) > 2, 'there is something to see', writer.done)
    tap.ok(not wrong, 'every hole is shown, and no other',
           '%d of %d runs' % (len(wrong), runs), *wrong[:9])


def main():
    sys.setswitchinterval(0.0005)
    base = tempfile.mkdtemp(prefix='coverage-live.',
                            dir=os.environ.get('LIVE_DIR'))
    read = os.environ.get('LIVE_READ_DIR', os.path.dirname(base))
    try:
        os.makedirs(base + '/ch/source')
        live(base, os.path.join(read, os.path.basename(base)))
    finally:
        shutil.rmtree(base)
    tap.done()


main()
