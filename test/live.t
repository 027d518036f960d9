#!/usr/bin/python3
"""A live archive: the program runs in a loop while segments are finished in
order, replaced, joined and cleaned away. Never a false hole.

The writer does one thing at a time and at no moment leaves a hole, but in the
hour that it takes away. So whatever hole a run reports is false, unless
 - it lies in an hour whose removal had begun before the run ended, or
 - more than an hour of the stream went by in a run, and it is newer than all
   that was finished before, and reaches into another hour: directories are
   not read in one moment, but the newest is read first.

LIVE_SECONDS=30 says how long.
"""
import base64
import collections
import json
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True
import faulty
import tap

SECONDS = float(os.environ.get('LIVE_SECONDS', '30'))
SEED = 20251115
SECOND = 1000000        # in us
HOUR = 3600 * SECOND
FIRST = 489556          # the hour 2025-11-06T04
AHEAD = 3               # temp files beyond the newest segment
PAUSES = (0, 0, 0, 0.0005, 0.002, 0.01, 0.03)
OPTIONS = ((), ('-j', '1'), ('-j', '3'), ('--first-hour', '-0h'))


def hour_name(number):
    return time.strftime('%Y-%m-%dT%H', time.gmtime(number * 3600))


def instant(text):
    """2025-11-15T02:00:00.500000Z in us."""
    whole, part = re.fullmatch(r'(.*)\.([0-9]{6})Z', text).groups()
    return int(time.mktime(time.strptime(
        whole, '%Y-%m-%dT%H:%M:%S'))) * SECOND + int(part)


class Hour:
    def __init__(self, path, number, duration):
        self.path = os.path.join(path, hour_name(number))
        self.number = number
        self.duration = duration
        self.fulls = 0              # names that have been there
        self.newest = {}            # of each start, the full one that counts
        self.others = {}            # a suspect or partial one
        os.mkdir(self.path)

    def name(self, start, kind, tail):
        minutes, micros = divmod(start, 60 * SECOND)
        return os.path.join(self.path, '%02d:%09.6f-%s-%s-%s.ts' % (
            minutes, micros / SECOND, self.duration / SECOND, kind, tail))


class Quality:
    """What the downloaders, the operators and the cleaner of an archive do,
    each thing as a generator that yields behind each system call."""

    def __init__(self, base, name, duration, keep):
        self.path = os.path.join(base, 'ch', name)
        self.removed = os.path.join(base, 'removed-' + name)
        self.name = name
        self.duration = duration
        self.keep = keep            # whole hours
        self.front = FIRST * HOUR   # the end of all that is finished
        self.temps = collections.deque()
        self.hours = collections.deque()
        self.chance = random.Random(SEED)
        self.done = collections.Counter()
        self.cleaning = iter(())
        os.makedirs(self.path)

    def tail(self):
        return base64.urlsafe_b64encode(
            self.chance.randbytes(32)).rstrip(b'=').decode()

    def temp(self, hour, start):
        path = hour.name(start, 'temp', '%032x' % self.chance.getrandbits(128))
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        return path

    def finish(self, hour, start, temp, kind):
        """A temp file gets its name."""
        path = hour.name(start, kind, self.tail())
        hour.fulls += kind == 'full'
        os.rename(temp, path)
        (hour.newest if kind == 'full' else hour.others)[start] = path
        self.done[kind] += 1

    def stream(self):
        """All that is finished in order, hour after hour."""
        number = FIRST
        while True:
            hour = Hour(self.path, number, self.duration)
            self.hours.append(hour)
            yield
            for start in range(0, HOUR, self.duration):
                self.temps.append((hour, start, self.temp(hour, start)))
                yield
                if len(self.temps) > AHEAD:
                    hour_of, start, temp = self.temps.popleft()
                    self.finish(hour_of, start, temp, self.chance.choices(
                        ('full', 'suspect', 'partial'), (90, 8, 2))[0])
                    self.front = hour_of.number * HOUR + start + self.duration
                    yield
            number += 1

    def replace(self):
        """Another full segment where there is one, which is then hidden."""
        hour = self.chance.choice(self.hours)
        if not hour.newest:
            return
        start = self.chance.choice(list(hour.newest))
        old = hour.newest[start]
        temp = self.temp(hour, start)
        yield
        self.finish(hour, start, temp, 'full')
        yield
        os.close(os.open(old[:-len('ts')] + 'tombstone',
                         os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        self.done['tombstone'] += 1
        yield

    def join(self):
        """A full or a further suspect segment where there is a suspect or a
        partial one, which may then go."""
        hour = self.chance.choice(self.hours)
        if not hour.others:
            return
        start = self.chance.choice(list(hour.others))
        old = hour.others.pop(start)
        temp = self.temp(hour, start)
        yield
        self.finish(hour, start, temp, self.chance.choice(('full', 'suspect')))
        yield
        if self.chance.random() < 0.5:
            os.unlink(old)
            self.done['unlinked'] += 1
            yield

    def clean(self, hour):
        """An hour goes: moved away first, or where it is."""
        path = hour.path
        if self.chance.random() < 0.5:
            path = self.removed
            os.rename(hour.path, path)
            yield
        names = os.listdir(path)
        self.chance.shuffle(names)
        for name in names:
            os.unlink(os.path.join(path, name))
            yield
        os.rmdir(path)
        self.done['hour removed'] += 1
        yield

    def steps(self):
        stream = self.stream()
        while len(self.hours) <= self.keep:
            next(stream)
        yield
        while True:
            kind = self.chance.random()
            if kind < 0.5:
                for _ in range(self.chance.randint(1, 12)):
                    yield next(stream)
            elif kind < 0.85:
                yield from self.replace()
            else:
                yield from self.join()
            for _ in range(20):
                if next(self.cleaning, self) is self:
                    break
                yield
            else:
                continue
            if len(self.hours) > self.keep + 1:
                self.cleaning = self.clean(self.hours.popleft())

    def state(self):
        """Where what is whole begins, and ends; the full names that have
        been in each hour; and the newest hour."""
        hours = list(self.hours)
        return (hours[0].number * HOUR, self.front,
                {hour_name(hour.number): hour.fulls for hour in hours},
                hours[-1].number)


class Writer(threading.Thread):
    def __init__(self, base):
        super().__init__()
        # one whose hours take more than one getdents64, and one whose hours
        # come and go
        self.qualities = (Quality(base, 'source', 600000, 1),
                          Quality(base, 'low', 60 * SECOND, 6))
        self.begun = threading.Event()
        self.stop = False
        self.failure = None

    def run(self):
        chance = random.Random(SEED)
        steps = [quality.steps() for quality in self.qualities]
        try:
            for each in steps:
                next(each)
            self.begun.set()
            while not self.stop:
                for _ in range(32):
                    next(chance.choice(steps))
                time.sleep(chance.choice(PAUSES))
        except Exception:
            self.failure = traceback.format_exc()
            self.begun.set()

    def states(self):
        return [quality.state() for quality in self.qualities]

    def done(self):
        return sum((quality.done for quality in self.qualities),
                   collections.Counter())


def hour_judge(hour, before, after):
    """What is wrong with an hour that was there all the time."""
    name, segments = hour['hour'], hour['segments']
    if name < hour_name(before[1] // HOUR) and hour['raw']['coverage'] != 3600:
        yield '%s: coverage %s' % (name, hour['raw']['coverage'])
    fulls = segments['full']['count'] + segments['tombstoned']['count']
    least, most = before[2][name] - 1, after[2][name]
    if not least <= fulls <= most:
        yield '%s: %d full names, of %d to %d' % (name, fulls, least, most)


def report_judge(report, before, after):
    low, front = after[0], before[1]
    at_speed = after[3] <= front // HOUR + 1
    for kind in 'raw', 'editable':
        for hole in report[kind]['holes']:
            start, end = instant(hole['start']), instant(hole['end'])
            if end > low and (at_speed or start < front or
                              start // HOUR == end // HOUR):
                yield 'a %s hole of %s s at %s' % (
                    kind, hole['duration'], hole['start'])
    for missing in report['missing_hours']['ranges']:
        if hour_name(low // HOUR) <= missing['last'] and \
                missing['first'] <= hour_name(front // HOUR):
            yield 'missing: %s' % missing
    for hour in report['hours']:
        if hour['hour'] in before[2] and hour['hour'] in after[2]:
            yield from hour_judge(hour, before, after)
    if instant(report['end']) < front:
        yield 'it ends at %s' % report['end']


def judge(result, before, after):
    """What is wrong with a run that began and ended between these states."""
    if result.status != 0 or result.err:
        return [repr(result)]
    whole = json.loads(result.out)
    wrong = [] if whole['complete'] and not whole['errors'] else ['trouble']
    for report, *states in zip(whole['reports'], before, after):
        wrong += ['%s: %s' % (report['quality'], what)
                  for what in report_judge(report, *states)]
    return wrong


def live(base):
    writer = Writer(base)
    writer.start()
    writer.begun.wait()
    runs, busy, wrong = 0, 0, []
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until and writer.is_alive():
            before, done = writer.states(), writer.done()
            options = OPTIONS[runs % len(OPTIONS)]
            result = faulty.spawn([
                faulty.PROGRAM, '-b', base, '-n', '-f', 'json', '-q',
                'source,low', '--now', hour_name(before[0][1] // HOUR),
                *options, 'ch'])
            runs += 1
            busy += writer.done() != done
            fault = judge(result, before, writer.states())
            if fault:
                wrong.append('run %d %s: %s' % (
                    runs, ' '.join(options), '; '.join(fault[:3])))
    finally:
        writer.stop = True
        writer.join()
    done = writer.done()
    print('# %d runs, %d of them met changes: %s' % (
        runs, busy, ', '.join('%s %d' % each for each in done.items())))
    tap.ok(not writer.failure, 'the writer writes', writer.failure)
    tap.ok(runs > 5 and busy > runs / 2 and
           done['tombstone'] > 100 and done['hour removed'] > 1,
           'there is something to see', runs, busy, done)
    tap.ok(not wrong, 'no run tells of a hole that is none',
           '%d of %d runs' % (len(wrong), runs), *wrong[:9])


def main():
    os.environ['TZ'] = 'UTC'
    time.tzset()
    root = tempfile.mkdtemp(prefix='coverage-test.')
    try:
        live(root)
    finally:
        shutil.rmtree(root)
    tap.done()


if __name__ == '__main__':
    main()
