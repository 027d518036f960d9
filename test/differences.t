#!/usr/bin/python3
"""Where the program differs from the Python service, on purpose.

Each case is one small archive, the figure that the service has for it and the
one that the program has; the numbers are those of the manual's CAVEATS.
"""
import datetime
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import model
import python_says
import tap

PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE',
    os.path.join(sys.path[0], '..', 'segment-coverage')))
QUALITY = 'ch/source'
HOUR = '2025-11-15T02'
NEXT = '2025-11-15T03'
THIRD = '2025-11-15T04'


class Case:
    """An archive: {hour: its segments as 'TIME DURATION TYPE [SIZE]'}."""

    def __init__(self, number):
        self.number = number
        self.directory = tempfile.TemporaryDirectory(
            prefix='coverage-differences.')
        self.base = self.directory.name
        os.makedirs(self.path())

    def path(self, *names):
        return os.path.join(self.base, QUALITY, *names)

    def hour(self, name, *segments):
        os.makedirs(self.path(name), exist_ok=True)
        for segment in segments:
            time, duration, kind, size = (segment + ' 0').split()[:4]
            with open(self.path(name, '%s-%s-%s-Hash.ts' % (
                    time, duration, kind)), 'wb') as file:
                file.write(bytes(int(size)))
        return self

    def service(self):
        return python_says.hours(self.path())

    def program(self, *options):
        done = subprocess.run(
            [PROGRAM, '-b', self.base, '-f', 'json', '-n', '-t', '0',
             '--now', '2025-11-15T12:00:00Z', *options, 'ch'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError('exit status %d: %r' % (
                done.returncode, done.stderr))
        report = model.read_json(done.stdout.decode())['reports'][0]
        report['by_hour'] = {h['hour']: h for h in report['hours']}
        return report

    def differ(self, what, service, service_wanted, program, program_wanted):
        """Both figures are as expected, and are not the same."""
        tap.ok((service, program) == (service_wanted, program_wanted)
               and service != program,
               '%s. %s: the service %s, this program %s' % (
                   self.number, what, service_wanted, program_wanted),
               'got:    the service %s, this program %s' % (service, program))

    def done(self):
        self.directory.cleanup()


def seconds(duration):
    return model.number_text(duration // datetime.timedelta(microseconds=1))


def their_overlaps(hour):
    return ', '.join('%d %s %s s' % (
        hour.overlaps[kind], kind, seconds(hour.overlap_durations[kind]))
        for kind in model.TYPES if hour.overlaps[kind]) or 'none'


def our_overlaps(hour):
    return ', '.join('%s %s %s s' % (
        hour['overlaps'][kind]['count'], kind,
        hour['overlaps'][kind]['duration'])
        for kind in model.TYPES
        if hour['overlaps'][kind]['count'] != '0') or 'none'


def their_holes(holes):
    return ', '.join(seconds(end - start) + ' s' for start, end in holes) \
        or 'none'


def our_holes(hour, key='raw'):
    return ', '.join(hole['duration'] + ' s'
                     for hole in hour[key]['holes']) or 'none'


def several_at_one_start():
    case = Case(1).hour(HOUR, '00:00 2.0 full', '00:02 10.0 full',
                        '00:02 2.0 full', '00:12 2.0 full')
    them, us = case.service()[HOUR], case.program()
    case.differ('coverage of fulls of 10 s and 2 s at one start',
                seconds(them.coverage), '6', us['raw']['coverage'], '14')
    case.done()
    case = Case(1).hour(HOUR, '00:00 4.0 full', '00:02 4.0 full',
                        '00:02 5.0 partial')
    them, us = case.service()[HOUR], case.program()
    case.differ('overlaps where a partial lies beside a full one',
                their_overlaps(them), '2 partial 7 s',
                our_overlaps(us), '1 full 2 s, 1 partial 5 s')
    case.done()


def forgotten_overlaps():
    case = Case(2).hour(HOUR, '00:00 2.0 full', '00:00 1.0 suspect',
                        '00:00 1.5 suspect')
    them, us = case.service()[HOUR], case.program()
    case.differ('overlaps of suspects beside a full one',
                their_overlaps(them), 'none',
                our_overlaps(us), '2 suspect 2.5 s')
    case.done()
    case = Case(2).hour(HOUR, '00:00 2.0 suspect', '00:00 1.0 partial')
    them, us = case.service()[HOUR], case.program()
    case.differ('overlaps of a partial beside a suspect',
                their_overlaps(them), 'none',
                our_overlaps(us), '1 partial 1 s')
    case.done()


def one_inside_another():
    case = Case(3).hour(HOUR, '00:00 10.0 full', '00:02 1.0 full',
                        '00:10 2.0 full')
    them, us = case.service()[HOUR], case.program()
    case.differ('coverage with a segment inside another',
                seconds(them.coverage), '5', us['raw']['coverage'], '12')
    case.differ('holes with a segment inside another',
                their_holes(them.holes), '7 s', our_holes(us), 'none')
    case.differ('overlaps with a segment inside another',
                their_overlaps(them), '1 full 8 s',
                our_overlaps(us), '1 full 1 s')
    case.done()


def hour_edges():
    case = Case(4).hour(HOUR, '59:58 5.0 full').hour(NEXT, '00:05 2.0 full')
    them, us = case.service()[NEXT], case.program()['by_hour'][NEXT]
    case.differ('hole after a segment that spills over the hour',
                their_holes(them.holes), '5 s', our_holes(us), '2 s')
    case.done()
    case = Case(4).hour(HOUR, '59:58 5.0 full')
    case.hour(NEXT, '00:00 2.0 full', '00:02 2.0 full')
    them, us = case.service()[NEXT], case.program()['by_hour'][NEXT]
    case.differ('coverage under a segment that spills over the hour',
                seconds(them.coverage), '4', us['raw']['coverage'], '1')
    case.differ('overlaps with a segment that spills over the hour',
                their_overlaps(them), 'none', our_overlaps(us), '2 full 3 s')
    case.done()
    case = Case(4).hour(HOUR, '59:58 1.999999 full')
    case.hour(NEXT, '00:00 2.0 full')
    them, us = case.service(), case.program()
    case.differ('holes for 1 us at the end of an hour',
                their_holes(them[HOUR].holes + them[NEXT].holes),
                '0.000001 s, 0 s', our_holes(us), '0.000001 s')
    case.done()
    case = Case(4).hour(HOUR, '00:00 3600 full')
    case.hour(THIRD, '00:00 3600 full')
    them, us = case.service(), case.program()
    case.differ('holes for an hour without a directory',
                their_holes(them[HOUR].holes + them[THIRD].holes), '0 s',
                our_holes(us), '3600 s')
    tap.same(us['missing_hours']['ranges'],
             model.as_read([{'first': NEXT, 'last': NEXT, 'count': 1}]),
             '4. which is missing')
    case.done()


def editable_after_one_left_out():
    case = Case(5).hour(HOUR, '00:00 10.0 full', '00:02 1.0 full',
                        '00:05 1.0 full')
    them, us = case.service()[HOUR], case.program()
    case.differ('editable coverage: does not overlap the one left out',
                seconds(them.editable_coverage), '11',
                us['editable']['coverage'], '10')
    case.done()
    case = Case(5).hour(HOUR, '00:00 6.0 full', '00:02 6.0 full',
                        '00:07 2.0 full')
    them, us = case.service()[HOUR], case.program()
    case.differ('editable coverage: overlaps only the one left out',
                seconds(them.editable_coverage), '6',
                us['editable']['coverage'], '8')
    case.differ('editable holes: overlaps only the one left out',
                their_holes(them.editable_holes), 'none',
                our_holes(us, 'editable'), '1 s')
    case.done()


def dies(case):
    """Of what the service dies, or 'lives'."""
    try:
        case.service()
    except Exception as error:
        return type(error).__name__
    return 'lives'


def lives(case):
    """(coverage, number of bad names) of the program."""
    report = case.program()
    return '%s s, %s bad' % (report['raw']['coverage'],
                             report['segments']['bad']['count'])


def odd_names():
    case = Case(6).hour(HOUR, '00:00 2.0 full', '00:02 inf full')
    case.differ('a duration of inf', dies(case), 'OverflowError',
                lives(case), '2 s, 1 bad')
    case.done()
    case = Case(6).hour(HOUR, '00:00 2.0 full')
    case.hour(HOUR + '.bak', '00:00 2.0 full')
    case.differ('a directory %s.bak' % HOUR, dies(case), 'ValueError',
                lives(case), '2 s, 0 bad')
    case.done()
    case = Case(6).hour(HOUR, '00:00 2.0 full')
    with open(case.path('README'), 'wb'):
        pass
    case.differ('a file among the hours', dies(case), 'NotADirectoryError',
                lives(case), '2 s, 0 bad')
    case.done()
    case = Case(6).hour(HOUR, '00:00 2.0 full').hour('zzz')
    them, us = case.service()[HOUR], case.program()
    case.differ('holes of the live hour beside a directory zzz',
                their_holes(them.holes), '3598 s', our_holes(us), 'none')
    case.done()
    case = Case(6).hour(HOUR, '00:00 2.0 full', '00:02 999999999 full',
                        '00:10 2.0 full')
    them, us = case.service()[HOUR], case.program()
    case.differ('full segments where one is of 10^9 s',
                them.counts['full'], 3,
                int(us['segments']['full']['count']), 2)
    case.differ('holes after a segment of 10^9 s',
                their_holes(them.holes), 'none', our_holes(us), '8 s')
    case.done()


def window():
    case = Case(7).hour(HOUR, '00:00 2.0 full').hour(NEXT, '00:00 2.0 full')
    case.hour(THIRD, '00:00 2.0 full')
    them = case.service()
    us = case.program('--first-hour', NEXT, '--last-hour', NEXT)
    case.differ('hours counted in a window of one', len(them), 3,
                len(us['hours']), 1)
    case.differ('coverage in a window of an hour',
                seconds(sum((hour.coverage for hour in them.values()),
                            datetime.timedelta())), '6',
                us['raw']['coverage'], '2')
    tap.same(our_holes(us), '3598 s', '7. a hole to the end of the window, '
             'since there are segments after it')
    case.done()


def the_same():
    """What the service counts rightly is counted alike."""
    case = Case(0).hour(HOUR, '00:00 2.0 full', '00:02 2.0 full',
                        '00:07 3.5 partial', '00:09 4 full', '00:20 1 full',
                        '00:20 2 full', '00:22 2 suspect 7')
    them, us = case.service()[HOUR], case.program()
    hour = us['by_hour'][HOUR]
    tap.same(hour['raw']['coverage'], seconds(them.coverage), 'coverage')
    tap.same(hour['editable']['coverage'], seconds(them.editable_coverage),
             'editable coverage')
    tap.same(our_holes(us), their_holes(them.holes), 'holes')
    tap.same(hour['raw']['hole_duration'], seconds(them.hole_duration),
             'time of holes')
    tap.same(our_holes(us, 'editable'), their_holes(them.editable_holes),
             'editable holes')
    tap.same(our_overlaps(us), their_overlaps(them), 'overlaps')
    tap.same({kind: (hour['segments'][kind]['count'],
                     hour['segments'][kind]['duration'])
              for kind in model.TYPES},
             {kind: (str(them.counts[kind]), seconds(them.durations[kind]))
              for kind in model.TYPES}, 'segments')
    case.done()


def main():
    if not os.access(PROGRAM, os.X_OK):
        print('Bail out! no program: ' + PROGRAM)
        return 1
    the_same()
    several_at_one_start()
    forgotten_overlaps()
    one_inside_another()
    hour_edges()
    editable_after_one_left_out()
    odd_names()
    window()
    return tap.done()


sys.exit(main())
