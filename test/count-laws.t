#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Laws that hold between runs of the program on the same archive, whatever
is in it: no expected figures, and no model.

SEEDS=N takes the random archives 1 to N (default 40), SEED=K only that one.
"""
import collections
import decimal
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import model
import randarchive
import tap

HOUR = model.HOUR
PIXEL = 2 * model.SECOND
PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
EARLIEST = model.parse_hour(b'0001-01-01T00')
LATEST = model.parse_hour(b'9999-12-31T23')
COLOURS = {(255, 255, 255): 'white', (31, 119, 180): 'blue',
           (255, 127, 14): 'orange', (127, 127, 127): 'grey'}
LAWS = (
    'covered + holes + unreadable = end - start',
    'the sums are those of the hours',
    'windows add up to the whole',
    'holes of a window are a cut of the holes',
    'the map of a window is a cut of the map',
    'a segment more uncovers nothing',
    '--jobs and the order of names change nothing',
    '-f holes, metrics and text say what the JSON says',
    'the map says what the JSON says',
    'nodes together have what their union has',
)


class Broken(Exception):
    """The number of a law, and how it is broken."""


def check(number, truth, *what):
    if not truth:
        raise Broken(number, ' '.join(str(part) for part in what))


def us(value):
    """Seconds of the JSON, or an instant, in microseconds."""
    if value is None or not isinstance(value, str):
        return None if value is None else int(value * model.SECOND)
    return model.parse_instant(value)


def spans(array):
    return [(us(span['start']), us(span['end'])) for span in array]


def taken(path):
    """The bytes of a file that is then removed; None if there is none."""
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except FileNotFoundError:
        return None
    os.unlink(path)
    return data


class Run:
    """A run of one quality: its outputs, and its report if that is JSON."""

    def __init__(self, base, *options, form='json', channel=('ch',)):
        self.base = base
        self.command = [PROGRAM, '-b', base, '-f', form, *options, *channel]
        done = subprocess.run(
            self.command, stdin=subprocess.DEVNULL, capture_output=True,
            env=dict(os.environ, TZ='UTC', LC_ALL='C'), timeout=60,
            check=False)
        self.out, self.err, self.status = (
            done.stdout, done.stderr, done.returncode)
        if self.status not in (0, 1, 2) or form == 'json' and not self.out:
            raise Broken(0, self.command, self.status, self.err)
        if form == 'json':
            self.json = json.loads(
                self.out, parse_float=decimal.Decimal, parse_int=int)
            self.report = self.json['reports'][0]
            self.raw = self.report['raw']
            self.covered = us(self.raw['coverage'])
            self.lost = us(self.raw['hole_duration'])
            self.holes = spans(self.raw['holes'])
            path = os.path.join(base, 'coverage-maps',
                                'ch_%s_coverage.' % self.report['quality'])
            self.map = taken(path + 'png')
            self.all = (self.out, self.err, self.status, self.map,
                        taken(path + 'json'))

    def unreadable(self):
        times = [model.parse_hour(hour['hour'].encode())
                 for hour in self.report['hours'] if not hour['readable']]
        return [(time, time + HOUR) for time in times]

    def origin(self):
        """The time that the map begins at."""
        if self.json['first_hour']:
            return model.parse_hour(self.json['first_hour'].encode())
        return next((model.parse_hour(hour['hour'].encode())
                     for hour in self.report['hours']
                     if hour['start'] or not hour['readable']), None)

    def pixels(self):
        """[(time, colour)] of the map, or None if there is none."""
        if self.map is None:
            return None
        rows = model.png_rows(self.map)
        colours = [COLOURS[tuple(row[at:at + 3])]
                   for at in range(0, len(rows[0]), 3) for row in rows]
        return [(self.origin() + number * PIXEL, colour)
                for number, colour in enumerate(colours)]


def cut(some, low, high):
    return model.clip(some, low, high)


class Laws:
    """All laws on one quality of one archive."""

    def __init__(self, chance, archive, quality):
        self.chance, self.archive = chance, archive
        self.path = os.path.join(archive.base, archive.channel, quality)
        self.now = model.instant(
            min(archive.last + 2 * HOUR, LATEST + HOUR - 1))
        self.options = ('-q', quality, '--now', self.now)
        self.exact = self.run('-t', '0', '-n')

    def run(self, *options, **how):
        return Run(self.archive.base, *self.options, *options, **how)

    def window(self, first, last, *options):
        """A run from hour to hour; None leaves a bound open."""
        for bound, hour in ('--first-hour', first), ('--last-hour', last):
            if hour is not None:
                options += bound, model.hour_name(hour)
        return self.run('-t', '0', *options)

    def law_0(self):
        tolerance = self.archive.tolerance
        for run, slack in ((self.exact, 0), (self.run(
                '-t', model.number_text(tolerance), '-n'), tolerance)):
            unreadable = run.unreadable()
            if run.report['start'] is None:
                continue
            ends = [(us(run.report['start']), us(run.report['end']))]
            low = min(start for start, _ in ends + unreadable)
            high = max(end for _, end in ends + unreadable)
            known = run.covered + run.lost
            segments = sum(kind['count'] for kind in
                           run.report['segments'].values())
            check(0, known <= high - low, slack, known, high - low)
            check(0, high - low <= known + model.total(unreadable)
                  + slack * segments, slack, known, high - low)

    def law_1(self):
        report = self.exact.report
        for key in 'raw', 'editable':
            share = report[key]
            check(1, us(share['hole_duration']) ==
                  model.total(spans(share['holes'])), key)
            check(1, share['hole_count'] == len(share['holes']), key)
            check(1, us(share['coverage']) == sum(
                us(hour[key]['coverage']) for hour in report['hours']), key)
            for hour in report['hours']:
                start = model.parse_hour(hour['hour'].encode())
                check(1, spans(hour[key]['holes']) == cut(
                    spans(share['holes']), start, start + HOUR), hour)
        for kind, sums in report['segments'].items():
            check(1, sums['count'] == sum(
                hour['segments'][kind]['count']
                for hour in report['hours']), kind)

    def cuts(self):
        """Some hours at which windows may begin."""
        hours = [hour for hour in set(self.archive.marks)
                 if EARLIEST < hour < LATEST]
        return sorted(self.chance.sample(hours, min(3, len(hours))))

    def law_2(self):
        cuts = self.cuts()
        parts = [self.window(first, last and last - HOUR, '-n')
                 for first, last in zip([None] + cuts, cuts + [None])]
        for what in 'covered', 'lost':
            check(2, sum(getattr(part, what) for part in parts) ==
                  getattr(self.exact, what), what, cuts,
                  *(getattr(part, what) for part in parts))
        for kind in self.exact.report['segments']:
            check(2, sum(part.report['segments'][kind]['count']
                         for part in parts) ==
                  self.exact.report['segments'][kind]['count'], kind, cuts)

    def law_3(self):
        first, last = sorted(self.chance.choices(self.archive.marks, k=2))
        run = self.window(first, last, '-n')
        check(3, run.holes == cut(self.exact.holes, first, last + HOUR),
              run.command, run.holes)

    def law_4(self):
        whole = self.run('-t', '0').pixels()
        first, last = sorted(self.chance.choices(self.archive.marks, k=2))
        run = self.window(first, last)
        part = run.pixels()
        if whole is None or part is None:
            return
        whole = dict(whole)
        for time, colour in part:
            check(4, whole.get(time, colour) == colour, run.command,
                  model.instant(time), colour, whole.get(time))

    def law_5(self):
        """The segment is taken away again."""
        hours = [hour['hour'] for hour in self.exact.report['hours']
                 if hour['readable']]
        if not hours:
            return
        start = '%02d:%02d.%06d' % tuple(
            self.chance.randrange(end) for end in (60, 60, 1000000))
        hour = os.path.join(self.path, self.chance.choice(hours))
        if any(name.startswith(start) for name in os.listdir(hour)):
            return
        path = os.path.join(hour, '%s-%s-%s-added-to-it.ts' % (
            start, self.chance.choice(('0.5', '20', '3600')),
            self.chance.choice(('full', 'suspect', 'partial'))))
        for tolerance in '0', model.number_text(self.archive.tolerance):
            before = self.run('-n', '-t', tolerance)
            with open(path, 'w', encoding='ascii'):
                pass
            after = self.run('-n', '-t', tolerance)
            os.unlink(path)
            check(5, after.covered >= before.covered, path)
            if before.report['start'] is None:
                continue
            old = cut(after.holes, us(before.report['start']),
                      us(before.report['end']))
            check(5, model.total(model.join(sorted(
                old + before.holes), 0)) == before.lost, path, old)

    def law_6(self):
        one, many = (self.run('-j', jobs).all for jobs in ('1', '64'))
        check(6, one == many, '-j 1 and -j 64')
        for hour in self.exact.report['hours']:
            path = os.path.join(self.path, hour['hour'])
            names = os.listdir(path) if hour['readable'] else []
            self.chance.shuffle(names)
            for name in names[:50]:
                aside = os.path.join(path, '.aside')
                os.rename(os.path.join(path, name), aside)
                os.rename(aside, os.path.join(path, name))
        check(6, self.run('-j', '16').all == many, 'another order')

    def law_7(self):
        metrics = os.path.join(self.archive.base, 'metrics')
        run = self.run('-n', '-m', metrics)
        with open(metrics, encoding='utf-8') as file:
            text = file.read()
        os.unlink(metrics)
        gauges = dict(re.findall(
            r'^segment_coverage_(\w+){[^}]*} (\S+)$', text, re.M))
        wanted = {'raw_covered_seconds': run.raw['coverage'],
                  'raw_holes': run.raw['hole_count'],
                  'raw_hole_seconds': run.raw['hole_duration'],
                  'editable_holes': run.report['editable']['hole_count']}
        for name, value in wanted.items():
            check(7, us(decimal.Decimal(gauges.get(name, -1))) == us(value),
                  name, gauges.get(name), value)
        lines = [line.split('\t') for line in self.run(
            '-n', form='holes').out.decode().splitlines()]
        check(7, [tuple(map(us, line[2:4])) for line in lines] == run.holes,
              'lines', lines, run.holes)
        text = self.run('-n', form='text').out.decode()
        row = re.search(r'^ +%s +[A-Z].*? ([0-9.]+|-) *%% +([0-9]+|-)' %
                        run.report['quality'], text, re.M)
        if run.raw['ratio'] is None or row is None:
            return
        check(7, row[2].replace('-', '0') == str(run.raw['hole_count']),
              row[0])
        check(7, decimal.Decimal(row[1]) ==
              int(run.raw['ratio'] * 10000) / decimal.Decimal(100), row[0])

    def law_8(self):
        run = self.run('-t', '0')
        pixels = run.pixels()
        if pixels is None:
            return
        dark = set()
        for start, end in run.holes + [
                (run.origin(), us(run.report['start'])),
                (us(run.report['end']), pixels[-1][0] + PIXEL)]:
            dark.update(range(start // PIXEL, -(-end // PIXEL)))
        grey = {start for start, _ in run.unreadable()}
        orange = any(run.report['segments'][kind]['count']
                     for kind in ('suspect', 'partial'))
        for time, colour in pixels:
            wanted = 'grey' if time // HOUR * HOUR in grey else \
                'white' if time // PIXEL in dark else 'blue'
            check(8, colour == wanted or orange and wanted == 'blue' and
                  colour == 'orange' or grey and wanted == 'white',
                  model.instant(time), colour, wanted)

    def law_9(self):
        """Full segments only: of others the best one may differ."""
        first = model.parse_hour(b'2025-11-15T02')
        base = os.path.join(self.archive.base, 'nodes')
        options = '-q', 'source', '-n', '-t', '0', '--now', '2025-11-16'
        for number in range(self.chance.randrange(1, 60)):
            start = self.chance.randrange(3 * HOUR)
            name = '%s/ch/source/%s/%02d:%09.6f-%d-full-a%03d.ts' % (
                '%s', model.hour_name(first + start),
                start // (60 * model.SECOND) % 60,
                start % (60 * model.SECOND) / model.SECOND,
                self.chance.randrange(600), number)
            nodes = self.chance.sample('abc', self.chance.randrange(1, 4))
            for node in nodes + ['union']:
                path = os.path.join(base, name % node)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w', encoding='ascii'):
                    pass
        union = Run(os.path.join(base, 'union'), *options)
        for node in os.listdir(base):
            if node != 'union':
                path = os.path.join(base, node)
                options += '--peer', '%s=%s.json' % (node, path)
                with open(path + '.json', 'wb') as file:
                    file.write(Run(path, *options[:7]).out)
        fleet = Run(base, *options, channel=()).report['fleet']
        shutil.rmtree(base)
        check(9, us(fleet['coverage']) == union.covered,
              fleet['coverage'], union.covered)
        check(9, spans(fleet['lost']['spans']) == union.holes,
              fleet['lost'], union.holes)


def obeys(seed):
    """[(law, what breaks it)] of one archive, and the laws that were asked."""
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    base = tempfile.mkdtemp(prefix='coverage-laws.', dir=place)
    broken = []
    try:
        chance = random.Random(seed)
        archive = randarchive.make(chance, base)
        laws = Laws(chance, archive, 'source')
        for law in sorted(name for name in dir(laws) if name[:4] == 'law_'):
            try:
                getattr(laws, law)()
            except Broken as error:
                broken.append((error.args[0], 'SEED=%d: %s' % (
                    seed, error.args[1])))
    finally:
        shutil.rmtree(base)
    return broken


def main():
    seeds = range(1, int(os.environ.get('SEEDS', '40')) + 1)
    if 'SEED' in os.environ:
        seeds = [int(os.environ['SEED'])]
    broken = collections.defaultdict(list)
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for each in pool.imap(obeys, seeds):
            for law, what in each:
                broken[law].append(what)
    for number, law in enumerate(LAWS):
        tap.ok(not broken[number], law, '%d of %d archives' % (
            len(broken[number]), len(seeds)), *broken[number][:3])
    tap.done()


main()
