#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the program differs from the Python service, on purpose.

Each case is one small archive, the figure that the service has for it and the
one that the program has; the numbers are those of the manual's CAVEATS.
"""
import datetime
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import model
import python_says
import tap

FIRST, NEXT, THIRD = '2025-11-15T02', '2025-11-15T03', '2025-11-15T04'


def seconds(duration):
    return model.number_text(duration // datetime.timedelta(microseconds=1))


# a figure: how the service has it for an hour, how the program has it for a
# quality or an hour

def coverage(theirs, ours):
    return (lambda hour: seconds(getattr(hour, theirs)),
            lambda report: report[ours]['coverage'])


def holes(theirs, ours):
    return (lambda hour: ', '.join(
        seconds(b - a) for a, b in getattr(hour, theirs)) or 'none',
            lambda report: ', '.join(
                h['duration'] for h in report[ours]['holes']) or 'none')


def tallies(counts, durations, ours):
    return (lambda hour: ', '.join(
        '%d %s %s s' % (count, kind, seconds(getattr(hour, durations)[kind]))
        for kind, count in getattr(hour, counts).items() if count) or 'none',
            lambda report: ', '.join(
                '%s %s %s s' % (tally['count'], kind, tally['duration'])
                for kind, tally in report[ours].items()
                if kind in model.TYPES and tally['count'] != '0') or 'none')


COVERAGE = coverage('coverage', 'raw')
EDITABLE = coverage('editable_coverage', 'editable')
HOLES = holes('holes', 'raw')
EDITABLE_HOLES = holes('editable_holes', 'editable')
OVERLAPS = tallies('overlaps', 'overlap_durations', 'overlaps')
SEGMENTS = tallies('counts', 'durations', 'segments')

# number, what, archive, hour that is looked at (None: all), and of figures:
# which, what the service has, what the program has
CASES = (
    (1, 'fulls of 10 s and 2 s at one start',
     {FIRST: '00:00 2 full, 00:02 10 full, 00:02 2.0 full, 00:12 2 full'},
     FIRST, (COVERAGE, '6', '14')),
    (1, 'a partial beside a full one',
     {FIRST: '00:00 4 full, 00:02 4 full, 00:02 5 partial'},
     FIRST, (OVERLAPS, '2 partial 7 s', '1 full 2 s, 1 partial 5 s')),
    (2, 'suspects beside a full one',
     {FIRST: '00:00 2 full, 00:00 1 suspect, 00:00 1.5 suspect'},
     FIRST, (OVERLAPS, 'none', '2 suspect 2.5 s')),
    (2, 'a partial beside a suspect',
     {FIRST: '00:00 2 suspect, 00:00 1 partial'},
     FIRST, (OVERLAPS, 'none', '1 partial 1 s')),
    (3, 'a segment inside another',
     {FIRST: '00:00 10 full, 00:02 1 full, 00:10 2 full'},
     FIRST, (COVERAGE, '5', '12'), (HOLES, '7', 'none'),
     (OVERLAPS, '1 full 8 s', '1 full 1 s')),
    (4, 'a hole after a segment that spills over the hour',
     {FIRST: '59:58 5 full', NEXT: '00:05 2 full'}, NEXT, (HOLES, '5', '2')),
    (4, 'under a segment that spills over the hour',
     {FIRST: '59:58 5 full', NEXT: '00:00 2 full, 00:02 2 full'},
     NEXT, (COVERAGE, '4', '1'), (OVERLAPS, 'none', '2 full 3 s')),
    (4, '1 us at the end of an hour',
     {FIRST: '59:58 1.999999 full', NEXT: '00:00 2 full'},
     NEXT, (HOLES, '0', 'none')),
    (4, 'an hour without a directory',
     {FIRST: '00:00 3600 full', THIRD: '00:00 3600 full'},
     None, (HOLES, '0', '3600')),
    (5, 'does not overlap the one left out',
     {FIRST: '00:00 10 full, 00:02 1 full, 00:05 1 full'},
     FIRST, (EDITABLE, '11', '10')),
    (5, 'overlaps only the one left out',
     {FIRST: '00:00 6 full, 00:02 6 full, 00:07 2 full'},
     FIRST, (EDITABLE, '6', '8'), (EDITABLE_HOLES, 'none', '1')),
    (6, 'a duration of inf', {FIRST: '00:00 2 full, 00:02 inf full'},
     None, (COVERAGE, 'OverflowError', '2')),
    (6, 'a stray directory',
     {FIRST: '00:00 2 full', FIRST + '.bak': '00:00 2 full'},
     None, (COVERAGE, 'ValueError', '2')),
    (6, 'a file among the hours', {FIRST: '00:00 2 full', 'README': None},
     None, (COVERAGE, 'NotADirectoryError', '2')),
    (6, 'the live hour beside a directory zzz',
     {FIRST: '00:00 2 full', 'zzz': ''}, FIRST, (HOLES, '3598', 'none')),
    (6, 'a segment of 10^9 s',
     {FIRST: '00:00 2 full, 00:02 999999999 full, 00:10 2 full'},
     FIRST, (HOLES, 'none', '8')),
)


def make(base, archive):
    for name, segments in archive.items():
        path = os.path.join(base, 'ch/source', name)
        if segments is None:
            os.mknod(path)
            continue
        os.makedirs(path)
        for segment in filter(None, segments.split(', ')):
            os.mknod('%s/%s-%s-%s-Hash.ts' % (path, *segment.split()))


def service(base, hour, figure):
    """The figure, or of what the service dies."""
    try:
        hours = python_says.hours(os.path.join(base, 'ch/source'))
    except Exception as error:
        return type(error).__name__
    return figure([h for h in hours.values() if h.best][-1]
                  if hour is None else hours[hour])


def program(base, hour, figure, *options):
    status, out, err = tap.run(
        '-b', base, '-f', 'json', '-n', '-t', '0', '--now',
        '2025-11-15T12:00:00Z', *options, 'ch')
    if status != 0 or err:
        return err
    report = model.read_json(out)['reports'][0]
    hours = {h['hour']: h for h in report['hours']}
    return figure(report if hour is None else hours[hour])


def main():
    for number, what, archive, hour, *figures in CASES:
        with tempfile.TemporaryDirectory(prefix='coverage-test.') as base:
            make(base, archive)
            for figure, theirs, ours in figures:
                tap.same((service(base, hour, figure[0]),
                          program(base, hour, figure[1])), (theirs, ours),
                         '%d. %s: the service %s, this program %s' % (
                             number, what, theirs, ours))
    with tempfile.TemporaryDirectory(prefix='coverage-test.') as base:
        make(base, {name: '00:00 2 full' for name in (FIRST, NEXT, THIRD)})
        tap.same((len(python_says.hours(base + '/ch/source')), program(
            base, None, COVERAGE[1], '--first-hour', NEXT, '--last-hour',
            NEXT)), (3, '2'), '7. a window bounds what is counted')
    with tempfile.TemporaryDirectory(prefix='coverage-test.') as base:
        make(base, {FIRST: '00:00 2 full, 00:02 2 full, 00:07 3.5 partial, '
                    '00:09 4 full, 00:20 1 full, 00:20 2 full, '
                    '00:22 2 suspect'})
        for figure in (COVERAGE, HOLES, OVERLAPS, EDITABLE, EDITABLE_HOLES,
                       SEGMENTS):
            tap.same(program(base, FIRST, figure[1]),
                     service(base, FIRST, figure[0]), 'what is counted alike')
    tap.done()


main()
