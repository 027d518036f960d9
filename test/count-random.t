#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random archives: every key of the report and every pixel of the map.

Each seed makes an archive, on which the program runs with several tolerances,
windows and numbers of jobs; the slow model says what must come of it.
"""
import os
import pathlib
import shlex
import shutil
import sys

sys.dont_write_bytecode = True
import model
import randarchive
import tap

HOUR = model.HOUR
DAY = 24 * HOUR
EARLIEST, LATEST = randarchive.FIRST_HOUR, randarchive.LAST_HOUR


def case_make(chance, archive, tolerance, bounds):
    """What the model is told, and the program."""
    def hour():
        near = chance.choice(archive.marks)
        far = chance.choice((archive.first, archive.last))
        hour = chance.choice((near, near, near, far)) \
            + chance.choice((-5, -2, -1, 0, 0, 0, 1, 2, 5)) * HOUR
        return max(EARLIEST, min(hour, LATEST))

    first, last = sorted((hour(), hour()))
    # segments may be ahead of the clock
    now = archive.last + chance.randrange(-HOUR, 3 * DAY)
    expect = archive.first + chance.randrange(-3 * HOUR, 2 * HOUR)
    told = {'now': max(EARLIEST, min(now, LATEST + HOUR - 1)),
            'tolerance': tolerance, 'sizes': chance.randrange(4) == 0,
            'first': first if bounds in ('both', 'first') else None,
            'last': last if bounds in ('both', 'last') else None,
            'expect': max(EARLIEST, expect) if chance.randrange(4) == 0
            else None}
    command = [
        '-b', archive.base, '-f', 'json', '-q', ','.join(archive.qualities),
        '--now', model.instant(told['now']), '-t',
        model.number_text(tolerance), 'ch']
    for option, key, text in (('--first-hour', 'first', model.hour_name),
                              ('--last-hour', 'last', model.hour_name),
                              ('--expect', 'expect', model.instant)):
        if told[key] is not None:
            command += [option, text(told[key])]
    return told, command + ['--sizes'] * told['sizes']


def run(archive, command, jobs):
    """(exit status, stdout, stderr, {quality: bytes of its map or None})"""
    output = os.path.join(archive.base, 'coverage-maps')
    shutil.rmtree(output, ignore_errors=True)
    done = tap.run(*command, '-j', str(jobs))
    maps = dict.fromkeys(archive.qualities)
    names = set(os.listdir(output) if os.path.isdir(output) else [])
    for quality in archive.qualities:
        name = 'ch_%s_coverage' % quality
        if name + '.png' in names:
            names -= {name + '.png', name + '.json'}
            maps[quality] = pathlib.Path(output, name + '.png').read_bytes()
    if names:
        raise tap.Mismatch('left behind: %r' % names)
    return *done, maps


def expect(path, got, wanted):
    found = model.difference(got, wanted, path)
    if found:
        raise tap.Mismatch('%s\ngot:    %r\nwanted: %r' % found)


def compare_map(survey, quality, png):
    """Whether a map was to be refused."""
    try:
        difference = model.map_difference(
            survey, None if png is None else model.png_rows(png))
    except model.TooWide:
        if png is None:
            return True
        difference = 'too wide, and drawn'
    if difference:
        raise tap.Mismatch('map of %s: %s' % (quality, difference))
    return False


def compare(archive, told, surveys, result):
    """surveys: of each quality, in order: (listings, Survey)"""
    status, output, talk, maps = result
    try:
        document = model.read_json(output)
    except ValueError as error:
        raise tap.Mismatch('no JSON: %s\nstatus %d, stderr: %r' % (
            error, status, talk))
    reports = [survey.report('ch', quality, listings is not None)
               for quality, (listings, survey) in surveys.items()]
    expect('.reports', document.get('reports'), model.as_read(reports))

    refused = sum(compare_map(survey, quality, maps[quality])
                  for quality, (_, survey) in surveys.items())
    unread = [quality + '/' + hour for quality, (_, survey) in surveys.items()
              for hour in survey.unreadable()]
    absent = ['ch/' + quality for quality, (listings, _) in surveys.items()
              if listings is None]
    errors = document.pop('errors')
    expect('.errors (hours)', sorted(
        '/'.join(error['path'].split('/')[-2:]) for error in errors
        if not error['path'].endswith('.png')), sorted(unread + absent))
    expect('.errors (number)', len(errors),
           len(unread + absent) + refused)
    expect('stderr (lines)', talk.count('\n'), len(errors))
    expect('exit status', status, 2 if errors else 0)
    del document['reports'], document['generator']
    first, last = (None if told[key] is None else model.hour_name(told[key])
                   for key in ('first', 'last'))
    expect('', document, model.as_read({
        'schema_version': 1,
        'generated_at': model.instant(told['now']),
        'base_dir': archive.base,
        'tolerance': model.number_text(told['tolerance']),
        'first_hour': first, 'last_hour': last,
        'complete': not unread, 'peers': []}))
    return reports


def seen_in(value, path=''):
    """{key: whether its value was anything but null, 0, false or empty}"""
    seen = {path: value not in (None, '0', False, [])}
    items = []
    if isinstance(value, dict):
        items = [(path + '.' + key, item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(path + '[]', item) for item in value]
    for path, item in items:
        for key, was in seen_in(item, path).items():
            seen[key] = seen.get(key, False) or was
    return seen


def cases(chance, archive):
    any_tolerance = chance.choice(randarchive.TOLERANCES)
    for tolerance, bounds in (
            (0, 'none'),
            (10000, 'none'),
            (chance.choice((0, 10000, archive.tolerance)), 'both'),
            (10000, 'both'),
            (archive.tolerance, chance.choice(('first', 'last'))),
            (any_tolerance, 'both')):
        yield case_make(chance, archive, tolerance, bounds)


def check_archive(chance, base):
    """seen_in() of its reports."""
    archive = randarchive.make(chance, base)
    read = {quality: model.read_quality(os.path.join(base, 'ch', quality))
            for quality in archive.qualities}
    seen = []
    twice = chance.randrange(6)
    for number, (told, command) in enumerate(cases(chance, archive)):
        surveys = {quality: (listings, model.Survey(
            listings or {}, **told))
            for quality, listings in read.items()}
        jobs, others = chance.sample((1, 2, 7), 2)
        result = run(archive, command, jobs)
        try:
            seen += model.as_read(compare(archive, told, surveys, result))
        except tap.Mismatch as error:
            raise tap.Mismatch('segment-coverage %s\n%s' % (
                shlex.join(command), error)) from None
        if number == twice and run(archive, command, others) != result:
            raise tap.Mismatch('-j %d and -j %d differ' % (jobs, others))
    return seen_in(seen)


SEEN = {}
found = tap.seeds(check_archive, 200)
for one in filter(None, found):
    SEEN.update({key: was or SEEN.get(key, False)
                 for key, was in one.items()})
if len(found) >= 100 and tap.failures == 0:
    tap.same([key for key, was in SEEN.items() if not was and not
              key.endswith(('.fleet', '.known'))], [],
             'all that can happen has happened')
tap.done()
