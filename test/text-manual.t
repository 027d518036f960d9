#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The manual against the program.

Its lists are the program's: the options of SYNOPSIS, DESCRIPTION and --help,
the keys of the JSON (each `.Ic` of the subsection JSON), the metrics (each
`.It Ic` of Metrics), exit statuses, variables and messages. Comments in its
source mark displays that are run as they stand, in order, in one directory:

	.\\" example: NAME [silent] [STATUS]	a script for sh
	.\\" crontab: NAME	lines for cron, which are silent
	.\\" output: NAME	what the example prints, or begins with
	.\\" messages: NAME	a list of what the program may say
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import tap

HERE = sys.path[0]
MANUAL = os.path.join(HERE, '..', 'man', 'segment-coverage.1')
NOW = '2025-11-15T02:46:00'
LINES = pathlib.Path(MANUAL).read_text('ascii').split('\n')


def run(*command, **options):
    """Returns exit status, stdout and stderr."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, encoding='utf-8', **options)
    return done.returncode, done.stdout, done.stderr


def section(macro, title):
    """The lines below a heading, up to the next one."""
    start = LINES.index('.%s %s' % (macro, title)) + 1
    end = next(number for number in range(start, len(LINES))
               if re.match(r'\.S[hs] ', LINES[number]))
    return LINES[start:end]


def marked(*kinds):
    """(kind, name, lines of the display or list that follows) in order."""
    for number, line in enumerate(LINES):
        match = re.match(r'\.\\" (\w+): ?(.*)$', line)
        if match and match.group(1) in kinds:
            end = {'.Bd': '.Ed', '.Bl': '.El'}[LINES[number + 1][:3]]
            block = LINES[number + 2:]
            yield *match.groups(), block[:block.index(end)]


def display(lines):
    """As it is shown."""
    return ''.join(line.replace('\\e', '\\').replace('\\&', '') + '\n'
                   for line in lines)


# Options

def options():
    status, text, err = run(tap.PROGRAM, '--help')
    tap.ok((status, err) == (0, '') and max(map(len, text.splitlines())) <= 80,
           'help: 80 columns', err)
    # {(letter, word): (argument, default)}
    ours = {(letter, word): (argument, re.findall(
        r'\(([^()]*)\)|$', ' '.join(rest.split()))[0])
            for letter, word, argument, rest in re.findall(
                r'^ {2}(?:-(\w), | {4})--([\w-]+)(?: ([A-Z=]+))?'
                r'((?: .*|\n {20}.*)+)', text, re.M)}
    theirs, body = {}, []
    for line in section('Sh', 'DESCRIPTION'):
        match = re.match(
            r'\.It Fl (?:(\w) , )?-([\w-]+)(?: Ar (\S+))?$', line)
        if match:
            body = []
            theirs[match.group(1) or '', match.group(2)] = (
                match.group(3) or '', body)
        body.append(line)
    tap.same([(option, argument) for option, (argument, _) in theirs.items()],
             [(option, argument) for option, (argument, _) in ours.items()],
             'options: the manual has those of --help, in that order')
    for option, (_, default) in ours.items():
        said = ' '.join(theirs.get(option, ('', []))[1]).lower()
        said = re.sub(r'\.(cm|ar|pa|li|ic|fl|sq|dq) |\\&', '', said)
        tap.ok(default.lower() in said, 'options: --%s is %s by default' % (
            option[1], default or '(nothing)'), said)
    found = set()
    for line in section('Sh', 'SYNOPSIS'):
        for long, name, argument in re.findall(
                r'O[op] Fl (-?)([\w-]+)(?: Ar (\S+))?', line):
            found |= {(word, argument) for word in (
                [name] if long or argument else name)}
        if line.startswith('.Fl '):
            found |= {(word, '') for word in
                      line[4:].replace('|', ' ').split()}
    tap.same(sorted(found), sorted((letter or word, argument) for
                                   (letter, word), (argument, _)
                                   in ours.items()),
             'options: the SYNOPSIS has them all')
    return text


# An archive that has one of everything, and a peer's

def segments(base, archive):
    for hour, names in archive.items():
        os.makedirs(os.path.join(base, 'desertbus', hour))
        for name in names:
            os.mknod(os.path.join(base, 'desertbus', hour, name + '.ts'))


WHOLE = ['00:00-3600-full-Hash']
LIVE = ['00:00-2751.608-full-Hash', '45:51.608-2-full-Hash']
NODE1 = {
    'source/2025-11-14T22': ['00:00-600-full-Hash', '10:04.5-2995.5-full-Ab'],
    'source/2025-11-14T23': WHOLE,
    'source/2025-11-15T01': WHOLE,
    'source/2025-11-15T02': ['00:00-800-full-Hash',
                             '14:02-1909.608-full-Hash', LIVE[1]],
    '480p/2025-11-14T22': WHOLE + ['00:00-20-full-Hash', 'nonsense'],
    '480p/2025-11-14T23': ['00:00-1800-full-Hash', '30:12-1785.75-full-Hash',
                           '30:00-12-suspect-Hash', '30:00-4-partial-Hash'],
    '480p/2025-11-15T00': ['00:01.25-3598.75-full-Hash'],
    '480p/2025-11-15T01': WHOLE,
    '480p/2025-11-15T02': LIVE,
}
NODE2 = {
    'source/2025-11-14T22': WHOLE,
    'source/2025-11-15T00': ['00:00-1200-full-Hash', '20:30-2370-full-Hash'],
    'source/2025-11-15T02': ['00:00-830-full-Hash', '14:10-1901.608-full-Ab',
                             LIVE[1]],
    '480p/2025-11-14T23': ['00:00-3595-partial-Hash'],
    '480p/2025-11-15T00': WHOLE,
}


EXAMPLES = '/usr/local/share/doc/segment-coverage/examples'


class Place:
    """The files that examples name, below a directory of the test's own."""

    def __init__(self, root):
        self.root = root
        self.bin = os.path.join(root, 'usr/local/bin')
        self.moved = ['/srv/segments', '/var/lib/prometheus/node-exporter']
        for path in (self.bin, root + '/home', root + self.moved[1]):
            os.makedirs(path)
        os.makedirs(root + '/usr/local/share/doc/segment-coverage')
        os.symlink(os.path.join(HERE, '../man/examples'), root + EXAMPLES)
        pathlib.Path(root, 'nodes').write_text(
            'https://node1.example.org node1\n')
        for name, script in (
                ('segment-coverage', '%s --now %s "$@"' % (
                    shlex.quote(tap.PROGRAM), NOW)),
                ('page-someone', 'echo paged'),
                ('ssh', 'shift; exec sh -c "$*"')):
            path = pathlib.Path(self.bin, name)
            path.write_text('#!/bin/sh\n%s\n' % script)
            path.chmod(0o755)
        segments(root + '/srv/segments', NODE1)
        segments(root + '/node2', NODE2)
        for quality in ('source', '480p'):
            self.sh('segment-coverage -n -f json -b ../node2 -q %s desertbus '
                    '>node2-%s.json' % (quality, quality))
        self.sh('cp node2-source.json node2.json; '
                'segment-coverage -n -f holes -b /srv/segments desertbus | '
                'head -n 1 >known')

    def sh(self, script, **environment):
        for path in self.moved:
            script = script.replace(path, self.root + path)
        status, out, err = run('sh', '-c', script, cwd=self.root + '/home',
                               env={'PATH': self.bin + ':/usr/bin:/bin',
                                    'HOME': self.root + '/home',
                                    'LC_ALL': 'C.UTF-8', **environment})
        return status, out.replace(self.root, ''), err.replace(self.root, '')


# Keys and metrics

def keys_of(value):
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


def listed(title, macros):
    """What is .Ic in the lines of a subsection that begin so."""
    return sorted({word for line in section('Ss', title)
                   if re.match(macros, line)
                   for words in re.findall(r'Ic (\w+(?: , \w+)*)', line)
                   for word in words.split(' , ')})


def keys(place):
    os.symlink('2025-11-14T20',
               place.root + '/srv/segments/desertbus/480p/2025-11-14T20')
    _, out, _ = place.sh(
        'segment-coverage -n -f json -m all.prom -b /srv/segments -q '
        'source,480p,none --peer node2=node2-source.json '
        '--peer node2=node2-480p.json desertbus')
    os.unlink(place.root + '/srv/segments/desertbus/480p/2025-11-14T20')
    tap.same(listed('JSON', r'\.(It )?Ic'), sorted(keys_of(json.loads(out))),
             'JSON: the manual has its keys')
    found = set(re.findall(r'^(\w+)\{', pathlib.Path(
        place.root, 'home/all.prom').read_text('utf-8'), re.M))
    tap.same(listed('Metrics', r'\.It'), sorted(found),
             'metrics: the manual has them')


def messages():
    binary = pathlib.Path(tap.PROGRAM).read_text('latin-1')
    for _, _, lines in marked('messages'):
        for line in lines:
            if not line.startswith('.It '):
                continue
            text = re.sub(r'(^| )Fl -', r'\1--', line[4:])
            text = re.sub(r' Ns | No(?= )|\\&', '', text)
            text = re.sub(r"Ar [^\s',;:]+|\.\.\.", '\0', text)
            text = re.sub(r' ([,:;])', r'\1', text)
            pieces = [piece.strip() for piece in re.split("[\0:']", text)]
            tap.ok(all(piece.replace('%', '%%') in binary or
                       piece in map(os.strerror, range(1, 134))
                       for piece in pieces), 'message: ' + line[4:], pieces)


def statuses(place, text):
    listed = re.findall(r'^\.It (?:Li |Cm )?(\d+)$', '\n'.join(
        section('Sh', 'EXIT STATUS')), re.M)
    tap.same(listed, re.findall(r'\d+', re.search(
        r'Exit status: (.*)', text).group(1)), 'exit status: as in --help')
    tap.same([str(place.sh('segment-coverage -n -b /srv/segments ' + rest)[0])
              for rest in ('desertbus', '-c desertbus', 'elsewhere')],
             listed, 'exit status: and the program has them')


# Examples

def crontab(place, text):
    """Runs each job as cron(8) would; (0, '', '') if all are silent."""
    environment, results = {}, (0, '', '')
    for line in text.splitlines():
        match = re.match(r'(\w+)=(.*)$', line)
        if match:
            environment[match.group(1)] = re.sub(
                '^(-m )?(?=/)', r'\1' + place.root, match.group(2))
            continue
        fields = line.split(None, 5)
        tap.ok(len(fields) == 6 and all(
            re.fullmatch(r'[*/,\d-]+', field) for field in fields[:5]),
            'crontab: ' + line)
        environment.update(
            PATH=place.bin + ':/usr/bin:/bin', NODES=place.root + '/nodes',
            BASE=place.root + '/srv/segments')
        command = re.sub(r'(?<!\\)%', '\n', fields[5]).replace('\\%', '%')
        results = max(results, place.sh(command, **environment))
    return results


def examples(place):
    shown = {name: display(lines) for _, name, lines in marked('output')}
    count = 0
    for kind, name, lines in marked('example', 'crontab'):
        name, *words = name.split()
        wanted = max([0] + [int(word) for word in words if word.isdigit()])
        silent = kind == 'crontab' or 'silent' in words
        text = display(lines)
        count += 1
        status, out, err = (crontab if kind == 'crontab' else Place.sh)(
            place, text)
        tap.ok(status == wanted and (not err or re.search('-c |--check', text)),
               name + ': runs', 'status %d' % status, err)
        if name in shown:
            tap.ok(out.startswith(shown[name]), name + ': as it is shown',
                   out, 'and not', shown[name])
        else:
            tap.ok(bool(out or '>' in text) != silent,
                   name + (': is silent' if silent else ': says something'))
    tap.ok(count > 4, 'examples are run')


def lint():
    # a manual that is not installed here may be referred to all the same
    out = run('mandoc', '-Tlint', '-Wstyle', MANUAL)[1]
    tap.same([line for line in out.splitlines()
              if 'referenced manual not found' not in line
              and 'outdated mandoc.db' not in line], [], 'mandoc -Tlint')
    out = re.sub('.\b', '', run('mandoc', '-Tascii', MANUAL)[1])
    tap.same([line for line in out.splitlines() if len(line) > 80], [],
             'mandoc: 80 columns, examples too')


def main():
    with tempfile.TemporaryDirectory(prefix='coverage-test.') as directory:
        place = Place(directory)
        lint()
        statuses(place, options())
        keys(place)
        messages()
        examples(place)
    tap.done()


main()
