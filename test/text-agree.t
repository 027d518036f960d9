#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Text, lines of holes and metrics say what the JSON says.

Each seed makes a random archive, on which the program runs with and without a
window; every figure of the other formats is derived from the JSON.
"""
import decimal
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import metrics
import model
import randarchive
import tap

HOUR, DAY = 3600, 86400
TABLE = re.compile(
    r'    (\S+) +([A-Z]+(?: SEGMENTS| \S+(?= +\d+\S* +%))?) +'
    r'(?:(\S+) +% +(\S+) +(\S+) +(\S+) +(\S+)  (\S+)|\(.*\))')
ROW = re.compile(r'  (\d{4}-\d\d-\d\d)(T\d\d)?  +(?:to (\S+) +)?(.*?)'
                 r' +(\S+) +(\S+) +(\S+) +(\S+)')


def same(what, got, wanted):
    if got != wanted:
        raise tap.Mismatch('%s\ngot:    %r\nwanted: %r' % (what, got, wanted))


def duration(seconds):
    """A duration for people, '-' for none."""
    us = int(seconds * 1000000)
    step = next((step for most, step in (
        (1000, 1), (10**6, 1000), (HOUR * 10**6, 10**5), (DAY * 10**6, 10**6))
        if us < most), HOUR * 10**6)
    us = (us + step // 2) // step * step
    whole, tenths = us // 10**6, us % 10**6 // 10**5
    minutes, hours = whole // 60, whole // HOUR
    if whole >= DAY:
        return '%dd%02dh' % (whole // DAY, hours % 24)
    if hours:
        return '%dh%02dm%02ds' % (hours, minutes % 60, whole % 60)
    if minutes:
        return '%dm%02d.%ds' % (minutes, whole % 60, tenths)
    if us >= 10**6:
        return '%d.%ds' % (whole, tenths)
    if us >= 1000:
        return '0.%03ds' % (us // 1000)
    return '0.%06ds' % us if us else '-'


def cut(spans, low, high):
    """Those of (start, end) that reach into the bounds, and their length."""
    parts = [min(end, high) - max(start, low) for start, end in spans
             if start < high and end > low]
    return len(parts), sum(parts)


def pairs(spans):
    return [(metrics.seconds(span['start']), metrics.seconds(span['end']))
            for span in spans]


def verdicts(report, now):
    """The words that may be said; whether it has stopped is not in the JSON
    of a window."""
    raw = report['raw']
    if not report['found']:
        return ['ABSENT']
    if report['unreadable_hours']['count']:
        return ['UNREADABLE']
    if raw['ratio'] is None or report['start'] is None:
        return ['NO SEGMENTS']
    stopped = ['STOPPED'] * (now - metrics.seconds(report['end']) > 120)
    if raw['hole_count']:
        return stopped + ['HOLES']
    much = report['incomplete']['duration'] > raw['coverage'] / 100
    return stopped + ['INCOMPLETE' if much else 'OK']


def check_table(line, report, now, window):
    match = TABLE.fullmatch(line)
    if not match:
        raise tap.Mismatch('not a row: ' + line)
    word = match[2] if match[2] == 'NO SEGMENTS' else match[2].split(' ')[0]
    words = verdicts(report, now)
    same('verdict of ' + line, word in (words if window else words[:1]), True)
    raw = report['raw']
    same('figures in ' + line, match[3] is None, raw['ratio'] is None)
    if match[3] is None:
        return
    percent = int(raw['ratio'] * 10000)
    longest = raw['longest_hole']
    same(line, match.group(3, 4, 5, 6, 7), (
        '%d' % (percent // 100) if percent in (0, 10000)
        else '%d.%02d' % divmod(percent, 100),
        str(raw['hole_count'] or '-'), duration(raw['hole_duration']),
        duration(longest['duration'] if longest else 0),
        duration(report['incomplete']['duration'])))


def check_cells(cells, low, width, report, unread, holes):
    """Without a window, and but for what is incomplete."""
    edges = holes[:]
    if report['start']:
        edges.append((metrics.seconds(report['start']),
                      metrics.seconds(report['end'])))
    first = min((start for start, _ in edges), default=0)
    last = max((end for _, end in edges), default=0)
    wanted = ''
    for i in range(len(cells)):
        start, end = low + i * width, low + (i + 1) * width
        if cut(unread, start, end)[0]:
            wanted += '?'
            continue
        start, end = max(start, first), min(end, last)
        if start >= end:
            wanted += ' '
            continue
        count, lost = cut(holes, start, end)
        wanted += '%d' % ((end - start - lost) * 10 // (end - start)) \
            if count else '#'
    same('cells', cells.replace('+', '#'), wanted)


def check_row(match, report, window):
    """One line of days or of hours."""
    unit = HOUR if match[2] else DAY
    low = metrics.seconds(match[1] + (match[2] or 'T00') + ':00:00Z')
    high = low + unit
    if match[3]:
        high = unit + metrics.seconds(
            match[3] + ('' if match[2] else 'T00') + ':00:00Z')
    hours = [hour for hour in report['hours'] if low <= metrics.seconds(
        hour['hour'] + ':00:00Z') < high]
    unread = pairs({'start': hour['hour'] + ':00:00Z',
                    'end': hour['hour'] + ':59:59.999999Z'}
                   for hour in report['hours'] if not hour['readable'])
    if unit == DAY or not unread or not cut(unread, low, high)[0]:
        holes = pairs(report['raw']['holes'])
        count, lost = cut(holes, low, high)
        same(match[0], match.group(5, 6, 7, 8), (
            str(count or '-'), duration(lost),
            duration(sum(h['incomplete']['duration'] for h in hours)),
            str(sum(h['segments']['bad']['count'] for h in hours) or '-')))
    if not window and not match[3] and match[4] not in ('MISSING', 'whole'):
        cells = match.string[14 if unit == DAY else 17:
                             38 if unit == DAY else 47]
        check_cells(cells, low, unit // len(cells), report, unread,
                    pairs(report['raw']['holes']))


def check_text(text, document, window):
    lines = text.split('\n')
    now = metrics.seconds(document['generated_at'])
    at = next(i for i, line in enumerate(lines) if 'covered' in line) + 1
    for report in document['reports']:
        while not re.match(r'    \S', lines[at]):
            at += 1
        check_table(lines[at], report, now, window)
        at += 1
    report, listed, rows = None, [], 0
    for line in lines[at:]:
        title = re.fullmatch(r'  ch/(\w+)(?::.*)?', line)
        hole = re.fullmatch(
            r' +([\d.dhm]+[hs])  (\S+T\S+)  (\S+?)(?:  settling)?', line)
        row = ROW.fullmatch(line)
        if title:
            report = next(r for r in document['reports']
                          if r['quality'] == title[1])
        elif row and 'UNREADABLE' not in line:
            check_row(row, report, window)
            rows += 1
        elif hole:
            listed.append((hole[1], hole[2]))
    wanted = [(duration(hole['duration']), hole['start'])
              for report in document['reports']
              for hole in report['raw']['holes']]
    same('holes', [start[:19] for _, start in listed],
         [start[:19] for _, start in wanted])
    same('durations', [length for length, _ in listed],
         [length for length, _ in wanted])
    return rows


def check_holes(text, document):
    now = metrics.seconds(document['generated_at'])
    first = document['first_hour'] and metrics.seconds(
        document['first_hour'] + ':00:00Z')
    wanted = []
    for report in sorted(document['reports'], key=lambda r: r['quality']):
        for hole in report['raw']['holes']:
            start = metrics.seconds(hole['start'])
            wanted.append('\t'.join((
                'ch', report['quality'], hole['start'], hole['end'],
                str(hole['duration']), 'settling'
                if start > now - 60 and start != first else 'hole', '')))
    same('-f holes', text.splitlines(), wanted)


def run(base, options, *more):
    return tap.run('-n', '-b', base, *options, *more, 'ch')[1]


def check_archive(chance, base):
    archive = randarchive.make(chance, base)
    now = archive.last + chance.randrange(-HOUR, 3 * HOUR) * 1000000
    now = min(max(now, randarchive.FIRST_HOUR), randarchive.LAST_HOUR)
    rows = 0
    for window in (False, True):
        options = ['-q', ','.join(archive.qualities), '-t', '0.01',
                   '--now', model.instant(now)]
        if window:
            marks = sorted(chance.choices(archive.marks, k=2))
            options += ['--first-hour', model.hour_name(marks[0]),
                        '--last-hour', model.hour_name(marks[1])]
        prom = pathlib.Path(base, 'metrics')
        document = json.loads(run(base, options, '-f', 'json', '-m', prom),
                              parse_float=decimal.Decimal,
                              parse_int=decimal.Decimal)
        rows += check_text(run(base, options, '-a'), document, window)
        check_holes(run(base, options, '-f', 'holes'), document)
        found = metrics.differences(
            prom.read_bytes().decode(), [document], 168)
        if window:
            found = [line for line in found if 'newest_' not in line
                     and 'stalled_' not in line]
        same('metrics', found, [])
    return rows


rows = [found or 0 for found in tap.seeds(check_archive, 100)]
tap.ok(sum(rows) > 5 * len(rows), 'days and hours were compared', *rows)
tap.done()
