#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random fleets: what the program says of them, and what the model does.

Each seed makes archives of two to six nodes, some of which have lost the same
time, lets the program report each, and compares.  With all segments full the
same archives in one directory have the holes that are lost.
"""
import collections
import decimal
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
import fleetmodel
import model
import tap

SECOND, HOUR = fleetmodel.SECOND, fleetmodel.HOUR
BEGIN = fleetmodel.instant('2025-11-15T02')
QUALITIES = ('source', '480p')
Report = collections.namedtuple('Report', 'file document')


def name_of(time, form='%Y-%m-%dT%H'):
    return (model.EPOCH + time * model.MICROSECOND).strftime(form)


def run(*arguments):
    text = tap.run('-n', '-f', 'json', *arguments)[1]
    return json.loads(text, parse_float=decimal.Decimal), text


def stream_make(chance):
    """What was sent: (start, duration) of each segment."""
    time = BEGIN + chance.randrange(2 * HOUR)
    end = time + chance.randrange(HOUR // 2, 5 * HOUR)
    segments = []
    while time < end:
        duration = chance.choice((60 * SECOND, 59 * SECOND, 7654321,
                                  chance.randrange(SECOND, 90 * SECOND)))
        segments.append((time, duration))
        time += duration + chance.choice((0,) * 8 + (
            5000, 10000, 10001, 100000, -5000,
            chance.randrange(300 * SECOND)))
    return segments


def runs_drop(chance, segments, times):
    """The segments without some that follow each other, so many times."""
    kept = list(segments)
    for _ in range(times):
        first = chance.randrange(len(kept) + 1)
        del kept[first:first + chance.choice((1, 2, 5, 20))]
    return kept


def archive_make(chance, path, segments, calm):
    """One node's files of one quality."""
    kinds = ('full',) if calm else ('full',) * 12 + ('partial', 'suspect')
    for start, duration in segments:
        hour = os.path.join(path, name_of(start))
        os.makedirs(hour, exist_ok=True)
        name = '%s-%d.%06d-%s-%s.ts' % (
            name_of(start, '%M:%S.%f'), *divmod(duration, SECOND),
            chance.choice(kinds), chance.choice(('ab', 'zz')))
        open(os.path.join(hour, name), 'w').close()
    if not calm and chance.randrange(4) == 0:
        hour = os.path.join(path, name_of(
            BEGIN + chance.randrange(6) * HOUR))
        shutil.rmtree(hour, ignore_errors=True)
        os.makedirs(path, exist_ok=True)
        os.symlink(os.path.basename(hour), hour)


def options_make(chance, now, calm):
    """What a node asks for of its own archive."""
    options = ['-q', ','.join(QUALITIES), '--now',
               name_of(now, '%Y-%m-%dT%H:%M:%S.%fZ'),
               '-t', '0' if calm else chance.choice(
                   ('0', '0.01', '0.01', '0.01', '0.5', '60'))]
    if not calm and chance.randrange(3) == 0:
        options += ['--first-hour', name_of(
            BEGIN + chance.randrange(4) * HOUR)]
    if not calm and chance.randrange(3) == 0:
        options += ['--last-hour', name_of(
            BEGIN + chance.randrange(3, 7) * HOUR)]
    return options


def reports_make(chance, base, name, now, calm):
    """A node's reports: one of all qualities, or one for each."""
    options = options_make(chance, now, calm)
    document, text = run('-b', os.path.join(base, name), *options, 'ch')
    if chance.randrange(3) > 0:
        documents = [document]
    else:
        documents = [dict(document, reports=[report])
                     for report in document['reports']]
    reports = []
    for number, document in enumerate(documents):
        file = os.path.join(base, '%s-%d.json' % (name, number))
        with open(file, 'w') as out:
            json.dump(document, out, default=float)
        reports.append(Report(file, document))
    if not calm and chance.randrange(12) == 0:
        victim = chance.randrange(len(reports))
        with open(reports[victim].file, 'w') as out:
            out.write(text[:1000])
        del reports[victim]
    return reports, [file for file in sorted(os.listdir(base))
                     if file.startswith(name + '-')]


def differ(what, wanted, got):
    for key in wanted:
        if wanted[key] != got[key]:
            raise tap.Mismatch('%s, %s:\nwanted %s\ngot    %s' % (
                what, key, wanted[key], got[key]))


def compare(document, peers, settle, has_here):
    """Each fleet in a document against the model's."""
    now = fleetmodel.instant(document['generated_at'])
    window = (
        fleetmodel.instant(document['first_hour']) or -fleetmodel.FOREVER,
        fleetmodel.FOREVER if document['last_hour'] is None
        else fleetmodel.instant(document['last_hour']) + HOUR)
    for report in document['reports']:
        key = report['channel'], report['quality']
        here = None
        if has_here:
            here = fleetmodel.Node('here', [document], *key, settle)
        nodes = [fleetmodel.Node(
            name, [one.document for one in reports], *key, settle)
            for name, reports in peers]
        differ(key, fleetmodel.fleet(here, nodes, now, window),
               fleetmodel.read(report['fleet']))


def union_compare(document, base, nodes):
    """The fleet of nodes is their archives in one."""
    union = os.path.join(base, 'union')
    for name in nodes:
        shutil.copytree(os.path.join(base, name), union, dirs_exist_ok=True)
    together, _ = run('-b', union, '-q', ','.join(QUALITIES), '-t', '0',
                      '--now', document['generated_at'], 'ch')
    for fleet, report in zip(document['reports'], together['reports']):
        wanted = fleetmodel.spans(report['raw']['holes'])
        got = fleetmodel.spans(fleet['fleet']['lost']['spans'])
        if wanted != got or fleet['fleet']['unknown']['count']:
            raise tap.Mismatch('union: %s\nfleet: %s' % (wanted, got))


def fleet_try(chance, base):
    calm = chance.randrange(3) == 0
    nodes = ['n%d' % i for i in range(chance.randrange(2, 7))]
    streams = [runs_drop(chance, stream_make(chance), 3)
               for _ in QUALITIES]
    for name in nodes:
        os.makedirs(os.path.join(base, name, 'ch'))
        for quality, segments in zip(QUALITIES, streams):
            if calm or chance.randrange(8) > 0:
                archive_make(chance, os.path.join(
                    base, name, 'ch', quality), runs_drop(
                        chance, segments, chance.randrange(6)), calm)
    now = BEGIN + (12 * HOUR if calm else chance.randrange(HOUR, 8 * HOUR))
    peers, arguments = [], []
    for name in nodes[1:]:
        reports, files = reports_make(
            chance, base, name,
            now if calm else now + chance.choice(
                (0, 0, -5 * SECOND, -HOUR, 30 * SECOND, HOUR)), calm)
        peers.append((name, reports))
        for file in files:
            arguments += ['--peer', '%s=%s' % (
                name, os.path.join(base, file))]
    settle = 60 if calm else chance.choice((0, 60, 60, 600))
    arguments += ['--settle', str(settle)]
    arguments += options_make(chance, now, calm)
    document, _ = run('-b', os.path.join(base, nodes[0]), *arguments, 'ch')
    compare(document, peers, settle * SECOND, True)
    if calm:
        union_compare(document, base, nodes)
    document, _ = run(*arguments)
    compare(document, peers, settle * SECOND, False)


tap.seeds(fleet_try, 40)
tap.done()
