#!/usr/bin/python3
"""The slow model against cases that were worked out by hand."""
import datetime
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
import model
import tap

S = model.SECOND
H = model.HOUR
BASE = model.parse_hour(b'2025-11-15T02')
NOW = BASE + 10 * H


def seg(start, duration, kind='full', size=0, name='Hash'):
    """A name and its size; start and duration as they stand in the name."""
    return ('%s-%s-%s-%s.ts' % (start, duration, kind, name)).encode(), size


def hour(*segments):
    return dict(segments)


def survey(*hours, at=BASE, **window):
    """Consecutive hours: listings, None (unreadable) or 'absent'."""
    window.setdefault('tolerance', 10000)
    listings = {at + i * H: listing for i, listing in enumerate(hours)
                if listing != 'absent'}
    return model.Survey(listings, **window)


def report(*hours, **window):
    made = survey(*hours, **window)
    return model.as_read(made.report('ch', 'source', NOW))


def holes(of):
    """Holes as 'MM:SS.f-MM:SS.f' where hours do not matter."""
    return ['%s-%s' % (hole['start'][14:-1], hole['end'][14:-1])
            for hole in of['holes']]


def tally(of):
    return '%s/%s' % (of['count'], of['duration'])


def overlaps(of):
    return ' '.join(tally(of['overlaps'][kind]) for kind in model.TYPES)


def figures(of):
    return '%s of %s, %s holes, editable %s, %s holes' % (
        of['raw']['coverage'], of['raw']['ratio'], of['raw']['hole_count'],
        of['editable']['coverage'], of['editable']['hole_count'])


def test_names():
    good = [
        (b'00:00-2.0-full-ab.ts', (0, 2 * S, 'full')),
        (b'59:59.999999-2.-suspect-_-3.ts',
         (3599999999, 2 * S, 'suspect')),
        (b'45:51.6-.5-partial-abcd.ts', (2751600000, 500000, 'partial')),
        (b'00:00-2.002-temp-.ts', (0, 2002000, 'temp')),
        (b'00:00-2.002-temp-a b-=.ts', (0, 2002000, 'temp')),
        (b'00:00-5.005000000000001-full-ab.ts', (0, 5005000, 'full')),
        (b'00:00-1e1-full-ab.ts', (0, 10 * S, 'full')),
        (b'00:00-1E+1-full-ab.ts', (0, 10 * S, 'full')),
        (b'00:00-.36e+0004-full-ab.ts', (0, 3600 * S, 'full')),
        (b'00:00-3600-full-ab.ts', (0, 3600 * S, 'full')),
        (b'00:00-3600.0000001-full-ab.ts', (0, 3600 * S, 'full')),
        (b'00:00-0-full-ab.ts', (0, 0, 'full')),
        (b'00:00-00000000000000000002-full-ab.ts', (0, 2 * S, 'full')),
        # the nearest doubles are what is rounded, and a tie goes to even
        (b'00:00-0.0000005-full-ab.ts', (0, 0, 'full')),
        (b'00:00-0.0000015-full-ab.ts', (0, 2, 'full')),
        (b'00:00-0.0000025-full-ab.ts', (0, 2, 'full')),
        (b'00:00-2.0000005-full-ab.ts', (0, 2000001, 'full')),
        (b'00:00-2.0078125-full-ab.ts', (0, 2007812, 'full')),
        (b'00:00-2.0234375-full-ab.ts', (0, 2023438, 'full')),
        (b'00:00-1.9999999-full-ab.ts', (0, 2 * S, 'full')),
    ]
    for name, wanted in good:
        tap.same(model.parse_name(name), wanted, 'good: %r' % name)
    bad = [
        '.ts', 'x.ts', '00:00-2.0-full.ts', '00:00-2.0-temp.ts',
        '60:00-2.0-full-ab.ts', '00:60-2.0-full-ab.ts',
        '0:00-2.0-full-ab.ts', ' 0:00-2.0-full-ab.ts',
        '+0:00-2.0-full-ab.ts', '00:00.-2.0-full-ab.ts',
        '00:00.1234567-2.0-full-ab.ts', '00:00:00-2.0-full-ab.ts',
        '\u0660\u0660:00-2.0-full-ab.ts', '00:00-\u0662-full-ab.ts',
        '00:00--full-ab.ts', '00:00-.-full-ab.ts', '00:00-e1-full-ab.ts',
        '00:00-1e-full-ab.ts', '00:00-1e+-full-ab.ts',
        '00:00-1e-1-full-ab.ts', '00:00-+2-full-ab.ts',
        '00:00-1_0-full-ab.ts', '00:00-0x10-full-ab.ts',
        '00:00-inf-full-ab.ts', '00:00-nan-full-ab.ts',
        '00:00-1e400-full-ab.ts', '00:00-2 -full-ab.ts',
        '00:00-3600.000001-full-ab.ts', '00:00-36e3-full-ab.ts',
        '00:00-2.0-FULL-ab.ts', '00:00-2.0-other-ab.ts',
        '00:00-2.0-full-.ts', '00:00-2.0-full-a.ts',
        '00:00-2.0-full-abcde.ts', '00:00-2.0-full-ab=.ts',
        '00:00-2.0-full-ab+.ts', '00:00-2.0-full-ab\n.ts',
        '00:00-2.0-full-ab.ts.ts', '00:00-2,0-full-ab.ts',
        '00:00\n-2.0-full-ab.ts', '00:00-2.0\n-full-ab.ts',
    ]
    for name in bad:
        tap.same(model.parse_name(name.encode()), None, 'bad: %a' % name)


def test_utf8():
    for name, wanted in [
            (b'plain', 'plain'), ('\u00e4\u20ac\U0001f3a5'.encode(),
                                  '\u00e4\u20ac\U0001f3a5'),
            (b'a\xffb', 'a\ufffdb'), (b'\xe2\x82', '\ufffd\ufffd'),
            (b'\xe2\x82x', '\ufffd\ufffdx'), (b'\xc0\x80', '\ufffd\ufffd'),
            (b'\xed\xa0\x80', '\ufffd' * 3), (b'\xf4\x90\x80\x80',
                                              '\ufffd' * 4),
            (b'\xe2\xe2\x82\xac', '\ufffd\u20ac')]:
        tap.same(model.readable_name(name), wanted, 'UTF-8: %r' % name)


def test_calendar():
    chance = random.Random(1)
    first = datetime.datetime(1, 1, 1)
    epoch = datetime.datetime(1970, 1, 1)
    second = datetime.timedelta(seconds=1)
    wrong = []
    for _ in range(2000):
        when = first + second * chance.randrange(315537897600)
        time = (when - epoch) // second * S
        text = '%04d' % when.year + when.strftime('-%m-%dT%H:%M:%S.000000Z')
        if model.instant(time) != text \
                or model.parse_instant(text) != time \
                or model.parse_hour(text[:13].encode()) != time // H * H:
            wrong.append(text)
    tap.same(wrong, [], 'times as the datetime module has them')
    last = model.parse_hour(b'9999-12-31T23')
    tap.same(model.instant(last + H + 5 * S),
             '10000-01-01T00:00:05.000000Z', 'after the year 9999')
    for name in ('0000-01-01T00', '2025-02-29T00', '1900-02-29T00',
                 '2025-13-01T00', '2025-00-01T00', '2025-01-00T00',
                 '2025-04-31T00', '2025-01-01T24', '2025-01-01t00',
                 '2025-01-01T0', '2025-01-01T00\n', '2025-1-01T000'):
        tap.same(model.parse_hour(name.encode()), None,
                 'no hour: %r' % name)
    tap.ok(model.parse_hour(b'2000-02-29T23') is not None, '29 February')


def test_best():
    made = report(hour(seg('00:00', '1'), seg('00:00', '2'),
                       seg('00:02', '1')))
    tap.same(figures(made), '3 of 1, 0 holes, editable 3, 0 holes',
             'the longest full one is best')
    tap.same(overlaps(made), '1/1 0/0 0/0', 'the other one an overlap')
    made = report(hour(seg('00:00', '1', 'full'),
                       seg('00:00', '2', 'suspect', 9),
                       seg('00:00', '3', 'partial', 9),
                       seg('00:00', '4', 'temp', 9)))
    tap.same(figures(made), '1 of 1, 0 holes, editable 1, 0 holes',
             'a full one before longer others')
    tap.same(overlaps(made), '0/0 1/2 1/3', 'all but temp are overlaps')
    tap.same([made['segments'][k]['count'] for k in
              ('full', 'suspect', 'partial', 'temp')], ['1'] * 4, 'counts')
    made = report(hour(seg('00:00', '1', 'suspect', 7),
                       seg('00:00', '2', 'suspect', 9, 'aa'),
                       seg('00:00', '3', 'suspect', 9, 'bb'),
                       seg('00:00', '4', 'suspect', 8),
                       seg('00:00', '5', 'partial', 99)))
    tap.same(made['raw']['coverage'], '3', 'the largest file of the last '
             'name')
    tap.same(tally(made['incomplete']), '1/3', 'it is incomplete')
    made = report(hour(seg('00:00.0', '2', 'partial', 5, 'zz'),
                       seg('00:00', '3', 'partial', 5, 'aa')))
    tap.same(made['raw']['coverage'], '2', 'one start in two spellings: '
             'the name that sorts last')


def test_listing():
    made = report(hour(seg('00:00', '2'), seg('00:02', '2'),
                       (b'00:02-2-full-Hash.tombstone', None),
                       (b'00:04-2-full-Hash.tombstone', 0),
                       (b'x.ts', 0), (b'x.tombstone', 0),
                       (b'y\xff.ts', 0), (b'.ts', 0), (b'.z.ts', 0),
                       (b'chat.json', 0), (b'00:06-2-full-ab.ts', None)))
    tap.same(made['segments']['tombstoned']['count'], '2',
             'tombstones hide good and bad names')
    tap.same(made['hours'][0]['bad_names'],
             ['00:06-2-full-ab.ts', 'y\ufffd.ts'],
             'bad: no regular file, and names; not hidden ones')
    tap.same(figures(made), '2 of 1, 0 holes, editable 2, 0 holes',
             'the rest covers')
    many = {b'%03d.ts' % i: 0 for i in range(150)}
    made = report(many)
    tap.same(made['segments']['bad']['count'], '150', '150 bad names')
    tap.same(made['hours'][0]['bad_names'],
             ['%03d.ts' % i for i in range(100)], 'the first 100 are kept')


def test_holes():
    made = report(hour(seg('00:00', '10'), seg('00:02', '1'),
                       seg('00:10', '2')))
    tap.same(figures(made), '12 of 1, 0 holes, editable 12, 0 holes',
             'a segment inside another')
    tap.same(overlaps(made), '1/1 0/0 0/0', 'is an overlap of its length')
    made = report(hour(seg('00:00', '4'), seg('00:02', '4', 'partial'),
                       seg('00:06', '2')))
    tap.same(figures(made), '8 of 1, 0 holes, editable 6, 1 holes',
             'one that overlaps is not editable')
    tap.same(holes(made['editable']), ['00:04.000000-00:06.000000'],
             'and leaves an editable hole')
    tap.same(overlaps(made), '0/0 0/0 1/2', 'overlap of its type')
    made = report(hour(seg('00:00', '6'), seg('00:02', '6'),
                       seg('00:07', '2')))
    tap.same(made['editable']['coverage'], '8',
             'editable: what was left out does not count')
    gap = hour(seg('00:00', '2'), seg('00:02.010000', '2'))
    tap.same(report(gap)['raw']['hole_count'], '0', 'a gap of 10 ms')
    tap.same(report(gap)['raw']['coverage'], '4', 'covers no more for it')
    tap.same(report(gap)['raw']['ratio'], '1', 'and is whole')
    tap.same(report(gap, tolerance=9999)['raw']['hole_count'], '1',
             'with a tolerance of 9.999 ms')
    gap = hour(seg('00:00', '2'), seg('00:02.010001', '2'))
    tap.same(report(gap)['raw']['hole_duration'], '0.010001',
             'a gap of 10.001 ms')
    tap.same(report(gap)['raw']['ratio'], '0.997505', 'a ratio rounded down')
    over = hour(seg('00:00', '2.01'), seg('00:02', '2'))
    tap.same(overlaps(report(over)), '0/0 0/0 0/0', 'an overlap of 10 ms')
    tap.same(report(over)['raw']['coverage'], '4', 'raw: each instant once')
    tap.same(report(over)['editable']['coverage'], '4.01',
             'editable: whole segments')
    over = hour(seg('00:00', '2.010001'), seg('00:02', '2'))
    tap.same(overlaps(report(over)), '1/0.010001 0/0 0/0',
             'an overlap of 10.001 ms')
    made = report(hour(seg('00:00', '2'), seg('00:03', '0'),
                       seg('00:04', '2')))
    tap.same(holes(made['raw']),
             ['00:02.000000-00:03.000000', '00:03.000000-00:04.000000'],
             'a segment of 0 s ends a hole and begins one')
    made = report(hour(seg('00:00', '2'), seg('00:05', '2'),
                       seg('00:10', '2'), seg('00:20', '2'),
                       seg('00:30', '2')))
    tap.same((made['raw']['hole_count'], made['raw']['hole_duration']),
             ('4', '22'), 'four holes')
    tap.same(made['raw']['longest_hole'],
             {'start': '2025-11-15T02:00:12.000000Z',
              'end': '2025-11-15T02:00:20.000000Z', 'duration': '8'},
             'the longest, and of two the first')


def test_hours():
    made = report(hour(seg('59:58', '5')), hour(seg('00:05', '2')))
    tap.same([h['raw']['coverage'] for h in made['hours']], ['5', '2'],
             'coverage belongs to the directory')
    tap.same([holes(h['raw']) for h in made['hours']],
             [[], ['00:03.000000-00:05.000000']], 'a hole to its hour')
    made = report(hour(seg('59:50', '5')), hour(seg('00:05', '2')))
    tap.same((made['raw']['hole_count'], made['raw']['hole_duration']),
             ('1', '10'), 'one hole over the hour')
    tap.same([(h['raw']['hole_count'], h['raw']['hole_duration'])
              for h in made['hours']], [('1', '5')] * 2, 'cut in two')
    made = report(hour(seg('59:58', '2')), hour(seg('00:00.000001', '2')),
                  tolerance=0)
    tap.same([h['raw']['hole_count'] for h in made['hours']], ['0', '1'],
             'no hole of 0 s')
    made = report(hour(seg('00:00', '3600')), 'absent', {}, 'absent',
                  hour(seg('00:00', '3600')))
    tap.same(made['missing_hours'], {'count': '3', 'ranges': [
        {'first': '2025-11-15T03', 'last': '2025-11-15T05', 'count': '3'}]},
        'missing hours')
    tap.same(made['raw']['hole_duration'], '10800', 'are a hole')
    tap.same([h['hour'][11:] for h in made['hours']], ['02', '04', '06'],
             'an empty directory is listed')
    tap.same(made['hours'][1]['raw'], {
        'coverage': '0', 'hole_count': '1', 'hole_duration': '3600',
        'holes': [{'start': '2025-11-15T04:00:00.000000Z',
                   'end': '2025-11-15T05:00:00.000000Z',
                   'duration': '3600'}]}, 'with its hole')
    made = report(hour(seg('30:00', '3600')), hour(seg('10:00', '600')),
                  hour(seg('00:00', '60')))
    tap.same([h['raw']['coverage'] for h in made['hours']],
             ['3600', '0', '60'], 'the first one that covers counts')
    tap.same([overlaps(h) for h in made['hours']],
             ['0/0 0/0 0/0', '1/600 0/0 0/0', '0/0 0/0 0/0'],
             'an overlap with the hour before')
    made = report(hour(), hour(seg('10:00', '60')), hour())
    tap.same((made['missing_hours']['count'], made['raw']['hole_count']),
             ('0', '0'), 'nothing before the first and after the last')
    tap.same((made['start'], made['end'], made['age']),
             ('2025-11-15T03:10:00.000000Z', '2025-11-15T03:11:00.000000Z',
              '31740'), 'start, end and age')
    made = report()
    tap.same((made['start'], made['age'], made['raw']['ratio'],
              made['raw']['longest_hole'], made['hours']),
             (None, None, None, None, []), 'nothing at all')
    made = report(hour(seg('59:59', '2')),
                  at=model.parse_hour(b'9999-12-31T23'))
    tap.same(made['end'], '10000-01-01T00:00:01.000000Z', 'the year 10000')


def test_unreadable():
    made = report(hour(seg('00:00', '1800')), None, hour(seg('00:00', '60')))
    tap.same(holes(made['raw']), ['30:00.000000-00:00.000000'],
             'a hole up to an hour that cannot be read')
    tap.same(made['raw']['hole_duration'], '1800', 'and none in it')
    tap.same((made['raw']['coverage'], made['missing_hours']['count']),
             ('1860', '0'), 'neither covered nor missing')
    tap.same([h['readable'] for h in made['hours']], [True, False, True],
             'which one')
    made = report(hour(seg('59:00', '600', 'partial')), None,
                  hour(seg('00:10', '60')))
    tap.same(made['raw']['coverage'], '660', 'what spills into it covers')
    tap.same(made['editable']['hole_duration'], '10', 'a hole after it')
    made = report(None, hour(seg('00:10', '60')))
    tap.same(made['raw']['hole_duration'], '10', 'the first one')
    tap.same(made['start'], '2025-11-15T03:00:10.000000Z', 'is no start')
    made = report(hour(seg('00:00', '60')), 'absent', None)
    tap.same((made['missing_hours']['count'], made['raw']['hole_duration']),
             ('1', '7140'), 'the last one')


def test_window():
    hours = (hour(seg('59:00', '120', 'partial')), 'absent', 'absent',
             hour(seg('00:30', '60'), seg('01:00', '60')), {},
             hour(seg('00:00', '60')))
    made = report(*hours, first=BASE + H, last=BASE + 4 * H)
    tap.same([h['hour'][11:] for h in made['hours']], ['05', '06'],
             'hours of the window')
    tap.same(holes(made['raw']), ['01:00.000000-00:30.000000',
                                  '02:00.000000-00:00.000000'],
             'what spills in counts, holes are cut at the bounds')
    tap.same(made['raw']['hole_duration'], str(2 * 3600 - 30 + 7200 - 120),
             'their time')
    tap.same(made['raw']['coverage'], '90', 'coverage of its own hours')
    tap.same([(r['first'][11:], r['last'][11:])
              for r in made['missing_hours']['ranges']],
             [('03', '04'), ('06', '06')], 'missing within the window')
    tap.same((tally(made['incomplete']), holes({
        'holes': made['incomplete']['spans']})),
        ('0/0', ['00:00.000000-01:00.000000']), 'incomplete spilling in')
    made = report(*hours, first=BASE + H, last=BASE + H)
    tap.same((made['raw']['hole_duration'], made['hours'],
              made['missing_hours']['count']), ('3540', [], '1'),
             'a window in a gap')
    made = report(*hours, last=BASE - H)
    tap.same((made['raw']['hole_count'], made['start']), ('0', None),
             'a window before all')
    made = report(*hours, first=BASE + 6 * H)
    tap.same((made['raw']['hole_count'], made['start']), ('0', None),
             'a window after all')
    made = report(*hours, first=BASE + 5 * H)
    tap.same((holes(made['raw']), made['start'][11:16]), ([], '07:00'),
             'only a first hour')
    made = report(hour(seg('00:00', '3600')), None, {},
                  hour(seg('00:10', '60')), first=BASE + 2 * H)
    tap.same(made['raw']['hole_duration'], '3610',
             'an hour that cannot be read just before')


def test_incomplete():
    made = report(hour(seg('00:00', '2', 'partial'),
                       seg('00:02.010000', '2', 'suspect'),
                       seg('00:04.020001', '2', 'partial'),
                       seg('00:07', '2'), seg('00:08', '1', 'partial'),
                       seg('00:09', '0', 'partial')))
    tap.same(tally(made['incomplete']), '5/7', 'incomplete segments')
    tap.same(holes({'holes': made['incomplete']['spans']}),
             ['00:00.000000-00:04.010000', '00:04.020001-00:06.020001',
              '00:08.000000-00:09.000000'], 'their spans')


def slow_pixels(made):
    """Each pixel by itself, straight from the rules."""
    origin, end = model.map_range(made)
    stream = made.stream()
    grey = [(h.time, h.time + H) for h in made.hours if not h.readable]
    orange = [(e.start, e.end) for e in made.entries
              if e.type in ('suspect', 'partial')]
    colours = []
    for left in range(origin, end, model.PIXEL):
        right = left + model.PIXEL

        def touches(spans):
            return any(max(a, left) < min(b, right) for a, b in spans)

        if touches(grey):
            colours.append(model.GREY)
        elif stream is None or left < stream[0] or right > stream[1] \
                or touches(made.holes):
            colours.append(model.WHITE)
        else:
            colours.append(model.ORANGE if touches(orange) else model.BLUE)
    return colours


def test_map():
    made = survey(hour(seg('00:00', '2'), seg('00:02', '3.999999'),
                       seg('00:06', '4', 'partial'), seg('00:10', '1'),
                       seg('00:12', '3588')), hour(), None,
                  hour(seg('59:59.999999', '0.000001', 'suspect')),
                  tolerance=0)
    pixels = model.map_pixels(made)
    letters = {model.WHITE: '.', model.BLUE: 'b', model.ORANGE: 'o',
               model.GREY: '?'}
    text = ''.join(letters[pixel] for pixel in pixels)
    tap.same(text[:8], 'bb.oo.bb', 'a hole of 1 us, a partial, a half hole')
    tap.same(text[1800:3600], '.' * 1800, 'an empty hour')
    tap.same(text[3600:5400], '?' * 1800, 'an unreadable one')
    tap.same(text[5400:], '.' * 1800, 'a pixel with a hole is white')
    tap.same(pixels, slow_pixels(made), 'each pixel by itself')
    rows = model.map_rows(made)
    tap.same((len(rows), len(rows[0])), (300, 3 * 24), 'six columns an hour')
    tap.same(rows[3][:3], model.ORANGE, 'time runs down the columns')
    made = survey(hour(seg('59:58', '4', 'partial')),
                  hour(seg('00:02', '10')), first=BASE + H)
    tap.same(model.map_pixels(made)[:8], [model.ORANGE] + [model.BLUE] * 5
             + [model.WHITE] * 2, 'a partial that spills into the window')
    made = survey({}, None)
    tap.same(model.map_rows(made), None, 'no segment: no map')
    made = survey({}, first=BASE, last=BASE)
    tap.same(model.map_pixels(made), [model.WHITE] * 1800,
             'with both bounds all white')
    made = survey(hour(seg('00:00', '1')), last=BASE + 10922 * H)
    tap.raises(model.TooWide, lambda: model.map_rows(made), 'too wide')


def test_random_maps():
    chance = random.Random(2)
    wrong = []
    for number in range(30):
        hours = []
        for _ in range(3):
            kind = chance.randrange(8)
            names = {}
            for _ in range(chance.randrange(30)):
                start = chance.randrange(0, 3600 * S, chance.choice(
                    (1, S, 2 * S, 100 * S)))
                names.update([seg(
                    '%02d:%02d.%06d' % (start // S // 60, start // S % 60,
                                        start % S),
                    chance.choice(('2', '2.000001', '0.5', '60', '900')),
                    chance.choice(model.TYPES))])
            hours.append(None if kind == 0 else {} if kind == 1 else names)
        made = survey(*hours, tolerance=chance.choice((0, 10000, 30 * S)),
                      first=chance.choice((None, BASE - H, BASE + H)),
                      last=chance.choice((None, BASE + H, BASE + 3 * H)))
        if model.map_range(made) is not None \
                and model.map_pixels(made) != slow_pixels(made):
            wrong.append(number)
    tap.same(wrong, [], 'random maps, each pixel by itself')


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body \
        + struct.pack('>I', zlib.crc32(kind + body))


def png(rows, filters):
    """A PNG of RGB rows whose filters go round."""
    raw = b''
    above = bytes(len(rows[0]))
    for number, row in enumerate(rows):
        kind = filters[number % len(filters)]
        raw += bytes([kind])
        for i, byte in enumerate(row):
            a = row[i - 3] if i >= 3 else 0
            b = above[i]
            c = above[i - 3] if i >= 3 else 0
            p = a + b - c
            if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c):
                nearest = a
            else:
                nearest = b if abs(p - b) <= abs(p - c) else c
            raw += bytes([(byte - (0, a, b, (a + b) // 2, nearest)[kind])
                          % 256])
        above = row
    packed = zlib.compress(raw)
    return b'\x89PNG\r\n\x1a\n' \
        + chunk(b'IHDR', struct.pack('>IIBBBBB', len(rows[0]) // 3,
                                     len(rows), 8, 2, 0, 0, 0)) \
        + chunk(b'IDAT', packed[:20]) + chunk(b'IDAT', packed[20:]) \
        + chunk(b'IEND', b'')


def test_png():
    chance = random.Random(3)
    rows = [bytes(chance.randrange(256) for _ in range(21))
            for _ in range(40)]
    for filters in ((0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)):
        tap.ok(model.png_rows(png(rows, filters)) == rows,
               'a PNG with filters %r' % (filters,))
    whole = png(rows, (0,))
    tap.raises(ValueError, lambda: model.png_rows(whole[:-1]), 'torn')
    tap.raises(ValueError, lambda: model.png_rows(whole + b'x'), 'too long')
    broken = bytearray(whole)
    broken[50] ^= 1
    tap.raises(ValueError, lambda: model.png_rows(bytes(broken)), 'broken')


def test_json():
    for millionths, text in ((0, '0'), (2000000, '2'), (2002000, '2.002'),
                             (1, '0.000001'), (-12500000, '-12.5'),
                             (-1, '-0.000001'), (10 ** 16, '10000000000')):
        tap.same(model.number_text(millionths), text, 'number ' + text)
    tap.same(model.difference({'a': [model.Number('1')]}, {'a': ['1']}),
             ('.a[0]', '1', '1'), 'a number is no string')
    tap.same(model.difference(model.read_json('{"a":[{"b":2}]}'),
                              model.read_json('{"a":[{"b":2.0}]}')),
             ('.a[0].b', '2', '2.0'), 'a number is what is written')
    tap.raises(ValueError, lambda: model.read_json('{"a":1,"a":1}'),
               'a key twice')
    made = report(hour(seg('00:00', '2'), (b'\xff"\n.ts', 0)))
    tap.same(model.read_json(model.write_json(made)), made,
             'what is written is read')


def test_gauges():
    made = survey(hour(seg('00:00', '2'), seg('00:00', '1')), None,
                  hour(seg('00:05', '2', 'partial'), (b'x.ts', 0)), {})
    series = model.gauges(made.report('ch', 'source', NOW))
    tap.same(len(series), 3 * 17, 'seventeen series of each readable hour')
    hour2, hour4 = '2025-11-15T02', '2025-11-15T04'
    for key, value in [
            (('segment_count', hour2, 'full'), '2'),
            (('segment_count', hour4, 'bad'), '1'),
            (('segment_duration', hour2, 'full'), '3'),
            (('overlap_count', hour2, 'full'), '1'),
            (('overlap_duration', hour2, 'full'), '1'),
            (('raw_coverage', hour2, None), '2'),
            (('editable_coverage', hour4, None), '2'),
            (('raw_holes', hour2, None), '1'),
            (('editable_holes', hour4, None), '1')]:
        tap.same(series[key], value, '%s of %s' % (key[0], key[1]))
    series = model.gauges(made.report('ch', 'source', NOW), newest=1)
    tap.same({key[1] for key in series}, {'2025-11-15T05'}, 'the newest')


def run_model(*arguments):
    done = subprocess.run(
        ['/usr/bin/python3', '-B', os.path.join(sys.path[0], 'model.py'),
         '--channel', 'ch', '--now', model.instant(NOW), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def test_command():
    with tempfile.TemporaryDirectory() as base:
        quality = os.path.join(base, 'ch', 'source')
        os.makedirs(os.path.join(quality, '2025-11-15T02'))
        inside = os.path.join(quality, '2025-11-15T02', '')
        for name, size in (seg('00:00', '2', 'suspect', 7),
                           seg('00:00', '4', 'suspect', 5),
                           seg('00:06', '2')):
            with open(inside + os.fsdecode(name), 'wb') as file:
                file.write(bytes(size))
        os.mkfifo(inside + os.fsdecode(seg('00:08', '2')[0]))
        os.mkdir(inside + os.fsdecode(seg('00:10', '2')[0]))
        os.symlink('nowhere', inside + os.fsdecode(seg('00:12', '2')[0]))
        os.symlink(os.fsdecode(seg('00:00', '2', 'suspect')[0]),
                   inside + os.fsdecode(seg('00:08', '1', 'full')[0]))
        os.symlink('2025-11-15T03', os.path.join(quality, '2025-11-15T03'))
        os.symlink('nowhere', os.path.join(quality, '2025-11-15T04'))
        os.symlink('2025-11-15T02', os.path.join(quality, '2025-11-15T05'))
        with open(os.path.join(quality, '2025-11-15T06'), 'wb'):
            pass
        os.mkdir(os.path.join(quality, 'stray'))
        status, text = run_model('--base-dir', base)
        made = model.read_json(text.decode())
        tap.same(status, 0, 'the command')
        tap.same([(h['hour'][11:], h['readable']) for h in made['hours']],
                 [('02', True), ('03', False), ('05', True)],
                 'directories, a looping link, a link to a directory')
        tap.same(made['hours'][0]['segments']['bad']['count'], '3',
                 'a FIFO, a directory and a dangling link are bad')
        tap.same(made['hours'][0]['raw']['coverage'], '5',
                 'a file by its size, a link to a file')
        status, text = run_model('--base-dir', base, '--quality', 'none')
        tap.same(model.read_json(text.decode())['found'], False, 'not found')
        picture = os.path.join(base, 'map.png')
        window = ('--base-dir', base, '--last-hour', '2025-11-15T02',
                  '--tolerance', '0')
        status, text = run_model('--map', *window)
        header, pixels = text[:13], text[13:]
        tap.same((status, header, pixels[:3]),
                 (0, b'P6 6 300 255\n', model.ORANGE), 'a map')
        rows = [pixels[18 * i:18 * i + 18] for i in range(300)]
        with open(picture, 'wb') as file:
            file.write(png(rows, (2,)))
        tap.same(run_model('--compare-map', picture, *window), (0, b''),
                 'the same map')
        rows[1] = model.GREY + rows[1][3:]
        with open(picture, 'wb') as file:
            file.write(png(rows, (2,)))
        tap.same(run_model('--compare-map', picture, *window),
                 (1, b'pixel (0, 1) of 2025-11-15T02:00:02.000000Z: '
                  b'(127, 127, 127), wanted (255, 255, 255)\n'),
                 'another map')


test_names()
test_utf8()
test_calendar()
test_best()
test_listing()
test_holes()
test_hours()
test_unreadable()
test_window()
test_incomplete()
test_map()
test_random_maps()
test_png()
test_json()
test_gauges()
test_command()
tap.done()
