#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Peers' reports that are not as they should be: each has its line, exit 2,
an unknown node, and everything else as without it.
"""
import copy
import json
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap


def run(*arguments):
    return tap.run('-b', 'archive', '--now', '2025-11-15T02:10:00Z',
                   *arguments)


def segment(start):
    path = 'archive/ch/source/2025-11-15T02'
    os.makedirs(path, exist_ok=True)
    open('%s/%s-60.0-full-ab.ts' % (path, start), 'w').close()


def changed(path, value):
    """The good report with one value changed, or taken out if it is ..."""
    report = copy.deepcopy(GOOD)
    *way, last = path.split()
    place = report
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(report)


def span(start, end):
    return {'start': start, 'end': end, 'duration': 1}


def nested(depth):
    """The good report with so many levels."""
    return changed('more', 1)[:-2] + '[' * (depth - 1) + ']' * (
        depth - 1) + '}'


LATE, EARLY = '2025-11-15T02:05:00Z', '2025-11-15T02:01:00Z'


def broken():
    """(what is wrong, the file's bytes, the line)"""
    text = json.dumps(GOOD)
    yield 'an empty file', '', 'empty'
    yield 'white space', ' \n\t\r\n', 'empty'
    yield 'HTML', '<!DOCTYPE html>\n<title>502</title>', 'HTML, not JSON'
    yield 'HTML behind a blank line', '\n <html>', 'HTML, not JSON'
    yield 'an error as text', 'not found\n', (
        'not JSON from here on: not found\\x0a')
    yield 'a PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'not JSON: it has a NUL byte'
    yield 'the first half', text[:len(text) // 2], 'truncated JSON'
    yield 'all but the last byte', text[:-1], 'truncated JSON'
    yield 'a string that does not end', '"\\', 'truncated JSON'
    yield 'a NUL byte behind it', text + '\0', 'not JSON: it has a NUL byte'
    yield 'more behind it', text + '\n{}', 'not JSON from here on: {}'
    yield 'a bracket too many', text + '}', 'not JSON from here on: }'
    yield 'only brackets', ']' * 30, 'not JSON from here on: ' + ']' * 20
    yield 'a missing colon', '{"a" 1}', 'not JSON from here on: 1}'
    yield '65 levels', nested(65), 'JSON nested deeper than 64'
    yield 'a million levels', '[' * 10**6, 'JSON nested deeper than 64'
    yield 'many small values', '[' + '{},' * 1500000 + '0]', (
        'JSON of too many values')
    for value in ('[]', 'null', '"x"', '{}', '17', 'true'):
        yield 'only ' + value, value, 'not a report of segment-coverage'
    yield 'a huge schema_version', text.replace(
        '"schema_version": 1', '"schema_version": 1e999'), (
            'schema_version is inf, not 1')
    yield 'an infinite tolerance', text.replace(
        '"tolerance": 0.01', '"tolerance": 1e999'), (
            'tolerance is not from 0 to 3600')
    yield 'a window turned round', json.dumps(dict(
        GOOD, first_hour='2025-11-15T03', last_hour='2025-11-15T02')), (
            'last_hour is before first_hour')
    report = dict(GOOD['reports'][0])
    del report['raw']
    report['raw'] = {'holes': [span(EARLY, LATE)] * 2}
    at_end = dict(GOOD, reports=[report])
    yield 'no comma between holes', json.dumps(at_end).replace(
        '}, {', '} {'), 'reports[0]: raw.holes[0]: no comma'
    report['raw'] = {'holes': ['x']}
    # the memory behind the file must not be read
    yield 'a hole that ends the file', json.dumps(at_end).replace(
        '"x"]', '{"x"start":"}]').rjust(8166), (
            'reports[0]: raw.holes[0]: start is not an instant')
    yield 'a quality twice', json.dumps(dict(
        GOOD, reports=GOOD['reports'] * 2)), (
            'ch/source is already in peer.json')
    long = '\x1b[31m' + 'x' * 99
    for path, value, line in (
            ('schema_version', ..., 'not a report of segment-coverage'),
            ('schema_version', 2, 'schema_version is 2, not 1'),
            ('generated_at', ..., 'generated_at is not an instant'),
            ('generated_at', 1763172000, 'generated_at is not an instant'),
            ('generated_at', None, 'generated_at is null'),
            ('generated_at', '2025-02-29T00:00:00Z',
             'generated_at is not an instant: 2025-02-29T00:00:00Z'),
            ('generated_at', long,
             'generated_at is not an instant: \\x1b[31m' + 'x' * 35),
            ('complete', ..., 'complete is neither true nor false'),
            ('complete', 1, 'complete is neither true nor false'),
            *[('tolerance', value, 'tolerance is not from 0 to 3600')
              for value in (-1, 3601, None, '0.01', 10.0**300)],
            ('first_hour', '2025-11-15T24',
             'first_hour is not an instant: 2025-11-15T24'),
            ('reports', ..., 'reports is not an array'),
            ('reports', {}, 'reports is not an array'),
            ('reports', ['x'], 'reports[0]: channel is not a string')):
        yield '%s: %.20r' % (path, value), changed(path, value), line
    for path, value, line in (
            ('channel', 720, 'channel is not a string'),
            ('quality', 720, 'quality is not a string'),
            ('found', ..., 'found is neither true nor false'),
            ('start', ..., 'start is not an instant'),
            ('end', None, 'only one of start and end is null'),
            ('end', '2025-11-15T01:00:00Z', 'end is before start'),
            ('raw', ..., 'raw.holes is not an array'),
            ('raw holes', 'none', 'raw.holes is not an array'),
            ('raw holes', 17, 'raw.holes is not an array'),
            ('raw holes', [1], 'raw.holes[0]: start is not an instant'),
            ('raw holes', [span(EARLY, LATE), span(LATE, EARLY)],
             'raw.holes[1]: end is before start'),
            ('raw holes', [span(EARLY, None)],
             'raw.holes[0]: end is not an instant'),
            ('raw holes', [span('yesterday', LATE)],
             'raw.holes[0]: start is not an instant'),
            ('incomplete', [], 'incomplete.spans is not an array'),
            ('incomplete spans', [span(LATE, EARLY)],
             'incomplete.spans[0]: end is before start'),
            ('unreadable_hours', [],
             'unreadable_hours.ranges is not an array'),
            ('unreadable_hours ranges',
             [{'first': '2025-11-15T03', 'last': '2025-11-15T02'}],
             'unreadable_hours.ranges[0]: end is before start')):
        yield '%s: %.20r' % (path, value), changed(
            'reports 0 ' + path, value), 'reports[0]: ' + line


def broken_try(what, text, line):
    Path('peer.json').write_text(text, 'latin-1' if 'PNG' in text else 'utf-8')
    status, report, said = run('-n', '-f', 'json', '--peer',
                               'n2=peer.json', 'ch')
    wanted = 'segment-coverage: n2=peer.json: %s\n' % line
    if not tap.ok((status, said) == (2, wanted), what,
                  'exit %d, wanted 2' % status, said, wanted):
        return
    report = json.loads(report)
    fleet = report['reports'][0]['fleet']
    peer = report['peers'][0]
    tap.same((peer['usable'], report['complete'], fleet['lost']['count'],
              fleet['unknown']['duration'], fleet['nodes'][1]['coverage']),
             (False, True, 0, 60, None), what + ': all of it is unknown')


def files():
    """What is no report at all, or cannot be read."""
    os.mkdir('directory')
    Path('large').touch()
    os.truncate('large', (64 << 20) + 1)
    for file, line in (('none', 'No such file or directory'),
                       ('directory', 'Is a directory'),
                       ('large', 'File too large')):
        status, _, said = run('-n', '-f', 'none', '-m', 'metrics', '--peer',
                              'n2=' + file, 'ch')
        tap.same((status, said), (
            2, 'segment-coverage: n2=%s: %s\n' % (file, line)), line)


def good_try():
    """What is unusual, but can be used."""
    def fleet(text, *arguments):
        Path('peer.json').write_text(text, 'utf-8')
        status, report, said = run('-n', '-f', 'json', '--peer',
                                   'n2=peer.json', *arguments, 'ch')
        tap.same((status, said), (0, ''), 'it is used')
        return json.loads(report)['reports'][0]['fleet']

    plain = fleet(json.dumps(GOOD))
    tap.same(plain['elsewhere']['duration'], 60, 'the good report is used')
    tap.same(fleet(nested(64)), plain, '64 levels are not too many')
    tap.same(fleet('\ufeff' + json.dumps(GOOD, indent=4)), plain,
             'a mark of byte order, and white space')
    tap.same(fleet(changed('reports 0 editable',
                           {'holes': [{'a]},"': '\\"'}] * 9})),
             plain, 'what is not needed may be anything')
    three = (('2025-11-15T02:01:40Z', '2025-11-15T02:01:50Z'),
             ('2025-11-15T02:01:10Z', '2025-11-15T02:01:20Z'),
             ('2025-11-15T02:01:15Z', '2025-11-15T02:01:30Z'),
             ('2025-11-15T02:01:55Z', '2025-11-15T02:01:55Z'))
    text = changed('reports 0 raw holes', [span(*pair) for pair in three])
    tap.same([(lost['start'][14:19], lost['duration'])
              for lost in fleet(text)['lost']['spans']],
             [('01:10', 20), ('01:40', 10)], 'holes are sorted and joined')
    tap.same(fleet(changed('reports 0 quality', '720p'))['nodes'][1]['start'],
             None, 'a quality that is not in it is unknown')
    tap.same(fleet(changed('reports', []))['unknown']['duration'], 60,
             'nor is any')
    tap.same(fleet(changed('reports 0 unreadable_hours', ...)), plain,
             'a complete report of version 1.0')


def names():
    """Several reports by one name, and a quality given twice."""
    Path('a.json').write_text(json.dumps(GOOD))
    Path('b.json').write_text(changed('reports 0 quality', '480p'))
    tap.same(run('-n', '-f', 'none', '-m', 'metrics', '--peer', 'n2=a.json',
                 '--peer', 'n2=b.json', 'ch')[0::2], (0, ''),
             'one name may have a file for each quality')
    tap.same(run('-n', '-f', 'none', '-m', 'metrics', '--peer', 'n2=b.json',
                 '--peer', 'n3=a.json', '--peer', 'n2=b.json', 'ch')[0::2],
             (2, 'segment-coverage: n2=b.json: ch/480p is already in b.json\n'),
             'but not two for one')

with tempfile.TemporaryDirectory(prefix='coverage-test.') as directory:
    os.chdir(directory)
    for time in ('00:00', '01:00', '02:00', '03:00'):
        segment(time)
    GOOD = json.loads(run('-n', '-f', 'json', 'ch')[1])
    os.unlink('archive/ch/source/2025-11-15T02/01:00-60.0-full-ab.ts')
    for case in broken():
        broken_try(*case)
    files()
    good_try()
    names()
tap.done()
