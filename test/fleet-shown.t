#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One fleet, byte for byte: text, lines, findings, metrics, JSON.

Of three hours node2 and node3 have what they can; node3's stream stopped
first, and node4's report is no report.  node5 is an hour behind.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import tap

VALIDATE = os.path.join(os.path.abspath(sys.path[0]), 'validate.py')
PEERS = ('--peer', 'node2=node2.json', '--peer', 'node3=node3.json')


def run(*arguments, now='2025-11-15T05:00:05', base='here'):
    return tap.run('-n', '-b', base, '--now', now, *arguments)


def archive(base, holes, partial=(), end=10800):
    """10 s a segment from 02:00 on; holes and partial are (from, to) in s."""
    for start in range(0, end, 10):
        if any(first <= start < last for first, last in holes):
            continue
        kind = 'full'
        if any(first <= start < last for first, last in partial):
            kind = 'partial'
        path = '%s/ch/source/2025-11-15T%02d' % (base, 2 + start // 3600)
        os.makedirs(path, exist_ok=True)
        open('%s/%02d:%02d-10.0-%s-ab.ts' % (
            path, start // 60 % 60, start % 60, kind), 'w').close()


def make():
    archive('here', ((100, 200), (3600, 7200), (9000, 9010)), ((300, 310),))
    archive('node2', ((150, 250), (5000, 5010), (5020, 5030)))
    archive('node3', ((100, 300), (4000, 6000)), end=8000)
    for name, now in (('node2', '2025-11-15T05:00:01'),
                      ('node3', '2025-11-15T05:00:01'),
                      ('node5', '2025-11-15T04:00:00')):
        Path(name + '.json').write_text(run(
            '-f', 'json', 'ch', now=now, base=name.replace('5', '2'))[1])
    Path('node4.json').write_text('<html>')


def text():
    status, out, err = run('--name', 'a-node-with-a-name', *PEERS, 'ch')
    tap.same((status, err), (0, ''), 'text: exit 0, and nothing else')
    out = out[out.index('  Node'):]
    tap.same(out, '''\
  Node         covered  holes      lost  has of ours  newest segment  report
  a-node-with-a-name
               65.64 %      3  1h01m50s            -  5.0s old
  node2        98.88 %      3   2m00.0s     1h00m40s  5.0s old        4.0s old
  node3        53.99 %      3  1h22m21s     26m40.0s  STOPPED 46m41s  4.0s old
  together     99.35 %      3   1m10.0s

  LOST: no node has it, longest first
       50.0s  2025-11-15T02:02:30.000  02:03:20.000
       10.0s  2025-11-15T03:23:20.000  03:23:30.000
       10.0s  2025-11-15T03:23:40.000  03:23:50.000
  Elsewhere, longest first (5 of 7; all: -f holes)
    20m00.0s  2025-11-15T03:40:00.000  04:00:00.000  node2, node3
    16m40.0s  2025-11-15T03:06:40.000  03:23:20.000  node2
    16m10.0s  2025-11-15T03:23:50.000  03:40:00.000  node2
     6m40.0s  2025-11-15T03:00:00.000  03:06:40.000  node2, node3
       50.0s  2025-11-15T02:01:40.000  02:02:30.000  node2
  Incomplete here, complete elsewhere: 10.0s
''', 'text')
    status, out, err = run(*PEERS, '--peer', 'node4=node4.json', '--peer',
                           'node5=node5.json', 'ch')
    tap.same((status, err), (
        2, 'segment-coverage: node4=node4.json: HTML, not JSON\n'),
             'text: a broken report')
    tap.same(out[out.index('  node4 '):out.index('  Elsewhere')], '''\
  node4            ?                                                  unusable
  node5        98.34 %      3   2m00.0s     1h00m30s  58m55s old      1h00m old
  together    100    %      -         -
  unknown                   3   1m10.0s

''', 'text: with it nothing is lost for certain')
    out = run(*PEERS)[1]
    tap.same(out[out.index('  together'):].split('\n')[0] + '\n', '''\
  together     98.88 %      3   2m00.0s
''', 'text: without a channel the peers are all there is')
    out = run('--peer', 'node2=node2.json', '-t', '0', 'ch',
              now='2025-11-15T04:30:00')[1]
    tap.same(''.join(out.splitlines(True)[-2:]), '''\
  node2: report dated in the future: 2025-11-15T05:00:01.000000Z
  node2: tolerance is 0.01 s, ours 0 s: shorter holes there do not show
''', 'text: a clock ahead of ours, a larger tolerance')


HOLES = '''
02:01:40 02:02:30 50 elsewhere node2
02:02:30 02:03:20 50 lost
03:00:00 03:06:40 400 elsewhere node2,node3
03:06:40 03:23:20 1000 elsewhere node2
03:23:20 03:23:30 10 lost
03:23:30 03:23:40 10 elsewhere node2
03:23:40 03:23:50 10 lost
03:23:50 03:40:00 970 elsewhere node2
03:40:00 04:00:00 1200 elsewhere node2,node3
04:30:00 04:30:10 10 elsewhere node2
'''


def holes():
    def shown(*arguments):
        status, out, _ = run('-f', 'holes', *PEERS, *arguments, 'ch')
        out = re.sub('ch\tsource\t|2025-11-15T|[.]000000Z', '', out)
        return status, '\n' + out.replace('\t', ' ').replace(' \n', '\n')

    tap.same(shown(), (0, HOLES), 'holes')
    Path('known').write_text(
        'ch\tsource\t2025-11-15T02:02:30Z\t2025-11-15T02:03:20Z\n'
        '*\t*\t2025-11-15T03:23:00Z\t2025-11-15T03:23:45Z\n')
    tap.same(shown('--known', 'known'), (0, HOLES.replace(
        '50 lost', '50 known').replace('10 lost', '10 known', 1)),
             'holes: within a known span, but not one that outgrows it')
    out = run('--known', 'known', *PEERS, 'ch')[1]
    tap.ok('  LOST: no node has it (2 known)\n'
           '       10.0s  2025-11-15T03:23:40.000' in out,
           'text: known losses are a number', out)
    tap.same(shown('--peer', 'node4=node4.json'),
             (2, HOLES.replace('lost', 'unknown')),
             'holes: unknown, where one node says nothing')
    tap.same(run('-f', 'holes', '--peer', 'node3=node3.json', 'ch',
                 now='2025-11-15T04:30:15')[1].splitlines()[-1].split('\t')[5],
             'settling', 'holes: one that began less than a minute ago')


def check():
    def finds(what, wanted, *arguments, status=1):
        found, out, err = run('-c', '-f', 'none', *arguments, 'ch')
        tap.same((found, out, '\n' + re.sub(
            'segment-coverage: (ch/source: )?|2025-11-15T|[.]000000Z', '',
            err)), (status, '', wanted), 'check: ' + what)

    one_day = '--backfill', '1d', '--min-hole'
    finds('known and short ones do not count, nor those that backfill still '
          'has time for', '''
not backfilled: 16m40.0s from 03:06:40 to 03:23:20; available on node2
not backfilled: 16m10.0s from 03:23:50 to 03:40:00; available on node2
not backfilled: 6m40.0s from 03:00:00 to 03:06:40; available on node2, node3
not backfilled: 50.0s from 02:01:40 to 02:02:30; available on node2
''', '--known', 'known', '--min-hole', '11', '--backfill', '65m', *PEERS)
    finds('what is lost', '''
LOST: no node has 50.0s from 02:02:30 to 02:03:20
LOST: no node has 10.0s from 03:23:20 to 03:23:30
LOST: no node has 10.0s from 03:23:40 to 03:23:50
''', *one_day, '0', *PEERS)
    finds('an old report', '''
LOST: no node has 50.0s from 02:02:30 to 02:03:20
''', *one_day, '20s', '--peer', 'node5=node5.json')
    finds('what is unknown counts, and trouble wins', '''
node4=node4.json: HTML, not JSON
a hole of 50.0s from 02:02:30 to 02:03:20; not every node could tell
''', *one_day, '20s', *PEERS, '--peer', 'node4=node4.json', status=2)
    finds('nothing that counts', '\n', '--known', 'known', *one_day, '11',
          *PEERS, status=0)


def metrics():
    run('-f', 'none', '-m', 'metrics', *PEERS, '--peer', 'node4=node4.json',
        '--peer', 'node5=node5.json', 'ch')
    samples = re.findall('^segment_coverage_((?:fleet|peer)_.*\n)',
                         Path('metrics').read_text(), re.M)
    tap.same(''.join(samples).replace('channel="ch",quality="source"', 'Q'),
             '''\
fleet_lost_holes{Q} 0
fleet_lost_seconds{Q} 0
fleet_elsewhere_seconds{Q} 3640
fleet_better_seconds{Q} 10
fleet_unknown_seconds{Q} 70
peer_has_seconds{Q,peer="node2"} 3640
peer_has_seconds{Q,peer="node3"} 1600
peer_has_seconds{Q,peer="node5"} 3630
peer_report_timestamp_seconds{Q,peer="node2"} 1763182801
peer_report_timestamp_seconds{Q,peer="node3"} 1763182801
peer_report_timestamp_seconds{Q,peer="node5"} 1763179200
''', 'metrics')
    run('-f', 'none', '-m', 'metrics', 'ch')
    text = Path('metrics').read_text()
    tap.ok('_fleet_' not in text and '_peer_' not in text,
           'metrics: none of them without peers')


def documents():
    for what, *arguments in (('a fleet', *PEERS, 'ch'),
                             ('a broken report', '--peer',
                              'node4=node4.json', 'ch'),
                             ('peers alone', *PEERS)):
        out = run('-f', 'json', *arguments)[1]
        done = subprocess.run([sys.executable, VALIDATE], input=out.encode(),
                              capture_output=True)
        tap.ok(done.returncode == 0, 'JSON: %s is as the schema has it' % what,
               done.stdout.decode(), done.stderr.decode())
    out = json.loads(run('-f', 'json', 'ch')[1])
    tap.same((out['peers'], out['reports'][0]['fleet']), ([], None),
             'JSON: without peers')


with tempfile.TemporaryDirectory(prefix='coverage-test.') as directory:
    os.chdir(directory)
    make()
    text()
    holes()
    check()
    metrics()
    documents()
tap.done()
