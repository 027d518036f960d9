#!/usr/bin/python3
"""The manual against the program: its examples run as they stand in its
source, and its lists are those of the program.

Comments in the source mark what is looked at: `.\\" example: NAME` and
`.\\" file: NAME` a display that is run or read, `.\\" output: NAME` what comes of
it, `.\\" keys: PATH`, `.\\" metrics: KIND` and `.\\" messages: KIND` a list.

The places that the examples name are here/srv/segments and so on, in a
directory of the test's own; Place.redirect() is the only thing that an example
goes through.
"""
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import tap

HERE = sys.path[0]
MANUAL = os.path.join(HERE, '..', 'man', 'segment-coverage.1')
PROGRAM = os.path.abspath(os.environ.get(
    'SEGMENT_COVERAGE', os.path.join(HERE, '..', 'segment-coverage')))
NOW = '2025-11-15T02:46:00'
COLLECTED = 'var/lib/prometheus/node-exporter/coverage.prom'
MAPS = 'srv/segments/coverage-maps/'


def have(*commands):
    return all(shutil.which(command) for command in commands)


def skip(what, why):
    tap.count += 1
    print('ok %d - %s # skip %s' % (tap.count, what, why), flush=True)


def run(command, env=None, **options):
    """Returns exit status, stdout and stderr."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False, env=env, **options)
    return (done.returncode, done.stdout.decode('utf-8', 'surrogateescape'),
            done.stderr.decode('utf-8', 'surrogateescape'))


# The manual's source

class Manual:
    def __init__(self, path):
        with open(path, encoding='ascii') as file:
            self.lines = file.read().split('\n')
        self.marked = {}    # (kind, name): lines up to the end of the block
        for number, line in enumerate(self.lines):
            match = re.match(r'\.\\" (\w+): ?(.*)$', line)
            if match:
                assert match.groups() not in self.marked, line
                self.marked[match.groups()] = self.block(number + 1)

    def block(self, number):
        begin = self.lines[number][:3]
        end = {'.Bd': '.Ed', '.Bl': '.El'}[begin]
        depth, lines = 0, []
        for line in self.lines[number:]:
            depth += line.startswith(begin)
            depth -= line.startswith(end)
            if depth == 0:
                return lines
            lines.append(line)
        raise ValueError('no end of the block at line %d' % number)

    def text(self, kind, name):
        """A display as it is shown."""
        text = '\n'.join(self.marked[kind, name][1:]) + '\n'
        text = text.replace('\\e', '\0')
        assert '\\' not in text, 'an escape that is not undone: ' + name
        assert not re.search(r"^[.']", text, re.M), name
        return text.replace('\0', '\\')

    def entries(self, kind, name):
        """A list: [words of the head], [lines of the body], for each."""
        found = []
        for line in self.marked[kind, name][1:]:
            if line.startswith('.It '):
                found.append((line[4:].split(), []))
            else:
                found[-1][1].append(line)
        return found

    def names(self, kind):
        return [name for marked, name in self.marked if marked == kind]

    def section(self, title):
        start = self.lines.index('.Sh ' + title) + 1
        end = next(number for number in range(start, len(self.lines))
                   if self.lines[number].startswith('.Sh '))
        return self.lines[start:end]


def plain(words):
    """Words of macro lines as they are shown, in lower case."""
    text = ' '.join(words).replace('\\&.', '\0')     # no end of a sentence
    text = re.sub(r'(^|\s)Fl -?(\S)', lambda match: match.group(1) + (
        '--' if match.group(0).endswith('-' + match.group(2)) else '-')
        + match.group(2), text)
    text = re.sub(r'(^|\s)(Ar|Cm|Ic|Pa|Li|Ev|Sx|Sq|Dq|No)(?=\s)', '', text)
    text = re.sub(r' Ns ', '', text)
    text = re.sub(r'\s+([,.:;])(?=\s|$)', r'\1', text)
    return ' '.join(text.lower().replace('\0', '.').split())


def shown(lines):
    """The same of lines of a body."""
    words = []
    for line in lines:
        if line[:3] in ('.Bl', '.El', '.Pp', '.Bd', '.Ed'):
            continue
        words.append(re.sub(r'^\.(It )?', '', line))
    return plain(words)


# The places that examples name

class Place:
    def __init__(self, directory):
        self.root = directory
        self.moved = [(path, os.path.join(directory, path[1:])) for path in (
            '/srv/segments', '/var/lib/prometheus/node-exporter',
            '/usr/local/bin')]
        for _, path in self.moved:
            os.makedirs(path)
        self.home = self.path('home')
        os.mkdir(self.home)
        self.paged = self.path('paged')
        self.command('page-someone', 'echo paged >>%s' % self.paged)
        # node2's archive is nodes/node2, every other node's is this one
        self.command('ssh', 'node=$1; shift\n'
                     'case $node in\n'
                     'node2) exec sh -c "$(echo "$*" | sed s,%s,%s,)";;\n'
                     '*) exec sh -c "$*";;\nesac' % (
                         self.path('srv/segments'), self.path('nodes/node2')))
        self.at(NOW)

    def path(self, path):
        return os.path.join(self.root, path)

    def redirect(self, text):
        for path, here in self.moved:
            text = text.replace(path, here)
        return text

    def command(self, name, script):
        path = self.path('usr/local/bin/' + name)
        with open(path, 'w') as file:
            file.write('#!/bin/sh\n%s\n' % script)
        os.chmod(path, 0o755)

    def at(self, now):
        """Installs the program, at a time of ours."""
        self.command('segment-coverage', 'exec %s --now %s "$@"' % (
            shlex.quote(PROGRAM), now))

    def environment(self, **more):
        return dict({'HOME': self.home, 'LC_ALL': 'C', 'PATH': '%s:%s' % (
            self.path('usr/local/bin'), os.environ['PATH'])}, **more)

    def shell(self, script, **more):
        return run(['sh', '-c', self.redirect(script)],
                   env=self.environment(**more), cwd=self.home)

    def archive(self, where, hours):
        """{'CHANNEL/QUALITY/HOUR': [names without .ts]}, and nothing else."""
        base = self.path(where)
        shutil.rmtree(base, ignore_errors=True)
        os.makedirs(base)
        for hour, names in hours.items():
            os.makedirs(os.path.join(base, hour))
            for name in names:
                with open(os.path.join(base, hour, name + '.ts'), 'w'):
                    pass

    def files(self):
        """Everything below, with mode and what is in it."""
        found = {}
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.islink(path):
                    continue
                with open(path, 'rb') as file:
                    found[os.path.relpath(path, self.root)] = (
                        stat.S_IMODE(os.stat(path).st_mode), file.read())
        return found


def full(*segments):
    return ['%s-%s-full-Hash' % segment for segment in segments]


WHOLE = full(('00:00', 3600))
DAY, NIGHT = '2025-11-14T', '2025-11-15T'
SOURCE, LOW = 'desertbus/source/', 'desertbus/480p/'
LIVE = full(('00:00', 2751.608), ('45:51.608', 2))


def node1():
    return {
        SOURCE + DAY + '22': full(('00:00', 600), ('10:04.5', 2995.5)),
        SOURCE + DAY + '23': WHOLE,
        SOURCE + NIGHT + '01': WHOLE,
        SOURCE + NIGHT + '02': full(
            ('00:00', 800), ('14:02', 1909.608), ('45:51.608', 2)),
        LOW + DAY + '22': WHOLE + full(('00:00', 20)) + ['nonsense'],
        LOW + DAY + '23': full(('00:00', 1800), ('30:12', 1785.75)) + [
            '30:00-12-suspect-Hash', '30:00-4-partial-Hash'],
        LOW + NIGHT + '00': full(('00:01.25', 3598.75)),
        LOW + NIGHT + '01': WHOLE,
        LOW + NIGHT + '02': LIVE + ['45:53.608-2-temp-x'],
    }


def node2():
    return {
        SOURCE + DAY + '22': WHOLE,
        SOURCE + DAY + '23': WHOLE,
        SOURCE + NIGHT + '00': full(('00:00', 1200), ('20:30', 2370)),
        SOURCE + NIGHT + '01': WHOLE,
        SOURCE + NIGHT + '02': full(
            ('00:00', 830), ('14:10', 1901.608), ('45:51.608', 2)),
        LOW + DAY + '23': full(('00:00', 3595)),
        LOW + NIGHT + '00': WHOLE,
    }


def healthy():
    return {quality + hour: names for quality in (SOURCE, LOW)
            for hour, names in ((DAY + '23', WHOLE), (NIGHT + '00', WHOLE),
                                (NIGHT + '01', WHOLE), (NIGHT + '02', LIVE))}


# Examples: by hand, and with jq

def example(manual, place, name, wanted, status=0, **more):
    """Runs it; stdout is what the manual shows, or as given here."""
    done = place.shell(manual.text('example', name), **more)
    if ('output', name) in manual.marked:
        wanted = manual.text('output', name)
        tap.ok(done[1].startswith(wanted), name + ': as the manual shows it',
               done[1], 'and not', wanted)
        tap.same((done[0], done[2]), (status, ''), name + ': and no error')
    else:
        tap.same(done, (status, place.redirect(wanted), ''), name)


QUALITIES = {    # what comes of the recipes, all of the report of node1
    'jq-summary':
        'desertbus\tsource\t0.78742\t3\t3646.5\t6.392\n'
        'desertbus\t480p\t0.999795\t1\t3.5\t6.392\n',
    'jq-long-holes':
        'source\t2025-11-14T22:10:00.000000Z\t2025-11-14T22:10:04.500000Z\t'
        '4.5\n'
        'source\t2025-11-15T00:00:00.000000Z\t2025-11-15T01:00:00.000000Z\t'
        '3600\n'
        'source\t2025-11-15T02:13:20.000000Z\t2025-11-15T02:14:02.000000Z\t'
        '42\n'
        '480p\t2025-11-14T23:59:57.750000Z\t2025-11-15T00:00:01.250000Z\t'
        '3.5\n',
    'jq-hours':
        'source\t2025-11-14T22\t1\t4.5\n'
        'source\t2025-11-15T02\t1\t42\n'
        '480p\t2025-11-14T23\t1\t2.25\n'
        '480p\t2025-11-15T00\t1\t1.25\n',
    'jq-worst-hour':
        'source\t2025-11-15T02\t42\n'
        '480p\t2025-11-14T23\t2.25\n',
    'jq-days':
        'source\t2025-11-14\t4.5\n'
        'source\t2025-11-15\t3642\n'
        '480p\t2025-11-14\t2.25\n'
        '480p\t2025-11-15\t1.25\n',
    'jq-fetch': '2025-11-14T22\n2025-11-14T23\n2025-11-15T00\n2025-11-15T02\n',
    'jq-missing': 'source\t2025-11-15T00\t2025-11-15T00\t1\n',
    'jq-incomplete':
        '480p\t2025-11-14T23:30:00.000000Z\t2025-11-14T23:30:12.000000Z\t'
        '12\n',
    'jq-overlaps':
        '480p\t2025-11-14T22\t20\n'
        '480p\t2025-11-14T23\t4\n',
    'jq-bad': '"/srv/segments/desertbus/480p/2025-11-14T22/nonsense.ts"\n',
    'jq-errors': '',
}

def by_hand(manual, place):
    place.archive('srv/segments', node1())
    place.archive('nodes/node2', node2())
    example(manual, place, 'look', None)
    example(manual, place, 'both', '')
    example(manual, place, 'compare', None)
    example(manual, place, 'stopped', None)
    tap.same(manual.text('example', 'both').count('ssh $node'), 1,
             'both: each over SSH')
    elsewhere(manual, place)
    # a node that could not be read to the end has nothing to say
    os.symlink('loop', place.path('nodes/node2/desertbus/source/2025-11-15T00')
               + 'x')
    loop = place.path('nodes/node2/desertbus/480p/2025-11-14T20')
    os.symlink(loop, loop)
    tap.same(place.shell(manual.text('example', 'both'))[0], 2,
             'both: the status of a node in trouble')
    status, out, err = place.shell(manual.text('example', 'compare'))
    tap.ok(status != 0 and out == '' and 'incomplete' in err,
           'compare: no answer where node2 is not complete', out, err)


def elsewhere(manual, place):
    """Node2 in other states than the example's."""
    text = manual.text('example', 'both')
    narrow = text.replace('-6h', '2025-11-15T00')
    tap.ok(narrow != text, 'both: has a window')
    tap.same(place.shell(narrow)[0], 0, 'both: in a narrower window')
    tap.same(place.shell(manual.text('example', 'compare'))[1],
             'source\t2025-11-15T00:00:00.000000Z\t3600\t3570\n'
             'source\t2025-11-15T02:13:20.000000Z\t42\t30\n'
             '480p\t2025-11-15T00:00:00.000000Z\t1.25\t1.25\n',
             'compare: in a narrower window')
    away = place.path('nodes/node2/desertbus/480p')
    os.rename(away, away + '.away')
    tap.same(place.shell(text)[0], 0, 'both: node2 lacks a quality')
    tap.same(place.shell(manual.text('example', 'compare'))[1].splitlines()[-1],
             '480p\t2025-11-14T23:59:57.750000Z\t3.5\t0',
             'compare: what node2 lacks too is in nobody\'s hands')
    os.rename(away + '.away', away)
    begins_late(manual, place)


def begins_late(manual, place):
    """A hole of node2 that begins the window is not in its start and end."""
    base = place.path('nodes/node2/desertbus/source')
    kept = os.path.join(base, '..', 'kept')
    os.rename(os.path.join(base, '2025-11-15T00'), kept)
    place.shell(manual.text('example', 'both').replace('-6h', '2025-11-15T00'))
    tap.same(place.shell(manual.text('example', 'compare'))[1].splitlines()[0],
             'source\t2025-11-15T00:00:00.000000Z\t3600\t0',
             'compare: node2 has nothing of the window\'s first hour')
    os.rename(kept, os.path.join(base, '2025-11-15T00'))


def with_jq(manual, place):
    place.archive('srv/segments', node1())
    example(manual, place, 'report', '')
    for name, wanted in QUALITIES.items():
        example(manual, place, name, wanted)
    example(manual, place, 'jq-whole', 'false\n', 1)
    tap.same(sorted(name for name in manual.names('example')
                    if name.startswith('jq-')),
             sorted([*QUALITIES, 'jq-whole']), 'no recipe is left out')
    tap.ok(len(QUALITIES) + 1 >= 12, 'they are a dozen')

    place.archive('srv/segments', healthy())
    example(manual, place, 'report', '')
    example(manual, place, 'jq-whole', 'true\n')
    for name in sorted(QUALITIES):
        if name not in ('jq-summary',):
            example(manual, place, name, '')

    loop = place.path('srv/segments/desertbus/480p/2025-11-14T20')
    os.symlink(loop, loop)
    tap.same(place.shell(manual.text('example', 'report'))[0], 2,
             'report: trouble is its status')
    example(manual, place, 'jq-whole', 'false\n', 1)
    example(manual, place, 'jq-errors', '{"path":"/srv/segments/desertbus/'
            '480p/2025-11-14T20","message":"Too many levels of symbolic '
            'links"}\n')


# Examples: unattended

def crontab(manual, place):
    """(environment, schedule, command), read as cron(8) reads it."""
    environment = {'SHELL': '/bin/sh', 'PATH': '/usr/bin:/bin',
                   'HOME': place.home, 'LOGNAME': 'root'}
    jobs = []
    for line in place.redirect(manual.text('example', 'crontab')).splitlines():
        match = re.match(r'(\w+)\s*=\s*(.*)$', line)
        if match:
            environment[match.group(1)] = match.group(2)
        else:
            *when, command = line.split(None, 5)
            jobs.append((' '.join(when), command))
    assert len(jobs) == 1
    return (environment, *jobs[0])


def cron_job(environment, command):
    """Runs it as cron does; what it says is what is mailed."""
    return run(['env', '-i', *('%s=%s' % pair for pair in
                               environment.items()),
                environment['SHELL'], '-c', command],
               cwd=environment['HOME'])


def unattended(manual, place):
    environment, when, command = crontab(manual, place)
    tap.same(when, '*/5 * * * *', 'crontab: every five minutes')
    tap.ok('%' not in command, 'crontab: no % in the command')
    place.archive('srv/segments', healthy())
    before = place.files()
    tap.same(cron_job(environment, command), (0, '', ''),
             'crontab: silent where all is well')
    made = {path: mode for path, (mode, _) in place.files().items()
            if path not in before}
    wanted = [COLLECTED, MAPS + 'desertbus_source_coverage.png',
              MAPS + 'desertbus_source_coverage.html']
    tap.same(made, dict.fromkeys(wanted, 0o644),
             'crontab: metrics, map and page for everybody to read')
    tap.same(cron_job(environment, command), (0, '', ''),
             'crontab: and once more')
    loop = place.path('srv/segments/desertbus/source/2025-11-15T00')
    shutil.rmtree(loop)
    os.symlink(loop, loop)
    tap.same(cron_job(environment, command), (2, '', 'segment-coverage: %s: '
             'Too many levels of symbolic links\n' % loop),
             'crontab: not where something is wrong')


def check(manual, place):
    place.archive('srv/segments', healthy())
    text = manual.text('example', 'check')
    environment = {'PATH': place.path('usr/local/bin') + ':/usr/bin:/bin'}

    def checked(status, err, paged, what):
        tap.same(run(['sh', '-c', place.redirect(text)], env=environment,
                     cwd=place.home), (status, '', err), 'check: ' + what)
        tap.same(os.path.exists(place.paged), paged,
                 'check: %s is paged' % ('somebody' if paged else 'nobody'))
        if os.path.exists(place.paged):
            os.unlink(place.paged)

    checked(0, '', False, 'all is well')
    place.at('2025-11-15T02:47:00')
    checked(0, 'segment-coverage: desertbus/source: the newest segment ended '
            '66.392 s ago, at 2025-11-15T02:45:53.608000Z; --max-age is '
            '60 s\n', True, 'the stream has stopped')
    place.at(NOW)
    place.archive('srv/segments', node1())
    checked(0, 'segment-coverage: desertbus/source: a hole of 3600 s from '
            '2025-11-15T00:00:00.000000Z to 2025-11-15T01:00:00.000000Z\n'
            'segment-coverage: desertbus/source: a hole of 42 s from '
            '2025-11-15T02:13:20.000000Z to 2025-11-15T02:14:02.000000Z\n',
            True, 'holes of the last two hours')


def units(manual, place):
    """The units, and what the service runs."""
    place.archive('srv/segments', healthy())
    directory = place.path('units')
    os.mkdir(directory)
    os.makedirs(place.path(MAPS))
    paths = []
    for name in ('segment-coverage.service', 'segment-coverage.timer'):
        paths.append(os.path.join(directory, name))
        with open(paths[-1], 'w') as file:
            file.write(place.redirect(manual.text('file', name)))
    if have('systemd-analyze'):
        tap.same(run(['systemd-analyze', 'verify', '--man=no', *paths],
                     env=place.environment()), (0, '', ''),
                 'systemd: its units are right')
        status, out, _ = run(['systemd-analyze', 'calendar', '*:0/5'],
                             env=place.environment())
        tap.ok(status == 0 and 'OnCalendar=*:0/5\n' in manual.text(
            'file', 'segment-coverage.timer') and '*:00/5:00' in out,
            'systemd: every five minutes', out)
    else:
        skip('systemd: its units are right', 'no systemd-analyze here')
    with open(paths[0]) as file:
        text = file.read().replace('\\\n', ' ')
    before = place.files()
    command = re.search('^ExecStart=(.*)$', text, re.M).group(1)
    tap.same(run(shlex.split(command), env={}, cwd='/'), (0, '', ''),
             'systemd: what the service runs')
    changed = {path for path, content in place.files().items()
               if before.get(path) != content}
    tap.same(changed, {COLLECTED} | {
        MAPS + 'desertbus_%s_coverage.png' % quality
        for quality in ('source', '480p')}, 'systemd: what it writes')
    writable = re.findall('^ReadWritePaths=(.*)$', text, re.M)
    tap.ok(all(os.path.dirname(place.path(path)) in writable
               for path in changed), 'systemd: is what it may write', writable)


# Examples: Prometheus

RUNS_END = 115      # minutes; after that the tool runs no more
SAMPLE = re.compile(r'^(\w+)\{(.*)\} (\S+)$')
MINUTES = 150


def stream(minute):
    """What the archive holds at a minute of the first hours of 1970."""
    hours = {'desertbus/source/1970-01-01T%02d' % hour: [] for hour in
             range(minute // 60 + 1)}
    hours['desertbus/480p/1970-01-01T00'] = []
    for at in range(minute):
        if 80 <= at < 90:
            continue
        # half of minute 40 is lost, minute 50 comes twice
        length = 30 if at == 40 else 60
        hours['desertbus/source/1970-01-01T%02d' % (at // 60)] += full(
            ('%02d:00' % (at % 60), length)) + (
            full(('%02d:00' % (at % 60), 45)) if at == 50 else [])
    return hours


def scraped(place):
    """The series that a collector would have of the program's metrics."""
    series = {}
    for minute in range(5, RUNS_END + 1, 5):
        place.archive('srv/segments', stream(minute))
        if minute in (100, 105):
            loop = place.path('srv/segments/desertbus/source/1969-12-31T23')
            os.symlink(loop, loop)
        place.at('1970-01-01T%02d:%02d:00' % divmod(minute, 60))
        done = place.shell(
            'segment-coverage -n -f none -q source,480p -b /srv/segments -m '
            '/var/lib/prometheus/node-exporter/coverage.prom desertbus')
        assert done[0] == (2 if minute in (100, 105) else 0), done
        until = minute + 5 if minute < RUNS_END else MINUTES + 1
        with open(place.path(COLLECTED), encoding='ascii') as file:
            for line in file:
                if line.startswith('#'):
                    continue
                name, labels, value = SAMPLE.match(line).groups()
                values = series.setdefault(
                    '%s{%s,instance="node1:9100",job="node"}' % (name, labels),
                    ['_'] * (MINUTES + 1))
                values[minute:until] = [value] * (until - minute)
    place.at(NOW)
    return [{'series': name, 'values': ' '.join(values)}
            for name, values in sorted(series.items())]


def labels(**more):
    return dict(channel='desertbus', instance='node1:9100', job='node', **more)


SCRAPED = 'node_textfile_scrape_error{instance="node1:9100",job="node"}'
ALERTS = {  # name: [(from, to, labels, summary)], first and last minute
    'StreamStalled': [
        (85, 89, labels(quality='source'),
         'desertbus/source: no new segment for 5m 0s'),
        (90, 94, labels(quality='source'),
         'desertbus/source: no new segment for 10m 0s')],
    'NoSegments': [
        (15, 150, labels(quality='480p'),
         'desertbus/480p: no segments at all')],
    'NewHoles': [
        (51, 74, labels(quality='source'),
         'desertbus/source: 30s more in holes'),
        (101, 124, labels(quality='source'),
         'desertbus/source: 10m 0s more in holes')],
    'CoverageInTrouble': [
        (106, 109, labels(quality=quality),
         'segment-coverage has 1 errors: see its mail or journal')
        for quality in ('480p', 'source')],
    'CoverageNotRun': [
        (0, 4, {}, 'segment-coverage has not run')] + [
        (131, 150, labels(quality=quality), 'segment-coverage has not run')
        for quality in ('480p', 'source')],
    'CoverageNotCollected': [
        (30, 35, {'instance': 'node1:9100', 'job': 'node'},
         'a file of the textfile collector is refused')],
}


def alert_cases():
    """Each alert at each end of when it fires, and just outside."""
    cases = []
    for name, spells in ALERTS.items():
        edges = {at for first, last, *_ in spells
                 for at in (first - 1, first, last, last + 1)}
        for at in sorted(edges):
            if 0 <= at <= MINUTES:
                cases.append({
                    'eval_time': '%dm' % at, 'alertname': name,
                    'exp_alerts': [
                        {'exp_labels': found,
                         'exp_annotations': {'summary': summary}}
                        for first, last, found, summary in spells
                        if first <= at <= last]})
    return cases


def sample(value, name='', **found):
    text = '%s{%s}' % (name, ', '.join(
        '%s=%s' % (label, json.dumps(found[label])) for label in found))
    return {'labels': text, 'value': value}


def quality_sample(value, name='', **more):
    return sample(value, name, **labels(quality='source', **more))


PANELS = {  # at 95 minutes: what each query has to say
    'Covered, of what should be': [
        quality_sample(0.889473, 'segment_coverage_raw_ratio')],
    'Lost to holes, in seconds': [
        sample(0, 'segment_coverage_raw_hole_seconds',
               **labels(quality='480p')),
        quality_sample(630, 'segment_coverage_raw_hole_seconds')],
    "The newest segment's age, in seconds": [quality_sample(60)],
    'Holes by hour, a bar chart': [
        sample(1, hour='1970-01-01T00'), sample(1, hour='1970-01-01T01')],
    'The ten hours with the least coverage, a table': [
        quality_sample(1500, 'raw_coverage', hour='1970-01-01T01'),
        quality_sample(3570, 'raw_coverage', hour='1970-01-01T00')],
    'Downloaded more than once, in seconds': [
        sample(0, quality='480p'), sample(45, quality='source')],
    'The worst node, of several that are scraped': [
        sample(630, instance='node1:9100')],
}


def panels(manual):
    """{title: query} of the example."""
    found = {}
    for block in manual.text('example', 'grafana').strip().split('\n\n'):
        title, query = block.split('\n', 1)
        found[title[2:]] = query
    return found


def prometheus(manual, place):
    name = 'segment-coverage.rules.yml'
    queries = panels(manual)
    tap.same(sorted(queries), sorted(PANELS), 'grafana: the panels')
    rules = re.findall(r'alert: (\w+)', manual.text('file', name))
    tap.same(sorted(rules), sorted(ALERTS), 'alerts: the rules')
    if not have('promtool'):
        skip('alerts: they fire', 'no promtool here')
        return
    with open(place.path(name), 'w') as file:
        file.write(manual.text('file', name))
    status, out, err = run(['promtool', 'check', 'rules', place.path(name)])
    tap.ok(status == 0 and '%d rules found' % len(ALERTS) in out,
           'alerts: promtool check rules', out, err)
    series = scraped(place)
    tap.ok(len(series) > 50, 'alerts: there are series', len(series))
    series.append({'series': SCRAPED, 'values': '0x29 1x5 0x%d' % (
        MINUTES - 36)})

    def tested(group, what):
        # promtool reads YAML, which JSON is too
        with open(place.path('rules.test'), 'w') as file:
            json.dump({'rule_files': [name], 'evaluation_interval': '1m',
                       'tests': [dict(interval='1m', **group)]}, file)
        status, out, err = run(['promtool', 'test', 'rules',
                                place.path('rules.test')], cwd=place.root)
        tap.ok(status == 0, what, out, err)

    for alert in ALERTS:
        tested({'input_series': series, 'alert_rule_test': [
            case for case in alert_cases() if case['alertname'] == alert]},
            'alerts: %s fires when it should, and only then' % alert)
    tested({'input_series': [], 'alert_rule_test': [
        {'eval_time': '0m', 'alertname': 'CoverageNotRun', 'exp_alerts': [
            {'exp_labels': {}, 'exp_annotations': {
                'summary': 'segment-coverage has not run'}}]}]},
        'alerts: CoverageNotRun where there are no metrics at all')
    for title, wanted in PANELS.items():
        at = '96m' if 'age' in title else '95m'
        tested({'input_series': series, 'promql_expr_test': [
            {'expr': queries[title], 'eval_time': at,
             'exp_samples': wanted}]}, 'grafana: ' + title)


# Examples: the move from the Python service

def compose(manual, place):
    place.archive('srv/segments', healthy())
    arguments = json.loads(manual.text('file', 'docker-compose')
                           .replace('/mnt', place.path('srv/segments')))
    tap.same(run([place.path('usr/local/bin/segment-coverage'), *arguments,
                  '--check', '--format', 'none']), (0, '', ''),
             'docker-compose: its command line is understood')
    script = place.redirect(manual.text('example', 'compose'))
    if not have('pg_virtualenv', 'psql'):
        skip('docker-compose: translated', 'no PostgreSQL here')
        return
    with open(place.path('compose'), 'w') as file:
        file.write('''
            printf '[wubloader]\\nhost=%%s\\nport=%%s\\nuser=%%s\\npassword=%%s
dbname=%%s\\n' "$PGHOST" "$PGPORT" "$PGUSER" "$PGPASSWORD" "$PGDATABASE" \\
                >%s/.pg_service.conf
            psql -qc "CREATE TABLE nodes (name TEXT, url TEXT,
                backfill_from BOOLEAN);
                INSERT INTO nodes VALUES
                ('node1', 'https://node1.example.org', true)" || exit 3
            unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE
            HOME=%s PATH=%s:$PATH; export HOME PATH
            %s''' % (place.home, place.home, place.path('usr/local/bin'),
                     script))
    shutil.rmtree(place.path(MAPS), ignore_errors=True)
    os.unlink(place.path(COLLECTED))
    status, out, err = run(['pg_virtualenv', '-s', 'sh',
                            place.path('compose')])
    ours = [line for line in err.splitlines() if 'segment-coverage' in line]
    tap.same((status, ours), (0, []), 'docker-compose: translated')
    made = {path: content for path, (_, content) in place.files().items()}
    page = made.get(MAPS + 'desertbus_source_coverage.html', b'')
    tap.ok(b'https://node1.example.org/segments/coverage-maps/' in page,
           'docker-compose: the page has the node of the database', err)
    picture = made.get(MAPS + 'desertbus_480p_coverage.png', b'')
    tap.same(int.from_bytes(picture[16:20], 'big'), (8 * 24 + 1) * 6,
             'docker-compose: the map is as wide as the event')
    tap.ok(COLLECTED in made, 'docker-compose: and there are metrics')


# Lists

def help_options():
    """{option: (argument, text)} of --help; an option is (letter, word)."""
    status, out, err = run([PROGRAM, '--help'])
    assert (status, err) == (0, ''), err
    lines = out.splitlines()
    tap.ok(len(lines) <= 60 and max(map(len, lines)) <= 80,
           'help: one page of 80 columns')
    options, last = {}, None
    for line in lines:
        match = re.match(r'  (?:-(\w), |    )--([\w-]+)(?: ([A-Z=]+))?'
                         r'(?:\s{1,}(.*))?$', line)
        if match:
            last = (match.group(1) or '', match.group(2))
            options[last] = [match.group(3) or '', match.group(4) or '']
        elif last and re.match(r'\s{20,}\S', line):
            options[last][1] += ' ' + line.strip()
        elif line:
            last = None
    return {option: (argument, text.strip())
            for option, (argument, text) in options.items()}, out


def manual_options(manual):
    """The same of the manual's table of options."""
    lines = manual.section('DESCRIPTION')
    number = lines.index('The options, each with its default:') + 1
    options, last, depth = {}, None, 0
    for line in lines[number:]:
        depth += line.startswith('.Bl')
        depth -= line.startswith('.El')
        if depth == 0:
            break
        match = re.match(
            r'\.It Fl (?:(\w) , )?-([\w-]+)(?: Ar (\S+))?$', line)
        if match and depth == 1:
            last = (match.group(1) or '', match.group(2))
            options[last] = (match.group(3) or '', [])
        elif last:
            options[last][1].append(line)
    return {option: (argument, shown(body))
            for option, (argument, body) in options.items()}


def synopsis_options(manual):
    """[(name, argument)] of the SYNOPSIS, letters before words."""
    found = []
    for line in manual.section('SYNOPSIS'):
        match = re.match(r'\.Op Fl (-?[\w-]+)(?: Ar (\S+))?$', line)
        if match and match.group(1).startswith('-'):
            found.append((match.group(1)[1:], match.group(2) or ''))
        elif match and match.group(2):
            found.append((match.group(1), match.group(2)))
        elif match:
            found += [(letter, '') for letter in match.group(1)]
        elif line.startswith('.Fl '):
            found += [(letter, '') for letter in
                      line[4:].replace('|', ' ').split()]
    return found


def options(manual):
    ours, text = help_options()
    theirs = manual_options(manual)
    tap.same(list(theirs), list(ours), 'options: the manual has those of '
             '--help, in that order')
    tap.same({option: argument for option, (argument, _) in theirs.items()},
             {option: argument for option, (argument, _) in ours.items()},
             'options: with the same arguments')
    tap.same(sorted(synopsis_options(manual)), sorted(
        (letter or word, argument)
        for (letter, word), (argument, _) in ours.items()),
        'options: the SYNOPSIS has them all')
    for option, (_, words) in ours.items():
        said = theirs.get(option, ('', ''))[1]
        default = re.search(r'\(([^)]*)\)', words)
        if default:
            words = words.replace(default.group(0), '')
            tap.ok('by default ' + default.group(1).lower() in said,
                   'options: --%s by default %s' % (
                       option[1], default.group(1)), said)
        else:
            tap.ok('by default' not in said or option[1] in (
                'metrics', 'all-hours', 'connection-string', 'no-map'),
                'options: --%s has no default to name' % option[1], said)
        for clause in re.split(r'[;:,]', words.lower()):
            clause = ' '.join(clause.split())
            tap.ok(clause in said, 'options: --%s: %s' % (option[1], clause),
                   said)
    return text


def types(value):
    return {bool: 'boolean', int: 'number', float: 'number', str: 'string',
            list: 'array', dict: 'object', type(None): 'null'}[type(value)]


def walk(value, path, found):
    """Collects {path: {key: {types}}}; an array's elements are PATH[]."""
    if isinstance(value, list):
        for element in value:
            walk(element, path + '[]', found)
    elif isinstance(value, dict):
        keys = found.setdefault(path or '.', {})
        for key, member in value.items():
            keys.setdefault(key, set()).add(types(member))
            walk(member, path + '.' + key, found)


def rich(place):
    """An archive that has one of everything, and its report's keys."""
    hours = node1()
    hours['desertbus/none/2025-11-15T00'] = []
    hours['desertbus/empty/2025-11-15T00'] = full(('00:00', 0))
    place.archive('srv/segments', hours)
    loop = place.path('srv/segments/desertbus/source/2025-11-14T20')
    os.symlink(loop, loop)
    found = {}
    for window in ([], ['--first-hour', '2025-11-14T20', '--last-hour',
                        '2025-11-15T02']):
        _, out, _ = run([PROGRAM, '-n', '-f', 'json', '--now', NOW,
                         '-b', place.path('srv/segments'), '-m',
                         place.path('rich.prom'), '-q',
                         'source,480p,none,empty,absent', *window,
                         'desertbus'])
        walk(json.loads(out), '', found)
    return found


def listed_keys(manual, name):
    """{key: (types, keys named in its text)} of a list."""
    found = {}
    for head, body in manual.entries('keys', name):
        match = re.match(r'Ic (.*) Pq (.*)$', ' '.join(head))
        inner = re.findall(r'^\.Ic (\w+)', '\n'.join(body), re.M)
        for key in match.group(1).split(' , '):
            found[key] = (set(match.group(2).split(', ')), set(inner))
    return found


SAME = {    # objects that the manual describes once
    '.reports[].editable': '.reports[].raw',
    '.reports[].editable.holes[]': '.reports[].raw.holes[]',
    '.reports[].raw.longest_hole': '.reports[].raw.holes[]',
    '.reports[].editable.longest_hole': '.reports[].raw.holes[]',
    '.reports[].incomplete.spans[]': '.reports[].raw.holes[]',
    '.reports[].hours[].raw.holes[]': '.reports[].raw.holes[]',
    '.reports[].hours[].editable.holes[]': '.reports[].raw.holes[]',
    '.reports[].hours[].segments': '.reports[].segments',
    '.reports[].hours[].overlaps': '.reports[].overlaps',
}


def keys(manual, place):
    found = rich(place)
    lists = {name: listed_keys(manual, name)
             for name in manual.names('keys')}
    for path, members in sorted(found.items()):
        listed = lists.get(SAME.get(path, path))
        if listed is not None:
            tap.same({key: kinds for key, (kinds, _) in listed.items()}
                     if path == SAME.get(path, path) else set(listed),
                     members if path == SAME.get(path, path)
                     else set(members), 'keys: ' + path)
            continue
        # then its key's text, in its parent's list, names the members
        parent, key = re.match(r'(.*)\.(\w+)(?:\[\])?$', path).groups()
        parent = SAME.get(parent, parent)
        if parent in lists:
            inner = set(members)
            for below in found:
                if below.startswith(path + '.') and below not in SAME:
                    inner |= set(found[below])
            tap.same(lists[parent][key][1], inner, 'keys: ' + path)
        else:
            grandparent = parent.rpartition('.')[0]
            tap.ok(set(members) <= lists[grandparent][
                parent.rpartition('.')[2]][1], 'keys: ' + path)
    tap.ok(set(lists) <= set(found), 'keys: no list of what is not there',
           set(lists) - set(found))


def metrics(manual, place):
    rich(place)
    found = {}      # name: (labels, values of type)
    with open(place.path('rich.prom'), encoding='ascii') as file:
        for line in file:
            if line.startswith('#'):
                continue
            name, labels_text, _ = SAMPLE.match(line).groups()
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels_text))
            kinds = found.setdefault(name, (set(pairs), []))[1]
            if 'type' in pairs and pairs['type'] not in kinds:
                kinds.append(pairs['type'])
    listed = {}
    for name in manual.names('metrics'):
        before = []
        for head, body in manual.entries('metrics', name):
            assert head[0] == 'Ic', head
            has = {'channel', 'quality'} | ({'hour'} if name == 'hour'
                                            else set()) | (
                {'type'} if head[2:] == ['Pq', 'type'] else set())
            kinds = []
            if 'type' in has:
                match = re.search(r'^\.Cm (.*) \.$', '\n'.join(body), re.M)
                kinds = match.group(1).split(' , ') if match else before
                before = kinds
            listed[head[1]] = (has, kinds)
    tap.same(sorted(listed), sorted(found), 'metrics: the names')
    for name in sorted(found):
        tap.same(listed.get(name), found[name], 'metrics: ' + name)


def provoked(place):
    """What the program says where its messages are put together of parts."""
    place.archive('srv/segments', {
        SOURCE + '1936-08-01T12': WHOLE, SOURCE + NIGHT + '00': WHOLE})
    base = place.path('srv/segments')
    for name in ('file', 'desertbus/low'):
        with open(os.path.join(base, name), 'w'):
            pass
    return ''.join(
        run([PROGRAM, '-f', 'none', '-b', *arguments])[2]
        for arguments in ([place.path('nowhere'), 'ch'], [base, 'ch'],
                          [base, 'file'], [base, 'desertbus']))


def messages(manual, place):
    """What the manual quotes is what the program has to say."""
    with open(PROGRAM, 'rb') as file:
        binary = file.read().decode('latin-1')
    said = provoked(place) + '\n'.join(map(os.strerror, range(1, 134)))
    for name in manual.names('messages'):
        for head, _ in manual.entries('messages', name):
            text = ' '.join(head)
            text = re.sub(r'(^| )Fl -', r'\1--', text)
            text = text.replace(' Ns ', '')
            text = re.sub(r"Ar [^\s']+", '\0', text)
            text = re.sub(r'(^| )No(?= |$)', '', text).replace('\\&', '')
            text = re.sub(r' ([,:;])', r'\1', text).replace('...', '\0')
            pattern = '.*'.join(map(re.escape, text.split('\0')))
            pieces = [piece for piece in re.split(
                "[\0:']", text.replace('--', '\0--')) if len(piece) > 2]
            tap.ok(re.search(pattern, said) or
                   pieces and all(piece.strip().replace('%', '%%') in binary
                                  for piece in pieces),
                   'messages: ' + text.replace('\0', '*'), pieces)


def statuses(manual, place, help_text):
    listed = re.findall(r'^\.It Li (\d+)$', '\n'.join(
        manual.section('EXIT STATUS')), re.M)
    line = next(line for line in help_text.splitlines()
                if line.startswith('Exit status: '))
    tap.same(listed, re.findall(r'\d+', line), 'exit status: as in --help')
    place.archive('srv/segments', node1())
    base = place.path('srv/segments')
    got = [run([PROGRAM, '-n', '-b', base, '--now', NOW, *arguments])[0]
           for arguments in (['desertbus'], ['-c', 'desertbus'], ['elsewhere'],
                             ['-q', '480p', '--first-hour', 'now', '-c',
                              'desertbus'])]
    tap.same(got, [0, 1, 2, 0], 'exit status: and the program has them')
    tap.same(sorted(map(str, set(got))), listed, 'exit status: and no other')


def environment(manual):
    """The variables that the program itself asks for are in the manual."""
    with open(PROGRAM, 'rb') as file:
        binary = file.read()
    listed = re.findall(r'\b[A-Z][A-Z_]+\b', '\n'.join(
        line for line in manual.section('ENVIRONMENT')
        if line.startswith('.It Ev')))
    for name in ('NO_COLOR', 'TERM'):
        tap.ok(name in listed and name.encode() + b'\0' in binary,
               'environment: ' + name)


def lint():
    if not have('mandoc'):
        skip('mandoc -Tlint', 'no mandoc here')
        return
    # a manual that is not installed here may be referred to all the same
    _, out, err = run(['mandoc', '-Tlint', '-Wstyle', MANUAL])
    found = [line for line in out.splitlines()
             if 'referenced manual not found' not in line]
    tap.same(found, [], 'mandoc -Tlint -Wstyle')
    status, out, err = run(['mandoc', '-Tascii', MANUAL])
    tap.ok(status == 0 and max(len(re.sub('.\b', '', line)) for line in
                               out.splitlines()) <= 80,
           'mandoc: 80 columns, examples too', *[
               line for line in out.splitlines()
               if len(re.sub('.\b', '', line)) > 80])


def main():
    if not os.access(PROGRAM, os.X_OK):
        print('Bail out! no program: ' + PROGRAM)
        return 1
    manual = Manual(MANUAL)
    with tempfile.TemporaryDirectory(prefix='coverage-test.') as directory:
        place = Place(directory)
        lint()
        text = options(manual)
        keys(manual, place)
        metrics(manual, place)
        messages(manual, place)
        statuses(manual, place, text)
        environment(manual)
        by_hand(manual, place)
        with_jq(manual, place)
        unattended(manual, place)
        check(manual, place)
        units(manual, place)
        prometheus(manual, place)
        compose(manual, place)
    return tap.done()


sys.exit(main())
