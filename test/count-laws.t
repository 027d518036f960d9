#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Laws that hold between runs of the program on the same archive, whatever
is in it: no expected figures, and no model."""
import decimal
import json
import os
import pathlib
import sys

sys.dont_write_bytecode = True
import model
import randarchive
import tap

HOUR = model.HOUR


def check(truth, *what):
    if not truth:
        raise tap.Mismatch(' '.join(map(str, what)))


def us(value):
    """Seconds of the JSON, or an instant, in microseconds."""
    if isinstance(value, str):
        return model.parse_instant(value)
    return int(value * model.SECOND)


def spans(array):
    return [(us(span['start']), us(span['end'])) for span in array]


class Run:
    """A run on one quality, and its report."""

    def __init__(self, archive, *options):
        now = min(archive.last + 2 * HOUR, randarchive.LAST_HOUR + HOUR - 1)
        self.command = [
            '-b', archive.base, '-f', 'json', '-q', 'source', '--now',
            model.instant(now), *options, 'ch']
        done = tap.run(*self.command)
        maps = os.path.join(archive.base, 'coverage-maps')
        self.all = [*done]
        for name in sorted(os.listdir(maps) if os.path.isdir(maps) else []):
            path = pathlib.Path(maps, name)
            self.all.append(path.read_bytes())
            path.unlink()
        self.report = json.loads(done[1], parse_float=decimal.Decimal,
                                 parse_int=int)['reports'][0]
        self.covered = us(self.report['raw']['coverage'])
        self.lost = us(self.report['raw']['hole_duration'])
        self.holes = spans(self.report['raw']['holes'])

    def range(self):
        return us(self.report['start']), us(self.report['end'])

    def count(self):
        return sum(kind['count'] for kind in self.report['segments'].values())


def window(archive, first, last):
    """A run from hour to hour; None leaves a bound open."""
    return Run(archive, '-n', '-t', '0', *[
        word for bound, hour in (('--first-hour', first),
                                 ('--last-hour', last)) if hour is not None
        for word in (bound, model.hour_name(hour))])


def known(exact, archive):
    """Covered, holes and unreadable hours are all the time there is."""
    slow = archive.tolerance
    for run, slack in (exact, 0), (Run(
            archive, '-t', model.number_text(slow), '-n'), slow):
        unreadable = [(time, time + HOUR) for time in (
            model.parse_hour(hour['hour'].encode()) for hour in
            run.report['hours'] if not hour['readable'])]
        if run.report['start'] is None:
            continue
        starts, ends = zip(run.range(), *unreadable)
        whole = max(ends) - min(starts)
        check(run.covered + run.lost <= whole <= run.covered + run.lost +
              model.total(unreadable) + slack * run.count(), 'known', slack)


def windows(exact, archive, chance):
    """They add up to the whole; a window's holes are a cut of its holes."""
    hours = [hour for hour in sorted(set(archive.marks)) if
             randarchive.FIRST_HOUR < hour < randarchive.LAST_HOUR]
    cuts = sorted(chance.sample(hours, min(3, len(hours))))
    bounds = [(first, last and last - HOUR)
              for first, last in zip([None] + cuts, cuts + [None])]
    parts = [window(archive, *bound) for bound in bounds]
    for what in (lambda run: run.covered, lambda run: run.lost,
                 lambda run: run.count()):
        check(sum(map(what, parts)) == what(exact), 'windows', bounds,
              *map(what, parts))
    for (first, last), part in zip(bounds, parts):
        check(part.holes == model.clip(
            exact.holes, *(-1 << 62 if first is None else first,
                           1 << 62 if last is None else last + HOUR)),
              'holes of a window', part.command, part.holes)


def more(exact, archive, chance):
    """A segment more, which is then taken away, uncovers nothing."""
    hours = [hour['hour'] for hour in exact.report['hours']
             if hour['readable']]
    start = '%02d:%02d.%06d' % tuple(map(chance.randrange, (60, 60, 10**6)))
    hour = hours and os.path.join(archive.base, 'ch', 'source',
                                  chance.choice(hours))
    if not hours or any(name.startswith(start) for name in os.listdir(hour)):
        return
    path = os.path.join(hour, '%s-%s-%s-added-to-it.ts' % (
        start, chance.choice(('0.5', '20', '3600')),
        chance.choice(('full', 'suspect', 'partial'))))
    for tolerance in '0', model.number_text(archive.tolerance):
        before = Run(archive, '-n', '-t', tolerance)
        os.mknod(path)
        after = Run(archive, '-n', '-t', tolerance)
        os.unlink(path)
        check(after.covered >= before.covered, path)
        if before.report['start'] is not None:
            old = model.clip(after.holes, *before.range())
            check(model.total(model.join(sorted(old + before.holes), 0)) ==
                  before.lost, path, old)


def order(exact, archive, chance):
    """--jobs and the order of names change nothing."""
    one, many = (Run(archive, '-j', jobs).all for jobs in ('1', '64'))
    check(one == many, '-j 1 and -j 64')
    for hour in exact.report['hours']:
        path = os.path.join(archive.base, 'ch', 'source',
                            hour['hour'])
        names = os.listdir(path) if hour['readable'] else []
        chance.shuffle(names)
        for name in names[:50]:
            aside = os.path.join(path, '.aside')
            os.rename(os.path.join(path, name), aside)
            os.rename(aside, os.path.join(path, name))
    check(Run(archive, '-j', '16').all == many, 'another order')


def laws(chance, base):
    archive = randarchive.make(chance, base)
    exact = Run(archive, '-t', '0', '-n')
    known(exact, archive)
    windows(exact, archive, chance)
    more(exact, archive, chance)
    order(exact, archive, chance)


tap.seeds(laws, 40)
tap.done()
