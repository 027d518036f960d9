#!/usr/bin/python3
"""Random archives: every key of the report and every pixel of the map.

Each seed makes an archive, on which the program runs with several tolerances,
windows and numbers of jobs; the slow model says what must come of it.

SEEDS=N runs the seeds 1 to N (default 300), SEED=K only that one; with KEEP=1
the archives stay, and their place is said.
"""
import multiprocessing
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import model
import randarchive
import tap

HOUR = model.HOUR
DAY = 24 * HOUR
PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
ENVIRONMENT = dict(os.environ, TZ='UTC', LC_ALL='C')
EARLIEST = model.parse_hour(b'0001-01-01T00')
LATEST = model.parse_hour(b'9999-12-31T23')


class Mismatch(Exception):
    """What differs, for people."""


def spell_bound(chance, hour, now, is_last):
    """One of the ways to name an hour in --first-hour or --last-hour."""
    name = model.hour_name(hour)
    minutes = ':%02d' % chance.randrange(60)
    seconds = ':%02d' % chance.randrange(60)
    ways = [name, name, name + minutes + seconds,
            name + minutes + seconds + 'Z', name + minutes,
            name.replace('T', ' ') + minutes + seconds + '.25Z']
    if EARLIEST + DAY < hour < LATEST - DAY:
        east = model.hour_name(hour + HOUR)
        west = model.hour_name(hour - 6 * HOUR)
        ways += [east + minutes + seconds + '+01:00',
                 west + ':45:10-05:30']
    if name.endswith('T23' if is_last else 'T00'):
        ways += [name[:10]] * 3
    ago = now // HOUR - hour // HOUR
    if ago == 0:
        ways += ['now'] * 3
    elif ago > 0:
        ways += ['-%dh' % ago] * 3
        if ago % 24 == 0:
            ways += ['-%dd' % (ago // 24)] * 3
    return chance.choice(ways)


class Case:
    """One set of options."""

    def __init__(self, chance, archive, tolerance, bounds):
        self.archive = archive
        self.tolerance = tolerance
        last = archive.last + chance.randrange(3 * DAY)
        self.now = min(last, LATEST + HOUR - 1)
        self.first = self.last = None
        self.choose_window(chance, bounds)
        self.options = ['-b', archive.base, '-q', ','.join(archive.qualities),
                        '-f', 'json', '--now', model.instant(self.now)]
        if tolerance != 10000 or chance.randrange(2):
            self.options += ['-t', model.number_text(tolerance)]
        if self.first is not None:
            self.options += ['--first-hour', spell_bound(
                chance, self.first, self.now, False)]
        if self.last is not None:
            self.options += ['--last-hour', spell_bound(
                chance, self.last, self.now, True)]

    def choose_window(self, chance, bounds):
        def hour():
            near = chance.choice(self.archive.marks)
            far = chance.choice((self.archive.first, self.archive.last))
            hour = chance.choice((near, near, near, far)) \
                + chance.choice((-5, -2, -1, 0, 0, 0, 1, 2, 5)) * HOUR
            return max(EARLIEST, min(hour, LATEST))

        if bounds == 'none':
            return
        if bounds == 'now':
            # what an operator asks for: the last few hours
            self.last = self.now // HOUR * HOUR
            self.first = max(EARLIEST, min(hour(), self.last))
            return
        self.first, self.last = sorted((hour(), hour()))
        if bounds == 'one':
            if chance.randrange(2):
                self.first = None
            else:
                self.last = None

    def command(self, jobs):
        return [PROGRAM] + self.options + ['-j', str(jobs),
                                           self.archive.channel]


def run(case, jobs):
    """(stdout, stderr, exit status, {quality: bytes of its map or None})"""
    output = os.path.join(case.archive.base, 'coverage-maps')
    shutil.rmtree(output, ignore_errors=True)
    done = subprocess.run(case.command(jobs), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=ENVIRONMENT, timeout=120, check=False)
    maps = dict.fromkeys(case.archive.qualities)
    names = os.listdir(output) if os.path.isdir(output) else []
    for quality in case.archive.qualities:
        name = 'ch_%s_coverage.png' % quality
        if name in names:
            names.remove(name)
            with open(os.path.join(output, name), 'rb') as file:
                maps[quality] = file.read()
    if names:
        raise Mismatch('left behind: %r' % names)
    return done.stdout, done.stderr, done.returncode, maps


def expect(path, got, wanted):
    found = model.difference(got, wanted, path)
    if found:
        raise Mismatch('%s\ngot:    %r\nwanted: %r' % found)


def compare_map(survey, quality, png):
    """Whether a map was to be refused."""
    try:
        difference = model.map_difference(
            survey, None if png is None else model.png_rows(png))
    except model.TooWide:
        if png is not None:
            raise Mismatch('map of %s: too wide, and drawn' % quality)
        return True
    except ValueError as error:
        raise Mismatch('map of %s: %s' % (quality, error))
    if difference:
        raise Mismatch('map of %s: %s' % (quality, difference))
    return False


def compare(case, surveys, result):
    """surveys: of each quality, in order: (listings, Survey)"""
    output, talk, status, maps = result
    try:
        document = model.read_json(output.decode('utf-8', 'strict'))
    except ValueError as error:
        raise Mismatch('no JSON: %s\nstatus %d, stderr: %r' % (
            error, status, talk))
    reports = [survey.report(case.archive.channel, quality, case.now,
                             listings is not None)
               for quality, (listings, survey) in surveys.items()]
    expect('.reports', document.get('reports'), model.as_read(reports))

    refused = 0
    for quality, (_, survey) in surveys.items():
        refused += compare_map(survey, quality, maps[quality])
    unread = [quality + '/' + hour for quality, (_, survey) in surveys.items()
              for hour in survey.unreadable()]
    errors = document.pop('errors')
    expect('.errors (hours)', sorted(
        '/'.join(error['path'].split('/')[-2:]) for error in errors
        if not error['path'].endswith('.png')), sorted(unread))
    expect('.errors (number)', len(errors), len(unread) + refused)
    expect('stderr (lines)', talk.count(b'\n'), len(errors))
    expect('exit status', status, 2 if errors else 0)
    del document['reports'], document['generator']
    expect('', document, model.as_read({
        'schema_version': 1,
        'generated_at': model.instant(case.now),
        'base_dir': case.archive.base,
        'tolerance': model.Seconds(case.tolerance),
        'first_hour': None if case.first is None
        else model.hour_name(case.first),
        'last_hour': None if case.last is None
        else model.hour_name(case.last),
        'complete': not unread}))
    return reports, maps


def features(surveys, reports):
    """What of all that can happen did happen here."""
    seen = set()
    for (listings, survey), report in zip(surveys.values(), reports):
        if listings is None:
            seen.add('a quality that is not there')
        for key in ('raw', 'editable'):
            if report[key]['hole_count']:
                seen.add(key + ' holes')
        if report['raw']['hole_count'] != report['editable']['hole_count']:
            seen.add('raw and editable holes apart')
        if report['age'] is not None and report['age'] < 0:
            seen.add('an age below 0')
        for key in ('temp', 'bad', 'tombstoned'):
            if report['segments'][key]['count']:
                seen.add(key + ' segments')
        for kind in model.TYPES:
            if report['overlaps'][kind]['count']:
                seen.add('overlaps, ' + kind)
        if report['incomplete']['spans']:
            seen.add('incomplete spans')
        if report['missing_hours']['count']:
            seen.add('missing hours')
        if any(len(hour['bad_names']) < hour['segments']['bad']['count']
               for hour in report['hours']):
            seen.add('more than 100 bad names')
        if survey.unreadable():
            seen.add('unreadable hours')
        if survey.hours and len(survey.line) > len(survey.hours):
            seen.add('an hour beside the window')
        if not survey.hours and len(survey.line) == 2:
            seen.add('a window in a gap')
        if any(a <= survey.low < b or a < survey.high <= b
               for a, b in survey.holes):
            seen.add('a hole cut at a bound')
        try:
            pixels = set(model.map_pixels(survey) or [])
        except model.TooWide:
            seen.add('a map too wide')
            continue
        seen.update(name for name, colour in (
            ('white', model.WHITE), ('blue', model.BLUE),
            ('orange', model.ORANGE), ('grey', model.GREY))
            if colour in pixels)
        seen.add('a map' if pixels else 'no map')
    return seen


FEATURES = {
    'a quality that is not there', 'raw holes', 'editable holes',
    'raw and editable holes apart', 'an age below 0', 'temp segments',
    'bad segments', 'tombstoned segments', 'overlaps, full',
    'overlaps, suspect', 'overlaps, partial', 'incomplete spans',
    'missing hours', 'more than 100 bad names', 'unreadable hours',
    'an hour beside the window', 'a window in a gap',
    'a hole cut at a bound', 'a map too wide', 'white', 'blue', 'orange',
    'grey', 'a map', 'no map'}


def cases(chance, archive):
    any_tolerance = chance.choice(randarchive.TOLERANCES)
    for tolerance, bounds in (
            (0, 'none'),
            (10000, 'none'),
            (chance.choice((0, 10000, archive.tolerance)), 'both'),
            (10000, 'both'),
            (archive.tolerance, 'one'),
            (any_tolerance, chance.choice(('none', 'now')))):
        yield Case(chance, archive, tolerance, bounds)


def check_archive(seed, base, shown):
    """What was seen; shown[0] is the command that is being run."""
    chance = random.Random(seed)
    archive = randarchive.make(chance, base)
    read = {quality: model.read_quality(os.path.join(
        base, archive.channel, quality)) for quality in archive.qualities}
    seen = set()
    twice = chance.randrange(6)
    for number, case in enumerate(cases(chance, archive)):
        surveys = {quality: (listings, model.Survey(
            listings or {}, case.first, case.last, case.tolerance))
            for quality, listings in read.items()}
        jobs, others = chance.sample((1, 2, 7), 2)
        shown[0] = shlex.join(case.command(jobs))
        result = run(case, jobs)
        reports, maps = compare(case, surveys, result)
        seen |= features(surveys, reports)
        if number == twice:
            shown[0] = shlex.join(case.command(others))
            again = run(case, others)
            if again != result:
                raise Mismatch('-j %d and -j %d give different bytes' % (
                    jobs, others))
    return seen


def check(seed):
    """(seed, what was seen, None or what differs)"""
    place = '/dev/shm'
    if not os.access(place, os.W_OK | os.X_OK):
        place = None
    base = tempfile.mkdtemp(prefix='coverage-random.', dir=place)
    shown = ['making the archive']
    try:
        return seed, check_archive(seed, base, shown), None
    except (Mismatch, AssertionError, OSError, subprocess.SubprocessError,
            KeyError, TypeError) as error:
        return seed, set(), 'seed: SEED=%d KEEP=1 %s\ncommand: %s\n%s: %s' % (
            seed, sys.argv[0], shown[0], type(error).__name__, error)
    finally:
        if 'KEEP' in os.environ:
            print('# seed %d: %s' % (seed, base), file=sys.stderr)
        else:
            shutil.rmtree(base)


def main():
    if not os.access(PROGRAM, os.X_OK):
        print('Bail out! no program: ' + PROGRAM)
        return 1
    if 'SEED' in os.environ:
        seeds = [int(os.environ['SEED'])]
    else:
        seeds = range(1, int(os.environ.get('SEEDS', '300')) + 1)
    seen = set()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for seed, found, difference in pool.imap(check, seeds):
            seen |= found
            tap.ok(difference is None, 'random archive %d' % seed,
                   difference or '')
    if len(seeds) >= 300 and tap.failures == 0:
        tap.same(sorted(FEATURES - seen), [], 'everything has happened')
    return tap.done()


sys.exit(main())
